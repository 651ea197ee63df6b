"""How much the candidates of a group agree: each one's mean overlap with the others, out of a file of n-grams.

The overlap of two texts is the F1 of their words and pairs of words: twice what they share over what both have, counted
with repeats. A long text shares more and has more, so length by itself wins nothing. What most candidates say scores
high, what one alone says scores low.

Source: ROUGE-N as an F-measure (Lin 2004, section 2); its mean over the other samples as a choice among them is
minimum-Bayes-risk decoding (Kumar and Byrne 2004; Eikema and Aziz 2020, equation 6), here without weights.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.ngrams import cut

ORDERS = (1, 2)
MOST = 1024
"""Candidates of one group; all pairs of them are compared, and all their words held."""


class Pages:
    """The sorted n-grams of every candidate in a file, in the order of reading; memory holds where each begins."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sizes: list[Int64[ndarray, _]] = []

    def take(self, batch: pa.RecordBatch) -> None:
        """Put the n-grams of a batch's texts behind those of the batches before."""
        for tokens in cut(batch):
            parts = [np.split(tokens.ngrams(order), tokens.ngram_offsets(order)[1:-1]) for order in ORDERS]
            rows = [np.sort(np.concatenate(row)) for row in zip(*parts, strict=True)]
            self._sizes.append(np.array([len(row) for row in rows], np.int64))
            for row in rows:
                self._file.write(row.astype("<u8").tobytes())

    def scores(self, groups: Iterable[Sequence[int]]) -> Float64[ndarray, "n"]:
        """The agreement of each candidate, given the rows of each group; NaN where it has no rivals.

        Raises:
            UsageError: a group is too large.
        """
        self._file.flush()
        ends = np.cumsum(np.concatenate([np.zeros(1, np.int64), *self._sizes]))
        result = np.full(len(ends) - 1, np.nan)
        if not ends[-1]:
            whole: UInt64[ndarray, _] = np.zeros(0, np.uint64)
        else:
            whole = np.memmap(self._file, dtype="<u8", mode="r")
        for rows in groups:
            if len(rows) > MOST:
                raise UsageError(
                    f"a group has {len(rows):,} candidates, and agreement compares all pairs of at most {MOST:,}",
                    hint="Group by something finer: --group COLUMN. Or score by something else.",
                )
            if len(rows) > 1:
                result[list(rows)] = agreement([np.asarray(whole[ends[row] : ends[row + 1]]) for row in rows])
        return result


def agreement(texts: Sequence[UInt64[ndarray, "_"]]) -> Float64[ndarray, "k"]:
    """For each of some texts as sorted n-grams, the mean F1 with the others; two empty texts agree wholly."""
    count = len(texts)
    line = np.concatenate(texts)
    owner = np.repeat(np.arange(count), [len(text) for text in texts])
    kinds, at = np.unique(line, return_inverse=True)
    table = np.zeros((count, len(kinds)), np.int64)
    np.add.at(table, (owner, at), 1)
    sizes = table.sum(axis=1)
    total = np.zeros(count)
    for one in range(count):
        shared = np.minimum(table[one], table).sum(axis=1)
        both = sizes[one] + sizes
        overlap = np.where(both > 0, 2 * shared / np.maximum(both, 1), 1.0)
        total[one] = (overlap.sum() - overlap[one]) / (count - 1)
    return total


def rows_of(group: UInt64[ndarray, "n"]) -> Iterable[list[int]]:
    """The rows of each group."""
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order]) != 0) + 1
    for start, stop in pairwise([0, *edges.tolist(), len(order)]):
        yield order[start:stop].tolist()
