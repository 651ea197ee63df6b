"""Lazy greedy choice: gains only fall, so an old gain is a bound, and few have to be looked at again.

Documents wait in the order of their bounds. The first ones are looked at anew; the best of them is taken if no bound
behind them is better, else they wait with what was found. Those that do not fit any more are let go.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.selection.features import Features, summed
from uncollapse.selection.filling import Filling

_AT_ONCE = 4096  # documents whose first gains are found together
_MOST = 256  # documents that are looked at again together
_BLOCK = 512
_NEGLIGIBLE = 1e-9  # of the first gain


@dataclass(eq=False)
class Gain:
    """What documents would add to what is there: `have` counts each n-gram, `cost` divides a document's gain."""

    features: Features
    target: Float64[ndarray, "k"]
    weight: Float64[ndarray, "k"]
    cost: Float64[ndarray, "n"] | Int64[ndarray, "n"]
    have: Float64[ndarray, "k"] = field(init=False)
    _room: Float64[ndarray, "k"] = field(init=False)

    def __post_init__(self) -> None:
        self.have = np.zeros(len(self.target))
        self._room = self.target.copy()

    def all(self) -> Float64[ndarray, "n"]:
        """The gain of every document."""
        offsets = self.features.offsets
        starts = range(0, len(self.features), _AT_ONCE)
        parts = [self._sums(offsets[at : at + _AT_ONCE + 1]) for at in starts]
        return np.concatenate(parts) / self.cost

    def _sums(self, offsets: Int64[ndarray, "d"]) -> Float64[ndarray, "n"]:
        here = slice(offsets[0], offsets[-1])
        return summed(self._each(self.features.number[here], self.features.times[here]), np.diff(offsets))

    def _each(self, number: ndarray, times: ndarray) -> Float64[ndarray, "m"]:
        return self.weight[number] * np.log1p(times / self._room[number])

    def of(self, documents: list[int]) -> list[float]:
        """The gains of some documents."""
        found = [self.features.of(document) for document in documents]
        numbers, times = (parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in zip(*found, strict=True))
        sizes = np.array([len(number) for number, _ in found], np.int64)
        return (summed(self._each(numbers, times), sizes) / self.cost[documents]).tolist()

    def add(self, document: int) -> None:
        """Counts a document's n-grams as there."""
        number, times = self.features.of(document)
        self.have[number] += times
        self._room[number] += times

    @property
    def value(self) -> float:
        """F of what is there."""
        return float((self.weight * np.log1p(self.have / self.target)).sum())


class _Waiting:
    """Documents in the order of their bounds: most as they stood at first, and those that were looked at again."""

    def __init__(self, bounds: Float64[ndarray, "n"], rank: Int64[ndarray, "n"]) -> None:
        order = np.lexsort((rank, -bounds))
        self._order, self._bounds, self._rank = order, -bounds[order], rank
        self._at = 0
        self._again: list[tuple[float, int, int]] = []

    def top(self) -> tuple[float, int, int] | None:
        """The first: minus its bound, its rank, its number."""
        first = None
        if self._at < len(self._order):
            document = int(self._order[self._at])
            first = (float(self._bounds[self._at]), int(self._rank[document]), document)
        if self._again and (first is None or self._again[0] < first):
            return self._again[0]
        return first

    def pop(self) -> tuple[float, int, int] | None:
        """The first, which does not wait any more."""
        first = self.top()
        if first is not None and self._again and self._again[0] is first:
            return heapq.heappop(self._again)
        self._at += 1
        return first

    def push(self, bound: float, document: int) -> None:
        """Lets a document wait with this bound."""
        heapq.heappush(self._again, (-bound, int(self._rank[document]), document))


def choose_greedily(gain: Gain, filling: Filling, *, rank: Int64[ndarray, "n"], tolerance: float) -> int:
    """How many gains were looked at until nothing fits or adds any more; what was taken stands in the filling.

    Of equal gains that of the lowest rank is taken. With a tolerance e each step is at least 1 - e of the best, and the
    result 1 - exp(e - 1) of the best there is in place of 1 - 1/e.
    """
    if tolerance > 0:
        return _by_thresholds(gain, filling, rank, tolerance)
    waiting = _Waiting(gain.all(), rank)
    looked, size = len(rank), 1
    while block := _first_that_fit(waiting, filling, size):
        found = sorted((-worth, int(rank[each]), each) for worth, each in zip(gain.of(block), block, strict=True))
        looked += len(block)
        best, behind = found[0], waiting.top()
        taken = best[0] < 0 and (behind is None or best[:2] < behind[:2])
        if taken:
            filling.take(best[2])
            gain.add(best[2])
        for worth, _, each in found[taken:]:
            waiting.push(-worth, each)
        size = max(size // 2, 1) if taken else min(2 * size, _MOST)
    return looked


def _first_that_fit(waiting: _Waiting, filling: Filling, size: int) -> list[int]:
    """The first documents that fit and may add something; those before them that do not are let go."""
    block: list[int] = []
    while len(block) < size:
        first = waiting.pop()
        if first is None or first[0] >= 0:
            break
        if filling.fits(first[2]):
            block.append(first[2])
    return block


def _by_thresholds(gain: Gain, filling: Filling, rank: Int64[ndarray, "n"], tolerance: float) -> int:
    """The same with a threshold that falls by the tolerance each time: whatever is above it is taken as it comes.

    All other gains are below threshold / (1 - e), so what is taken is at least 1 - e of the best.

    Source: Badanidiyuru and Vondrak 2014, section 3.
    """
    bounds = gain.all()
    looked = len(bounds)
    least = float(bounds.max(initial=0.0)) * _NEGLIGIBLE
    threshold = float("inf")
    while True:
        bounds[filling.rows.sizes > filling.left] = -np.inf
        highest = float(bounds.max())
        if highest <= least:
            return looked
        threshold = min(threshold, highest) * (1 - tolerance)
        above = np.flatnonzero(bounds >= threshold)
        above = above[np.lexsort((rank[above], -bounds[above]))]
        for at in range(0, len(above), _BLOCK):
            looked += _take_above(gain, filling, bounds, above[at : at + _BLOCK], threshold)


def _take_above(
    gain: Gain, filling: Filling, bounds: Float64[ndarray, "n"], some: Int64[ndarray, "b"], threshold: float
) -> int:
    """How many gains were looked at; of some documents those are taken that are above the threshold in their turn."""
    bounds[some] = gain.of(some.tolist())
    looked, taken = len(some), False
    for document in some[np.argsort(-bounds[some], kind="stable")].tolist():
        if bounds[document] < threshold:
            break
        if not filling.fits(document):
            bounds[document] = -np.inf
            continue
        if taken:
            bounds[document] = gain.of([document])[0]
            looked += 1
        if bounds[document] >= threshold:
            filling.take(document)
            gain.add(document)
            bounds[document] = -np.inf
            taken = True
    return looked
