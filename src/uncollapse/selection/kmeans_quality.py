"""Choosing by quality within groups: every group gives its part, and quality decides inside it by chance, not by a cut.

Groups are visited from the smallest; each is given an equal part of what is left, or all it has, and the rest goes to
those behind it. Within a group documents are drawn without replacement with weights exp(score / temperature).

Source: Yu et al. 2024, arXiv 2409.11378 (k-means quality), with the budget that its small groups leave given on.
"""

from typing import Annotated

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from pydantic import Field

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Selector
from uncollapse.selection.filling import Filling
from uncollapse.selection.importance import effective
from uncollapse.selection.proportions import fitting
from uncollapse.selection.rebalance import groups_of
from uncollapse.selection.scores import ScoreColumn


class ClusterQuality(Selector):
    """Documents of every group, the better ones with a greater chance.

    `score` is a column of numbers, higher is better; groups are the values of `by_column`, or `clusters` of k-means.
    """

    score: str | None = None
    temperature: Annotated[float, Field(gt=0)] = 1.0
    by_column: str | None = None
    clusters: Annotated[int, Field(ge=1)] | None = None

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """Of each group its part, in the order of keys score / temperature + Gumbel(seed, id).

        Raises:
            UsageError: no column of scores is named, or the budget is larger than the pool.
            InputError: a score is missing; says where.
        """
        if self.score is None:
            raise UsageError("quality needs a column of scores", hint="--score quality, for example")
        looking, column = Looking(self, budget), ScoreColumn(self.score)
        for batch in pool:
            looking.take(batch)
            column.take(batch)
        rows, score = looking.rows(), column.values()
        group = groups_of(pool, rows, by_column=self.by_column, clusters=self.clusters)
        weight = score / self.temperature
        filling = Filling(rows)
        order = rows.order(weight + rows.gumbel)
        given = fill_by_group(filling, order, group)
        filling.take_in_order(order[filling.counts[order] == 0])
        counts = filling.done()
        account: dict[str, Json] = {
            "groups": int((np.bincount(group) > 0).sum()),
            "groups that gave all they have": given,
            "effective documents": effective(weight),
            "mean score of the pool": _mean(score),
            "mean score of the choice": _mean(score[counts > 0]),
        }
        return Choice(counts, account)


def fill_by_group(filling: Filling, order: Int64[ndarray, "n"], group: Int64[ndarray, "n"]) -> int:
    """How many groups gave all they have; each, from the smallest, was given an equal part of what was left."""
    sizes = filling.rows.sizes
    room = np.bincount(group, weights=sizes)
    there = np.flatnonzero(np.bincount(group))
    there = there[np.argsort(room[there], kind="stable")]
    whole = 0
    for at, number in enumerate(there.tolist()):
        part = -(-filling.left // (len(there) - at))
        own = order[group[order] == number]
        whole += bool(part >= room[number])
        for row in own[fitting(sizes[own], min(part, filling.left))].tolist():
            if filling.fits(row):
                filling.take(row)
    return whole


def _mean(values: Float64[ndarray, "n"]) -> float:
    return float(np.sort(values).mean())
