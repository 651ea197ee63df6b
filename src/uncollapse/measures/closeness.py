"""Which rows of two arrays are near each other, without a matrix of all distances.

Distances squared come in tiles out of one product in 32-bit numbers, as bounds from below and above that hold for any
order of summation. Only pairs that the bounds cannot decide are taken apart: exactly, by differences in 64 bits. So the
answers are those of exact distances, at the speed of a matrix product.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray

from uncollapse.errors import UsageError

_ROWS, _COLUMNS = 512, 4096  # a tile of 8 MB
# Where more than this part of a tile may be near, the tile is taken again in 64-bit numbers.
_CROWDED = 1 / 16
_AT_ONCE = 1 << 22  # numbers that are held for exact differences
_WAITING = 1 << 21  # pairs that are gathered before each row keeps its nearest only
_SAMPLE = 2048  # rows out of which a row's first bound comes
_TINY = 1e-37  # below it 32-bit numbers lose digits


class Pairs(NamedTuple):
    """Pairs of rows, and what their squared distance lies between."""

    row: Int64[ndarray, "p"]
    column: Int64[ndarray, "p"]
    lower: Float64[ndarray, "p"]
    upper: Float64[ndarray, "p"]

    def where(self, held: Bool[ndarray, "p"] | Int64[ndarray, "k"]) -> "Pairs":
        """Some of the pairs."""
        return Pairs(*(values[held] for values in self))


class Frame(NamedTuple):
    """What is taken off all rows and multiplied with them, so that none is longer than 1; a power of two."""

    middle: Float64[ndarray, "d"]
    scale: float


def frame_of(*sides: Float[ndarray, "_ d"]) -> Frame:
    """The frame in which all sides are compared.

    Raises:
        UsageError: rows without numbers, or with one that is not finite.
    """
    if any(side.shape[1] == 0 for side in sides):
        raise UsageError("rows of no numbers", hint="An embedding has one dimension or more.")
    middle = sides[0].mean(axis=0, dtype=np.float64)
    longest = float(np.max([_longest(side, middle) for side in sides]))  # unlike max, NaN if any is
    if not np.isfinite(longest):
        raise UsageError("a row has a number that is not finite", hint="Leave out rows whose embedding failed.")
    return Frame(middle, 2.0 ** -np.ceil(np.log2(longest)) if longest > 0 else 1.0)


def _longest(side: Float[ndarray, "n d"], middle: Float64[ndarray, "d"]) -> float:
    blocks = (side[at : at + _ROWS] - middle for at in range(0, len(side), _ROWS))
    return float(np.max([np.abs(block).max() for block in blocks])) * side.shape[1] ** 0.5


class Rows:
    """Rows made ready for products: coordinates in a frame, 1, and the squared length less what may be lost."""

    def __init__(self, rows: Float[ndarray, "n d"], frame: Frame) -> None:
        self.rows, self.frame = rows, frame
        self._single = self._ready(np.float32)
        self._double: ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def ready(self, kind: type) -> Float[ndarray, "n _"]:
        """The array in 32-bit or 64-bit numbers; the second is made when it is first needed."""
        if kind is np.float32:
            return self._single
        if self._double is None:
            self._double = self._ready(np.float64)
        return self._double

    def _ready(self, kind: type) -> Float[ndarray, "n _"]:
        count, dimensions = self.rows.shape
        result = np.ones((count, dimensions + 2), dtype=kind)
        for at in range(0, count, _ROWS):
            block = (self.rows[at : at + _ROWS] - self.frame.middle) * self.frame.scale
            result[at : at + _ROWS, :dimensions] = block
            result[at : at + _ROWS, -1] = np.einsum("ij,ij->i", block, block) * (1 - self.loss(kind))
        return result

    def loss(self, kind: type) -> float:
        """The part of |x|^2 + |y|^2 by which a squared distance out of a product can be wrong.

        Source: Higham, Accuracy and Stability of Numerical Algorithms, equation 3.5, twice over.
        """
        return 4 * (self.rows.shape[1] + 8) * float(np.finfo(kind).eps) / 2

    def slack(self, which: Int64[ndarray, "k"], kind: type) -> Float64[ndarray, "k"]:
        """The part of some rows in upper less lower bound."""
        lost = self.loss(kind)
        return self.ready(kind)[which, -1].astype(np.float64) * (2 * lost / (1 - lost))


def lower_bounds(x: Rows, rows: slice, y: Rows, columns: slice, kind: type = np.float32) -> Float[ndarray, "r c"]:
    """Bounds from below of the squared distances of some rows of x and y, in the frame's unit."""
    left = x.ready(kind)[rows].copy()
    left[:, :-2] *= -2
    left[:, [-2, -1]] = left[:, [-1, -2]]
    return left @ y.ready(kind)[columns].T


def near(
    x: Rows, y: Rows, *, of_x: Float64[ndarray, "n"], of_y: Float64[ndarray, "m"], above: bool = False
) -> Iterator[Pairs]:
    """Every pair that may be no further apart than its row of x says, or its row of y (squared, in the frame's unit).

    With `above`, x and y are the same rows, and each pair comes once, its row before its column.
    """
    for top in range(0, len(x), _ROWS):
        rows = slice(top, min(top + _ROWS, len(x)))
        for begin in range(top // _COLUMNS * _COLUMNS if above else 0, len(y), _COLUMNS):
            columns = slice(begin, min(begin + _COLUMNS, len(y)))
            pairs = _tile(x, rows, y, columns, (of_x[rows], of_y[columns]))
            yield pairs.where(pairs.row < pairs.column) if above and begin < rows.stop else pairs


def _tile(
    x: Rows, rows: slice, y: Rows, columns: slice, limits: tuple[Float64[ndarray, "r"], Float64[ndarray, "c"]]
) -> Pairs:
    kind: type = np.float32
    lower = lower_bounds(x, rows, y, columns, kind)
    held = _inside(lower, limits)
    if len(held) >= _CROWDED * lower.size:
        kind = np.float64
        lower = lower_bounds(x, rows, y, columns, kind)
        held = _inside(lower, limits)
    row, column = np.divmod(held, lower.shape[1])
    row, column = row + rows.start, column + columns.start
    least = lower.ravel()[held].astype(np.float64) - _TINY
    return Pairs(row, column, least, least + 2 * _TINY + x.slack(row, kind) + y.slack(column, kind))


def _inside(
    lower: Float[ndarray, "r c"], limits: tuple[Float64[ndarray, "r"], Float64[ndarray, "c"]]
) -> Int64[ndarray, "p"]:
    """The places in a tile that are not above the limit of their row or of their column, limits rounded up."""
    of_row, of_column = (
        np.nextafter((limit + _TINY).astype(lower.dtype), np.inf, dtype=lower.dtype) for limit in limits
    )
    inside = lower <= of_row.reshape(-1, 1)
    inside |= lower <= of_column
    return np.flatnonzero(inside)


def exact(x: Rows, y: Rows, pairs: Pairs) -> Float64[ndarray, "p"]:
    """The squared distances of pairs, by differences, in the frame's unit."""
    result = np.empty(len(pairs.row))
    step = max(_AT_ONCE // x.rows.shape[1], 1)
    for at in range(0, len(result), step):
        here = slice(at, at + step)
        apart = x.rows[pairs.row[here]].astype(np.float64) - y.rows[pairs.column[here]]
        apart *= x.frame.scale
        result[here] = np.einsum("ij,ij->i", apart, apart)
    return result


class Nearest(NamedTuple):
    """For each row its nearest other rows, in ascending order of the squared distance in the frame's unit."""

    row: Int64[ndarray, "n k"]
    squared: Float64[ndarray, "n k"]


def nearest_others(rows: Rows, *, count: int) -> Nearest:
    """The `count` nearest other rows of each row."""
    bounds = _first_bounds(rows, count)
    waiting: list[Pairs] = []
    gathered = 0
    for pairs in near(rows, rows, of_x=bounds, of_y=bounds, above=True):
        for way in (pairs, Pairs(pairs.column, pairs.row, pairs.lower, pairs.upper)):
            waiting.append(way.where(way.lower <= bounds[way.row]))
            gathered += len(waiting[-1].row)
        if gathered > _WAITING:
            waiting, gathered = [_closest(rows, waiting, bounds, count)], 0
    held = _closest(rows, waiting, bounds, count)
    return Nearest(held.column.reshape(-1, count), held.lower.reshape(-1, count))


def _first_bounds(rows: Rows, count: int) -> Float64[ndarray, "n"]:
    """A bound from above of the squared distance to the last of the nearest others: that among some of the rows."""
    size = min(len(rows), max(_SAMPLE, 4 * count))
    which = np.linspace(0, len(rows) - 1, size).astype(np.int64)
    some = Rows(rows.rows[which], rows.frame)
    slack = some.slack(np.arange(size), np.float32).astype(np.float32)
    result = np.empty(len(rows))
    for top in range(0, len(rows), _ROWS):
        here = np.arange(top, min(top + _ROWS, len(rows)))
        upper = lower_bounds(rows, slice(top, top + _ROWS), some, slice(0, size)) + slack
        upper[here[:, None] == which] = np.inf
        last = np.partition(upper, count - 1, axis=1)[:, count - 1]
        result[here] = last + rows.slack(here, np.float32) + _TINY
    return result


def _closest(rows: Rows, parts: list[Pairs], bounds: Float64[ndarray, "n"], count: int) -> Pairs:
    """The `count` nearest of each row among the pairs, with exact distances; lowers the bounds in place."""
    pairs = Pairs(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    _lower(bounds, _ranked(pairs, pairs.upper), count)
    pairs = pairs.where(pairs.lower <= bounds[pairs.row])
    squared = exact(rows, rows, pairs)
    pairs, rank = _ranked(pairs._replace(lower=squared, upper=squared), squared)
    _lower(bounds, (pairs, rank), count)
    return pairs.where(rank < count)


def _ranked(pairs: Pairs, squared: Float64[ndarray, "p"]) -> tuple[Pairs, Int64[ndarray, "p"]]:
    """The pairs by row and distance, and each pair's place in its row."""
    pairs = pairs.where(np.lexsort((pairs.column, squared, pairs.row)))
    return pairs, np.arange(len(pairs.row)) - np.searchsorted(pairs.row, pairs.row)


def _lower(bounds: Float64[ndarray, "n"], ranked: tuple[Pairs, Int64[ndarray, "p"]], count: int) -> None:
    last = ranked[0].where(ranked[1] == count - 1)
    bounds[last.row] = np.minimum(bounds[last.row], last.upper)
