"""The features of the published importance resampling, to the bit: what its package computes, only faster.

Source: Xie et al. 2023, arXiv 2302.03169; package `data-selection` 1.0.3, `hashed_ngram_dsir.py`.
"""

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
            found = np.array([self._bucket(text) for text in tokens.spell(order, missing[first])], np.int64)
            result[missing] = found[back]
            there = (new >> np.uint64(43)).astype(np.int64)
            self._keys[there], self._values[there] = new, found
        return result

    def _bucket(self, text: str) -> int:
        return int.from_bytes(sha256(text.encode()).digest(), "big") % self._buckets


def log_ratio(target: Int64[ndarray, "b"], raw: Int64[ndarray, "b"]) -> Float64[ndarray, "b"]:
    """ln(p_target + 1e-8) - ln(p_raw + 1e-8) for each bucket."""
    return np.log(target / target.sum() + FLOOR) - np.log(raw / raw.sum() + FLOOR)
