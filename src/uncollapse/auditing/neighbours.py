"""Which documents have hardly any of the other side near them: topics that are lost, and text of another kind.

Topics have no sharp borders, and groups found by a rule cut small ones in two or join them. So each document is asked
by itself: of the documents nearest to it, of both sides, as many should be the other side's as it has documents. Where
half or less of that is left around a human document, beyond chance, what it is about is lost; where a quarter or less
is left around a document of the corpus, nothing human is like it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from scipy.stats import binom

NEIGHBOURS = 30
FEWEST = 10  # of fewer neighbours none at all could be chance
PART = 4  # neighbours are at most one in so many documents
# So much or less is left, and by chance less often than this.
LEFT, STRANGE, DOUBT = 0.5, 0.25, 0.01
SHUFFLES = 200
MOST = 2000  # documents of each side that are asked
FARTHEST = 30.0  # no z beyond this can be told from others
_AT_ONCE = 256


class Cloud(NamedTuple):
    """Vectors of length 1 (or 0), and for each the number of its document: passages share theirs."""

    vectors: Float64[ndarray, "n v"]
    document: Int64[ndarray, "n"]

    def take(self, which: Int64[ndarray, "k"]) -> "Cloud":
        """Some of the vectors."""
        return Cloud(self.vectors[which], self.document[which])


class Lonely(NamedTuple):
    """The share of a side's vectors with too few of the other side near them.

    The z is against documents dealt to the sides at random. `asked` are the vectors that were asked, at most 2,000, and
    `lonely` says which of these it is true of.
    """

    share: float
    z: float
    asked: Int64[ndarray, "k"]
    lonely: Bool[ndarray, "k"]


class Neighbours(NamedTuple):
    """Human documents that have lost theirs, and documents of the corpus that are strange to human text."""

    lost: Lonely
    strange: Lonely


class _Asked(NamedTuple):
    """The nearest documents of some vectors, those vectors' own documents, and how few are too few of each side."""

    near: Int64[ndarray, "r k"]
    document: Int64[ndarray, "r"]
    few_ours: int
    few_human: int

    def lonely(self, is_ours: Bool[ndarray, "d"]) -> tuple[Bool[ndarray, "h"], Bool[ndarray, "o"]]:
        """Which human vectors have too few of the corpus near them, and which of the corpus too few human ones."""
        ours = is_ours[self.near].sum(axis=1)
        own = is_ours[self.document]
        return ours[~own] <= self.few_ours, self.near.shape[1] - ours[own] <= self.few_human


def neighbours(corpus: Cloud, human: Cloud, *, random: Generator, shuffles: int = SHUFFLES) -> Neighbours | None:
    """Which documents have too few of the other side near them; None where there are too few documents.

    Near are the 30 nearest other documents of both sides, or a quarter of all where that is fewer, each by its nearest
    passage. Of one kind of text, the number of one side's among them is binomial. The z compares the share with
    `shuffles` dealings of the documents to the sides, as what is near each other is not independent.

    Source: Schilling, JASA 1986 (counting the nearest neighbours of pooled samples by side).
    """
    ours, theirs = (np.unique(cloud.document, return_inverse=True) for cloud in (corpus, human))
    own, documents = len(ours[0]), len(ours[0]) + len(theirs[0])
    count = min(NEIGHBOURS, documents // PART)
    if count < FEWEST or not own or own == documents:
        return None
    pooled = Cloud(np.vstack([corpus.vectors, human.vectors]), np.concatenate([ours[1], own + theirs[1]]))
    mine, others = (_some(len(cloud.document), random) for cloud in (corpus, human))
    rows = np.concatenate([mine, len(corpus.document) + others])
    share = own / (documents - 1)
    asked = _Asked(
        _nearest(pooled, rows, count=count),
        pooled.document[rows],
        _few(count, share, LEFT),
        _few(count, (documents - own) / (documents - 1), STRANGE),
    )
    is_ours = np.arange(documents) < own
    dealt = [asked.lonely(random.permutation(is_ours)) for _ in range(shuffles)]
    lost, strange = asked.lonely(is_ours)
    return Neighbours(
        Lonely(_share(lost), _z(lost, [side[0] for side in dealt]), others, lost),
        Lonely(_share(strange), _z(strange, [side[1] for side in dealt]), mine, strange),
    )


def _some(total: int, random: Generator) -> Int64[ndarray, "k"]:
    return np.arange(total) if total <= MOST else np.sort(random.choice(total, MOST, replace=False))


def _few(count: int, share: float, left: float) -> int:
    """The most of `count` neighbours that are too few of a side with that share; -1 where none would be."""
    places = np.arange(count + 1)
    held = (binom.cdf(places, count, share) < DOUBT) & (places <= left * count * share)
    return int(held.sum()) - 1


def _nearest(pooled: Cloud, rows: Int64[ndarray, "r"], *, count: int) -> Int64[ndarray, "r k"]:
    """The documents nearest to some of the vectors, their own left out."""
    order = np.argsort(pooled.document, kind="stable")
    begins = np.flatnonzero(np.diff(pooled.document[order], prepend=-1))
    columns = pooled.vectors[order].T
    found = np.empty((len(rows), count), dtype=np.int64)
    for at in range(0, len(rows), _AT_ONCE):
        here = rows[at : at + _AT_ONCE]
        closeness = np.maximum.reduceat(pooled.vectors[here] @ columns, begins, axis=1)
        closeness[np.arange(len(here)), pooled.document[here]] = -np.inf
        found[at : at + _AT_ONCE] = np.argpartition(-closeness, count - 1, axis=1)[:, :count]
    return found


def _share(held: Bool[ndarray, "k"]) -> float:
    return float(held.mean()) if len(held) else 0.0


def _z(held: Bool[ndarray, "k"], dealt: list[Bool[ndarray, "_"]]) -> float:
    """How far a share is from those of the dealings, in their standard deviations; one row is the least of these."""
    if not dealt or not len(held):
        return 0.0
    shares = np.array([_share(one) for one in dealt])
    spread = max(float(shares.std(ddof=1)) if len(shares) > 1 else 0.0, 1 / len(held))
    return float(np.clip((_share(held) - shares.mean()) / spread, -FARTHEST, FARTHEST))
