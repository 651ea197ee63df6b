"""Documents as counts of hashed n-grams: of those alone that a reference has, and on the disk.

Each document has 6 bytes for each different n-gram that the reference has too, one document behind the other.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.ngrams import Tokens, bucket_of
from uncollapse.selection.spool import Spool

_MOST = 2**16 - 1


@dataclass(frozen=True, eq=False)
class Known:
    """The n-grams of a reference: how often each was seen, and for each bucket its number among them, or -1."""

    orders: tuple[int, ...]
    number: Int64[ndarray, "b"]
    counts: Int64[ndarray, "k"]

    @classmethod
    def of(cls, table: Int64[ndarray, "b"], orders: tuple[int, ...]) -> "Known":
        """What is known by the counts of all buckets."""
        there = table > 0
        return cls(orders, np.where(there, np.cumsum(there) - 1, -1), table[there])


@dataclass(frozen=True, eq=False)
class Features:
    """The n-grams of each document, from offsets[d] to offsets[d + 1]: their numbers, and how often each is there."""

    number: ndarray
    times: ndarray
    offsets: Int64[ndarray, "d"]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, document: int) -> tuple[ndarray, ndarray]:
        """The n-grams of one document."""
        here = slice(self.offsets[document], self.offsets[document + 1])
        return self.number[here], self.times[here]


class FeatureStore:
    """Gathers the n-grams of documents, batch by batch."""

    def __init__(self, known: Known, files: ExitStack) -> None:
        self._known = known
        self._number, self._times = Spool(np.uint32, files), Spool(np.uint16, files)
        self._sizes: list[ndarray] = []

    def take(self, tokens: Tokens) -> None:
        """Takes some documents, behind those that are there."""
        keys = []
        for order in self._known.orders:
            number = self._known.number[bucket_of(tokens.ngrams(order), len(self._known.number))]
            document = np.repeat(np.arange(tokens.documents), np.diff(tokens.ngram_offsets(order)))
            held = number >= 0
            keys.append((document[held] << 32) | number[held])
        # Sorted, each document has its n-grams in the order of their numbers, whatever was read with it.
        found, times = np.unique(np.concatenate(keys), return_counts=True)
        self._number.add(found & 0xFFFFFFFF)
        self._times.add(np.minimum(times, _MOST))
        self._sizes.append(np.bincount(found >> 32, minlength=tokens.documents))

    def features(self) -> Features:
        """The n-grams of all documents."""
        sizes = np.concatenate([np.zeros(1, np.int64), *self._sizes])
        return Features(self._number.opened(), self._times.opened(), np.cumsum(sizes))


def summed(values: Float64[ndarray, "m"], sizes: Int64[ndarray, "d"]) -> Float64[ndarray, "d"]:
    """The sums of stretches of these sizes, one behind the other; an empty one has 0."""
    result = np.zeros(len(sizes))
    held = np.flatnonzero(sizes)
    if len(held):
        starts = np.cumsum(sizes) - sizes
        result[held] = np.add.reduceat(values, starts[held])
    return result
