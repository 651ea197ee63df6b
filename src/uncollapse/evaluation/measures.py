"""Measures of a model on a file, each with an interval over documents.

Logarithms are natural unless the name says bits.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.evaluation.reading import BINS, Reading

LEVEL = 0.95
DRAWS = 1_000
HELD = 20_000_000  # numbers of one block of draws


class Measure(NamedTuple):
    """A number and the bounds of its 95 % interval (percentiles of a bootstrap over documents).

    The calibration error has none: it is a sum of distances, which every draw with replacement makes larger.
    """

    value: float
    low: float
    high: float


# The columns of the sums that measures are made from.
NATS, TOKENS, BYTES, RARE_NATS, RARE_TOKENS, RARE_BYTES = range(6)
FIRST_BIN = 6

Sums: TypeAlias = Float64[ndarray, "draws columns"]


def _perplexity(sums: Sums) -> ndarray:
    """Exp of the mean surprise of a token."""
    return np.exp(sums[:, NATS] / sums[:, TOKENS])


def _bits_per_byte(sums: Sums) -> ndarray:
    """Surprise in bits over bytes of text: it compares models with unequal tokenizers."""
    return sums[:, NATS] / sums[:, BYTES] / np.log(2)


def _tail_perplexity(sums: Sums) -> ndarray:
    """Perplexity over the tokens of words that occur at most twice in the file."""
    return np.exp(sums[:, RARE_NATS] / sums[:, RARE_TOKENS])


def _tail_bits_per_byte(sums: Sums) -> ndarray:
    """Bits per byte over the tokens of words that occur at most twice in the file."""
    return sums[:, RARE_NATS] / sums[:, RARE_BYTES] / np.log(2)


def _accuracy(sums: Sums) -> ndarray:
    """How often the likeliest token is the one that comes."""
    return _bins(sums)[:, :, 2].sum(axis=-1) / sums[:, TOKENS]


def _calibration_error(sums: Sums) -> ndarray:
    """The mean distance of confidence and accuracy over 15 bins of equal width, weighted by their tokens.

    Source: Guo et al. 2017, equation 3.
    """
    bins = _bins(sums)
    return np.abs(bins[:, :, 1] - bins[:, :, 2]).sum(axis=-1) / sums[:, TOKENS]


def _bins(sums: Sums) -> ndarray:
    return sums[:, FIRST_BIN:].reshape(len(sums), BINS, 3)


MEASURES: Mapping[str, Callable[[ndarray], ndarray]] = {
    "perplexity": _perplexity,
    "bits_per_byte": _bits_per_byte,
    "tail_perplexity": _tail_perplexity,
    "tail_bits_per_byte": _tail_bits_per_byte,
    "accuracy": _accuracy,
    "calibration_error": _calibration_error,
}


def measures_of(reading: Reading, *, seed: int = 0, draws: int = DRAWS) -> dict[str, Measure]:
    """Every measure of a reading with its interval; NaN where it has no tokens to be taken over.

    Source: percentile bootstrap, Efron and Tibshirani 1993, section 13.3; documents are drawn, so that words of one
    document are not taken for independent.
    """
    columns = columns_of(reading)
    drawn = resampled(columns, seed=seed, draws=draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: _with_interval(measure, columns, drawn) for name, measure in MEASURES.items()}


def columns_of(reading: Reading) -> Float64[ndarray, "d columns"]:
    """For each document the sums that measures are made from."""
    plain = (reading.nats, reading.tokens, reading.bytes, reading.rare_nats, reading.rare_tokens, reading.rare_bytes)
    return np.concatenate([np.stack(plain, axis=1), reading.binned.reshape(len(reading), -1)], axis=1).astype(
        np.float64
    )


def resampled(columns: Float64[ndarray, "d columns"], *, seed: int, draws: int) -> Float64[ndarray, "draws columns"]:
    """The sums over as many documents, drawn with replacement, so many times."""
    generator = np.random.default_rng(seed)
    count = len(columns)
    at_once = max(HELD // count, 1)
    found = []
    for begin in range(0, draws, at_once):
        some = min(at_once, draws - begin)
        weights = generator.multinomial(count, np.full(count, 1 / count), size=some)
        found.append(weights @ columns)
    return np.concatenate(found)


def _with_interval(
    measure: Callable[[ndarray], ndarray], columns: Float64[ndarray, "d columns"], drawn: Float64[ndarray, "b columns"]
) -> Measure:
    value = float(measure(columns.sum(axis=0, keepdims=True))[0])
    values = measure(drawn)
    if measure is _calibration_error or len(columns) < 2 or np.isnan(values).all():
        return Measure(value, float("nan"), float("nan"))
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(value, float(low), float(high))
