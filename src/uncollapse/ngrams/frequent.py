"""The most frequent n-grams with their exact counts and their words, in bounded memory and two passes.

The first pass (`Sieve`) counts in two fixed tables. An n-gram seen t times has t or more in its bucket of both, so the
second pass (`Frequent`) has to look only at those whose two buckets are that full, and counts these exactly.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from blake3 import blake3
from jaxtyping import Bool, Int64, UInt64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.ngrams.counting import Sums, bucket_of, count_into
from uncollapse.ngrams.mergeable import OverWords
from uncollapse.ngrams.words import WORDS, Cutting, Tokens

# 2 x 2^22 counters are 64 MiB.
BUCKETS = 1 << 22


@dataclass(frozen=True, eq=False)
class Bounds:
    """For every n-gram of the given orders, an upper bound of how often it was seen; `counts` is (2, buckets).

    Source: Cormode and Muthukrishnan, J. Algorithms 2005, section 3 (the count-min sketch, two rows).
    """

    counts: Int64[ndarray, "2 b"]
    orders: tuple[int, ...]
    cutting: Cutting

    @cached_property
    def digest(self) -> str:
        """The BLAKE3 digest of the tables, in hexadecimal digits: two second passes are of one first pass, or not."""
        return blake3(np.ascontiguousarray(self.counts).tobytes()).hexdigest()

    def threshold(self, *, keep: int) -> int:
        """The smallest count that at most `keep` buckets of each table reach; 1 or more."""
        size = self.counts.shape[1]
        if keep >= size:
            return 1
        return 1 + int(np.partition(self.counts, size - keep - 1, axis=1)[:, size - keep - 1].max())

    def reach(self, keys: UInt64[ndarray, "n"], count: int) -> Bool[ndarray, "n"]:
        """Whether each n-gram may have been seen `count` times; surely not where False."""
        size = self.counts.shape[1]
        maybe = self.counts[0][bucket_of(keys, size, half=0)] >= count
        return maybe & (self.counts[1][bucket_of(keys, size, half=1)] >= count)


class Sieve(OverWords):
    """The first pass: counts in fixed tables, from which the second knows what can be frequent."""

    def __init__(self, *, orders: tuple[int, ...] = (1, 2, 3, 4, 5), buckets: int = BUCKETS, cutting: Cutting = WORDS):
        super().__init__(cutting=cutting)
        if not orders or min(orders) < 1 or not 1 <= buckets < 1 << 32:
            raise UsageError(f"orders = {orders}, buckets = {buckets}", hint="Say orders=(1, 2, 3).")
        self.orders = orders
        self.counts: Int64[ndarray, "2 b"] = np.zeros((2, buckets), dtype=np.int64)

    def settings(self) -> tuple[Any, ...]:
        """Orders, number of buckets and cutting."""
        return self.orders, self.counts.shape, self.cutting

    def take(self, tokens: Tokens) -> None:
        """Counts the n-grams of some documents."""
        for order in self.orders:
            keys = tokens.ngrams(order)
            for half in (0, 1):
                count_into(self.counts[half], bucket_of(keys, self.counts.shape[1], half=half))

    def _add(self, other: Self) -> None:
        self.counts += other.counts

    def result(self) -> Bounds:
        """The upper bounds."""
        return Bounds(self.counts.copy(), self.orders, self.cutting)


class Ngram(NamedTuple):
    """One n-gram: its words with a blank between two, their number, how often it was seen, and its 64-bit number."""

    text: str
    order: int
    seen: int
    key: int


@dataclass(frozen=True, eq=False)
class FrequentNgrams:
    """Every n-gram seen at least `at_least` times, the most frequent first; `totals` counts all, by order."""

    ngrams: tuple[Ngram, ...]
    at_least: int
    totals: dict[int, int]


class Frequent(OverWords):
    """The second pass, over the same documents: every n-gram seen at least `at_least` times, exactly.

    Without `at_least` it is chosen so that at most `keep` buckets of each table are looked into.
    """

    def __init__(self, bounds: Bounds, *, at_least: int | None = None, keep: int = 1 << 14) -> None:
        super().__init__(cutting=bounds.cutting)
        self.bounds = bounds
        self.at_least = bounds.threshold(keep=keep) if at_least is None else at_least
        self._sums = {order: Sums() for order in bounds.orders}
        self._texts: dict[int, dict[int, str]] = {order: {} for order in bounds.orders}
        self._totals = dict.fromkeys(bounds.orders, 0)

    def settings(self) -> tuple[Any, ...]:
        """Orders, least count, cutting, and the tables of the first pass."""
        return self.bounds.orders, self.at_least, self.cutting, self.bounds.digest

    def take(self, tokens: Tokens) -> None:
        """Counts what may be frequent among the n-grams of some documents."""
        for order in self.bounds.orders:
            every = tokens.ngrams(order)
            self._totals[order] += len(every)
            place = np.flatnonzero(self.bounds.reach(every, self.at_least))
            keys, first, counts = np.unique(every[place], return_index=True, return_counts=True)
            self._sums[order].add(keys, counts)
            self._spell(tokens, order, keys, place[first])

    def _spell(self, tokens: Tokens, order: int, keys: UInt64[ndarray, "k"], place: Int64[ndarray, "k"]) -> None:
        known = self._texts[order]
        unknown = [(key, at) for key, at in zip(keys.tolist(), place.tolist(), strict=True) if key not in known]
        texts = tokens.spell(order, np.array([at for _, at in unknown], dtype=np.int64))
        known.update(zip((key for key, _ in unknown), texts, strict=True))

    def _add(self, other: Self) -> None:
        for order in self.bounds.orders:
            self._totals[order] += other._totals[order]
            self._sums[order].add(*other._sums[order].settled())
            self._texts[order] = other._texts[order] | self._texts[order]

    def result(self) -> FrequentNgrams:
        """The frequent n-grams; equal counts are in the order of their words."""
        found = []
        for order, sums in self._sums.items():
            keys, counts = sums.settled()
            often = counts >= self.at_least
            texts = self._texts[order]
            pairs = zip(keys[often].tolist(), counts[often].tolist(), strict=True)
            found += [Ngram(texts[key], order, count, key) for key, count in pairs]
        found.sort(key=lambda ngram: (-ngram.seen, ngram.order, ngram.text))
        return FrequentNgrams(tuple(found), self.at_least, dict(self._totals))


class Spelling(OverWords):
    """A pass that finds the words of some n-grams of which only the 64-bit numbers are known."""

    def __init__(self, keys: UInt64[ndarray, "k"], *, order: int = 1, cutting: Cutting = WORDS) -> None:
        super().__init__(cutting=cutting)
        self.order = order
        self._wanted = np.unique(keys)
        self._texts: dict[int, str] = {}

    def settings(self) -> tuple[Any, ...]:
        """Order, cutting and the wanted numbers."""
        return self.order, self.cutting, self._wanted.tobytes()

    def take(self, tokens: Tokens) -> None:
        """Looks for what is still without words."""
        keys, first = np.unique(tokens.ngrams(self.order), return_index=True)
        hit = np.isin(keys, self._wanted)
        pairs = [(k, at) for k, at in zip(keys[hit].tolist(), first[hit].tolist(), strict=True) if k not in self._texts]
        texts = tokens.spell(self.order, np.array([at for _, at in pairs], dtype=np.int64))
        self._texts.update(zip((key for key, _ in pairs), texts, strict=True))

    def _add(self, other: Self) -> None:
        self._texts = other._texts | self._texts

    def result(self) -> dict[int, str]:
        """The words of each n-gram that was found, by its 64-bit number, in ascending order."""
        return dict(sorted(self._texts.items()))
