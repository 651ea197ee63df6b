"""Kazdan et al., "Collapse or Thrive?", arXiv 2410.16713: Gaussian, kernel density, regression with a fixed budget."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.reproductions.claims import Claim, Reached, Study, sampled, settled

PAPER = "Kazdan et al. 2024 (arXiv 2410.16713)"
RUNS = "means over the 100 seeds of the committed run histories (KoyejoLab-Collapse-or-Thrive, commit 369132e), d = 1"
THEIR_SEEDS = 100

# Source: the parquet of run histories in the repository: (regime, samples, fit, measure) -> mean over 100 seeds.
HISTORIES = {
    ("replace", 100, 10, "variance"): ".8914",
    ("replace", 100, 100, "mean_error"): ".639",
    ("accumulate", 10, 100, "variance"): ".8658",
    ("accumulate", 10, 100, "mean_error"): ".160",
    ("accumulate", 100, 100, "variance"): ".9898",
}


def study(reached: Reached = str) -> Study:
    """The Gaussian against the committed runs, and the three orderings."""
    return Study(
        name="kazdan",
        paper=PAPER,
        protocol="Maximum likelihood (ddof 0) as in the released code; Gaussian 100 fits, kernel density h in .1, .5, "
        "1, regression with a subsample of fixed size.",
        claims=settled(_gaussian(), _kernel(), _regression(), reached=reached),
        missing="Instruction tuning of Gemma-2 on HelpSteer2, which needs such models.",
    )


def _gaussian() -> Iterator[Claim]:
    found = {
        n: run("gaussian", "replace", "accumulate", generations=100, seeds=20_000, samples=n, ddof=0) for n in (10, 100)
    }
    for (kind, n, fit, measure), published in HISTORIES.items():
        values = found[n][kind][measure][fit]
        yield Claim(
            what=f"{kind}: {measure.replace('_', ' of the ' if measure == 'variance' else ' ')}, n = {n}, fit {fit}",
            source=RUNS,
            published=published,
            ours=sampled(values, error=float(values.std() / np.sqrt(THEIR_SEEDS))),
            note="the interval holds the error of their 100 seeds too",
        )


def _kernel() -> Iterator[Claim]:
    for bandwidth in (0.1, 0.5, 1.0):
        small = "here the kernel adds no more than resampling takes: n h^2 = 1" if bandwidth == 0.1 else ""
        settings: dict[str, Any] = {"samples": 100, "bandwidth": bandwidth}
        found = run("kde", "replace", "accumulate", "subsample", generations=50, seeds=200, **settings)
        ends = {part.regime: part["variance"][-1] - part["variance"][1] for part in found}
        yield Claim(
            what=f"kernel density, h = {bandwidth:g}: growth of the variance in 49 fits, replace less accumulate",
            source=f"{PAPER}: replacing is worse than accumulating",
            published="> 0",
            note=small,
            ours=sampled(ends["replace"] - ends["accumulate"]),
        )
        yield Claim(
            what=f"kernel density, h = {bandwidth:g}: the same, replace less subsample",
            source=f"{PAPER}: a fixed budget lies between",
            published="> 0",
            note=small,
            ours=sampled(ends["replace"] - ends["subsample"]),
        )


def _regression() -> Iterator[Claim]:
    settings: dict[str, Any] = {"samples": 100, "dimension": 10}
    found = run("regression", "replace", "subsample", "accumulate", generations=40, seeds=1_000, **settings)
    ends = {part.regime: part["error_units"] for part in found}
    yield Claim(
        what="regression, fit 40: error, replace less subsample",
        source=f"{PAPER}: replace > accumulate-subsample",
        published="> 0",
        ours=sampled(ends["replace"][-1] - ends["subsample"][-1]),
    )
    yield Claim(
        what="regression, fit 40: error, subsample less accumulate",
        source=f"{PAPER}: accumulate-subsample > accumulate",
        published="> 0",
        ours=sampled(ends["subsample"][-1] - ends["accumulate"][-1]),
    )
    yield Claim(
        what="regression: error of subsample from fit 20 to 40, in units of one fit",
        source=f"{PAPER}: slow and gradual rather than explosive",
        published="< 1",
        ours=sampled(ends["subsample"][40] - ends["subsample"][20]),
        note="replace gains 20 units meanwhile",
    )
