"""Differences between models on the same documents, with intervals over documents and seeds.

A document is hard for one model as it is for another, so a difference is surer than either number: every draw takes the
same documents for both. Where arms were trained with several seeds, a draw takes seeds anew as well.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.errors import InputError
from uncollapse.evaluation.measures import DRAWS, LEVEL, MEASURES

SEED = re.compile(r"^(?P<arm>.+?)[-_/.]?(?:seed|s)?[-_/]?(?P<seed>\d+)/?$")
# Standard errors between nothing and what is seen four times in five at 5 % (two-sided): 1.96 + 0.84.
SEEN = 2.802

COMPARED = ("perplexity", "bits_per_byte", "tail_perplexity", "tail_bits_per_byte")
COLUMNS = ("nats", "tokens", "bytes", "rare_nats", "rare_tokens", "rare_bytes")

Sums = Mapping[str, Float64[ndarray, "_ columns"]]
"""For each seed of an arm the sums of each document, in the same order of documents."""


class Difference(NamedTuple):
    """How much an arm differs from the control in one measure on one file.

    `value` is arm minus control, `low` and `high` its 95 % interval, `smallest` the smallest difference that would have
    been seen four times in five, `seeds` the pairs of seeds and `documents` the texts that it rests upon.
    """

    arm: str
    file: str
    measure: str
    value: float
    low: float
    high: float
    smallest: float
    seeds: int
    documents: int

    @property
    def told(self) -> str:
        """What the interval says."""
        if self.low <= 0 <= self.high:
            return "not told apart"
        return "higher" if self.low > 0 else "lower"


class Run(NamedTuple):
    """The arm and the seed in the name of a model: `edited-2` is seed 2 of `edited`."""

    arm: str
    seed: str


def run_of(model: str) -> Run:
    """The arm and the seed that a model's name says; a name without a number at its end is an arm with one seed."""
    found = SEED.match(model)
    return Run(found["arm"], found["seed"]) if found else Run(model.rstrip("/"), "0")


def differences(
    arm: Sums, control: Sums, *, names: tuple[str, str], seed: int = 0, draws: int = DRAWS
) -> list[Difference]:
    """For each measure of surprise the difference of two arms; `names` are those of the arm and of the file.

    Seeds of equal name are pairs. With one pair the interval is over documents alone.

    Raises:
        InputError: the arms share no seed, or were not read on the same documents.

    Source: percentile bootstrap over both factors (Owen 2007, the pigeonhole bootstrap).
    """
    shared = sorted(set(arm) & set(control))
    if not shared:
        raise InputError(
            f"{names[0]} and the control share no seed: {', '.join(sorted(arm))} against {', '.join(sorted(control))}",
            hint="train both with the same seeds, and let the models' names end in them",
        )
    ours, theirs = (np.stack([side[each] for each in shared]) for side in (arm, control))
    if ours.shape != theirs.shape:
        raise InputError(f"{names[0]} and the control were read on unequal documents", hint="evaluate them on one file")
    drawn = _drawn(ours, theirs, seed=seed, draws=draws)
    found = []
    for measure in COMPARED:
        value = float(np.mean(_of(measure, ours.sum(axis=1)) - _of(measure, theirs.sum(axis=1))))
        values = np.mean(_of(measure, drawn[0]) - _of(measure, drawn[1]), axis=0)
        low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        least = SEEN * float(np.nanstd(values, ddof=1))
        found.append(
            Difference(*names, measure, value, float(low), float(high), least, len(shared), int(ours.shape[1]))
        )
    return found


def _drawn(
    ours: Float64[ndarray, "seeds d columns"], theirs: Float64[ndarray, "seeds d columns"], *, seed: int, draws: int
) -> tuple[Float64[ndarray, "seeds draws columns"], Float64[ndarray, "seeds draws columns"]]:
    """The sums of both arms over the same drawn documents and seeds."""
    generator = np.random.default_rng(seed)
    seeds, count, columns = ours.shape
    which = generator.integers(seeds, size=(seeds, draws))
    sides = np.empty((2, seeds, draws, columns))
    for draw in range(draws):
        weights = np.bincount(generator.integers(count, size=count), minlength=count)
        for side, sums in enumerate((ours, theirs)):
            sides[side, :, draw] = np.tensordot(weights, sums, axes=(0, 1))[which[:, draw]]
    return sides[0], sides[1]


def _of(measure: str, sums: Float64[ndarray, "... columns"]) -> ndarray:
    flat = sums.reshape(-1, sums.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return MEASURES[measure](flat).reshape(sums.shape[:-1])
