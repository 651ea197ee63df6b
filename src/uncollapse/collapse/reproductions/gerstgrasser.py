"""Gerstgrasser et al., "Is Model Collapse Inevitable?", arXiv 2404.01413 (COLM 2024): the regression part."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.reproductions.claims import Claim, Reached, Study, sampled, settled
from uncollapse.collapse.results import Results

PAPER = "Gerstgrasser et al. 2024 (arXiv 2404.01413)"
SIZES = ((50, 10), (100, 10), (100, 31))


def study(reached: Reached = str) -> Study:
    """Replacement grows by a unit a fit; accumulation stays under pi^2/6 units."""
    return Study(
        name="gerstgrasser",
        paper=PAPER,
        protocol="Linear regression, isotropic Gaussian rows, noise variance 1, 20 fits, 3,000 seeds; errors in units "
        "of sigma^2 d/(T - d - 1).",
        claims=settled(_claims(), reached=reached),
        missing="Language models, molecules and images of the paper: they come with the laboratories of such models.",
    )


def _claims() -> Iterator[Claim]:
    for rows, d in SIZES:
        for design in ("same", "fresh"):
            settings: dict[str, Any] = {"samples": rows, "dimension": d, "design": design}
            found = run("regression", "replace", "accumulate", generations=20, seeds=3_000, **settings)
            yield from _of(found["replace"], found["accumulate"], where=f"T = {rows}, d = {d}, {design} design")


def _of(replaced: Results, accumulated: Results, *, where: str) -> list[Claim]:
    k = np.arange(1, 21.0)
    slope = (k - k.mean()) @ replaced["error_units"][1:] / ((k - k.mean()) ** 2).sum()
    last = accumulated["error_units"][-1]
    claims = [
        Claim(
            what=f"growth of the error a fit when data are replaced ({where})",
            source=f"{PAPER}: k sigma^2 d/(T - d - 1)",
            published="1.00",
            ours=sampled(slope),
        ),
        Claim(
            what=f"error at fit 20 when data accumulate ({where})",
            source=f"{PAPER}: at most pi^2/6",
            published="<= 1.6449",
            ours=sampled(last),
        ),
    ]
    same = where.endswith("same design")
    exact_sum = float((1 / k**2).sum())
    claims.append(
        Claim(
            what=f"the same against sum 1/i^2 ({where})",
            source=f"{PAPER}: the sum before its bound",
            published=f"{exact_sum:.3f}" if same else f"< {exact_sum:.3f}",
            ours=sampled(last),
            note="exact with one design" if same else "with new designs it is sum d/(i (iT - d - 1)), which is smaller",
        )
    )
    return claims
