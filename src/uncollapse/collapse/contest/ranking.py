"""The arms in order, each beside the controls at the same seeds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import spearmanr, t

from uncollapse.collapse.contest.arms import CONTROLS, Arm
from uncollapse.collapse.contest.measures import MEASURES
from uncollapse.collapse.contest.run import Row, as_values

SURE = 0.95


class Estimate(NamedTuple):
    """A mean over seeds and the interval that holds it with 95 %; of one seed there is no interval."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """The three, with null for what is not known."""
        return {name: (value if np.isfinite(value) else None) for name, value in self._asdict().items()}


class Standing(NamedTuple):
    """How an arm stands after the last generation: its place by perplexity, its measures, and beside each control.

    `against` gives, for each control that took part, this arm's perplexity over the control's, paired by seed.
    """

    place: int
    arm: Arm
    last: Mapping[str, Estimate]
    against: Mapping[str, Estimate]


def mean(values: Float64[ndarray, "seed"]) -> Estimate:
    """The mean with Student's interval.

    Source: Student 1908.
    """
    middle = float(values.mean())
    if len(values) < 2:
        return Estimate(middle, float("nan"), float("nan"))
    half = float(t.ppf((1 + SURE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(middle, middle - half, middle + half)


def geometric(values: Float64[ndarray, "seed"]) -> Estimate:
    """The geometric mean, with Student's interval of the logarithms."""
    return Estimate(*(float(np.exp(part)) for part in mean(np.log(values))))


def ranked(rows: Sequence[Row], arms: Sequence[Arm], student: str) -> list[Standing]:
    """The arms of a student from the lowest perplexity of held-out text on; equal ones share a place."""
    values = as_values(rows)
    last = {(each.name, measure): values[student, each.name, measure][:, -1] for each in arms for measure in MEASURES}
    found: list[Standing] = []
    there = [control for control in CONTROLS if control in {each.name for each in arms}]
    order = sorted(arms, key=lambda each: float(np.log(last[each.name, "perplexity"]).mean()))
    for number, each in enumerate(order, start=1):
        own = last[each.name, "perplexity"]
        same = bool(found) and bool((own == last[found[-1].arm.name, "perplexity"]).all())
        measures = {
            measure: (geometric if measure == "perplexity" else mean)(last[each.name, measure]) for measure in MEASURES
        }
        against = {control: geometric(own / last[control, "perplexity"]) for control in there if control != each.name}
        found.append(Standing(found[-1].place if same else number, each, measures, against))
    return found


def start(rows: Sequence[Row], arm: str, student: str) -> dict[str, Estimate]:
    """The measures of generation 0, which is human text and the same for every arm."""
    values = as_values(rows)
    return {
        measure: (geometric if measure == "perplexity" else mean)(values[student, arm, measure][:, 0])
        for measure in MEASURES
    }


def alike(one: Sequence[Standing], other: Sequence[Standing]) -> float:
    """The rank correlation of the perplexities that two students give to the same arms; NaN for fewer than three.

    Source: Spearman 1904.
    """
    second = {each.arm.name: each.last["perplexity"].value for each in other}
    pairs = [(each.last["perplexity"].value, second[each.arm.name]) for each in one if each.arm.name in second]
    if len(pairs) < 3:
        return float("nan")
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


def as_json(standings: Sequence[Standing], *, oversampled: int) -> list[dict[str, Any]]:
    """The standings as plain values; so many times as much was written as selectors kept."""
    return [
        {
            "place": each.place,
            "arm": each.arm.name,
            "what": each.arm.what(oversampled=oversampled),
            "last": {measure: estimate.as_json() for measure, estimate in each.last.items()},
            "perplexity against": {control: estimate.as_json() for control, estimate in each.against.items()},
        }
        for each in standings
    ]
