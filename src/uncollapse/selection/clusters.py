"""Groups of documents: the values of a column, or k-means over hashed vectors of their words."""

from contextlib import ExitStack

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from numpy.random import Generator

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
    random = np.random.default_rng(seed)
    centres = _spread(points, count, random)
    label = np.full(len(points), -1)
    for _ in range(_ROUNDS):
        before, label = label, _nearest(points, centres)
        if np.array_equal(before, label):
            break
        order = np.argsort(label, kind="stable")
        held, first = np.unique(label[order], return_index=True)
        # A centre without points stays where it is.
        sums = np.add.reduceat(points[order], first)
        centres[held] = sums / np.diff(first, append=len(points))[:, None]
    return centres


def _spread(points: Float64[ndarray, "n d"], count: int, random: Generator) -> Float64[ndarray, "k d"]:
    """First centres: points drawn by the square of their distance from those that are drawn already (k-means++)."""
    own = (points**2).sum(axis=1)
    chosen = [int(random.integers(len(points)))]
    away = np.full(len(points), np.inf)
    while len(chosen) < count:
        last = chosen[-1]
        away = np.minimum(away, np.maximum(own - 2 * points @ points[last] + own[last], 0.0))
        away[last] = 0.0
        total = np.cumsum(away)
        if total[-1] == 0:
            break
        chosen.append(min(int(np.searchsorted(total, random.random() * total[-1], side="right")), len(points) - 1))
    return points[chosen].copy()


def _nearest(vectors: Float[ndarray, "n d"], centres: Float64[ndarray, "k d"]) -> Int64[ndarray, "n"]:
    own = (centres**2).sum(axis=1)
    parts = [np.zeros(0, np.int64)]
    for at in range(0, len(vectors), _AT_ONCE):
        some = vectors[at : at + _AT_ONCE].astype(np.float64)
        parts.append(np.argmin(own - 2 * some @ centres.T, axis=1).astype(np.int64))
    return np.concatenate(parts)
