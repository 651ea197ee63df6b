"""Picking one candidate a row.

The column order decides which uniform number means which candidate. Columns are therefore walked by token id, not by
rank: two candidates that are almost equally likely may swap ranks between two machines, their ids never do.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64
from numpy import ndarray

Uniforms: TypeAlias = Callable[[int], Float64[ndarray, "r"]]


def tempered(
    logprob: Float[ndarray, "r k"], mask: Bool[ndarray, "r k"], *, temperature: float
) -> Float64[ndarray, "r k"]:
    """The candidates' probabilities after tempering, p^(1/temperature) renormalised over the mask.

    Rows without a candidate are all zero; temperature 0 puts everything on the likeliest, in equal parts on ties.
    """
    value = np.where(mask, logprob.astype(np.float64), -np.inf)
    top = value.max(axis=1, initial=-np.inf, keepdims=True)
    empty = ~np.isfinite(top)
    gap = value - np.where(empty, 0.0, top)
    with np.errstate(over="ignore"):  # at next to no temperature a gap is infinite
        weight = (gap == 0).astype(np.float64) if temperature == 0 else np.exp(gap / temperature)
    total = weight.sum(axis=1, keepdims=True)
    return weight / np.where(empty, 1.0, total)


def draw(
    probability: Float64[ndarray, "r k"], ids: Int[ndarray, "r k"], uniform: Float64[ndarray, "r"]
) -> Int64[ndarray, "r"]:
    """For each row the column that its uniform number falls on; -1 for rows without a candidate."""
    order = np.argsort(ids, axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(probability, order, axis=1), axis=1)
    total = cumulative[:, -1:] if probability.shape[1] else np.zeros((len(probability), 1))
    rank = (cumulative <= uniform[:, None] * total).sum(axis=1)
    # Rounding can leave the number at the very end of the line; the last column with mass is meant.
    last = probability.shape[1] - 1 - (np.take_along_axis(probability, order, axis=1)[:, ::-1] > 0).argmax(axis=1)
    rank = np.minimum(rank, last)
    column = np.take_along_axis(order, rank[:, None], axis=1)[:, 0] if probability.shape[1] else rank
    return np.where(total[:, 0] > 0, column, -1)


def draw_by_rejection(
    logprob: Float[ndarray, "r k"],
    mask: Bool[ndarray, "r k"],
    *,
    temperature: float,
    uniforms: Uniforms,
) -> Int64[ndarray, "r"]:
    """For each row a column found by statistical rejection sampling; -1 for rows without a candidate.

    Candidates are proposed with equal chances and accepted with probability exp((logprob - max) / temperature), until
    one is: the log-probability is the reward and the temperature its scale. The accepted column follows the same law
    as `draw` over `tempered`. `uniforms(i)` gives the i-th number of each row.

    Source: Liu et al., ICLR 2024 (statistical rejection sampling), Algorithm 1 with one sample wanted.
    """
    count = mask.sum(axis=1)
    order = np.argsort(~mask, axis=1, kind="stable")
    value = np.where(mask, logprob.astype(np.float64), -np.inf)
    top = value.max(axis=1, initial=-np.inf)
    chosen = np.full(len(mask), -1, dtype=np.int64)
    waiting = count > 0
    attempt = 0
    while waiting.any():
        pick = np.minimum((uniforms(2 * attempt) * count).astype(np.int64), np.maximum(count - 1, 0))
        column = np.take_along_axis(order, pick[:, None], axis=1)[:, 0]
        gap = np.take_along_axis(value, column[:, None], axis=1)[:, 0] - top
        with np.errstate(invalid="ignore", over="ignore"):  # rows without a candidate, which are not waiting
            accepted = waiting & (np.log(np.maximum(uniforms(2 * attempt + 1), 1e-300)) < gap / temperature)
        accepted |= waiting & (gap == 0)
        chosen[accepted] = column[accepted]
        waiting &= ~accepted
        attempt += 1
    return chosen
