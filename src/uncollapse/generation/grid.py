"""Rows out of a grid of axes, chosen so that few of them cover much: first every value, then every pair of values.

The first rows take of each axis a value that was used least, so that after as many rows as the largest axis has values
each has occurred. Each further row covers at least one pair of values that no row has, until all are covered; then rows
come from all over the grid. No row comes twice.

Source: the greedy part follows Cohen et al., IEEE Transactions on Software Engineering 1997 (AETG).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import gcd, prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.randomness import Stream

# Of so many rows of the grid that come next on the way through it, the one whose values were used least is taken.
CHOICE = 16


class Axis(NamedTuple):
    """One thing that varies, and the values it takes."""

    name: str
    values: tuple[str, ...]


class Coverage(NamedTuple):
    """How much of the axes some rows cover: values of each axis, pairs of values, and how often values are used."""

    values: dict[str, int]
    pairs: int
    all_pairs: int
    least: dict[str, int]
    most: dict[str, int]


def size(axes: Sequence[Axis]) -> int:
    """The number of rows of the whole grid."""
    return prod(len(axis.values) for axis in axes)


def pair_count(axes: Sequence[Axis]) -> int:
    """The number of pairs of values of two axes."""
    return sum(len(one.values) * len(other.values) for one, other in combinations(axes, 2))


def rows_of(axes: Sequence[Axis], stream: Stream) -> Iterator[tuple[int, ...]]:
    """All rows of the grid, as the number of a value for each axis, in an order in which the first ones cover much."""
    state = _State(tuple(len(axis.values) for axis in axes), stream)
    yield from state.rows()


def covering(axes: Sequence[Axis], stream: Stream) -> int:
    """After how many rows every value and every pair of values has occurred."""
    largest = max(len(axis.values) for axis in axes)
    state = _State(tuple(len(axis.values) for axis in axes), stream)
    for count, _ in enumerate(state.rows(), start=1):
        if count >= largest and not state.left:
            return count
    return size(axes)


def coverage(axes: Sequence[Axis], rows: Int64[ndarray, "n a"]) -> Coverage:
    """What some rows cover."""
    uses = [np.bincount(rows[:, place], minlength=len(axis.values)) for place, axis in enumerate(axes)]
    pairs = 0
    for (first, one), (second, other) in combinations(enumerate(axes), 2):
        width = len(other.values)
        seen = np.zeros(len(one.values) * width, bool)
        seen[rows[:, first] * width + rows[:, second]] = True
        pairs += int(seen.sum())
    names = [axis.name for axis in axes]
    return Coverage(
        values={name: int((use > 0).sum()) for name, use in zip(names, uses, strict=True)},
        pairs=pairs,
        all_pairs=pair_count(axes),
        least={name: int(use.min()) for name, use in zip(names, uses, strict=True)},
        most={name: int(use.max()) for name, use in zip(names, uses, strict=True)},
    )


@dataclass
class _State:
    """What the rows so far have used and covered."""

    sizes: tuple[int, ...]
    stream: Stream
    used: list[Int64[ndarray, "_"]] = field(init=False)
    open: dict[tuple[int, int], Bool[ndarray, "i j"]] = field(init=False)
    left: int = field(init=False)
    taken: set[tuple[int, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.used = [np.zeros(count, np.int64) for count in self.sizes]
        pairs = list(combinations(range(len(self.sizes)), 2))
        self.open = {(i, j): np.ones((self.sizes[i], self.sizes[j]), bool) for i, j in pairs}
        self.left = sum(self.sizes[i] * self.sizes[j] for i, j in pairs)

    def rows(self) -> Iterator[tuple[int, ...]]:
        """All rows, each once."""
        for _ in range(max(self.sizes)):
            yield self._take(self._filled({}, balanced=True))
        while self.left:
            axis, value = self._most_open()
            yield self._take(self._filled({axis: value}, balanced=False))
        yield from self._others()

    def _take(self, row: tuple[int, ...]) -> tuple[int, ...]:
        self.taken.add(row)
        for place, value in enumerate(row):
            self.used[place][value] += 1
        for (i, j), cells in self.open.items():
            self.left -= int(cells[row[i], row[j]])
            cells[row[i], row[j]] = False
        return row

    def _luck(self) -> list[Float64[ndarray, "_"]]:
        """A number below one for each value, by which ties are broken in the next row."""
        numbers = self.stream.uniform(np.arange(sum(self.sizes)), draw=len(self.taken))
        return np.split(numbers, np.cumsum(self.sizes)[:-1])

    def _cells(self, axis: int, other: int) -> Bool[ndarray, "i j"]:
        """Which pairs are open, with the values of `axis` as rows."""
        return self.open[axis, other] if axis < other else self.open[other, axis].T

    def _most_open(self) -> tuple[int, int]:
        """The axis and its value that have most open pairs."""
        luck = self._luck()
        best = (-1.0, 0, 0)
        for axis in range(len(self.sizes)):
            others = [other for other in range(len(self.sizes)) if other != axis]
            counts = sum(self._cells(axis, other).sum(axis=1) for other in others) + luck[axis]
            value = int(np.argmax(counts))
            best = max(best, (float(counts[value]), axis, value))
        return best[1], best[2]

    def _filled(self, row: dict[int, int], *, balanced: bool) -> tuple[int, ...]:
        """A row with a value for each axis: least used first if `balanced`, else with most open pairs first."""
        luck = self._luck()
        # The largest axis first: its values are the scarcest.
        for axis in sorted(range(len(self.sizes)), key=lambda axis: (-self.sizes[axis], axis)):
            if axis in row:
                continue
            new = np.zeros(self.sizes[axis])
            for other, value in row.items():
                new += self._cells(axis, other)[:, value]
            order = (-new, self.used[axis]) if not balanced else (self.used[axis], -new)
            row[axis] = int(np.lexsort((luck[axis], order[1], order[0]))[0])
        return tuple(row[axis] for axis in range(len(self.sizes)))

    def _others(self) -> Iterator[tuple[int, ...]]:
        """The rows of the grid that were not taken, from all over it, those of rarely used values first."""
        waiting: list[tuple[int, ...]] = []
        for row in self._walk():
            if row not in self.taken:
                waiting.append(row)
            if len(waiting) == CHOICE:
                yield self._take(waiting.pop(self._rarest(waiting)))
        while waiting:
            yield self._take(waiting.pop(self._rarest(waiting)))

    def _rarest(self, rows: Sequence[tuple[int, ...]]) -> int:
        shares = [
            sum(int(self.used[place][value]) * self.sizes[place] for place, value in enumerate(row)) for row in rows
        ]
        return shares.index(min(shares))

    def _walk(self) -> Iterator[tuple[int, ...]]:
        """Every row of the grid once, in strides through its numbers."""
        whole = prod(self.sizes)
        first, second = self.stream.uniform(np.arange(2), draw=2**31)
        stride = 1 + int(first * (whole - 1))
        while gcd(stride, whole) != 1:
            stride += 1
        place = int(second * whole)
        for _ in range(whole):
            number, row = place, []
            for count in self.sizes:
                number, value = divmod(number, count)
                row.append(value)
            yield tuple(row)
            place = (place + stride) % whole
