"""Reading an edited text once more: an edit that makes the text after it much less likely is taken back."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from uncollapse.language_models.model import Tokens


class Limits(NamedTuple):
    """What an edit may cost, in nats: the `ahead` tokens after it, and those together with the edited token itself."""

    ahead: int
    following: float
    total: float | None


def reach(tokens: Tokens, rows: Int64[ndarray, "r"], *, ahead: int) -> Int64[ndarray, "r"]:
    """For each edited row the end of the text that is held against it: `ahead` tokens after it, or fewer where the
    next edit or the end of the document comes first (the next edit's own token is another one now).
    """
    document_end = tokens.offsets[1:][np.searchsorted(tokens.offsets[1:], rows, side="right")]
    following = np.append(rows[1:], np.iinfo(np.int64).max)
    return np.minimum(np.minimum(rows + 1 + ahead, document_end), following)


def loss_after(
    before: Float32[ndarray, "n"], after: Float32[ndarray, "n"], rows: Int64[ndarray, "r"], ends: Int64[ndarray, "r"]
) -> ndarray:
    """How much less likely the text after each edit became, in nats: the sum of log-probabilities over the tokens
    (row, end) before the edit minus the sum after it. Negative where it became more likely.

    Each stretch is added up by itself, so that what else is read in the same call cannot round it otherwise.
    """
    with np.errstate(invalid="ignore"):  # impossible before and after
        change = before.astype(np.float64) - after.astype(np.float64)
    change[np.isnan(change)] = 0.0
    edges = np.stack([rows + 1, ends], axis=1)
    sums = np.add.reduceat(np.append(change, 0.0), edges.ravel())[::2]
    return np.where(edges[:, 1] > edges[:, 0], sums, 0.0)


def survivors(
    before: Float32[ndarray, "n"],
    after: Float32[ndarray, "n"],
    rows: Int64[ndarray, "r"],
    *,
    tokens: Tokens,
    limits: Limits,
) -> Bool[ndarray, "r"]:
    """Which edits stay: those whose losses are within the limits. A loss that is not a number is not within them."""
    following = loss_after(before, after, rows, reach(tokens, rows, ahead=limits.ahead))
    stay: ndarray = following <= limits.following
    if limits.total is not None:
        stay &= following + (before[rows].astype(np.float64) - after[rows]) <= limits.total
    return stay
