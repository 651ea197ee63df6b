"""Counting n-grams by their 64-bit numbers: exactly, in fixed buckets, and of the frequent ones exactly.

Nothing here depends on the order in which documents come or on how they are parted into batches.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Int64, UInt64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.ngrams.mergeable import OverWords
from uncollapse.ngrams.words import WORDS, Cutting, Tokens

# Types that are kept one by one: 64 MiB of numbers and counts. English prose has as many different words
# in about a billion.
LIMIT = 1 << 22
# New keys are gathered until there are this many, or as many as are held already, and then sorted in.
_GATHERED = 1 << 20
_HASHES = 2.0**64


@dataclass(frozen=True, eq=False)
class Types:
    """Different n-grams and how often each was seen, in ascending order of their 64-bit numbers.

    When there were more than a limit, these are the ones with the smallest numbers: a simple random sample, as the
    numbers are mixed. `share` is the part of the number range that it covers (1 when nothing was left out), so a sum
    over types is estimated by the sum over these divided by `share`; `total` counts every n-gram seen, left out or not.

    Source: Beyer et al., SIGMOD 2007 (the unbiased k-minimum-values estimator).
    """

    keys: UInt64[ndarray, "t"]
    counts: Int64[ndarray, "t"]
    total: int
    share: float

    @property
    def exact(self) -> bool:
        """Whether every type is here."""
        return self.share == 1.0

    @property
    def different(self) -> float:
        """How many different n-grams there are; estimated, unless `exact`, with a relative sd of 1 / sqrt(held)."""
        return len(self.keys) / self.share

    def below(self, share: float) -> "Types":
        """The types in the first part of the number range, to be compared with those of another count."""
        if share >= self.share:
            return self
        held = int(np.searchsorted(self.keys, np.uint64(share * _HASHES)))
        return Types(self.keys[:held], self.counts[:held], self.total, share)

    def of(self, keys: UInt64[ndarray, "k"]) -> Int64[ndarray, "k"]:
        """How often each of these was seen; 0 for those that are not here."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.counts[place], 0)


def together(one: Types, other: Types) -> tuple[UInt64[ndarray, "k"], Int64[ndarray, "k"], Int64[ndarray, "k"]]:
    """The types of either, and how often each has seen them, over the number range that both cover."""
    share = min(one.share, other.share)
    one, other = one.below(share), other.below(share)
    keys = np.union1d(one.keys, other.keys)
    return keys, one.of(keys), other.of(keys)


class Sums:
    """Counts by key, gathered in lots and summed up when a lot is full; `most` keys with the smallest numbers stay."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._held = Counted(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
        self._single: list[UInt64[ndarray, w]] = []
        self._counted: list[Counted] = []
        self._gathered = 0

    def add(self, keys: UInt64[ndarray, "w"], counts: Int64[ndarray, "w"] | None = None) -> None:
        """Adds to the counts of some keys, in any order and with repetitions; without `counts`, one for each."""
        if self.most is not None and len(self._held.keys) == self.most:
            inside = keys <= self._held.keys[-1]
            keys, counts = keys[inside], None if counts is None else counts[inside]
        if counts is None:
            self._single.append(keys)
        else:
            self._counted.append(Counted(keys, counts))
        self._gathered += len(keys)
        if self._gathered >= max(_GATHERED, len(self._held.keys)):
            self._sum_up()

    def settled(self) -> tuple[UInt64[ndarray, "k"], Int64[ndarray, "k"]]:
        """The keys in ascending order and their counts."""
        if self._gathered:
            self._sum_up()
        return self._held.keys, self._held.counts

    def _sum_up(self) -> None:
        if self._single:
            self._hold(_tallied(np.concatenate(self._single)))
        if self._counted:
            self._hold(_summed(*(np.concatenate(parts) for parts in zip(*self._counted, strict=True))))
        self._single, self._counted, self._gathered = [], [], 0

    def _hold(self, more: "Counted") -> None:
        keys, counts = _merged(self._held, more)
        if self.most is not None and len(keys) > self.most:
            keys, counts = keys[: self.most].copy(), counts[: self.most].copy()
        self._held = Counted(keys, counts)


class Counted(NamedTuple):
    """Keys and how often each was seen."""

    keys: UInt64[ndarray, "k"]
    counts: Int64[ndarray, "k"]


def _tallied(keys: UInt64[ndarray, "w"]) -> Counted:
    """The different keys in ascending order, and how often each is there."""
    # The keys are mixed, so their upper 16 bits part them into small heaps: that is a radix sort. What is left is in
    # order but for those heaps, and merging runs is then twice to ten times as fast as sorting at once.
    keys = keys[np.argsort((keys >> np.uint64(48)).astype(np.uint16), kind="stable")]
    keys.sort(kind="stable")
    first = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), dtype=bool), keys[1:] != keys[:-1]]))
    return Counted(keys[first], np.diff(first, append=len(keys)))


def _summed(keys: UInt64[ndarray, "w"], counts: Int64[ndarray, "w"]) -> Counted:
    if not len(keys):
        return Counted(keys, counts)
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return Counted(keys[first], np.add.reduceat(counts[order], first))


def _merged(one: Counted, other: Counted) -> Counted:
    """The sum of two counts, both in ascending order of different keys; neither is changed."""
    if not len(one.keys):
        return other
    place = np.searchsorted(one.keys, other.keys)
    known = one.keys[np.minimum(place, len(one.keys) - 1)] == other.keys
    counts = one.counts.copy()
    counts[place[known]] += other.counts[known]
    new = ~known
    return Counted(np.insert(one.keys, place[new], other.keys[new]), np.insert(counts, place[new], other.counts[new]))


class TypeCounts(OverWords):
    """How often each different n-gram of one order occurs; of more than `limit`, a uniform sample."""

    def __init__(self, *, order: int = 1, limit: int = LIMIT, cutting: Cutting = WORDS) -> None:
        super().__init__(cutting=cutting)
        if order < 1 or limit < 2:
            raise UsageError(f"order = {order}, limit = {limit}", hint="An order is 1 or more, a limit 2 or more.")
        self.order, self.limit, self.total = order, limit, 0
        # One more than the limit: its number is where the sample ends.
        self._sums = Sums(limit + 1)

    def settings(self) -> tuple[Any, ...]:
        """Order, limit and cutting."""
        return self.order, self.limit, self.cutting

    def take(self, tokens: Tokens) -> None:
        """Counts the n-grams of some documents."""
        keys = tokens.ngrams(self.order)
        self.total += len(keys)
        self._sums.add(keys)

    def _add(self, other: Self) -> None:
        self.total += other.total
        self._sums.add(*other._sums.settled())

    def result(self) -> Types:
        """The counts by type."""
        keys, counts = self._sums.settled()
        if len(keys) <= self.limit:
            return Types(keys, counts, self.total, 1.0)
        # No rounding can put a held key beyond the end: the share is that of the first key left out.
        return Types(keys[:-1], counts[:-1], self.total, int(keys[-1]) / _HASHES)


def bucket_of(keys: UInt64[ndarray, "n"], buckets: int, *, half: int = 0) -> Int64[ndarray, "n"]:
    """The bucket of each key, out of its upper 32 bits (half 0) or its lower (half 1).

    Source: Lemire, ACM TOMACS 2019 (a multiplication in place of a remainder).
    """
    bits = keys >> np.uint64(32) if half == 0 else keys & np.uint64(0xFFFFFFFF)
    return ((bits * np.uint64(buckets)) >> np.uint64(32)).astype(np.int64)


class BucketTable(OverWords):
    """How many n-grams of the given orders fall into each of a fixed number of buckets, all orders in one table."""

    def __init__(self, *, orders: tuple[int, ...] = (1, 2), buckets: int = 10_000, cutting: Cutting = WORDS) -> None:
        super().__init__(cutting=cutting)
        if not orders or min(orders) < 1 or not 1 <= buckets < 1 << 32:
            raise UsageError(f"orders = {orders}, buckets = {buckets}", hint="Say orders=(1, 2), buckets=10_000.")
        self.orders, self.buckets = orders, buckets
        self.counts: Int64[ndarray, b] = np.zeros(buckets, dtype=np.int64)

    def settings(self) -> tuple[Any, ...]:
        """Orders, number of buckets and cutting."""
        return self.orders, self.buckets, self.cutting

    def take(self, tokens: Tokens) -> None:
        """Counts the n-grams of some documents."""
        for order in self.orders:
            count_into(self.counts, bucket_of(tokens.ngrams(order), self.buckets))

    def _add(self, other: Self) -> None:
        self.counts += other.counts

    def result(self) -> Int64[ndarray, "b"]:
        """The number of n-grams in each bucket."""
        return self.counts.copy()


def count_into(counts: Int64[ndarray, "b"], bucket: Int64[ndarray, "n"]) -> None:
    """Adds one for each entry to the count of its bucket, in place."""
    if len(bucket) * 4 >= len(counts):
        counts += np.bincount(bucket, minlength=len(counts))
    else:
        np.add.at(counts, bucket, 1)
