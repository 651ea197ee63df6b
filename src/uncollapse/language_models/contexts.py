"""N-grams as levels of contexts: for each length of context those that were seen, and what followed them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

START = 0


class Level(NamedTuple):
    """What was counted after contexts of one length, as sorted keys for binary search.

    A context is named by its suffix's number one level down times v plus its first word; a continuation by its
    context's number times v plus the word.
    """

    contexts: Int64[ndarray, "c"]
    totals: Float64[ndarray, "c"]
    continuations: Int64[ndarray, "g"]
    counts: Float64[ndarray, "g"]
    bounds: Int64[ndarray, "c+1"]


def counted_ngrams(
    lines: Sequence[Int64[ndarray, "_"]], *, length: int
) -> tuple[Int64[ndarray, "g j"], Int64[ndarray, "g"]]:
    """The distinct n-grams of some lines and how often each stands there; the start token is never continued to."""
    windows = [np.lib.stride_tricks.sliding_window_view(line, length) for line in lines if len(line) >= length]
    stacked = np.concatenate([np.zeros((0, length), np.int64), *windows])
    stacked = stacked[stacked[:, -1] != START]
    ids, counts = np.unique(stacked, axis=0, return_counts=True)
    return ids.reshape(-1, length), counts.astype(np.int64)


def table_of(rows: list[list[int]], *, length: int) -> tuple[Int64[ndarray, "g j"], Int64[ndarray, "g"]]:
    """Rows of an n-gram and its count, as the two arrays."""
    table = np.array(rows, np.int64).reshape(-1, length + 1)
    return table[:, :-1], table[:, -1]


def levels_of(ngrams: Sequence[tuple[Any, Any]], *, size: int) -> list[Level]:
    """One level for each length of context, from the n-grams of each length."""
    levels: list[Level] = []
    for ids, counts in ngrams:
        node = np.zeros(len(ids), np.int64)
        keys = np.zeros(1, np.int64)
        for back in range(1, ids.shape[1]):
            key = node * size + ids[:, -1 - back]
            if back == ids.shape[1] - 1:
                keys = np.unique(key)
                node = np.searchsorted(keys, key)
            else:
                node = np.searchsorted(levels[back].contexts, key)
        continuation = node * size + ids[:, -1]
        order = np.argsort(continuation)
        bounds = np.searchsorted(node[order], np.arange(len(keys) + 1))
        totals = np.bincount(node, weights=counts, minlength=len(keys))
        levels.append(Level(keys, totals, continuation[order], counts[order].astype(np.float64), bounds))
    return levels


def find(keys: Int64[ndarray, "c"], wanted: Int64[ndarray, "n"]) -> tuple[Int64[ndarray, "n"], Bool[ndarray, "n"]]:
    """Where each wanted key stands in the sorted keys, and whether it stands there at all."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted
