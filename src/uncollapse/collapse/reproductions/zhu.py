"""Zhu et al., "How to Synthesize Text Data without Model Collapse?", arXiv 2412.14689 (ICML 2025): the theory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.regimes import regime
from uncollapse.collapse.reproductions.claims import Claim, Reached, Study, sampled, settled
from uncollapse.collapse.theory import regression as forms

PAPER = "Zhu et al. 2025 (arXiv 2412.14689)"
SETTINGS: dict[str, Any] = {"samples": 200, "dimension": 10, "design": "same"}
SEEDS = 400
BOUND = f"{PAPER}, Theorem 2: at most 2 sigma^2 d/(T - d - 1)"


def study(reached: Reached = str) -> Study:
    """The printed bound beside the error of the printed recursion, for four ways to choose what is edited."""
    return Study(
        name="zhu",
        paper=PAPER,
        protocol="The recursion of section 4: one design of T = 200 rows in d = 10 dimensions, edited rows get new "
        f"labels from the last fit, {SEEDS} seeds; errors in units of sigma^2 d/(T - d - 1).",
        claims=settled(_replacement(), _bounds(), reached=reached),
        missing="The language-model tables, which need such models. Where a claim is outside, the printed statement "
        "does not hold for its own recursion: edited rows lose their residual, which the proof leaves out between "
        "eqs 25 and 26; and nothing bounds edits that come back to rows at a constant rate.",
    )


def _replacement() -> Iterator[Claim]:
    found = run("regression", "replace", generations=20, seeds=SEEDS, **SETTINGS)["replace"]["error_units"]
    yield Claim(
        what="error after 20 fits when every label is replaced",
        source=f"{PAPER}: n sigma^2 d/(T - d - 1)",
        published="20",
        ours=sampled(found[20]),
    )


def _bounds() -> Iterator[Claim]:
    rounds = 40
    edits = {
        "disjoint edits of a tenth, each row once": (regime("edit", rate=0.1, mask="disjoint"), 10),
        "disjoint edits of a fiftieth, each row once": (regime("edit", rate=0.02, mask="disjoint"), 40),
        "fresh random edits of an eighth each round": (regime("edit", rate=0.125), rounds),
        "random edits that decay by .94 (the printed flagged shares)": (regime("edit", rate=0.125, decay=0.94), rounds),
        "the same half every round, the other half never": (regime("edit", rate=0.5, mask="same"), rounds),
        "a tenth, the same every round": (regime("edit", rate=0.1, mask="same"), rounds),
    }
    for what, (kind, number) in edits.items():
        found = run("regression", kind, generations=number + 1, seeds=SEEDS, **SETTINGS).parts[0]
        (curve,) = found.curves
        leading = curve.values[min(number, len(curve.values) - 1)]
        last = found["error_units"][number + 1]
        yield Claim(
            what=f"error after {number} rounds of {what}",
            source=BOUND,
            published="< 2",
            ours=sampled(last),
            note=f"to leading order {leading:.2f} ({curve.form.name})",
        )
        if kind.label.endswith("disjoint"):
            share = number * kind.rate  # type: ignore[attr-defined]
            yield Claim(
                what=f"the same against Theorem 1's own formula, cumulative share {share:g}",
                source=f"{PAPER}, Theorem 1",
                published=f"{forms.theorem_1(share):.1f}",
                ours=sampled(last),
                note="Theorem 1 leaves out the residual of edited rows",
            )
    once = run("regression", regime("edit", rate=0.5), generations=2, seeds=4_000, **SETTINGS).parts[0]
    yield Claim(
        what="error after one edit of half the rows",
        source=f"{PAPER}, Theorem 1: 1 + q",
        published="1.5",
        ours=sampled(np.asarray(once["error_units"][2])),
        note=f"to leading order {forms.edit_once(0.5):.2f}",
    )
