"""What some work makes of pieces, in their order: here, in processes of this machine, or on a Ray cluster.

Nothing is committed: results come back to whoever asked. They do not depend on where and by how many they were made,
as long as the pieces do not: pieces are cut by a rule of their own and never by the number of workers.
"""

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from uncollapse.errors import UsageError
from uncollapse.execution.cluster import Cluster
from uncollapse.execution.local import Processes, check_not_a_worker
from uncollapse.execution.on_ray import OnRay
from uncollapse.execution.progress import Retried

AHEAD_EACH, AHEAD = 4, 256
"""How many pieces for each worker, or in all where their number is not known, may be begun and not be given out."""


@runtime_checkable
class Named(Protocol):
    """A piece that says what it is, for the error that names it."""

    @property
    def name(self) -> str:
        """What it is."""
        ...


P = TypeVar("P")
R = TypeVar("R")


class Gathering(Generic[P, R]):
    """Gives what `work` makes of pieces, call after call, in their order; workers keep what the work has loaded.

    Without a cluster and with one worker or none said it works here, and nothing is started. The work travels once to
    each worker, so it opens what is heavy when it is first called there.
    """

    def __init__(self, work: Callable[[P], R], *, workers: int | None = None, cluster: Cluster | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers cannot work", hint="Use 1 or more.")
        self._work = work
        self._pool = _pool(workers, cluster)
        self._supply = _Supply(AHEAD if workers is None else AHEAD_EACH * workers)
        self._events: Generator[Any, None, None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    def rest(self) -> None:
        """Nothing; the workers have gone, and their places are free until there is another call."""
        if self._events is not None:
            self._events.close()
        self._events = None
        self._supply.begin()

    def __call__(self, pieces: Iterable[P], *, on_done: Callable[[int], object] | None = None) -> Iterator[R]:
        """What the work makes of each piece, in the order of the pieces; `on_done` hears how many are done, in any.

        Raises:
            WorkerLost: a piece has cost several workers; it is named.
        """
        results: Iterator[R] = map(self._work, pieces) if self._pool is None else self._spread(pieces, on_done)
        if self._pool is not None or on_done is None:
            return results
        return _counted(results, on_done)

    def _spread(self, pieces: Iterable[P], on_done: Callable[[int], object] | None) -> Iterator[R]:
        assert self._pool is not None
        supply = self._supply
        if self._events is None:
            self._events = self._pool.run(supply, partial(_packed, self._work))
        held: dict[int, R] = {}
        done = 0
        call = supply.take(pieces)
        try:
            while not supply.exhausted:
                if supply.given in held:
                    result = held.pop(supply.given)
                    supply.give()
                    yield result
                    continue
                event = next(self._events)
                # A worker that was lost after its result had come leaves the same piece done twice.
                if not isinstance(event, Retried) and event[0] >= supply.given and event[0] not in held:
                    held[event[0]] = pickle.loads(event[1])  # noqa: S301 - by a worker of ours
                    done += 1
                    if on_done is not None:
                        on_done(done)
        except BaseException:
            # Whoever has had the last result leaves workers behind that another call may have begun to use.
            if supply.call == call and not supply.exhausted:
                self.rest()
            raise


def gathered(
    work: Callable[[P], R],
    pieces: Iterable[P],
    *,
    workers: int | None = None,
    cluster: Cluster | None = None,
    on_done: Callable[[int], object] | None = None,
) -> Iterator[R]:
    """What the work makes of each piece, in the order of the pieces, by workers that live as long as this.

    Raises:
        WorkerLost: a piece has cost several workers; it is named.
        MissingExtra: a cluster is asked for, and Ray is not installed.
    """
    with Gathering(work, workers=workers, cluster=cluster) as gathering:
        yield from gathering(pieces, on_done=on_done)


def _pool(workers: int | None, cluster: Cluster | None) -> Processes | OnRay | None:
    if cluster is not None:
        check_not_a_worker()
        return OnRay(cluster, workers=workers)
    if workers in (None, 1):
        return None
    check_not_a_worker()
    return Processes(workers)


@dataclass(frozen=True)
class _Numbered:
    """A piece with its number among all that were ever taken."""

    index: int
    piece: Any


def _packed(work: Callable[[Any], Any], numbered: _Numbered) -> Iterator[tuple[int, bytes]]:
    """The result in bytes of our own: arrays that Ray carries come out of its store and cannot be written to."""
    yield numbered.index, pickle.dumps(work(numbered.piece), protocol=pickle.HIGHEST_PROTOCOL)


def _counted(results: Iterator[R], on_done: Callable[[int], object]) -> Iterator[R]:
    for done, result in enumerate(results, start=1):
        on_done(done)
        yield result


class _Supply:
    """Pieces as workers can have them: never more than so many ahead of the last one that was given out."""

    over = False  # whoever holds the workers ends them

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self.call = 0
        self.begin()

    def begin(self) -> None:
        """Forget whatever was taken before."""
        self._pieces: Iterator[Any] = iter(())
        self._following: list[Any] = []
        self._names: dict[int, str] = {}
        self._first = self._drawn = self.given = 0

    def take(self, pieces: Iterable[Any]) -> int:
        """The number of one more call, the pieces of which are taken now."""
        assert self.exhausted, "one call after the other"
        self._pieces, self._first = iter(pieces), self._drawn
        self._following = list(islice(self._pieces, 1))
        self.call += 1
        return self.call

    @property
    def exhausted(self) -> bool:
        """Whether every piece was drawn and given out."""
        return not self._following and self.given == self._drawn

    def give(self) -> None:
        """Take note that the next result was given out."""
        del self._names[self.given]
        self.given += 1

    def next(self) -> _Numbered | None:
        """The next piece, unless there is none, or too many are under way."""
        if not self._following or self._drawn - self.given >= self._ahead:
            return None
        (piece,) = self._following
        numbered = _Numbered(self._drawn, piece)
        self._names[self._drawn] = f" ({piece.name})" if isinstance(piece, Named) else ""
        self._drawn += 1
        # It is known which is the last before it is done, so that workers are not let go when it is.
        self._following = list(islice(self._pieces, 1))
        return numbered

    def named(self, index: int) -> str:
        """What a piece is called."""
        return f"piece {index - self._first + 1}{self._names.get(index, '')}"
