"""Signatures of documents: the share of places at which two agree estimates how many word runs they have in common."""

from functools import cache

import numpy as np
from jaxtyping import Float64, Int64, UInt32, UInt64
from numpy import ndarray

from uncollapse.ngrams import Tokens, mix

_SEED = 0x6D696E68617368  # "minhash"


def signatures(tokens: Tokens, *, shingle: int, size: int) -> tuple[Int64[ndarray, "n"], UInt32[ndarray, "n s"]]:
    """Which documents have words, and for each of these the `size` least values of its runs of words.

    A run has `shingle` words; a document with fewer has one run, all its words. Two documents agree at each place with
    a chance of |A and B| / |A or B|, their Jaccard similarity s; the agreeing share has a standard error of
    sqrt(s (1 - s) / size).

    Source: Broder, SEQUENCES 1997; Dietzfelbinger et al., J. Algorithms 1997 (multiply-shift for the permutations).
    """
    runs, offsets = shingles(tokens, shingle)
    held = np.flatnonzero(np.diff(offsets) > 0)
    result = np.empty((len(held), size), dtype=np.uint32)
    if not len(held):
        return held, result
    factor, shift = _permutations(size)
    for place in range(size):
        value = runs * factor[place]
        value += shift[place]
        value >>= np.uint64(32)
        result[:, place] = np.minimum.reduceat(value, offsets[held])
    return held, result


def similarity(one: UInt32[ndarray, "n s"], other: UInt32[ndarray, "n s"]) -> Float64[ndarray, "n"]:
    """For each pair of signatures the share of places at which they agree."""
    return (one == other).mean(axis=1)


@cache
def _permutations(size: int) -> tuple[UInt64[ndarray, "s"], UInt64[ndarray, "s"]]:
    numbers = mix(np.arange(2 * size, dtype=np.uint64) + np.uint64(_SEED))
    return numbers[:size] | np.uint64(1), numbers[size:]


def shingles(tokens: Tokens, shingle: int) -> tuple[UInt64[ndarray, "r"], Int64[ndarray, "d"]]:
    """The runs of every document, one behind the other, and where those of each begin.

    A document with fewer words than `shingle` has one run, all its words; one without words has none.
    """
    words = np.diff(tokens.offsets)
    short = np.flatnonzero((words > 0) & (words < shingle))
    counts = np.maximum(words - shingle + 1, 0)
    counts[short] = 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    runs = np.empty(offsets[-1], dtype=np.uint64)
    alone = np.zeros(len(runs), dtype=bool)
    alone[offsets[short]] = True
    runs[~alone] = tokens.ngrams(shingle)
    for size in range(1, shingle):
        these = short[words[short] == size]
        first = tokens.offsets[these] - _missing(tokens, size)[these]
        runs[offsets[these]] = tokens.ngrams(size)[first]
    return runs, offsets


def _missing(tokens: Tokens, order: int) -> Int64[ndarray, "d"]:
    """How many fewer n-grams than words stand before each document in the sequence of all n-grams."""
    return tokens.offsets[:-1] - tokens.ngram_offsets(order)[:-1]
