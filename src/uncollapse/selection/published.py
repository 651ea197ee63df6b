"""The features of the published importance resampling, to the bit: what its package computes, only faster.

Source: Xie et al. 2023, arXiv 2302.03169; package `data-selection` 1.0.3, `hashed_ngram_dsir.py`.
"""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.ngrams import Cutting, Rule, Tokens

CUTTING = Cutting(rule=Rule.WORD_PUNCT)
SHORTEST = 100
"""Documents of fewer tokens are never chosen."""
FLOOR = 1e-8
"""What is added to both probabilities before their logarithms are taken."""
_HELD = 2**21


class Sha256Buckets:
    """The bucket of each n-gram, int(sha256(its words with a blank between two), 16) mod `buckets`.

    What was computed is kept by the n-gram's 64-bit number, each in the one place that this number has; whoever comes
    to that place later takes it. So a few megabytes save most of the work, and nothing grows.
    """

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets
        self._keys: UInt64[ndarray, h] = np.zeros(_HELD, np.uint64)
        self._values: Int64[ndarray, h] = np.full(_HELD, -1, np.int64)

    def of(self, tokens: Tokens, order: int) -> Int64[ndarray, "m"]:
        """The buckets of `tokens.ngrams(order)`."""
        keys = tokens.ngrams(order)
        place = (keys >> np.uint64(43)).astype(np.int64)
        result = self._values[place]
        missing = np.flatnonzero((self._keys[place] != keys) | (result < 0))
        if len(missing):
            new, first, back = np.unique(keys[missing], return_index=True, return_inverse=True)
            found = self._buckets_of(_spelt(tokens, order, missing[first]))
            result[missing] = found[back]
            there = (new >> np.uint64(43)).astype(np.int64)
            self._keys[there], self._values[there] = new, found
        return result

    def _buckets_of(self, grams: Iterable[bytes]) -> Int64[ndarray, "m"]:
        digests = np.frombuffer(b"".join([sha256(gram).digest() for gram in grams]), ">u4").reshape(-1, 8)
        result = np.zeros(len(digests), np.int64)
        for part in digests.T.astype(np.int64):
            result = ((result << 32) + part) % self._buckets
        return result


def _spelt(tokens: Tokens, order: int, which: Int64[ndarray, "m"]) -> Iterable[bytes]:
    """The words of some n-grams in UTF-8, one blank between two."""
    data = tokens.data.tobytes()
    first = np.flatnonzero(tokens.inside(order))[which]
    columns = []
    for at in range(order):
        starts = tokens.start[first + at]
        ends = starts + tokens.length[first + at]
        columns.append([data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)])
    return columns[0] if order == 1 else map(b" ".join, zip(*columns, strict=True))


def log_ratio(target: Int64[ndarray, "b"], raw: Int64[ndarray, "b"]) -> Float64[ndarray, "b"]:
    """ln(p_target + 1e-8) - ln(p_raw + 1e-8) for each bucket."""
    return np.log(target / target.sum() + FLOOR) - np.log(raw / raw.sum() + FLOOR)
