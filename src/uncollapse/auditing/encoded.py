"""Two samples of text as dense numbers, so that what is counted in a half of one is a `bincount` and no sort."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numpy import ndarray

from uncollapse.auditing.pool import Documents
from uncollapse.measures.concentration import BUCKETS
from uncollapse.measures.repetition import runs
from uncollapse.ngrams import bucket_of

ORDERS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, eq=False)
class Encoded:
    """The n-grams of a sample of documents, named by numbers that the other sample shares.

    `names[order]` has the n-gram that begins at each word, -1 where it would leave its document; `first[order]` says
    whether it is the first of its name in its document; `sizes[order]` counts the names of both samples.
    """

    offsets: Int64[ndarray, "e"]
    names: dict[int, Int64[ndarray, "_"]]
    first: dict[int, Bool[ndarray, "_"]]
    sizes: dict[int, int]
    buckets: dict[int, Int64[ndarray, "_"]]

    @property
    def documents(self) -> int:
        """How many documents these are."""
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Int64[ndarray, "d"]:
        """The words of each document."""
        return np.diff(self.offsets)

    @cached_property
    def document(self) -> Int64[ndarray, "n"]:
        """The document of each word."""
        return np.repeat(np.arange(self.documents), self.lengths)

    @cached_property
    def place(self) -> Int64[ndarray, "n"]:
        """Where in its document each word stands."""
        return np.arange(int(self.offsets[-1])) - np.repeat(self.offsets[:-1], self.lengths)


def encode(*samples: Documents, orders: Sequence[int] = ORDERS) -> list[Encoded]:
    """The samples with names that mean the same in all of them."""
    names: list[dict[int, Int64[ndarray, _]]] = [{} for _ in samples]
    buckets: list[dict[int, Int64[ndarray, _]]] = [{} for _ in samples]
    sizes = {}
    for order in orders:
        parts = [_keys(sample, order) for sample in samples]
        keys, place = np.unique(np.concatenate([key for key, _ in parts]), return_inverse=True)
        sizes[order] = len(keys)
        begin = 0
        for number, (key, inside) in enumerate(parts):
            own = place[begin : begin + len(key)]
            begin += len(key)
            names[number][order] = _placed(own, inside)
            buckets[number][order] = _placed(bucket_of(key, BUCKETS), inside)
    return [
        Encoded(sample.offsets, own, {order: _first(own[order], sample) for order in orders}, sizes, bucket)
        for sample, own, bucket in zip(samples, names, buckets, strict=True)
    ]


def _keys(sample: Documents, order: int) -> tuple[ndarray, Bool[ndarray, "n"]]:
    """The 64-bit numbers of the n-grams inside documents, and at which words they begin."""
    ends = np.repeat(sample.offsets[1:], np.diff(sample.offsets))
    inside = np.arange(len(sample.words)) + order <= ends
    return runs(sample.words, order)[inside[: max(len(sample.words) - order + 1, 0)]], inside


def _placed(values: Int64[ndarray, "m"], inside: Bool[ndarray, "n"]) -> Int64[ndarray, "n"]:
    placed = np.full(len(inside), -1, dtype=np.int64)
    placed[inside] = values
    return placed


def _first(names: Int64[ndarray, "n"], sample: Documents) -> Bool[ndarray, "n"]:
    document = np.repeat(np.arange(len(sample.offsets) - 1), np.diff(sample.offsets))
    order = np.lexsort((names, document))
    new = np.ones(len(names), dtype=bool)
    new[1:] = (names[order][1:] != names[order][:-1]) | (document[order][1:] != document[order][:-1])
    first = np.zeros(len(names), dtype=bool)
    first[order[new]] = True
    return first & (names >= 0)


@dataclass(frozen=True, eq=False)
class Part:
    """The first `tokens` words of some documents of a sample; the last document is cut off where they are reached."""

    sample: Encoded
    documents: Int64[ndarray, "k"]
    taken: Int64[ndarray, "d"]
    """How many words of each document of the sample are in."""

    @classmethod
    def of(cls, sample: Encoded, documents: Int64[ndarray, "k"], *, tokens: int) -> "Part":
        """The part; fewer words where the documents have not so many."""
        lengths = sample.lengths[documents]
        left = tokens - (np.cumsum(lengths) - lengths)
        taken = np.zeros(sample.documents, dtype=np.int64)
        taken[documents] = np.clip(left, 0, lengths)
        return cls(sample, documents[left > 0], taken)

    @cached_property
    def tokens(self) -> int:
        """How many words are in."""
        return int(self.taken.sum())

    @cached_property
    def _known(self) -> dict[int, Int64[ndarray, "_"]]:
        return {}

    def forget(self) -> None:
        """Lets go of what is as long as the sample; it is worked out again when it is asked for."""
        self._known.clear()
        self.__dict__.pop("_left", None)

    @cached_property
    def _left(self) -> Int64[ndarray, "n"]:
        return self.taken[self.sample.document] - self.sample.place

    def inside(self, order: int) -> Bool[ndarray, "n"]:
        """At which words of the sample an n-gram begins that lies within the part."""
        return (self._left >= order) & (self.sample.names[order] >= 0)

    def counts(self, order: int) -> Int64[ndarray, "t"]:
        """How often each n-gram of the samples is in the part."""
        if order not in self._known:
            inside = self.inside(order)
            self._known[order] = self._counted(self.sample.names[order], inside, self.sample.sizes[order])
        return self._known[order]

    def spread(self, order: int) -> Int64[ndarray, "t"]:
        """How many documents of the part have each n-gram."""
        inside = self.inside(order) & self.sample.first[order]
        return self._counted(self.sample.names[order], inside, self.sample.sizes[order])

    def buckets(self, orders: Sequence[int]) -> Int64[ndarray, "b"]:
        """How many n-grams of the orders fall into each of the paper's buckets."""
        return sum(
            (self._counted(self.sample.buckets[order], self.inside(order), BUCKETS) for order in orders),
            start=np.zeros(BUCKETS, dtype=np.int64),
        )

    def repeats(self, order: int) -> float:
        """The self-repetition in nats: the mean over documents of ln(1 + other documents that have its n-grams)."""
        inside = self.inside(order) & self.sample.first[order]
        others = self.spread(order)[self.sample.names[order][inside]] - 1
        sums = np.bincount(self.sample.document[inside], weights=others, minlength=self.sample.documents)
        return float(np.log1p(sums[self.documents]).mean()) if len(self.documents) else float("nan")

    def rows(self, most: int) -> list[UInt64[ndarray, "w"]]:
        """The words of the first documents that have any."""
        begins = self.sample.offsets[:-1]
        words = self.sample.names[1].astype(np.uint64)
        held = [document for document in self.documents.tolist() if self.taken[document]][:most]
        return [words[begins[at] : begins[at] + self.taken[at]] for at in held]

    def mean(self, values: ndarray) -> float:
        """The mean of a number over the documents of the part that have one."""
        own = values[self.documents]
        own = own[~np.isnan(own)]
        return float(own.mean()) if len(own) else float("nan")

    @staticmethod
    def _counted(names: ndarray, inside: ndarray, size: int) -> Int64[ndarray, "t"]:
        return np.bincount(names[inside], minlength=size)
