"""Verification: rows of a model that a verifier has let through, where both laws say how likely a row is.

A row that the model gives density p and the original p0 is right with probability min(1, p0/p): what the model has
beyond the original is wrong. Right rows are kept at rate phi and wrong ones at psi, as in Feng et al. 2024 (arXiv
2406.07515), whose labels are right or wrong outright.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse.regimes import Verify
from uncollapse.errors import UsageError

PATIENCE = 1_000  # rounds of proposals; a verifier that keeps a hundredth of the rows needs some hundred

Proposals: TypeAlias = Callable[[], tuple[Float64[ndarray, "seed row *shape"], Float64[ndarray, "seed row"]]]


def let_through(propose: Proposals, *, regime: Verify, rng: Generator) -> Float64[ndarray, "seed row *shape"]:
    """As many rows as are proposed at a time, those first that are kept first.

    `propose` gives new rows of the model with ln(p0/p) of each.

    Raises:
        UsageError: the verifier lets next to nothing through.
    """
    kept: ndarray | None = None
    held = np.zeros((1, 1), dtype=int)
    for _ in range(PATIENCE):
        rows, ratio = propose()
        kept = np.empty_like(rows) if kept is None else kept
        passes = _passes(ratio, regime=regime, rng=rng)
        place = held + np.cumsum(passes, axis=1) - 1
        seed, row = np.nonzero(passes & (place < rows.shape[1]))
        kept[seed, place[seed, row]] = rows[seed, row]
        held = np.minimum(held + passes.sum(axis=1, keepdims=True), rows.shape[1])
        if (held == rows.shape[1]).all():
            return kept
    raise _too_strict(regime)


def let_through_in_place(propose: Proposals, *, regime: Verify, rng: Generator) -> Float64[ndarray, "seed row"]:
    """The same where each row has a place of its own, and is proposed until one for that place is kept.

    Raises:
        UsageError: the verifier lets next to nothing through.
    """
    kept, ratio = propose()
    waiting = ~_passes(ratio, regime=regime, rng=rng)
    for _ in range(PATIENCE):
        if not waiting.any():
            return kept
        rows, ratio = propose()
        passes = waiting & _passes(ratio, regime=regime, rng=rng)
        kept = np.where(passes, rows, kept)
        waiting &= ~passes
    raise _too_strict(regime)


def _passes(ratio: Float64[ndarray, "seed row"], *, regime: Verify, rng: Generator) -> Bool[ndarray, "seed row"]:
    right = np.exp(np.minimum(ratio, 0.0))
    return rng.random(ratio.shape) < regime.psi + (regime.phi - regime.psi) * right


def _too_strict(regime: Verify) -> UsageError:
    return UsageError(
        f"verify phi={regime.phi:g} psi={regime.psi:g}: the verifier lets next to nothing of a model through",
        hint="a higher --psi, or more samples, so that models stay near the original",
    )
