"""Counted n-gram models over coded words: many streams are counted, and many written, at once.

A model of order N has one level for each length of context from 0 to N - 1 words. Level j knows the (j + 1)-grams as
sorted numbers, context times types plus word, where the context is the number of its j-gram one level up; so each row
of successors lies in one piece, and a context is found by binary search, or not at all where j < 2.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64
from numpy import ndarray


class Level(NamedTuple):
    """What follows contexts of one length: distinct n-grams with counts, each context's row, and every occurrence.

    Row c of `grams` and `counts` runs from bounds[c] to bounds[c + 1], that of `occurrences` (the words that followed,
    repeats and all) from starts[c] to starts[c + 1].
    """

    grams: Int64[ndarray, "g"]
    counts: Int64[ndarray, "g"]
    bounds: Int64[ndarray, "e"]
    occurrences: Int64[ndarray, "n"]
    starts: Int64[ndarray, "e"]

    @property
    def totals(self) -> Int64[ndarray, "c"]:
        """How often each context was followed by anything."""
        return np.diff(self.starts)

    @property
    def different(self) -> Int64[ndarray, "c"]:
        """How many different words followed each context."""
        return np.diff(self.bounds)


class Counts(NamedTuple):
    """A counted model: its levels from the empty context on, and how many numbers words may have."""

    levels: tuple[Level, ...]
    types: int

    @property
    def order(self) -> int:
        """The length of the longest n-grams that were counted."""
        return len(self.levels)

    @property
    def words(self) -> Int64[ndarray, "v"]:
        """How often each word was counted."""
        dense = np.zeros(self.types, np.int64)
        dense[self.levels[0].grams] = self.levels[0].counts
        return dense


def count(streams: Int64[ndarray, "s l"], *, types: int, order: int) -> Counts:
    """The counted n-grams of orders 1 to `order` within each stream; none reaches from one stream into the next."""
    contexts = np.zeros_like(streams)
    size = 1
    levels: list[Level] = []
    for depth in range(order):
        keys = contexts[:, depth:] * types + streams[:, depth:]
        # Half as many bytes are sorted in half the time.
        keys = keys.astype(np.int32) if size * types <= np.iinfo(np.int32).max else keys
        level, number = _level(keys, types=types, size=size, numbered=0 < depth < order - 1)
        levels.append(level)
        # A context of one word is that word: no search is needed to find it again.
        inside = streams if depth == 0 else number
        size = types if depth == 0 else len(level.grams)
        contexts = np.zeros_like(streams)
        contexts[:, depth + 1 :] = inside[:, :-1]
    return Counts(tuple(levels), types)


def followed(
    counts: Counts, contexts: Int64[ndarray, "n"], words: Int64[ndarray, "n"], *, depth: int
) -> Int64[ndarray, "n"]:
    """The numbers of contexts of `depth` + 1 words, each a context of `depth` words and the word after it.

    -1 where it was never seen.
    """
    if depth == 0:
        return words
    at, hit = find(counts.levels[depth].grams, contexts * counts.types + words)
    return np.where(hit & (contexts >= 0), at, -1)


def find(keys: Int64[ndarray, "g"], wanted: Int64[ndarray, "n"]) -> tuple[Int64[ndarray, "n"], Bool[ndarray, "n"]]:
    """Where each wanted key stands in the sorted keys, and whether it stands there at all."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def log_probability(counts: Counts, streams: Int64[ndarray, "s l"]) -> Float64[ndarray, "s l"]:
    """The natural log-probability of each word after the words before it in its stream, smoothed so that none is zero.

    The estimate of a context is mixed with that of the next shorter one, with as much weight on the latter as the
    context has had different successors; below the empty context every number is equally likely.

    Source: Witten and Bell, IEEE Trans. Inf. Theory 1991, method C, in the interpolated form of Chen and Goodman 1999.
    """
    length = streams.shape[1]
    probability = np.full(streams.size, 1.0 / counts.types)
    words = streams.ravel()
    position = np.tile(np.arange(length), len(streams))
    contexts = np.zeros(streams.size, np.int64)
    for depth, level in enumerate(counts.levels):
        seen = (contexts >= 0) & (position >= depth)
        at, hit = find(level.grams, contexts * counts.types + words)
        rows = np.where(seen, contexts, 0)
        often = np.where(hit & seen, level.counts[at], 0)
        mass, different = level.totals[rows], level.different[rows]
        seen &= mass > 0
        mixed = (often + different * probability) / np.maximum(mass + different, 1)
        probability = np.where(seen, mixed, probability)
        if depth + 1 < counts.order:
            longer = followed(counts, contexts, words, depth=depth)
            contexts = np.concatenate([np.full(1, -1), longer[:-1]])
    return np.log(probability).reshape(streams.shape)


def _level(keys: Int[ndarray, "s k"], *, types: int, size: int, numbered: bool) -> tuple[Level, Int[ndarray, "s k"]]:
    """The level of some keys, and for each key its number among the distinct ones (only where `numbered`)."""
    if numbered:
        grams, number, counts = np.unique(keys, return_inverse=True, return_counts=True)
        line = np.repeat(grams, counts)
        number = number.reshape(keys.shape)
    else:
        line, number = np.sort(keys, axis=None), keys
        first = np.flatnonzero(np.concatenate([np.ones(min(1, len(line)), bool), line[1:] != line[:-1]]))
        grams, counts = line[first], np.diff(first, append=len(line))
    rows, occurrences = np.divmod(line.astype(np.int64), types)
    starts = _edges(np.bincount(rows, minlength=size))
    bounds = _edges(np.bincount(grams // types, minlength=size))
    return Level(grams.astype(np.int64), counts, bounds, occurrences, starts), number


def _edges(sizes: Int64[ndarray, "c"]) -> Int64[ndarray, "e"]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
