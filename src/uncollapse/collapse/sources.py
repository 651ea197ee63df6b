"""The sources of error apart: the same loop with all of them, and with each one switched off.

Source: Shumailov et al., Nature 631 (2024): statistical approximation, functional expressivity, functional
approximation; finite precision is the fourth that they name without counting it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.gaussian import Gaussian
from uncollapse.collapse.regimes import Regime
from uncollapse.collapse.results import Comparison, Results
from uncollapse.errors import UsageError
from uncollapse.report import Axes, Bar, Section, Table, bars, share

# What switches each source off.
OFF: Mapping[str, dict[str, Any]] = {
    "statistical": {"sampling": False},
    "expressivity": {"peaks": 0.0},
    "approximation": {"steps": 0},
    "precision": {"precision": "float64"},
}
ALL = "all sources"
RESAMPLES = 500


def laboratories(built: Gaussian) -> dict[str, Gaussian]:
    """The laboratory as it is, and with each source switched off that is on.

    Raises:
        UsageError: fewer than two sources are on, so that there is nothing to tell apart.
    """
    off = {name: built.model_copy(update=change) for name, change in OFF.items()}
    on = {name: each for name, each in off.items() if each != built}
    if len(on) < 2:
        raise UsageError(
            f"only {', '.join(on) or 'no'} error is on",
            hint="switch on another: --peaks 1.5, --steps 4, --precision bfloat16",
        )
    return {ALL: built} | {f"without {name}": each for name, each in on.items()}


def apart(built: Gaussian, regime: Regime, *, reached: Callable[[str], object] = str, **settings: int) -> Comparison:
    """One regime with all sources of error, then without each; `settings` are those of an experiment.

    `reached` is told after each loop how many of how many are done.
    """
    parts: list[Results] = []
    told: Mapping[str, Any] = {}
    loops = laboratories(built)
    for label, each in loops.items():
        done = experiment(each, [regime], **settings)
        (part,) = done.results().parts
        parts.append(part.renamed(label))
        reached(f"{len(parts)} of {len(loops)} loops")
        told = told or done.settings
    return Comparison(tuple(parts), told)


class Share(NamedTuple):
    """What goes when one source is switched off, and the interval in which 95 of 100 resamples of the seeds put it."""

    value: float
    low: float
    high: float


def shares(comparison: Comparison, *, measure: str = "w2", seed: int = 0) -> dict[str, Share]:
    """For each source the part of the median risk at the end that goes when it alone is switched off.

    They need not sum to 1: sources feed each other. A negative one says that the source held another in check.
    """
    rng = np.random.default_rng(seed)
    risk = {}
    for part in comparison:
        last = part[measure][-1]
        again = np.median(rng.choice(last, size=(RESAMPLES, len(last))), axis=1)
        risk[part.regime] = np.concatenate([[np.median(last)], again])
    found = {}
    for name, value in risk.items():
        if name != ALL:
            gone = 1 - value / risk[ALL]
            low, high = np.quantile(gone[1:], (0.025, 0.975))
            found[name.removeprefix("without ")] = Share(float(gone[0]), float(low), float(high))
    return found


def section(comparison: Comparison) -> Section:
    """The part of a page that shows the shares."""
    found = shares(comparison)
    largest = max(found, key=lambda name: found[name].value)
    axes = Axes(
        name="shares",
        title="How much of the distance goes when one source is switched off",
        reading=f"The largest is the {largest} error. Shares need not sum to 1, because sources feed each other.",
        x="per mille of the median distance",
        y="source",
    )
    parts = [Bar(name, max(0, round(1000 * each.value))) for name, each in found.items()]
    rows = [(name, share(each.value), f"{share(each.low)} to {share(each.high)}") for name, each in found.items()]
    columns = ("source", "share", "95 % of resamples of the seeds")
    table = Table(caption="Share of the median squared distance at the end", columns=columns, rows=rows)
    sentence = f"Without the {largest} error the distance would be smaller by {share(found[largest].value)}."
    return Section("sources", "Which source does it", sentence, bars(parts, axes=axes).markup() + table.markup())
