"""Arms beside one another at the same seeds: ratios after the last generation, p-values, and Holm's correction."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import t

from uncollapse.collapse.contest.ranking import Estimate, geometric
from uncollapse.collapse.language.arms import REAL
from uncollapse.collapse.trial.results import LEVEL, holm

NOT_APART, ONE_SEED = "not told apart", "not told apart by one seed"
PAIRS = (("preserve", "replace"), ("accumulate", "preserve"))
"""Arms that are set beside one another, besides each beside the control."""
Values: TypeAlias = Mapping[tuple[str, str], Float64[ndarray, "seeds generations"]]
"""For each arm and measure the values of each seed, generation 0 first."""


class Beside(NamedTuple):
    """An arm's perplexity over another's: the ratio with its own 95 % interval, and Holm's p-value among so many."""

    arm: str
    other: str
    ratio: Estimate
    holm: float
    compared: int

    @property
    def told(self) -> str:
        """Higher, lower or not told apart, all comparisons together."""
        if not np.isfinite(self.holm):
            return ONE_SEED
        if self.holm >= LEVEL:
            return NOT_APART
        return "higher" if self.ratio.value > 1 else "lower"

    @property
    def corrected(self) -> str:
        """The correction in words."""
        return f"Holm's p = {self.holm:.2g} of {self.compared} compared" if np.isfinite(self.holm) else "no p-value"

    def as_json(self) -> dict[str, Any]:
        """The ratio with its interval, Holm's p-value and of how many it is."""
        adjusted = self.holm if np.isfinite(self.holm) else None
        return {**self.ratio.as_json(), "holm": adjusted, "compared": self.compared}


def against(values: Values, arm: str, other: str = REAL, *, measure: str = "perplexity") -> Estimate:
    """The last generation's value over that of another arm at the same seeds."""
    return geometric(values[arm, measure][:, -1] / values[other, measure][:, -1])


def p_value(logs: Float64[ndarray, "seeds"]) -> float:
    """How often a mean of 0 would give logarithms as far from it, two-sided; NaN of one seed.

    Source: Student 1908.
    """
    if len(logs) < 2:
        return float("nan")
    middle, error = float(logs.mean()), float(logs.std(ddof=1) / np.sqrt(len(logs)))
    if not error:
        return float(middle == 0)
    return float(2 * t.sf(abs(middle) / error, len(logs) - 1))


def beside_control(values: Values) -> dict[str, Beside]:
    """Every arm beside the control, corrected for their number."""
    arms = dict.fromkeys(arm for arm, _ in values if arm != REAL)
    return {each.arm: each for each in _corrected(values, [(arm, REAL) for arm in arms])}


def beside_others(values: Values) -> dict[str, Beside]:
    """Arms beside other arms by the first's name, those of `PAIRS` that took part, corrected for their number."""
    there = {arm for arm, _ in values}
    return {each.arm: each for each in _corrected(values, [pair for pair in PAIRS if set(pair) <= there])}


def _corrected(values: Values, pairs: Sequence[tuple[str, str]]) -> list[Beside]:
    last = {arm: np.log(found[:, -1]) for (arm, measure), found in values.items() if measure == "perplexity"}
    adjusted = holm([p_value(last[arm] - last[other]) for arm, other in pairs])
    return [
        Beside(arm, other, against(values, arm, other), each, len(pairs))
        for (arm, other), each in zip(pairs, adjusted, strict=True)
    ]
