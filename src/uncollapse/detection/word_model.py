"""A linear model over hashed runs of one to three words: fast enough for everything, blind to what it never saw.

A text is its first 200 words, normalised. Each run of words falls by its 64-bit number into one of 2^20 buckets; a
bucket that is met t times counts 1 + log t, times the bucket's inverse document frequency, and a text's counts are
brought to length 1. The sum of the weights of what is met, and a bias, are the log-odds of a machine's text at even
prevalence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray
from scipy.sparse import csr_matrix

from uncollapse.detection.logistic import fit
from uncollapse.detection.normal import normalised
from uncollapse.ngrams.words import Tokens, cut

BITS = 20
LONGEST_RUN = 3
WORDS = 200
# Characters of a text that are looked at: 200 words have seldom as many.
CHARACTERS = 2_400
INVERSE_RIDGE = 10.0
_BATCH = 1024


class Counted(NamedTuple):
    """The buckets of some texts: text d has those from offsets[d] to offsets[d + 1], each once, with 1 + log(times)."""

    buckets: Int64[ndarray, "c"]
    counts: Float64[ndarray, "c"]
    offsets: Int64[ndarray, "d"]


@dataclass(frozen=True, eq=False)
class WordModel:
    """The model: a weight and an inverse document frequency for each bucket, and a bias."""

    weight: Float32[ndarray, "b"]
    rarity: Float32[ndarray, "b"]
    bias: float

    @classmethod
    def fit(cls, texts: Sequence[str], machine: Bool[ndarray, "n"]) -> Self:
        """The model of some texts of which it is known who wrote them; both classes weigh the same."""
        counted = _joined(list(count_buckets(texts)))
        seen, column = np.unique(counted.buckets, return_inverse=True)
        documents = np.bincount(column, minlength=len(seen))
        # Source: scikit-learn's smooth inverse document frequency: log((1 + n) / (1 + documents)) + 1.
        known = np.log((1 + len(texts)) / (1 + documents)) + 1
        table = csr_matrix((counted.counts * known[column], column, counted.offsets), shape=(len(texts), len(seen)))
        norm = np.sqrt(np.asarray(table.multiply(table).sum(axis=1))[:, 0])
        table.data /= np.repeat(np.maximum(norm, np.finfo(float).tiny), np.diff(counted.offsets))
        found = fit(table, machine, inverse_ridge=INVERSE_RIDGE)
        weight, rarity = np.zeros(1 << BITS, np.float32), np.zeros(1 << BITS, np.float32)
        # What was never met counts as the rarest in a text's length, and has no weight of its own.
        rarity[:] = np.log(1 + len(texts)) + 1
        rarity[seen], weight[seen] = known, found.weights
        return cls(weight, rarity, found.bias)

    def log_odds(self, texts: Sequence[str] | pa.LargeStringArray) -> Float64[ndarray, "n"]:
        """The log-odds of a machine's text at even prevalence, for each text; the bias alone where there is no word."""
        return np.concatenate([np.zeros(0), *map(self._log_odds, count_buckets(texts))])

    def _log_odds(self, counted: Counted) -> Float64[ndarray, "d"]:
        value = counted.counts * self.rarity[counted.buckets]
        text = np.repeat(np.arange(len(counted.offsets) - 1), np.diff(counted.offsets))
        count = len(counted.offsets) - 1
        norm = np.sqrt(np.bincount(text, weights=value * value, minlength=count))
        total = np.bincount(text, weights=value * self.weight[counted.buckets], minlength=count)
        return total / np.maximum(norm, np.finfo(float).tiny) + self.bias

    def tensors(self) -> dict[str, ndarray]:
        """What has to be kept: the buckets with a weight, their weights and rarities, the rest's rarity, the bias."""
        rest = float(self.rarity.max())
        held = np.flatnonzero((self.weight != 0) | (self.rarity != np.float32(rest)))
        return {
            "buckets": held.astype(np.uint32),
            "weight": self.weight[held],
            "rarity": self.rarity[held],
            "rest": np.array([rest, self.bias]),
        }

    @classmethod
    def of_tensors(cls, tensors: dict[str, ndarray]) -> Self:
        """The model that `tensors` gave.

        Raises:
            KeyError, ValueError, IndexError: it gave no such thing.
        """
        rest, bias = tensors["rest"].tolist()
        weight = np.zeros(1 << BITS, np.float32)
        rarity = np.full(1 << BITS, rest, np.float32)
        weight[tensors["buckets"]] = tensors["weight"]
        rarity[tensors["buckets"]] = tensors["rarity"]
        return cls(weight, rarity, bias)


def count_buckets(texts: Sequence[str] | pa.LargeStringArray) -> Iterator[Counted]:
    """The buckets of the texts, some texts at a time."""
    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    for at in range(0, len(array), _BATCH):
        part = normalised(pc.utf8_slice_codeunits(array.slice(at, _BATCH), 0, CHARACTERS))
        for tokens in cut(pa.RecordBatch.from_arrays([part], ["text"])):
            yield _count(tokens)


def word_counts(texts: Sequence[str]) -> Int64[ndarray, "n"]:
    """How many words each text has; a character of a script without spaces is one."""
    batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.large_string())], ["text"])
    return np.concatenate([np.zeros(0, np.int64), *(np.diff(tokens.offsets) for tokens in cut(batch))])


def _count(tokens: Tokens) -> Counted:
    lengths = np.minimum(np.diff(tokens.offsets), WORDS)
    parts = []
    for order in range(1, LONGEST_RUN + 1):
        keys, offsets = tokens.ngrams(order), tokens.ngram_offsets(order)
        text = np.repeat(np.arange(tokens.documents), np.diff(offsets))
        place = np.arange(len(keys)) - offsets[text]
        bucket = (keys >> np.uint64(64 - BITS)).astype(np.int64)
        parts.append(((text << BITS) | bucket)[place + order <= lengths[text]])
    name, times = np.unique(np.concatenate(parts), return_counts=True)
    offsets = np.searchsorted(name, np.arange(tokens.documents + 1) << BITS)
    return Counted(name & ((1 << BITS) - 1), 1 + np.log(times), offsets)


def _joined(parts: Sequence[Counted]) -> Counted:
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Counted(
        np.concatenate([part.buckets for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([[0], np.cumsum(sizes)]),
    )
