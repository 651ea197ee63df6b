"""Filling a budget with whole documents, within the caps."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.selection.choosing import Rows
from uncollapse.selection.proportions import fitting

_SLACK = 0.01  # whole documents leave a little of each cap open; more than this share of the budget is said


class Filling:
    """What of a budget and of its caps is left, and how often each row was taken."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.left = rows, rows.budget.amount
        self.counts: Int64[ndarray, n] = np.zeros(len(rows), np.int64)
        amount = rows.budget.amount
        self._open = [
            np.full(int(stratum.max()) + 1, np.floor(share * amount), np.int64)
            for (_, share), stratum in zip(rows.caps, rows.strata, strict=True)
        ]

    def fits(self, row: int) -> bool:
        """Whether a row can still be taken: if not now, then never."""
        size = self.rows.sizes[row]
        return bool(
            size <= self.left
            and all(open_[stratum[row]] >= size for open_, stratum in zip(self._open, self.rows.strata, strict=True))
        )

    def take(self, row: int) -> None:
        """Takes a row once more."""
        size = int(self.rows.sizes[row])
        self.counts[row] += 1
        self.left -= size
        for open_, stratum in zip(self._open, self.rows.strata, strict=True):
            open_[stratum[row]] -= size

    def take_in_order(self, order: Int64[ndarray, "some"]) -> None:
        """Takes each row of an order that still fits where its turn comes."""
        if self._open:
            self._one_by_one(order.tolist())
            return
        chosen = order[fitting(self.rows.sizes[order], self.left)]
        self.counts[chosen] += 1
        self.left -= int(self.rows.sizes[chosen].sum())

    def _one_by_one(self, order: Iterable[int]) -> None:
        for row in order:
            if self.fits(row):
                self.take(row)

    def done(self) -> Int64[ndarray, "n"]:
        """How often each row is taken.

        Raises:
            UsageError: the caps keep the budget from being met; says what can be.
        """
        budget = self.rows.budget
        slack = 0 if budget.unit == "documents" else max(int(self.rows.sizes.max()), int(_SLACK * budget.amount))
        if self._open and self.left > slack:
            caps = ", ".join(f"{column}={share:g}" for column, share in self.rows.caps)
            raise UsageError(
                f"with caps of {caps} no more than {budget.amount - self.left:,} of {budget} can be taken",
                hint="Ask for less, or for larger caps: as shares of the budget they must be able to add up to 1.",
            )
        return self.counts


def filled(rows: Rows, order: Int64[ndarray, "some"]) -> Int64[ndarray, "n"]:
    """How often each row is taken when they are taken in this order."""
    filling = Filling(rows)
    filling.take_in_order(order)
    return filling.done()
