"""Choosing for balance: large groups of documents give less than their share, small ones more.

A group of n documents is given a part of the budget in proportion to n^alpha: 1 leaves the groups as they are, 0 makes
them equal. What a small group cannot fill is filled by repeating its documents, up to a limit, and then by the others.

Source: Shao et al. 2024, arXiv 2402.14526 (balanced cluster sampling with clipped repetition).
"""

from typing import Annotated

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from pydantic import Field

from uncollapse.fingerprint import Json
from uncollapse.selection.choosing import Budget, Choice, Pool, Rows, Selector, looked_through
from uncollapse.selection.clusters import groups_by_column, groups_by_kmeans
from uncollapse.selection.filling import Filling
from uncollapse.selection.proportions import fitting


class Rebalance(Selector):
    """Groups of n documents in proportion to n^alpha, each document at most `repeat_cap` times.

    Groups are the values of `by_column`, or `clusters` clusters of k-means over the words.
    """

    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    repeat_cap: Annotated[int, Field(ge=1)] = 3
    by_column: str | None = None
    clusters: Annotated[int, Field(ge=1)] | None = None

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """Of each group as much as it is given, in the order of the draws, all once before any twice.

        Raises:
            UsageError: the budget is larger than the pool with all repetitions.
            MissingColumn: there is no such column.
        """
        rows = looked_through(pool, self, budget, repeats=self.repeat_cap)
        group = groups_of(pool, rows, by_column=self.by_column, clusters=self.clusters)
        sizes = np.bincount(group, minlength=group.max() + 1)
        room = np.bincount(group, weights=rows.sizes, minlength=len(sizes)) * self.repeat_cap
        wanted = np.where(sizes > 0, sizes.astype(np.float64), 0) ** self.alpha * (sizes > 0)
        given = poured(wanted, room, amount=budget.amount)
        filling = Filling(rows)
        order = rows.order()
        for number in np.lexsort((np.arange(len(sizes)), sizes)).tolist():
            own = order[group[order] == number]
            fill_group(filling, own, int(np.floor(given[number] + 1e-9)), turns=self.repeat_cap)
        fill_group(filling, order, filling.left, turns=self.repeat_cap)
        counts = filling.done()
        account: dict[str, Json] = {
            "groups": int((sizes > 0).sum()),
            "largest group": int(sizes.max()),
            "smallest group": int(sizes[sizes > 0].min()),
            "documents taken more than once": int((counts > 1).sum()),
            "effective groups of the pool": _effective(sizes.astype(np.float64)),
            "effective groups of the choice": _effective(np.bincount(group, weights=counts, minlength=len(sizes))),
        }
        return Choice(counts, account)


def groups_of(pool: Pool, rows: Rows, *, by_column: str | None, clusters: int | None) -> Int64[ndarray, "n"]:
    """For each document the number of its group."""
    if by_column is not None:
        return groups_by_column(pool, by_column)
    return groups_by_kmeans(pool, rows, clusters=clusters)


def poured(wanted: Float64[ndarray, "g"], room: Float64[ndarray, "g"], *, amount: int) -> Float64[ndarray, "g"]:
    """An amount divided in proportion to what is wanted, none beyond its room; what runs over goes to the others."""
    given = np.zeros(len(wanted))
    open_ = wanted > 0
    left = float(amount)
    while open_.any() and left > 0:
        part = np.where(open_, wanted, 0.0)
        part = part / part.sum() * left
        full = open_ & (given + part >= room)
        if not full.any():
            return given + part
        left -= float((room - given)[full].sum())
        given[full] = room[full]
        open_ &= ~full
    return given


def fill_group(filling: Filling, order: Int64[ndarray, "some"], quota: int, *, turns: int) -> None:
    """Takes of some rows in their order what fits into the quota, all once before any twice, none more than `turns`."""
    sizes = filling.rows.sizes
    for turn in range(turns):
        open_ = order[filling.counts[order] <= turn]
        for row in open_[fitting(sizes[open_], quota)].tolist():
            if filling.fits(row):
                filling.take(row)
                quota -= int(sizes[row])


def _effective(sizes: Float64[ndarray, "g"]) -> float:
    """How many equal groups the groups are worth: (sum n)^2 / sum n^2."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())
