"""Which candidates may be drawn at all.

Every mask takes log-probabilities over the whole vocabulary (natural logarithms, each row sorted from the likeliest
down; the columns may be cut off where no candidate can follow). Equal values are treated alike: where the last
candidate let in is tied with others, they come in too, so the result does not depend on the order of equal columns.
"""

from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray


class Strategy(StrEnum):
    """How the candidates are cut."""

    TOP_K = "top-k"
    TOP_P = "top-p"
    MIN_P = "min-p"
    FULL = "full"
    REJECTION = "rejection"


def top_k_mask(logprob: Float[ndarray, "r k"], *, k: int) -> Bool[ndarray, "r k"]:
    """True for the k likeliest of each row and for all that are tied with the k-th.

    Source: Fan et al., ACL 2018; the k-th value survives with its ties, as a filter on values does.
    """
    if logprob.shape[1] <= k:
        return np.isfinite(logprob)
    return (logprob >= logprob[:, k - 1 : k]) & np.isfinite(logprob)


def top_p_mask(logprob: Float[ndarray, "r k"], *, p: float) -> Bool[ndarray, "r k"]:
    """True for the smallest set of likeliest candidates whose probabilities reach p, and for ties with its last.

    Source: Holtzman et al., ICLR 2020 (nucleus sampling).
    """
    before = np.cumsum(np.exp(logprob.astype(np.float64)), axis=1) - np.exp(logprob.astype(np.float64))
    inside = before < p
    last = np.where(inside, logprob, np.inf).min(axis=1, keepdims=True)
    return (logprob >= last) & np.isfinite(logprob)


def min_p_mask(logprob: Float[ndarray, "r k"], *, p: float) -> Bool[ndarray, "r k"]:
    """True for candidates at least p times as likely as the likeliest.

    Source: Nguyen et al., ICLR 2025 (min-p sampling).
    """
    return (logprob >= logprob[:, :1] + np.log(p)) & np.isfinite(logprob)


def is_closed(logprob: Float[ndarray, "r k"], mask: Bool[ndarray, "r k"], *, vocabulary: int) -> Bool[ndarray, "r"]:
    """True where no candidate can stand beyond the columns at hand: the last column was refused, or all are here.

    Rows are sorted, so a refused last column refuses everything behind it.
    """
    if logprob.shape[1] >= vocabulary:
        return np.ones(len(logprob), dtype=bool)
    return ~mask[:, -1]
