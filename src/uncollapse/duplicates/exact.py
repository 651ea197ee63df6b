"""Which documents are the same, byte for byte or word for word. 16 bytes are held for each different document."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from jaxtyping import UInt64
from numpy import ndarray

from uncollapse.fingerprint import content_id
from uncollapse.ngrams import WORDS, Cutting, Mergeable, Sums, Tokens, cut, mix

_STEP = np.uint64(0x9E3779B97F4A7C15)
_DIGITS = 16  # hexadecimal digits of 64 bits


class Sameness(StrEnum):
    """What makes two documents the same: their bytes, or their words (white space and, as cut, capitals aside)."""

    TEXT = "text"
    WORDS = "words"


class Copies(NamedTuple):
    """One content, by its 64-bit number, and how many documents have it."""

    key: int
    documents: int


@dataclass(frozen=True)
class Same:
    """How many documents there are, how many different ones, and the most copied, the most first.

    `repeated` is the share of documents that are a copy of an earlier one: 1 - different / documents; NaN for none.
    """

    documents: int
    different: int
    repeated: float
    most_copied: tuple[Copies, ...]


def document_keys(
    batch: pa.RecordBatch, *, sameness: Sameness = Sameness.TEXT, cutting: Cutting = WORDS
) -> UInt64[ndarray, "d"]:
    """The 64-bit number of each document's content; a missing text is an empty one.

    For `TEXT` it is the first half of the content id. Two different contents share a number with a chance of 2^-64.
    """
    if sameness is Sameness.TEXT:
        texts = batch.column("text").to_pylist()
        return np.array([int(content_id(text or "")[:_DIGITS], 16) for text in texts], dtype=np.uint64)
    return np.concatenate([np.zeros(0, dtype=np.uint64), *(word_keys(tokens) for tokens in cut(batch, cutting))])


def word_keys(tokens: Tokens) -> UInt64[ndarray, "d"]:
    """The 64-bit number of each document's words in their order; those without words share one."""
    counts = np.diff(tokens.offsets)
    place = (np.arange(len(tokens.words)) - np.repeat(tokens.offsets[:-1], counts)).astype(np.uint64)
    placed = mix(tokens.words ^ mix(place * _STEP))
    total = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(placed, dtype=np.uint64)])
    return mix((total[tokens.offsets[1:]] - total[tokens.offsets[:-1]]) + counts.astype(np.uint64))


class ExactDuplicates(Mergeable):
    """How many documents are copies of another."""

    def __init__(self, *, sameness: Sameness = Sameness.TEXT, most: int = 100, cutting: Cutting = WORDS) -> None:
        self.sameness, self.most, self.cutting = sameness, most, cutting
        self._sums = Sums()

    def settings(self) -> tuple[Any, ...]:
        """What makes two documents the same, how many are listed, and the cutting."""
        return self.sameness, self.most, self.cutting

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        self.take(document_keys(batch, sameness=self.sameness, cutting=self.cutting))

    def take(self, keys: UInt64[ndarray, "d"]) -> None:
        """Takes documents into account by the numbers of their contents."""
        self._sums.add(*np.unique(keys, return_counts=True))

    def _add(self, other: Self) -> None:
        self._sums.add(*other._sums.settled())

    def keys(self) -> UInt64[ndarray, "d"]:
        """The numbers of the different contents, in ascending order."""
        return self._sums.settled()[0]

    def result(self) -> Same:
        """The copies."""
        keys, counts = self._sums.settled()
        documents = int(counts.sum())
        copied = np.flatnonzero(counts > 1)
        order = copied[np.lexsort((keys[copied], -counts[copied]))][: self.most]
        pairs = zip(keys[order].tolist(), counts[order].tolist(), strict=True)
        repeated = 1 - len(keys) / documents if documents else float("nan")
        return Same(documents, len(keys), repeated, tuple(Copies(*pair) for pair in pairs))
