"""Groups of documents: the values of a column, or k-means over hashed vectors of their words."""

import warnings
from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from scipy.cluster.vq import kmeans2

from uncollapse.errors import UsageError
from uncollapse.selection.choosing import Pool, Rows, numbered, values_of
from uncollapse.selection.vectors import vectors_of

DIMENSIONS = 256
SAMPLE = 20_000
"""So many documents, drawn at random, find the centres; all are then given to the nearest."""
MOST = 512
_ROUNDS = 25
_AT_ONCE = 4096


def groups_by_column(pool: Pool, column: str) -> Int64[ndarray, "n"]:
    """For each document the number of its group, by the values of a column in their alphabetical order.

    Raises:
        MissingColumn: there is no such column.
    """
    known: dict[str, int] = {}
    found = np.concatenate([np.zeros(0, np.int64), *(numbered(values_of(batch, column), known) for batch in pool)])
    rank = np.argsort(np.argsort(np.array(list(known))))
    return rank[found] if len(found) else found


def groups_by_kmeans(pool: Pool, rows: Rows, *, clusters: int | None) -> Int64[ndarray, "n"]:
    """For each document the number of its cluster; as many as half the root of the documents unless said.

    The sample, its order and the first centres follow from the draws, so no order of documents shows.

    Raises:
        UsageError: more clusters than documents.

    Source: Lloyd 1982; Arthur and Vassilvitskii 2007 (k-means++).
    """
    count = clusters or int(np.clip(round(np.sqrt(len(rows)) / 2), 1, MOST))
    if count > len(rows):
        raise UsageError(f"{count:,} clusters of {len(rows):,} documents", hint="Ask for fewer clusters.")
    with ExitStack() as files:
        vectors = vectors_of(pool, dimensions=DIMENSIONS, files=files)
    sample = rows.order()[:SAMPLE]
    seed = int(rows.draw[sample[0]])
    return _nearest(vectors, _centres(vectors[sample].astype(np.float64), count, seed=seed))


def _centres(points: Float64[ndarray, "n d"], count: int, *, seed: int) -> Float64[ndarray, "k d"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster keeps its centre, and stays empty
        centres, _ = kmeans2(points, min(count, len(points)), iter=_ROUNDS, minit="++", rng=np.random.default_rng(seed))
    return np.asarray(centres, np.float64)


def _nearest(vectors: Float[ndarray, "n d"], centres: Float64[ndarray, "k d"]) -> Int64[ndarray, "n"]:
    own = (centres**2).sum(axis=1)
    parts = [np.zeros(0, np.int64)]
    for at in range(0, len(vectors), _AT_ONCE):
        some = vectors[at : at + _AT_ONCE].astype(np.float64)
        parts.append(np.argmin(own - 2 * some @ centres.T, axis=1).astype(np.int64))
    return np.concatenate(parts)
