"""The best few of very many pairs of query and document, without putting all of them in order.

Most pairs share a single run: their order follows from the scale of their document alone, and the others are few.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64, Integer, UInt8
from numpy import ndarray

Z = 1.959963984540054  # the normal quantile of a two-sided interval of 95 %


class Pairs(NamedTuple):
    """Pairs by query and then by document, and how many runs each shares."""

    query: Int64[ndarray, "c"]
    document: Int64[ndarray, "c"]
    hits: Int64[ndarray, "c"]

    def of(self, which: ndarray) -> "Pairs":
        """Some of them."""
        return Pairs(*(part[which] for part in self))


def counted(keys: Int64[ndarray, "k"]) -> Pairs:
    """The pairs of many (query << 32 | document), each once, with how often it stands there; the keys are sorted."""
    keys.sort()
    new = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    places = np.flatnonzero(new)
    found = keys[places]
    return Pairs(found >> 32, found & 0xFFFFFFFF, np.diff(places, append=len(keys)))


def foremost(pairs: Pairs, *, shifts: UInt8[ndarray, "n"], kept: Int64[ndarray, "d s"], most: int) -> Pairs:
    """The `most` pairs of each query with the highest lower bound, ties by document; by query, the best first.

    `shifts` are the scales of all documents; `kept` gives for each query its runs at each scale.
    """
    once = pairs.hits == 1
    several = np.flatnonzero(~once)
    single = _first_singles(pairs, np.flatnonzero(once), shifts=shifts, kept=kept, most=most)
    chosen = pairs.of(np.sort(np.concatenate([several, single])))
    scale = shifts[chosen.document]
    bound = intervals(chosen.hits, kept[chosen.query, scale], shifts=scale)[0]
    order = np.lexsort((chosen.document, -bound, chosen.query))
    return chosen.of(order[rank(chosen.query[order]) < most])


def _first_singles(
    pairs: Pairs,
    places: Int64[ndarray, "p"],
    *,
    shifts: UInt8[ndarray, "n"],
    kept: Int64[ndarray, "d s"],
    most: int,
) -> Int64[ndarray, "q"]:
    """Of the pairs with one run in common those that can be among the first: the first of each query and rank."""
    query = pairs.query[places]
    rank_of = _ranks(kept)
    if not rank_of.any():
        return places[rank(query) < most]
    own = rank_of[query, shifts[pairs.document[places]]]
    parts = []
    for level in range(rank_of.shape[1]):
        here = np.flatnonzero(own == level)
        parts.append(places[here[rank(query[here]) < most]])
    return np.concatenate(parts)


def _ranks(kept: Int64[ndarray, "d s"]) -> UInt8[ndarray, "d s"]:
    """For each query and scale the place of one shared run's bound among those of all scales; equals have one place."""
    scales = np.broadcast_to(np.arange(kept.shape[1]), kept.shape)
    bound = intervals(np.ones(kept.size, np.int64), np.maximum(kept, 1).ravel(), shifts=scales.ravel())[0]
    bound = bound.reshape(kept.shape)
    return (bound[:, None, :] > bound[:, :, None]).sum(axis=2, dtype=np.uint8)


def intervals(
    shared: Int64[ndarray, "m"], of: Int64[ndarray, "m"], *, shifts: Integer[ndarray, "m"]
) -> tuple[Float64[ndarray, "m"], Float64[ndarray, "m"]]:
    """The bounds of Wilson's interval at 95 % for each containment, with the correction for a finite population.

    The runs below the bound are a share 1 / 2^shift of the query's, drawn without regard to what they are: at scale 1
    they are all there are, and nothing is uncertain.

    Source: Wilson, JASA 1927; Cochran, Sampling Techniques, section 2.6 (finite population).
    """
    return wilson(shared, of, square=Z * Z * (1.0 - np.exp2(-shifts.astype(np.float64))))


def wilson(
    shared: Int64[ndarray, "m"], of: Int64[ndarray, "m"], *, square: Float64[ndarray, "m"] | float = Z * Z
) -> tuple[Float64[ndarray, "m"], Float64[ndarray, "m"]]:
    """The bounds of Wilson's interval for each share; `square` is that of the normal quantile, 95 % unless said."""
    share = shared / of
    centre = (share + square / (2 * of)) / (1 + square / of)
    half = np.sqrt(square * (share * (1 - share) / of + square / (4.0 * of * of))) / (1 + square / of)
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def rank(groups: Int64[ndarray, "n"]) -> Int64[ndarray, "n"]:
    """The place of each entry in its group; equal groups stand together."""
    if not len(groups):
        return np.zeros(0, dtype=np.int64)
    new = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    return np.arange(len(groups)) - np.repeat(new, np.diff(new, append=len(groups)))
