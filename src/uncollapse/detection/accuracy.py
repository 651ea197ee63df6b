"""How well a score tells two classes apart, with intervals. Higher scores are a machine's; turn others round first."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.random import Generator
from scipy.stats import beta, norm, rankdata

LEVEL = 0.95


class Interval(NamedTuple):
    """A number and the interval around it."""

    value: float
    low: float
    high: float


def auroc(human: Float64[ndarray, "h"], machine: Float64[ndarray, "m"], *, level: float = LEVEL) -> Interval:
    """The chance that a machine's text scores above a human one, ties counting half, with DeLong's interval in logits.

    Source: DeLong, DeLong and Clarke-Pearson 1988; Sun and Xu 2014 (by mid-ranks).
    """
    h, m = len(human), len(machine)
    ranks = rankdata(np.concatenate([human, machine]))
    area = float((ranks[h:].sum() - m * (m + 1) / 2) / (h * m))
    above = (ranks[h:] - rankdata(machine)) / h
    below = 1 - (ranks[:h] - rankdata(human)) / m
    if area in (0.0, 1.0) or min(h, m) < 2:
        return Interval(area, *_beyond(area, min(h, m), level))
    error = np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / h) / (area * (1 - area))
    width = norm.ppf((1 + level) / 2) * error
    logit = np.log(area / (1 - area))
    low, high = 1 / (1 + np.exp(-(logit - width))), 1 / (1 + np.exp(-(logit + width)))
    return Interval(area, float(low), float(high))


def _beyond(area: float, count: int, level: float) -> tuple[float, float]:
    """The interval where no pair is in the wrong order, or none in the right: that of so many trials without one."""
    edge = clopper_pearson(0, count, level=level).high
    return (1 - edge, 1.0) if area == 1.0 else (0.0, edge) if area == 0.0 else (0.0, 1.0)


def true_positives(human: Float64[ndarray, "h"], machine: Float64[ndarray, "m"], *, false_alarms: float) -> float:
    """The share of machine's texts strictly above the human score at index floor(false_alarms * h) from the top.

    At most floor(false_alarms * h) of the human texts lie above it.
    """
    threshold = np.sort(human)[::-1][int(false_alarms * len(human) + 1e-9)]
    return float((machine > threshold).mean())


def true_positive_interval(
    human: Float64[ndarray, "h"],
    machine: Float64[ndarray, "m"],
    *,
    false_alarms: float,
    generator: Generator,
    draws: int = 500,
) -> Interval:
    """The same with the 95 % percentile interval of a bootstrap over both sides."""
    found = [
        true_positives(
            human[generator.integers(0, len(human), len(human))],
            machine[generator.integers(0, len(machine), len(machine))],
            false_alarms=false_alarms,
        )
        for _ in range(draws)
    ]
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(true_positives(human, machine, false_alarms=false_alarms), float(low), float(high))


def clopper_pearson(hits: int, of: int, *, level: float = LEVEL) -> Interval:
    """A share and the interval that holds the true one at least this often. Source: Clopper and Pearson 1934."""
    if of == 0:
        return Interval(float("nan"), 0.0, 1.0)
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return Interval(hits / of, low, high)
