"""Choosing for coverage: documents that together hold the n-grams of a reference as often as it would have them.

    F(S) = sum over the reference's n-grams of v t ln(1 + c(S) / t),   t = size of S * share in the reference + 1

The first occurrence of an n-gram counts most, and each further one less, the less the fewer are wanted. With every v
at 1 the frequent ones still pay best, and held-out text loses rare words against chance (docs/select.md), so v is
greater for what the reference has once or twice. F grows with S and ever more slowly (it is submodular), which gives
greedy choice its guarantee. Documents cost their words, so a long one is not better for being long.

Source: Nemhauser, Wolsey and Fisher 1978 (greedy: 1 - 1/e of the best); Minoux 1978 (lazy evaluation).
"""

from contextlib import ExitStack
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from pydantic import Field

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.ngrams import BucketTable, cut
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Rows, Selector, needed
from uncollapse.selection.features import Features, FeatureStore, Known
from uncollapse.selection.filling import Filling
from uncollapse.selection.greedy import Gain, choose_greedily

RARE = 2
EXACT = 20_000
"""Pools of so many documents are chosen from exactly; in larger ones a step may be TOLERANCE worse than the best."""
TOLERANCE = 0.05


class Coverage(Selector):
    """Documents by what they add to the n-grams of the reference that are covered already.

    `orders` are the lengths of the n-grams; those that the reference has once or twice weigh `rare_weight`. A gain is
    divided by the document's words unless `per` is "document", which favours long ones. With a `tolerance` a document
    is taken where its gain is at most that share below the best one's; None is 0 for up to 20,000 documents, else .05.
    """

    orders: Annotated[tuple[Annotated[int, Field(ge=1, le=5)], ...], Field(min_length=1)] = (1,)
    buckets: Annotated[int, Field(ge=1, le=2**28)] = 2**20
    rare_weight: Annotated[float, Field(gt=0)] = 1.0
    per: Literal["word", "document"] = "word"
    tolerance: Annotated[float, Field(ge=0, lt=1)] | None = None

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:
        """Documents by lazy greedy choice; what the budget still holds when none adds anything is filled at random.

        Raises:
            UsageError: there is no reference, or the pool has none of its n-grams.
        """
        table = BucketTable(orders=self.orders, buckets=self.buckets)
        reference_words = 0
        for batch in needed(reference, what="coverage"):
            for tokens in cut(batch):
                table.take(tokens)
                reference_words += len(tokens.start)
        known = Known.of(table.result(), self.orders)
        rows, features, lengths = self._looked_through(pool, known, budget)
        target = known.counts * (_share(rows) * int(lengths.sum()) / max(reference_words, 1)) + 1
        weight = np.where(known.counts <= RARE, self.rare_weight, 1.0) * target
        _refuse_strangers(features)
        gain = Gain(features, target, weight, np.maximum(lengths, 1) if self.per == "word" else np.ones(len(rows)))
        filling = Filling(rows)
        tolerance = self._tolerance(len(rows))
        steps = choose_greedily(gain, filling, rank=_ranks(rows), tolerance=tolerance)
        by_gain = int(filling.counts.sum())
        filling.take_in_order(rows.order()[filling.counts[rows.order()] == 0])
        account: dict[str, Json] = {
            "n-grams of the reference": len(known.counts),
            "covered by the pool": len(np.unique(features.number)),
            "covered by the choice": int((gain.have > 0).sum()),
            "value": gain.value,
            "tolerance": tolerance,
            "gains looked at": steps,
            "chosen by gain": by_gain,
            "filled at random": int(filling.counts.sum()) - by_gain,
        }
        return Choice(filling.done(), account)

    def _looked_through(self, pool: Pool, known: Known, budget: Budget) -> tuple[Rows, Features, Int64[ndarray, "n"]]:
        lengths = [np.zeros(0, np.int64)]
        with ExitStack() as files:
            looking, store = Looking(self, budget), FeatureStore(known, files)
            for batch in pool:
                looking.take(batch)
                for tokens in cut(batch):
                    store.take(tokens)
                    lengths.append(np.diff(tokens.offsets))
            return looking.rows(), store.features(), np.concatenate(lengths)

    def _tolerance(self, documents: int) -> float:
        if self.tolerance is not None:
            return self.tolerance
        return 0.0 if documents <= EXACT else TOLERANCE


def _share(rows: Rows) -> float:
    """The share of the pool that is chosen."""
    return rows.budget.amount / int(rows.sizes.sum())


def _ranks(rows: Rows) -> Int64[ndarray, "n"]:
    ranks = np.empty(len(rows), np.int64)
    ranks[rows.order()] = np.arange(len(rows))
    return ranks


def _refuse_strangers(features: Features) -> None:
    if not len(features.number):
        raise UsageError(
            "the reference and the pool have no word in common",
            hint="Is it in the pool's language, and does its text column hold text?",
        )
