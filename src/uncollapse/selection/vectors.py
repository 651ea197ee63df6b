"""Documents as points: their words in hashed places with hashed signs, the rare ones heavier, on the disk.

They lie there with half precision, 2 bytes for each of their numbers.

Source: Weinberger et al. 2009 (hashed features with signs keep inner products in the mean).
"""

from contextlib import ExitStack

import numpy as np
from jaxtyping import Float16, Float64, Int64
from numpy import ndarray

from uncollapse.ngrams import BucketTable, bucket_of, cut, mix
from uncollapse.ngrams.words import Tokens
from uncollapse.selection.choosing import Pool
from uncollapse.selection.spool import Spool

_BUCKETS = 2**18


def vectors_of(pool: Pool, *, dimensions: int, files: ExitStack) -> Float16[ndarray, "n d"]:
    """A vector of length 1 for each document, 0 for one without words; two passes over the pool.

    A word counts by the square root of its number in the document times the logarithm of its rarity in the pool.
    """
    table = BucketTable(orders=(1,), buckets=_BUCKETS)
    for batch in pool:
        table.update(batch)
    counts = table.result()
    rarity = np.log((counts.sum() + 1) / (counts + 1))
    spool, documents = Spool(np.float16, files), 0
    for batch in pool:
        for tokens in cut(batch):
            spool.add(_vectors(tokens, rarity, dimensions).ravel())
            documents += tokens.documents
    return spool.opened().reshape(documents, dimensions)


def _vectors(tokens: Tokens, rarity: Float64[ndarray, "b"], dimensions: int) -> Float64[ndarray, "n d"]:
    document = np.repeat(np.arange(tokens.documents, dtype=np.uint64), np.diff(tokens.offsets))
    # Different words of each document in the order of their numbers, so that sums do not hang on what was read with it.
    order = np.lexsort((tokens.words, document))
    words, document = tokens.words[order], document[order]
    new = np.ones(len(words), bool)
    new[1:] = (words[1:] != words[:-1]) | (document[1:] != document[:-1])
    first = np.flatnonzero(new)
    times = np.diff(first, append=len(words))
    words, owner = words[first], document[first].astype(np.int64)
    weight = np.sqrt(times) * rarity[bucket_of(words, _BUCKETS)]
    other = mix(words)
    sign = 1.0 - 2.0 * (other & np.uint64(1)).astype(np.float64)
    place: Int64[ndarray, m] = owner * dimensions + bucket_of(other, dimensions)
    flat = np.bincount(place, weights=sign * weight, minlength=tokens.documents * dimensions)
    result = flat.reshape(tokens.documents, dimensions)
    size = np.linalg.norm(result, axis=1, keepdims=True)
    return result / np.where(size > 0, size, 1.0)
