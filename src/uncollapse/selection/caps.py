"""Groups moved from teachers that have too many to others, at the least loss of merit in all.

A move takes a group from the teacher that has it to another with a candidate there, and costs the difference of their
merits. Where the other is full itself, one of its groups moves on: a chain, which ends at a teacher with room. The
cheapest chain is carried out, one after the other, until nobody has too many; what is lost in all is then the least
that can be (successive shortest paths). If no chain is left, no assignment within the limit exists.

Source: Busacker and Gowen 1961; Ahuja, Magnanti and Orlin, Network Flows, 1993, section 9.7.
"""

import heapq
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.errors import UsageError

Move: TypeAlias = tuple[float, int]
"""What it costs, and the group."""


class Options(NamedTuple):
    """The best candidate of each teacher in each group: group, teacher, merit and row; sorted by group."""

    group: Int64[ndarray, "o"]
    teacher: Int64[ndarray, "o"]
    merit: Float64[ndarray, "o"]
    row: Int64[ndarray, "o"]


def within(options: Options, leader: Int64[ndarray, "g"], *, limit: int, total: int) -> Int64[ndarray, "g"]:
    """The row that wins in each group when no teacher has more than `limit` of the `total` groups.

    Raises:
        UsageError: that cannot be; says the least cap that can be met.
    """
    market = _Market(options, leader)
    stuck = market.settle(limit)
    if stuck is None:
        return market.winners(leader)
    least = limit
    while stuck is not None:
        # All that these teachers hold nobody else can take, so one of them has at least the mean.
        least = max(-(-sum(market.load[one] for one in stuck) // len(stuck)), least + 1)
        stuck = market.settle(least)
    share = -(-10_000 * least // total) / 10_000
    raise UsageError(
        f"no teacher may have more than {limit:,} of {total:,} groups, and the candidates do not allow it",
        hint=f"The least cap that they allow is {share:g}: {least:,} groups of one teacher. Or give more teachers.",
    )


class _Market:
    """Who has which group, and what moves cost."""

    def __init__(self, options: Options, leader: Int64[ndarray, "g"]) -> None:
        self._options = options
        self._start = np.searchsorted(options.group, np.arange(len(leader) + 1))
        places = np.full(int(max(options.row.max(initial=-1), leader.max(initial=-1))) + 1, -1, np.int64)
        places[options.row] = np.arange(len(options.row))
        # The leader of a group is its teacher's best there, so it is among the options.
        self._at = {group: int(places[leader[group]]) for group in np.unique(options.group).tolist()}
        self.load: dict[int, int] = dict.fromkeys(np.unique(options.teacher).tolist(), 0)
        self._moves: dict[tuple[int, int], list[Move]] = {}
        for group, place in self._at.items():
            self.load[int(options.teacher[place])] += 1
            for pair, move in self._open(group, place):
                self._moves.setdefault(pair, []).append(move)
        for heap in self._moves.values():
            heapq.heapify(heap)

    def winners(self, leader: Int64[ndarray, "g"]) -> Int64[ndarray, "g"]:
        """The row of each group's winner."""
        chosen = leader.copy()
        chosen[list(self._at)] = self._options.row[list(self._at.values())]
        return chosen

    def settle(self, limit: int) -> set[int] | None:
        """None when nobody has more than the limit; else the teachers whose groups nobody else can take."""
        while over := [teacher for teacher in sorted(self.load) if self.load[teacher] > limit]:
            chain, reached = self._cheapest(over, limit)
            if chain is None:
                return reached
            for pair in chain:
                self._carry_out(pair)
        return None

    def _open(self, group: int, place: int) -> Iterable[tuple[tuple[int, int], Move]]:
        """The moves of a group from where it is."""
        teacher, merit = self._options.teacher, self._options.merit
        for other in range(int(self._start[group]), int(self._start[group + 1])):
            if other != place:
                pair = (int(teacher[place]), int(teacher[other]))
                yield pair, (float(merit[place] - merit[other]), group)

    def _best(self, pair: tuple[int, int]) -> Move | None:
        """The cheapest move from one teacher to another; what is out of date is forgotten."""
        heap = self._moves.get(pair, [])
        while heap:
            place = self._at[heap[0][1]]
            if self._options.teacher[place] == pair[0]:
                return heap[0]
            heapq.heappop(heap)
        return None

    def _cheapest(self, over: list[int], limit: int) -> tuple[list[tuple[int, int]] | None, set[int]]:
        """The pairs of the cheapest chain from a teacher with too many to one with room, and all that can be reached.

        Source: Bellman 1958 and Ford 1956, as moves can gain what an earlier one lost.
        """
        cost: dict[int, float] = dict.fromkeys(over, 0.0)
        came: dict[int, int] = {}
        edges = [(pair, move[0]) for pair in sorted(self._moves) if (move := self._best(pair)) is not None]
        for _ in self.load:
            changed = False
            for (one, other), price in edges:
                if one in cost and cost[one] + price < cost.get(other, np.inf) - 1e-12 * max(1.0, abs(price)):
                    cost[other], came[other], changed = cost[one] + price, one, True
            if not changed:
                break
        room = [teacher for teacher in sorted(cost) if self.load[teacher] < limit]
        if not room:
            return None, set(cost)
        end = min(room, key=lambda teacher: (cost[teacher], teacher))
        chain: list[tuple[int, int]] = []
        while end in came:
            chain.append((came[end], end))
            end = came[end]
        return chain[::-1], set(cost)

    def _carry_out(self, pair: tuple[int, int]) -> None:
        move = self._best(pair)
        assert move is not None
        heapq.heappop(self._moves[pair])
        group = move[1]
        span = range(int(self._start[group]), int(self._start[group + 1]))
        place = next(at for at in span if self._options.teacher[at] == pair[1])
        self._at[group] = place
        self.load[pair[0]] -= 1
        self.load[pair[1]] += 1
        for other, again in self._open(group, place):
            heapq.heappush(self._moves.setdefault(other, []), again)
