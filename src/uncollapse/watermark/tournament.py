"""SynthID-Text: which token wins is nudged by coin tosses that a key and the tokens before decide.

For each layer of a tournament a hash of the last tokens, the candidate and the layer's key tosses a coin g in {0, 1};
candidates with g = 1 gain at the cost of the others. Over random keys the law of the token is untouched; who has
the keys finds more ones in the text than half.

The hash is that of transformers (a linear congruential generator over a table of random bits), so that its detectors
read our marks and ours read its. The table is made by the same Mersenne twister here, on every device.

Source: Dathathri et al., Nature 2024 (SynthID-Text), algorithm 2 with two candidates for each match (eq. 13).

Shape letters: r rows, k candidates, l layers, h tokens of a context.
"""

from functools import cache

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from numpy import ndarray

# Tokens that decide a coin: the candidate and those before it.
NGRAM = 5
# Layers of a tournament; each brings evidence, and each a little less than the one before.
DEPTH = 30
# Candidates that take part, the likeliest; the others keep what the model gives them and bear no mark.
HEAD = 256
TABLE_SIZE = 1 << 16
TABLE_SEED = 0
MULTIPLIER = 6364136223846793005
INCREMENT = 1


@cache
def table() -> UInt8[ndarray, "65536"]:
    """The random bits that hashes point into."""
    words = np.random.RandomState(TABLE_SEED).randint(0, 2**32, TABLE_SIZE, dtype=np.uint32)
    return (words % 2).astype(np.uint8)


def context_hash(contexts: Int64[ndarray, "r h"]) -> Int64[ndarray, "r"]:
    """The hash of each row of tokens, oldest first."""
    value = np.ones(len(contexts), np.int64)
    for column in contexts.T:
        value = _fed(value, column)
    return value


def coins(hashes: Int64[ndarray, "..."], keys: Int64[ndarray, "... l"]) -> UInt8[ndarray, "... l"]:
    """The coin of each layer for each hash of context and candidate; `keys` are broadcast over the hashes."""
    value = _fed(hashes[..., None], keys)
    # The table's size is a power of two: the floor modulus of a signed number is its lowest bits.
    return table()[value & (TABLE_SIZE - 1)]


def tournament(
    probability: Float64[ndarray, "r k"],
    ids: Int64[ndarray, "r k"],
    *,
    hashes: Int64[ndarray, "r"],
    keys: Int64[ndarray, "r l"],
) -> Float64[ndarray, "r k"]:
    """The candidates' probabilities after all layers, rows summing to one; `hashes` are those of the contexts."""
    candidates = np.broadcast_to(hashes[:, None], ids.shape)
    tosses = coins(_fed(candidates, ids), keys[:, None, :])
    marked = probability
    for layer in range(keys.shape[1]):
        toss = tosses[:, :, layer].astype(np.float64)
        marked = marked * (1.0 + toss - (marked * toss).sum(axis=1, keepdims=True))
    return marked / marked.sum(axis=1, keepdims=True)


def _fed(value: Int64[ndarray, "..."], data: Int64[ndarray, "..."]) -> Int64[ndarray, "..."]:
    """The hash with one more number in it; int64 throughout, wrapping."""
    return (value + data) * np.int64(MULTIPLIER) + np.int64(INCREMENT)
