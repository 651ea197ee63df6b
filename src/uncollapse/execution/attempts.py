"""What is still to be worked, and how often each piece of it has cost a worker: the same for processes and for Ray."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from uncollapse.errors import WorkerLost

ATTEMPTS = 3
"""How many workers a shard may cost before it is set aside."""

MOST_ASIDE = 3
"""With so many shards set aside, something else is wrong than the shards."""


@runtime_checkable
class Numbered(Protocol):
    """A shard, or another piece of work: all that is known of it here is its number, which no other has."""

    @property
    def index(self) -> int:
        """The number."""
        ...


@runtime_checkable
class Supply(Protocol):
    """Work that comes as it can be taken: workers wait for it, and without any piece of it nothing is of use."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        ...

    def next(self) -> Numbered | None:
        """What is to be worked next; None where nothing is now."""
        ...

    def named(self, index: int) -> str:
        """What a piece of it is called."""
        ...


@dataclass
class Attempts:
    """Work in the order in which it is handed out; what has cost several workers is set aside and the rest goes on.

    Where the work comes out of a `supply`, the first piece that would be set aside ends it. `alive` says that some
    worker has come so far as to say something.
    """

    waiting: deque[Numbered]
    limit: int = ATTEMPTS
    supply: Supply | None = None
    alive: bool = False
    deaths: Counter[int] = field(default_factory=Counter)
    _aside: dict[int, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, work: Iterable[Numbered] | Supply, *, limit: int = ATTEMPTS) -> "Attempts":
        """The attempts at some work, none of which was made yet."""
        return cls(deque(), limit, work) if isinstance(work, Supply) else cls(deque(work), limit)

    @property
    def more(self) -> bool:
        """Whether more may come than waits now."""
        return self.supply is not None and not self.supply.over

    def look(self) -> bool:
        """Whether anything waits, when what has come by now is counted in."""
        while self.supply is not None and (found := self.supply.next()) is not None:
            self.waiting.append(found)
        return bool(self.waiting)

    def next(self) -> Numbered | None:
        """What is to be worked next; None where nothing waits."""
        return self.waiting.popleft() if self.waiting else None

    def lost(self, shard: Numbered, *, ending: str, remedy: str) -> None:
        """Take note that a worker died over a shard, which waits again, or is set aside.

        Raises:
            WorkerLost: this was the last attempt, and no worker has ever said a word, or too much is aside already.
        """
        self.deaths[shard.index] += 1
        if self.deaths[shard.index] < self.limit:
            self.waiting.appendleft(shard)
            return
        self._aside[shard.index] = (ending, remedy)
        if not self.alive or self.supply is not None or len(self._aside) == MOST_ASIDE:
            self.check()

    def check(self) -> None:
        """Nothing, where nothing was set aside.

        Raises:
            WorkerLost: names what was, how often it was tried, and how the last worker ended.
        """
        if not self._aside:
            return
        named = "shard {}".format if self.supply is None else self.supply.named
        told = [
            f"{named(index)} has cost {self.limit} workers; the last ended with {ending}"
            for index, (ending, _) in sorted(self._aside.items())
        ]
        remedies = dict.fromkeys(remedy for _, remedy in self._aside.values())
        raise WorkerLost("; ".join(told), hint=" ".join(remedies))
