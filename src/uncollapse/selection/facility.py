"""Choosing for spread among some thousands of documents: a determinantal point process or facility location.

Both compare documents with each other, which grows with the square of what is chosen from or of what is chosen, so they
are for small sets; larger pools are first brought down by another method. The choice itself is made by `pyversity`.

Source: Chen, Zhang and Zhou 2018 (greedy determinantal choice); Bhatt et al. 2024, arXiv 2401.06692 (facility location
over instructions).
"""

from contextlib import ExitStack
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from uncollapse.errors import MissingExtra, UsageError
from uncollapse.fingerprint import Json
from uncollapse.selection.choosing import Budget, Choice, Pool, Rows, Selector, looked_through
from uncollapse.selection.filling import Filling
from uncollapse.selection.vectors import vectors_of

MOST = 50_000
MOST_COVERED = 5_000
"""Facility location holds the similarity of every pair."""
MOST_HELD = 2**31
"""Bytes that a determinantal choice may hold: 4 for each document and each one that is chosen."""
DIMENSIONS = 1024
_NOTHING = 1e-5


class Facility(Selector):
    """Documents that are far from each other, by the words in them.

    `strategy` is dpp (determinantal), cover (facility location), msd (largest sum of distances) or mmr (largest
    distance from what is chosen).
    """

    strategy: Literal["dpp", "cover", "msd", "mmr"] = "dpp"

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """Documents one after the other, each for what it adds in spread; what is left of the budget goes to chance.

        Raises:
            UsageError: the pool is too large; says what to do.
            MissingExtra: `pyversity` is not installed.
        """
        diversify = _library()
        rows = looked_through(pool, self, budget)
        most = MOST_COVERED if self.strategy == "cover" else MOST
        if len(rows) > most:
            raise UsageError(
                f"{self.strategy} compares documents with each other: {most:,} can be, and the pool has {len(rows):,}",
                hint=f"Bring it down first: --method coverage or random with --budget {most}, then facility of that.",
            )
        wanted = _wanted(rows)
        if self.strategy == "dpp" and 4 * len(rows) * wanted > MOST_HELD:
            raise UsageError(
                f"a determinantal choice of {wanted:,} of {len(rows):,} documents holds more than 2 GB",
                hint="Ask for less, or take --strategy msd.",
            )
        with ExitStack() as files:
            vectors = vectors_of(pool, dimensions=DIMENSIONS, files=files)
        # In the order of the draws, so that the order of reading decides nothing.
        order = rows.order()
        spread = order[_chosen(diversify, vectors[order].astype(np.float32), wanted, strategy=self.strategy)]
        filling = Filling(rows)
        filling.take_in_order(spread)
        by_spread = int(filling.counts.sum())
        filling.take_in_order(order[filling.counts[order] == 0])
        counts = filling.done()
        account: dict[str, Json] = {
            "strategy": self.strategy,
            "chosen by spread": by_spread,
            "filled at random": int(counts.sum()) - by_spread,
        }
        return Choice(counts, account)


def _library() -> Any:
    try:
        from pyversity import diversify  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise MissingExtra(
            "facility location needs a package that is not installed", hint="pip install 'uncollapse[diverse]'"
        ) from error
    return diversify


def _wanted(rows: Rows) -> int:
    """How many documents are asked for: enough for the budget, whatever their lengths, and half as many again."""
    if rows.budget.unit == "documents" and not rows.caps:
        return rows.budget.amount
    share = rows.budget.amount / int(rows.sizes.sum())
    return min(len(rows), int(np.ceil(1.5 * share * len(rows))) + 1)


def _chosen(diversify: Any, vectors: Float32[ndarray, "n d"], wanted: int, *, strategy: str) -> Int64[ndarray, "k"]:
    found = diversify(vectors, np.ones(len(vectors), np.float32), wanted, strategy=strategy, diversity=1.0)
    indices = np.asarray(found.indices, np.int64)
    if strategy != "dpp":
        return indices
    # Where the chosen span all directions, nothing adds volume any more, and what follows is arbitrary.
    return indices[np.asarray(found.selection_scores) > _NOTHING]
