"""What editing counted: tokens by what became of them, and the histogram of their probabilities."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from uncollapse.step import Tally

BINS = 100
# Half-width of the band around the threshold in which the precision of the arithmetic decides.
# Source: bfloat16 logits in [16, 32) are spaced 0.125 apart, which turns p = 0.99 into 0.9887 to 0.9912.
NEAR = 0.002
MILLION = 1_000_000


class Decisions(NamedTuple):
    """For each token of a text what was decided; prompts are not among them.

    A flagged token is exactly one of: protected, over budget, taken back, changed, or kept (drawn again as itself).
    """

    probability: Float64[ndarray, "n"]
    flagged: Bool[ndarray, "n"]
    protected: Bool[ndarray, "n"]
    over_budget: Bool[ndarray, "n"]
    taken_back: Bool[ndarray, "n"]
    changed: Bool[ndarray, "n"]
    chance: Float64[ndarray, "n"]


def tally(decisions: Decisions, *, threshold: float | None, documents_changed: int, documents: int) -> Tally:
    """The counters of one group of documents; integers throughout, so that shards add up exactly.

    `expected_changed_millionths` is the sum over flagged, unprotected tokens of the chance that the draw changes
    them, each in whole millionths so that the cut into batches does not matter: what the changed count is before
    budget and recheck, on average over seeds.
    """
    known = decisions.probability[~np.isnan(decisions.probability)]
    near = 0 if threshold is None else int((np.abs(known - threshold) <= NEAR).sum())
    counts, _ = np.histogram(known, bins=BINS, range=(0.0, 1.0))
    outcome = decisions.protected | decisions.over_budget | decisions.taken_back | decisions.changed
    return {
        "tokens": {
            "read": len(decisions.flagged),
            "scored": len(known),
            "flagged": int(decisions.flagged.sum()),
            "protected": int(decisions.protected.sum()),
            "kept": int((decisions.flagged & ~outcome).sum()),
            "changed": int(decisions.changed.sum()),
            "taken_back": int(decisions.taken_back.sum()),
            "over_budget": int(decisions.over_budget.sum()),
            "near_threshold": near,
            "expected_changed_millionths": int(np.rint(decisions.chance * MILLION).sum()),
        },
        "histogram": {"probability": counts.tolist()},
        "documents": {"changed": documents_changed, "unchanged": documents - documents_changed},
    }


def nothing() -> Tally:
    """The counters of no text at all: each is there, at zero, so that every run has an account."""
    number, flag = np.empty(0), np.empty(0, dtype=bool)
    none = Decisions(number, flag, flag, flag, flag, flag, number)
    return tally(none, threshold=None, documents_changed=0, documents=0)
