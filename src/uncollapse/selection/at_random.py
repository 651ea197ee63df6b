"""Choosing at random: what every other way has to beat."""

from uncollapse.selection.choosing import Budget, Choice, Pool, Selector, looked_through
from uncollapse.selection.filling import filled


class AtRandom(Selector):
    """Each document with the same chance."""

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """Documents in the order of their draws, each taken if it still fits."""
        rows = looked_through(pool, self, budget)
        return Choice(filled(rows, rows.order()), {})
