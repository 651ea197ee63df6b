"""Feeding: each regime written once, over any laboratory that can draw, fit and join."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse import regimes
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Material, choose, together


@dataclass
class Table:
    """Where a regime helps itself: the original, the models so far, and the random numbers."""

    laboratory: Laboratory
    seeds: int
    rng: Generator
    models: list[Any] = field(default_factory=list)  # of fit 1, 2, ...; only a regime that looks back keeps them all

    def real(self, count: int | None = None) -> Any:
        """So many new rows from the original law; as many as the laboratory has samples unless said."""
        return self.laboratory.real(self.samples if count is None else count, seeds=self.seeds, rng=self.rng)

    def made(self, like: Material, *, count: int | None = None, by: int = -1) -> Any:
        """New rows from the last model (or an earlier one), as many as `like` has, and at its inputs if they matter."""
        wanted = like.size if count is None else count
        return self.laboratory.drawn(self.models[by], wanted, like=like, rng=self.rng)

    @property
    def samples(self) -> int:
        """How many rows a training set has."""
        return self.laboratory.samples


def models(laboratory: Laboratory, regime: regimes.Regime, *, seeds: int, rng: Generator) -> Iterator[Any]:
    """The original law as a model, then the model of fit 1, 2, and so on without end."""
    suited = laboratory.suited(regime)
    table = Table(suited, seeds, rng)
    before = suited.original(seeds)
    yield before
    for material in DIETS[type(regime)](regime, table):
        before = suited.fitted(material, before=before, rng=rng)
        if not isinstance(regime, regimes.Mixed):
            table.models.clear()
        table.models.append(before)
        yield before


def _replace(regime: regimes.Replace, table: Table) -> Iterator[Any]:
    first = table.real()
    yield first
    while True:
        yield table.made(first)


def _accumulate(regime: regimes.Accumulate, table: Table) -> Iterator[Any]:
    first = pool = table.real()
    while True:
        yield pool
        pool = pool.joined(table.made(first))


def _subsample(regime: regimes.Subsample, table: Table) -> Iterator[Any]:
    first = pool = table.real()
    while True:
        yield pool.thinned(table.samples, rng=table.rng)
        pool = pool.joined(table.made(first))


def _preserve(regime: regimes.Preserve, table: Table) -> Iterator[Any]:
    real = round(regime.share * table.samples)
    kept, rest = table.real(real), table.real(table.samples - real)
    yield together([kept, rest])
    while True:
        yield together([kept, table.made(rest)])


def _fresh(regime: regimes.Fresh, table: Table) -> Iterator[Any]:
    real = round(regime.share * table.samples)
    first, rest = table.real(real), table.real(table.samples - real)
    yield together([first, rest])
    while True:
        yield together([table.real(real), table.made(rest)])


def _weighted(regime: regimes.Weighted, table: Table) -> Iterator[Any]:
    first = table.real()
    yield first
    while True:
        yield table.real().weighed(regime.weight).joined(table.made(first).weighed(1 - regime.weight))


def _edit(regime: regimes.Edit, table: Table) -> Iterator[Any]:
    first = data = table.real()
    for mask in masks(regime, rows=first.size, seeds=table.seeds, rng=table.rng):
        yield data
        data = data.swapped(table.made(first), mask)


def _verify(regime: regimes.Verify, table: Table) -> Iterator[Any]:
    first = table.real()
    yield first
    while True:
        yield table.laboratory.verified(table.models[-1], first, regime=regime, rng=table.rng)


def _mixed(regime: regimes.Mixed, table: Table) -> Iterator[Any]:
    first = table.real()
    yield first
    for counts in drawn_from(regime, table.samples):
        parts = [table.real(int(counts[0]))] if counts[0] else []
        parts += [table.made(first, count=int(n), by=by) for by, n in enumerate(counts[1:]) if n]
        yield together(parts)


DIETS: Mapping[type[regimes.Regime], Callable[..., Iterator[Any]]] = {
    regimes.Replace: _replace,
    regimes.Accumulate: _accumulate,
    regimes.Subsample: _subsample,
    regimes.Preserve: _preserve,
    regimes.Fresh: _fresh,
    regimes.Edit: _edit,
    regimes.Verify: _verify,
    regimes.Weighted: _weighted,
    regimes.Mixed: _mixed,
}


def drawn_from(regime: regimes.Mixed, samples: int) -> Iterator[ndarray]:
    """For fit 2, 3, ... how many rows are drawn from the original and from models 1, 2, ..."""
    law = np.array([1.0])  # the shares of the original and of the models in the law so far
    for step in count():
        alpha, beta, gamma = regime.at(step)
        law = np.append(beta * law, alpha)
        law[0] += gamma
        yield apportioned(law, samples)


def apportioned(shares: ndarray, total: int) -> ndarray:
    """Whole numbers that sum to the total and lie within one of the shares of it (largest remainders)."""
    exact = shares / shares.sum() * total
    counts = np.floor(exact).astype(int)
    for place in np.argsort(counts - exact, kind="stable")[: total - counts.sum()]:
        counts[place] += 1
    return counts


def masks(regime: regimes.Edit, *, rows: int, seeds: int, rng: Generator) -> Iterator[Bool[ndarray, "seed row"]]:
    """For each round, which rows are edited.

    Whole rows are edited, so what has been edited so far is the rounded sum of the rates; the same rows are as many
    each time, but for rates that decay. Disjoint masks have edited every row at some time, and then edit none.
    """
    order = choose_order(rows, seeds=seeds, rng=rng)
    for step, (start, end) in enumerate(pairwise(edited_so_far(regime, rows))):
        if regime.mask == "random":
            yield _marked(choose(rows, end - start, seeds=seeds, rng=rng), rows) if end > start else _none(seeds, rows)
        elif regime.mask == "same":
            yield _marked(order[:, : round(regime.rate * regime.decay**step * rows)], rows)
        else:
            yield _marked(order[:, start:end], rows)


def edited_so_far(regime: regimes.Edit, rows: int) -> Iterator[int]:
    """How many edits there have been before round 0, 1, 2, ...; rates are added up before they are rounded."""
    rate, total = regime.rate, 0.0
    while True:
        yield round(total * rows)
        total, rate = total + rate, rate * regime.decay


def choose_order(rows: int, *, seeds: int, rng: Generator) -> ndarray:
    """For each seed the numbers of all rows in random order."""
    return np.argsort(rng.random((seeds, rows), dtype=np.float32), axis=1)


def _marked(chosen: ndarray, rows: int) -> Bool[ndarray, "seed row"]:
    mask = _none(len(chosen), rows)
    np.put_along_axis(mask, chosen, values=True, axis=1)
    return mask


def _none(seeds: int, rows: int) -> Bool[ndarray, "seed row"]:
    return np.zeros((seeds, rows), dtype=bool)
