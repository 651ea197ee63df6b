"""Which share of a corpus a machine wrote, with an interval: a statement that no verdict on single texts allows.

Without labelled machine's texts only a lower bound can be had: however many of them a threshold finds, the flagged
share q exceeds the false-alarm rate F by no more than their share p allows, p >= (q - F) / (1 - F). With them the share
is that mixture of the human and the machine's texts which has the corpus's mean of a bounded score f,

    p = (mean f - mean_human f) / (mean_machine f - mean_human f),

which is Rogan and Gladen's estimate where f is a threshold, and surer where f is the calibrated probability. Corpora of
several domains and lengths are estimated with the known texts weighed as the corpus is made up.

Source: Rogan and Gladen 1978 (threshold); Bella et al. 2010 (mean of probabilities, adjusted).
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.random import Generator
from scipy.stats import norm

from uncollapse.detection.accuracy import LEVEL, Interval

_DRAWS = 20_000


class Flagged(NamedTuple):
    """One group of a corpus: texts read and flagged, and the calibration: the k-th largest of n human scores."""

    read: int
    flagged: int
    allowed: int
    human: int


class Stratum(NamedTuple):
    """One group of a corpus and the known texts that it is held against, each by a bounded score f."""

    corpus: Float64[ndarray, "n"]
    human: Float64[ndarray, "h"]
    machine: Float64[ndarray, "m"]


# A rate, and the number of texts that it was found on; infinite where it is known.
Rate: TypeAlias = tuple[float, float | int]


def rogan_gladen(flagged: float, *, false_alarms: float, true_positives: float) -> float:
    """The share out of the flagged share and the two rates, within 0 and 1; NaN where the rates are equal."""
    if true_positives <= false_alarms:
        return float("nan")
    return float(np.clip((flagged - false_alarms) / (true_positives - false_alarms), 0, 1))


def rogan_gladen_error(flagged: Rate, false_alarms: Rate, true_positives: Rate) -> float:
    """The standard error of that, NaN where that is, out of the three rates.

    By the delta method: Var = [q(1-q)/n + (1-p)^2 F(1-F)/h + p^2 T(1-T)/m] / (T - F)^2.
    """
    (q, n), (false, h), (true, m) = flagged, false_alarms, true_positives
    if true <= false:
        return float("nan")
    share = (q - false) / (true - false)
    variance = q * (1 - q) / n + (1 - share) ** 2 * false * (1 - false) / h + share**2 * true * (1 - true) / m
    return float(np.sqrt(variance) / abs(true - false))


def lower_bound(groups: Sequence[Flagged], *, generator: Generator, level: float = LEVEL) -> Interval:
    """What the share is at least: as estimated if every machine's text were found, with `level` surely above `low`.

    `high` is 1: without labelled machine's texts nothing is known from above. The uncertainty of the flagged share
    (Beta, Jeffreys) and of each false-alarm rate (Beta(k, n + 1 - k), see calibration) goes into `low`.
    """
    read = sum(group.read for group in groups)
    if not read:
        return Interval(float("nan"), 0.0, 1.0)
    flagged = sum(group.flagged for group in groups)
    expected = sum(group.read * group.allowed / (group.human + 1) for group in groups) / read
    share = generator.beta(flagged + 0.5, read - flagged + 0.5, _DRAWS)
    false = np.zeros(_DRAWS)
    for group in groups:
        if group.allowed:
            false += group.read / read * generator.beta(group.allowed, group.human + 1 - group.allowed, _DRAWS)
    drawn = (share - false) / (1 - false)
    value = rogan_gladen(flagged / read, false_alarms=expected, true_positives=1.0)
    return Interval(value, float(np.clip(np.quantile(drawn, 1 - level), 0, value)), 1.0)


def mixture(strata: Sequence[Stratum], *, level: float = LEVEL) -> Interval:
    """The share of machine's texts with its interval, by the delta method; 0 to 1 where the known sides lie together.

    Three means are uncertain: the corpus's, and those of the human and machine's texts, which are weighed as the corpus
    is made up of groups.
    """
    total = sum(len(each.corpus) for each in strata)
    if not total:
        return Interval(float("nan"), 0.0, 1.0)
    weights = [len(each.corpus) / total for each in strata]
    own = np.concatenate([each.corpus for each in strata])
    human, human_variance = _weighed([each.human for each in strata], weights)
    machine, machine_variance = _weighed([each.machine for each in strata], weights)
    apart = machine - human
    width = norm.ppf((1 + level) / 2)
    if apart <= width * np.sqrt(human_variance + machine_variance):
        return Interval(float("nan"), 0.0, 1.0)
    share = (own.mean() - human) / apart
    near = float(np.clip(share, 0, 1))
    variance = own.var(ddof=1) / total if total > 1 else 0.25
    error = np.sqrt(variance + (1 - near) ** 2 * human_variance + near**2 * machine_variance) / apart
    low, high = np.clip([share - width * error, share + width * error], 0, 1)
    return Interval(near, float(low), float(high))


def _weighed(sides: Sequence[Float64[ndarray, "_"]], weights: Sequence[float]) -> tuple[float, float]:
    """The weighed mean over groups and its variance; groups that share the same texts are one.

    A group with fewer than two texts has the variance of what lies between 0 and 1.
    """
    together: dict[bytes, tuple[ndarray, float]] = {}
    for side, weight in zip(sides, weights, strict=True):
        held = together.get(side.tobytes())
        together[side.tobytes()] = (side, weight + (held[1] if held else 0.0))
    mean, variance = 0.0, 0.0
    for side, weight in together.values():
        mean += weight * (float(side.mean()) if len(side) else 0.5)
        spread = float(side.var(ddof=1)) / len(side) if len(side) > 1 else 0.25
        variance += weight**2 * spread
    return mean, variance


def effective_size(weights: Float64[ndarray, "n"]) -> float:
    """How many texts of equal weight say as much: (sum w)^2 / sum w^2; 0 where every weight is 0. Source: Kish 1965."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
