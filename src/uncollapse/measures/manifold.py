"""Precision, recall, density and coverage together: which part of one cloud of rows lies where another is.

Each row has a ball around it that reaches to its k-th nearest other row of its own side. One of the four alone
misleads: a cloud that has shrunk to the middle has perfect precision and coverage, one that has lost rare modes keeps
its recall, and recall even rises with rubbish. Copies count: k + 1 equal rows have a ball of radius 0, which holds
nothing.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.measures.closeness import Pairs, Rows, exact, frame_of, near, nearest_others

# Source: Naeem et al., ICML 2020, section 4.
NEIGHBOURS = 5


class Manifold(NamedTuple):
    """Precision, recall and coverage from 0 to 1; density from 0, in the mean 1 for rows of the same distribution."""

    precision: float
    recall: float
    density: float
    coverage: float


class Neighbourhoods(NamedTuple):
    """What each row has around it.

    `holding` counts, for each synthetic row, the real balls that it lies in; `covered` says of each real row whether a
    synthetic row lies in its ball, `reached` whether it lies in a synthetic row's ball.
    """

    holding: Int64[ndarray, "m"]
    covered: Bool[ndarray, "n"]
    reached: Bool[ndarray, "n"]
    k: int

    @property
    def outside(self) -> Int64[ndarray, "o"]:
        """The synthetic rows that lie in no real ball: what real rows are not like."""
        return np.flatnonzero(self.holding == 0)

    @property
    def uncovered(self) -> Int64[ndarray, "u"]:
        """The real rows in whose ball no synthetic row lies: what is not made any more."""
        return np.flatnonzero(~self.covered)

    def manifold(self) -> Manifold:
        """The four shares."""
        return Manifold(
            precision=float((self.holding > 0).mean()),
            recall=float(self.reached.mean()),
            density=float(self.holding.mean()) / self.k,
            coverage=float(self.covered.mean()),
        )


def neighbourhoods(
    *, real: Float[ndarray, "n d"], synthetic: Float[ndarray, "m d"], k: int = NEIGHBOURS
) -> Neighbourhoods:
    """What each row has around it: Euclidean, by distances strictly smaller than the radius.

    Time grows with (n + m)^2 d, memory with (n + m) d. The distances that decide are exact in 64 bits.

    Raises:
        UsageError: a side has not more than k rows, or a number is not finite.

    Source: Kynkaanniemi et al., NeurIPS 2019, equations 1 and 2; Naeem et al., ICML 2020, equations 1 to 4.
    """
    if k < 1 or min(len(real), len(synthetic)) <= k:
        raise UsageError(
            f"{len(real)} real and {len(synthetic)} synthetic rows with k = {k}",
            hint="k is 1 or more, and each side needs more rows than k.",
        )
    frame = frame_of(real, synthetic)
    x, y = Rows(real, frame), Rows(synthetic, frame)
    of_x, of_y = squared_radii(x, k=k), squared_radii(y, k=k)
    holding, covered, reached = np.zeros(len(y), dtype=np.int64), np.zeros(len(x), dtype=bool), np.zeros(len(x), bool)
    for pairs in near(x, y, of_x=of_x, of_y=of_y):
        sure = _decided(x, y, pairs, (of_x, of_y))
        in_real, in_synthetic = sure.upper < of_x[sure.row], sure.upper < of_y[sure.column]
        covered[sure.row[in_real]] = True
        reached[sure.row[in_synthetic]] = True
        np.add.at(holding, sure.column[in_real], 1)
    return Neighbourhoods(holding, covered, reached, k)


def manifold(*, real: Float[ndarray, "n d"], synthetic: Float[ndarray, "m d"], k: int = NEIGHBOURS) -> Manifold:
    """Precision, recall, density and coverage; see `neighbourhoods`."""
    return neighbourhoods(real=real, synthetic=synthetic, k=k).manifold()


def expected_coverage(*, real: int, synthetic: int, k: int = NEIGHBOURS) -> float:
    """The coverage to expect when `real` and `synthetic` rows come from the same distribution.

    The k nearest neighbours of a real row among all others are then any k of them: the product is the chance that all
    are real.

    Source: Naeem et al., ICML 2020, lemma 2, for unequal numbers of rows.
    """
    if not 1 <= k < real or synthetic < 1:
        raise UsageError(
            f"{real} real and {synthetic} synthetic rows with k = {k}", hint="Coverage needs more real rows than k."
        )
    places = np.arange(1, k + 1)
    return float(1 - np.prod((real - places) / (real + synthetic - places)))


def squared_radii(rows: Rows, *, k: int) -> Float64[ndarray, "n"]:
    """The squared distance of each row to its k-th nearest other one, copies included, in the frame's unit."""
    named = np.ascontiguousarray(rows.rows + 0.0)  # 0 for -0
    name = named.view(np.dtype((np.void, named.itemsize * named.shape[1]))).ravel()
    _, first, place, copies = np.unique(name, return_index=True, return_inverse=True, return_counts=True)
    different = Rows(rows.rows[first], rows.frame)
    if len(first) == 1:
        return np.zeros(len(rows))
    nearest = nearest_others(different, count=min(k, len(first) - 1))
    reached = copies[:, None] - 1 + np.cumsum(copies[nearest.row], axis=1)
    last = np.argmax(reached >= k, axis=1)
    squared = np.where(copies > k, 0.0, nearest.squared[np.arange(len(first)), last])
    return squared[place]


def _decided(x: Rows, y: Rows, pairs: Pairs, limits: tuple[Float64[ndarray, "n"], Float64[ndarray, "m"]]) -> Pairs:
    """The pairs, with exact distances where the bounds leave open whether one is below its limit."""
    open_ = np.zeros(len(pairs.row), dtype=bool)
    for limit in (limits[0][pairs.row], limits[1][pairs.column]):
        # Nothing is below 0, however many copies there are.
        open_ |= (pairs.lower < limit) & (pairs.upper >= limit) & (limit > 0)
    some = np.flatnonzero(open_)
    upper = pairs.upper.copy()
    upper[some] = exact(x, y, pairs.where(some))
    return pairs._replace(upper=upper)
