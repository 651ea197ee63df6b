"""The summary of a comparison: medians and intervals at the last generation, and how theory and simulation agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import norm, t

from uncollapse.collapse.definitions import sentence, verdicts
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.results import Comparison, Results
from uncollapse.collapse.theory import Curve

NEAR = 4.0  # standard errors within which a simulation of many seeds meets its form; of few, Student's as sure
LOPSIDED = 0.35  # of the most that a sample's skewness can be, the root of its size: few seeds then carry the mean


@dataclass(frozen=True, eq=False)
class Agreement:
    """What a closed form says at the last generation and what the seeds came to, with its standard error."""

    regime: str
    measure: str
    curve: Curve
    theory: float
    simulated: float
    error: float
    seeds: int
    skewness: float = 0.0  # of the seeds, over the root of their number: 1 is all in one seed

    @property
    def judged(self) -> bool:
        """Whether the form is meant to hold exactly, and the seeds say enough to hold it against them."""
        return not self.unjudged

    @property
    def unjudged(self) -> str:
        """Why the form cannot be held against the seeds; empty where it can."""
        if self.curve.statistic == "leading order":
            return "leading order"
        if not np.isfinite(self.simulated):
            return "out of range"
        if self.seeds < 2:
            return "one seed"
        return "few seeds carry the mean" if abs(self.skewness) > LOPSIDED else ""

    @property
    def near(self) -> float:
        """How many standard errors are as unlikely with so many seeds as `NEAR` are with very many."""
        return float(t.isf(norm.sf(NEAR), self.seeds - 1))

    @property
    def z(self) -> float:
        """The difference in standard errors; 0 where both are the same to rounding."""
        gap = self.simulated - self.theory
        if abs(gap) <= 1e-9 * max(1.0, abs(self.theory)):
            return 0.0
        return gap / self.error if self.error else float("inf") * np.sign(gap)

    @property
    def inside(self) -> bool:
        """Whether the form is met: on both sides, or on its own side for a bound."""
        low = self.curve.statistic == "upper bound" or self.z >= -self.near
        high = self.curve.statistic == "lower bound" or self.z <= self.near
        return bool(low and high)


def agreements(comparison: Comparison) -> list[Agreement]:
    """Each closed form of each regime against its simulation."""
    return [_agreement(part, curve) for part in comparison for curve in part.curves]


def _agreement(part: Results, curve: Curve) -> Agreement:
    last = part[curve.measure][-1]
    at = (part.regime, curve.measure, curve, float(curve.values[-1]))
    if not np.isfinite(last).all():
        return Agreement(*at, float("nan"), float("nan"), part.seeds)
    skewness = 0.0
    if curve.statistic == "median":
        # The asymptotic error of a median out of the spread of the middle: 1.2533 sigma / sqrt n, sigma from quartiles.
        low, middle, high = np.quantile(last, (0.25, 0.5, 0.75))
        simulated, error = middle, 1.2533 * (high - low) / 1.349 / np.sqrt(part.seeds)
    else:
        simulated = last.mean()
        error = last.std(ddof=1) / np.sqrt(part.seeds) if part.seeds > 1 else np.inf
        skewness = _skewness(last - simulated)
    return Agreement(*at, float(simulated), float(error), part.seeds, skewness)


def _skewness(gaps: Float64[ndarray, "seed"]) -> float:
    """The skewness of values with mean 0 over the most that it can be; 0 where all are the same."""
    scale = np.abs(gaps).max(initial=0.0)
    if not scale:
        return 0.0
    cubes, squares = ((gaps / scale) ** 3).sum(), ((gaps / scale) ** 2).sum()
    return float(cubes / squares**1.5)


def met(held: Sequence[Agreement]) -> str:
    """How many of the closed forms that can be judged are met, in words."""
    judged = [each for each in held if each.judged]
    if not judged:
        if any(each.curve.statistic != "leading order" for each in held):
            return f"too few seeds to hold the closed forms against: {', '.join(sorted({e.unjudged for e in held}))}"
        return "no closed form is known here for these regimes that holds exactly"
    inside = sum(each.inside for each in judged)
    said = f"{inside} of {len(judged)} closed forms lie within {NEAR:g} standard errors of the simulation"
    lopsided = sum(each.skewness > LOPSIDED for each in held)
    return said + (f"; {lopsided} cannot be judged: the mean is carried by a few seeds" if lopsided else "")


class Seeds(NamedTuple):
    """How many seeds were asked for, how many are finished; of very many, the summary and the page show the first."""

    asked: int
    finished: int


def summary(comparison: Comparison, laboratory: Laboratory, *, seeds: Seeds) -> dict[str, Any]:
    """What `summary.json` holds."""
    return {
        "settings": dict(comparison.settings),
        "seeds": {**seeds._asdict(), "shown": comparison.parts[0].seeds},
        "regimes": [
            {
                "regime": part.regime,
                "sentence": sentence(part, laboratory),
                "definitions": {name: held.value for name, held in verdicts(part, laboratory).items()},
                "last": {measure: _last(part, measure) for measure in part.measures},
            }
            for part in comparison
        ],
        "agreement": met(agreements(comparison)),
        "theory": [
            {
                "regime": each.regime,
                "measure": each.measure,
                "form": each.curve.form.name,
                "statistic": each.curve.statistic,
                "theory": _number(each.theory),
                "simulated": _number(each.simulated),
                "standard_error": _number(each.error),
                "z": _number(each.z),
                "met": each.inside if each.judged else None,
            }
            for each in agreements(comparison)
        ],
    }


def _last(part: Results, measure: str) -> dict[str, float | None]:
    low, middle, high = part.quantiles(measure)[:, -1]
    with np.errstate(invalid="ignore"):
        mean = part[measure][-1].mean()
    return {"median": _number(middle), "low": _number(low), "high": _number(high), "mean": _number(mean)}


def _number(value: float) -> float | None:
    """The number, or None where JSON has none for it."""
    return float(value) if np.isfinite(value) else None
