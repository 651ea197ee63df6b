"""Whether a corpus piles up on few words and phrases: the paper's hashed features, and phrases by name."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.measures import spectrum
from uncollapse.ngrams import WORDS, BucketTable, Cutting, FrequentNgrams, Ngram, OverWords, Tokens

# Source: Xie et al., NeurIPS 2023 (DSIR), section 4: uni- and bigrams in 10,000 buckets.
BUCKETS = 10_000
ORDERS = (1, 2)
TOP_SHARE = 0.01


def gini(counts: Int64[ndarray, "b"]) -> float:
    """The Gini coefficient of the counts, empty buckets included: 0 when all are equal, (b - 1) / b when one has all.

    NaN for no counts.

    Source: Gini 1912, as sum over ascending x of (2 i - b - 1) x_i / (b sum x).
    """
    ordered = np.sort(counts).astype(np.float64)
    total, size = ordered.sum(), len(ordered)
    if not total:
        return float("nan")
    return float(((2 * np.arange(1, size + 1) - size - 1) * ordered).sum() / (size * total))


@dataclass(frozen=True, eq=False)
class Concentration:
    """How unevenly n-grams fall into buckets.

    `entropy` is divided by ln(buckets), so 1 is even and 0 is one bucket; `top` is the share of the fullest hundredth
    of the buckets; `counts` has them all.
    """

    ngrams: int
    gini: float
    entropy: float
    top: float
    counts: Int64[ndarray, "b"]


class BucketConcentration(OverWords):
    """The concentration of hashed uni- and bigrams, as in the paper's figure 11."""

    def __init__(self, *, orders: tuple[int, ...] = ORDERS, buckets: int = BUCKETS, cutting: Cutting = WORDS) -> None:
        super().__init__(cutting=cutting)
        if buckets < 2:
            raise UsageError(f"buckets = {buckets}", hint="Concentration needs two buckets or more.")
        self._table = BucketTable(orders=orders, buckets=buckets, cutting=cutting)

    def settings(self) -> tuple[Any, ...]:
        """Orders, number of buckets and cutting."""
        return self._table.settings()

    def take(self, tokens: Tokens) -> None:
        """Counts the n-grams of some documents."""
        self._table.take(tokens)

    def _add(self, other: Self) -> None:
        self._table.merge(other._table)

    def result(self) -> Concentration:
        """The concentration."""
        return concentration_of(self._table.result())


def concentration_of(counts: Int64[ndarray, "b"]) -> Concentration:
    """The concentration of counts in two buckets or more; NaN where nothing was counted."""
    total = int(counts.sum())
    top = max(int(len(counts) * TOP_SHARE), 1)
    fullest = np.partition(counts, len(counts) - top)[-top:]
    nothing = float("nan")
    return Concentration(
        ngrams=total,
        gini=gini(counts),
        entropy=spectrum.entropy(counts) / float(np.log(len(counts))) if total else nothing,
        top=float(fullest.sum()) / total if total else nothing,
        counts=counts,
    )


class OverRepresented(NamedTuple):
    """An n-gram that the corpus has more of than the reference: counts in both, log-odds ratio in nats, and its z."""

    text: str
    order: int
    corpus: int
    reference: int
    log_odds: float
    z: float


def log_odds(
    *,
    corpus: Float64[ndarray, "w"],
    reference: Float64[ndarray, "w"],
    totals: tuple[int, int],
    prior: Float64[ndarray, "w"],
    weight: float,
) -> tuple[Float64[ndarray, "w"], Float64[ndarray, "w"]]:
    """For each n-gram the log-odds ratio in nats, corpus over reference, and its z, under a Dirichlet prior.

    `totals` are the n-grams counted in corpus and reference, `prior` the pseudo-counts (positive), `weight` their sum
    over all n-grams, those not shown included.

    Source: Monroe, Colaresi and Quinn, Political Analysis 2008, equations 15 to 22.
    """
    here = np.log(corpus + prior) - np.log(totals[0] + weight - corpus - prior)
    there = np.log(reference + prior) - np.log(totals[1] + weight - reference - prior)
    ratio = here - there
    return ratio, ratio / np.sqrt(1 / (corpus + prior) + 1 / (reference + prior))


def over_represented(
    *, corpus: FrequentNgrams, reference: FrequentNgrams, weight: float = 1000.0, most: int = 100
) -> tuple[OverRepresented, ...]:
    """The corpus's frequent n-grams with the largest z of the log-odds against the reference, the largest first.

    The prior is informative: `weight` pseudo-counts for each order, dealt out as the n-grams of both are. One that
    the reference has seen, but too seldom to be listed, counts there as seen one time less than the least listed, which
    keeps z low rather than high.
    """
    found: list[OverRepresented] = []
    known = {ngram.key: ngram.seen for ngram in reference.ngrams}
    for order, total in corpus.totals.items():
        rows = [ngram for ngram in corpus.ngrams if ngram.order == order]
        other = reference.totals.get(order, 0)
        if rows and total and other:
            found += _compared(
                rows, [known.get(row.key, reference.at_least - 1) for row in rows], (total, other), weight
            )
    found.sort(key=lambda row: (-row.z, row.order, row.text))
    return tuple(row for row in found[:most] if row.z > 0)


def _compared(rows: list[Ngram], there: list[int], totals: tuple[int, int], weight: float) -> list[OverRepresented]:
    here = np.array([row.seen for row in rows], dtype=np.float64)
    other = np.array(there, dtype=np.float64)
    prior = weight * (here + other) / sum(totals)
    ratio, z = log_odds(corpus=here, reference=other, totals=totals, prior=prior, weight=weight)
    columns = zip(rows, there, ratio.tolist(), z.tolist(), strict=True)
    return [OverRepresented(row.text, row.order, row.seen, seen, *pair) for row, seen, *pair in columns]
