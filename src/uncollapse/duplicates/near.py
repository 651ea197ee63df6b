"""Which documents are nearly the same: MinHash signatures, and clusters by locality-sensitive hashing.

500 bytes are held for each different document. No pair is compared that does not agree in a whole band of its
signatures, so time is linear in the documents but for those.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt32, UInt64
from numpy import ndarray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from uncollapse.duplicates.exact import word_keys
from uncollapse.duplicates.minhash import signatures, similarity
from uncollapse.errors import UsageError
from uncollapse.ngrams import WORDS, Cutting, OverWords, Tokens, mix

# 25 bands of 5: a pair of similarity .8 is missed once in 20,000, one of .7 once in 100, one of .3 is compared in 6 %.
# Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2: 1 - (1 - s^r)^b.
BANDS, ROWS = 25, 5
SHINGLE = 5
THRESHOLD = 0.8
# Documents of one band that agree with each other but not with the first are tried against the next, so many times.
_ROUNDS = 16
_GATHERED = 1 << 14


class Cluster(NamedTuple):
    """Documents that are nearly the same: numbers of their contents (`duplicates.document_keys`, by words), copies
    included in `documents`, and the least estimated similarity among the pairs that hold the cluster together.
    """

    keys: tuple[int, ...]
    documents: int
    similarity: float


@dataclass(frozen=True)
class Near:
    """Documents with words, the groups that they fall into, and the clusters of two and more, the largest first.

    `repeated` is the share of documents that are nearly an earlier one: 1 - groups / documents; NaN for none.
    """

    documents: int
    groups: int
    repeated: float
    clusters: tuple[Cluster, ...]


class NearDuplicates(OverWords):
    """Clusters of documents whose sets of word runs have a Jaccard similarity of about `threshold` and more."""

    def __init__(
        self, *, threshold: float = THRESHOLD, shingle: int = SHINGLE, most: int = 100, cutting: Cutting = WORDS
    ) -> None:
        super().__init__(cutting=cutting)
        if not 0.5 <= threshold <= 1 or shingle < 1:
            raise UsageError(
                f"threshold = {threshold}, shingle = {shingle}",
                hint="A threshold is from 0.5 to 1, a shingle 1 or more.",
            )
        self.threshold, self.shingle, self.most = threshold, shingle, most
        self._waiting: list[_Signed] = []
        self._gathered = 0

    def settings(self) -> tuple[Any, ...]:
        """Threshold, shingle, how many clusters are listed, and the cutting."""
        return self.threshold, self.shingle, self.most, self.cutting

    def take(self, tokens: Tokens) -> None:
        """Signs some documents."""
        held, signed = signatures(tokens, shingle=self.shingle, size=BANDS * ROWS)
        keys = word_keys(tokens)[held]
        self._gather(_Signed(keys, np.ones(len(keys), dtype=np.int64), signed))

    def _add(self, other: Self) -> None:
        self._gather(other._settled())

    def _gather(self, signed: "_Signed") -> None:
        self._waiting.append(signed)
        self._gathered += len(signed.keys)
        if self._gathered >= max(_GATHERED, 2 * len(self._waiting[0].keys)):
            self._settled()

    def _settled(self) -> "_Signed":
        if len(self._waiting) != 1 or not self._waiting[0].unique:
            self._waiting = [_united(self._waiting)]
            self._gathered = len(self._waiting[0].keys)
        return self._waiting[0]

    def result(self) -> Near:
        """The clusters."""
        signed = self._settled()
        documents = int(signed.copies.sum())
        one, other, alike = links(signed.signatures, self.threshold)
        size = len(signed.keys)
        groups, label = (
            connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(size, size)), directed=False)
            if size
            else (0, np.zeros(0, dtype=np.int32))
        )
        clusters = _clusters(signed, label.astype(np.int64), groups, (one, alike))
        repeated = 1 - groups / documents if documents else float("nan")
        return Near(documents, int(groups), repeated, tuple(clusters[: self.most]))


@dataclass(frozen=True, eq=False)
class _Signed:
    """Contents, the documents that have each, and their signatures; in the order of their keys where `unique`."""

    keys: UInt64[ndarray, "n"]
    copies: Int64[ndarray, "n"]
    signatures: UInt32[ndarray, "n s"]
    unique: bool = False


def _united(parts: list[_Signed]) -> _Signed:
    if not parts:
        return _Signed(
            np.zeros(0, dtype=np.uint64),
            np.zeros(0, dtype=np.int64),
            np.zeros((0, BANDS * ROWS), dtype=np.uint32),
            True,
        )
    keys, first, place = np.unique(
        np.concatenate([part.keys for part in parts]), return_index=True, return_inverse=True
    )
    copies = np.zeros(len(keys), dtype=np.int64)
    np.add.at(copies, place, np.concatenate([part.copies for part in parts]))
    return _Signed(keys, copies, np.concatenate([part.signatures for part in parts])[first], True)


def links(
    signed: UInt32[ndarray, "n s"], threshold: float
) -> tuple[Int64[ndarray, "l"], Int64[ndarray, "l"], Float64[ndarray, "l"]]:
    """Pairs of documents that share a band and are similar enough, and how similar they are."""
    pairs: list[Int64[ndarray, "2 l"]] = [np.zeros((2, 0), dtype=np.int64)]
    values: list[Float64[ndarray, l]] = [np.zeros(0)]
    for band in range(BANDS):
        key = np.zeros(len(signed), dtype=np.uint64)
        for place in range(band * ROWS, (band + 1) * ROWS):
            key = mix(key ^ signed[:, place])
        order = np.argsort(key, kind="stable")
        for _ in range(_ROUNDS):
            first, follows = _firsts(key[order])
            if not follows.any():
                break
            one, other = order[first[follows]], order[follows]
            alike = similarity(signed[one], signed[other])
            close = alike >= threshold
            pairs.append(np.stack([one[close], other[close]]))
            values.append(alike[close])
            order = other[~close]
    one, other = np.concatenate(pairs, axis=1)
    return one, other, np.concatenate(values)


def _firsts(key: UInt64[ndarray, "n"]) -> tuple[Int64[ndarray, "n"], Bool[ndarray, "n"]]:
    """For each of the sorted keys the place of the first equal one, and whether that is another place."""
    opens = np.concatenate([np.ones(min(len(key), 1), dtype=bool), key[1:] != key[:-1]])
    first = np.maximum.accumulate(np.where(opens, np.arange(len(key)), 0))
    return first, ~opens


def _clusters(
    signed: _Signed, label: Int64[ndarray, "n"], groups: int, links: tuple[Int64[ndarray, "l"], Float64[ndarray, "l"]]
) -> list[Cluster]:
    least = np.ones(groups)
    np.minimum.at(least, label[links[0]], links[1])
    documents = np.zeros(groups, dtype=np.int64)
    np.add.at(documents, label, signed.copies)
    order = np.argsort(label, kind="stable")
    parts = np.split(signed.keys[order], np.cumsum(np.bincount(label, minlength=groups))[:-1]) if groups else []
    found = [
        Cluster(tuple(parts[group].tolist()), int(documents[group]), float(least[group]))
        for group in np.flatnonzero(documents > 1).tolist()
    ]
    return sorted(found, key=lambda cluster: (-cluster.documents, cluster.keys))
