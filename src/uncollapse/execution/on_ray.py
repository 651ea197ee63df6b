"""Shards worked on a Ray cluster: Ray places workers and carries numbers of shards; the commit stays in storage."""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.errors import UsageError, WorkerLost
from uncollapse.execution.attempts import ATTEMPTS, Attempts, Numbered, Supply
from uncollapse.execution.cluster import Cluster, connected, last_line, room_for, what_is_there
from uncollapse.execution.local import Work, portable
from uncollapse.execution.progress import Retried
from uncollapse.version import __version__

NODE_ATTEMPTS = 10
"""How many machines may be lost over one shard: a machine goes for reasons of its own more often than for a row's."""

MOST_STILLBORN = 50
"""How many workers in a row may be lost before they begin, where others have begun: a machine takes several along."""

EVENTS_AHEAD = 64
"""How many events of a worker may wait for the driver before the worker does."""

LOOK_AGAIN = 5.0  # seconds until it is looked again how large the cluster is

PATIENCE = 10.0
"""Seconds without a worker after which it is said that the cluster has no room for one."""


class OnRay:
    """Works shards in actors that hold the work, on a Ray cluster; lost ones are replaced and their shards tried again.

    Each actor has one shard at a time. There are as many as `workers` says, or else as the cluster has room for, also
    while it grows. `on_death` is called with the shard that a lost actor had.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        workers: int | None = None,
        attempts: int = ATTEMPTS,
        on_death: Callable[[Numbered], None] | None = None,
    ) -> None:
        self._cluster = cluster
        self._workers = workers
        self._attempts = attempts
        self._on_death = on_death

    def run(self, shards: Iterable[Numbered] | Supply, work: Work) -> Generator[Any, None, None]:
        """What `work` yields for each shard, in the order in which it comes here.

        Raises:
            MissingExtra: Ray is not installed.
            UsageError: no cluster answers, or it has no room for a worker.
            WorkerLost: shards have cost as many workers as there are attempts; the others are worked before it is said.
        """
        queue = Attempts.of(shards, limit=self._attempts)
        if not queue.look():
            return
        with connected(self._cluster, self._workers) as ray:
            pool = _Pool(ray, self._cluster, work=work, most=self._workers, on_death=self._on_death)
            try:
                while queue.look() or pool.busy:
                    pool.fit(queue)
                    yield from pool.turn(queue)
                queue.check()
            finally:
                pool.stop()


@dataclass(eq=False)
class _Actor:
    """One worker: until it is `ready` it has a node and a shard no more than a promise of them.

    One that is ready and has no stream waits for more to come.
    """

    handle: Any
    ready: Any
    node: str = ""
    stream: Any = None
    shard: Numbered | None = None


class _Pool:
    """The actors of one run."""

    def __init__(
        self, ray: Any, cluster: Cluster, *, work: Work, most: int | None, on_death: Callable[[Numbered], None] | None
    ) -> None:
        self._ray = ray
        self._cluster = cluster
        self._most = most
        self._on_death = on_death
        # By value where it must be: what a script defines has no other place to be found in.
        self._work = ray.put(ray.cloudpickle.dumps(work))
        options = {"num_cpus": cluster.cpus_per_worker, "num_gpus": cluster.gpus_per_worker}
        self._kind = ray.remote(**options, max_restarts=0, max_task_retries=0)(ShardActor)
        self._actors: list[_Actor] = []
        self._room = 0
        self._looked: float | None = None
        self._began: float | None = time.monotonic()
        self._stillborn = 0
        self._born = False
        self._graves: dict[int, list[str]] = {}

    @property
    def busy(self) -> bool:
        """Whether a shard is under way."""
        return any(actor.shard is not None for actor in self._actors)

    def fit(self, queue: Attempts) -> None:
        """Nothing; there are as many actors as there is work and room for, and no more."""
        for actor in self._actors[:]:
            if actor.ready is None and actor.stream is None and queue.waiting:
                self._hand_out(actor, queue)
        # Those that have not begun yet are the first to be given up.
        idle = sorted((actor for actor in self._actors if actor.shard is None), key=lambda actor: actor.ready is None)
        missing = len(queue.waiting) - len(idle)
        for _ in range(min(missing, self._limit() - len(self._actors))):
            handle = self._kind.remote(Desk.here(), __version__, self._work)
            self._actors.append(_Actor(handle, handle.where.remote()))
        if not queue.more:
            for actor in idle[: max(0, -missing)]:
                self._dismiss(actor)

    def _limit(self) -> int:
        if self._most is not None:
            return self._most
        now = time.monotonic()
        if self._looked is None or now - self._looked > LOOK_AGAIN:
            self._looked = now
            self._room = room_for(self._cluster.resources, self._ray.nodes())
        # One is asked for in any case, so that a cluster that can grow sees what is wanted.
        return max(1, self._room)

    def turn(self, queue: Attempts) -> Iterator[Any]:
        """What has come from the actors by now, at least one thing unless nothing comes for a while."""
        each = ((actor.ready if actor.stream is None else actor.stream, actor) for actor in self._actors)
        awaited = {promise: actor for promise, actor in each if promise is not None}
        if not awaited:
            return
        self._tell_of_room()
        found = self._ray.wait(list(awaited), num_returns=1, timeout=LOOK_AGAIN, fetch_local=False)[0]
        if found:
            found = self._ray.wait(list(awaited), num_returns=len(awaited), timeout=0, fetch_local=False)[0]
        for each in found:
            actor = awaited[each]
            if actor.stream is None:
                self._welcome(actor)
                self._hand_out(actor, queue)
            else:
                yield from self._hear(actor, queue)

    def _welcome(self, actor: _Actor) -> None:
        """Nothing; the actor is where it says, or it never began."""
        try:
            actor.node = self._ray.get(actor.ready)
            actor.ready = None
            self._born, self._stillborn, self._began = True, 0, None
        except self._ray.exceptions.RayError as error:
            self._actors.remove(actor)
            self._stillborn += 1
            most = MOST_STILLBORN if self._born else ATTEMPTS
            if getattr(error, "actor_init_failed", False) or self._stillborn == most:
                raise WorkerLost(
                    f"no worker can begin on the cluster: {last_line(error)}",
                    hint=f"Every machine of it needs uncollapse {__version__} and what the steps need.",
                ) from error

    def _hand_out(self, actor: _Actor, queue: Attempts) -> None:
        actor.shard = queue.next() if actor in self._actors else None
        if actor.shard is None:
            actor.stream = None
            if actor in self._actors and not queue.more:
                self._dismiss(actor)
            return
        options = {"num_returns": "streaming", "_generator_backpressure_num_objects": EVENTS_AHEAD}
        actor.stream = actor.handle.work.options(**options).remote(actor.shard)

    def _hear(self, actor: _Actor, queue: Attempts) -> Iterator[Any]:
        assert actor.shard is not None
        try:
            kind, content = self._ray.get(next(actor.stream))
        except self._ray.exceptions.RayTaskError:
            raise
        except (self._ray.exceptions.RayError, StopIteration) as error:
            yield Retried(actor.shard.index)
            self._bury(actor, queue, error=error)
            return
        queue.alive = True
        if kind == "failed":
            raise content
        if kind == "done":
            self._hand_out(actor, queue)
        else:
            yield content

    def _bury(self, actor: _Actor, queue: Attempts, *, error: Exception) -> None:
        shard = actor.shard
        assert shard is not None
        self._dismiss(actor)
        if self._on_death is not None:
            self._on_death(shard)
        graves = self._graves.setdefault(shard.index, [])
        graves.append(actor.node)
        living = self._living()
        gone = min(sum(node not in living for node in graves), NODE_ATTEMPTS)
        if actor.node not in living and len(graves) <= NODE_ATTEMPTS:
            queue.waiting.appendleft(shard)
            return
        # It may show only later that an earlier worker went with its machine.
        queue.deaths[shard.index] = len(graves) - gone - 1
        queue.lost(shard, ending=last_line(error), remedy=_remedy(error))

    def _tell_of_room(self) -> None:
        """Nothing; where no worker has begun for a while, whoever listens has heard once what it waits for."""
        if self._began is None or time.monotonic() - self._began < PATIENCE or self._cluster.on_wait is None:
            return
        self._began = None
        self._cluster.on_wait(what_is_there(self._cluster.resources, self._ray.nodes()))

    def _living(self) -> set[str]:
        return {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}

    def _dismiss(self, actor: _Actor) -> None:
        self._actors.remove(actor)
        self._ray.kill(actor.handle)

    def stop(self) -> None:
        """Nothing; the actors have ended when this returns, or their machines are out of reach."""
        left, self._actors = self._actors, []
        for actor in left:
            self._ray.kill(actor.handle)
        for actor in left:
            with suppress(self._ray.exceptions.RayError):
                self._ray.get(actor.handle.where.remote(), timeout=LOOK_AGAIN)
            if actor.shard is not None and self._on_death is not None:
                self._on_death(actor.shard)


class Desk(NamedTuple):
    """Where a driver works: its folder, from which relative paths are seen, and where it imports from."""

    folder: str
    path: tuple[str, ...]

    @classmethod
    def here(cls) -> "Desk":
        """That of this process."""
        return cls(str(Path.cwd()), tuple(sys.path))

    def take(self) -> None:
        """Nothing; this process works there too, as far as its machine has the same folders."""
        sys.path += [entry for entry in self.path if entry not in sys.path]
        # Without that folder absolute paths are still the same; of a relative one it is said that it is not there.
        with suppress(OSError):
            os.chdir(self.folder)


class ShardActor:
    """A worker on the cluster: it holds the work, with whatever that loads, and does one shard at a time."""

    def __init__(self, desk: "Desk", version: str, work: bytes) -> None:
        from ray import cloudpickle  # noqa: PLC0415  (there is a Ray where this runs)

        if version != __version__:
            raise UsageError(f"the driver has uncollapse {version}, a worker {__version__}")
        desk.take()
        self._work: Work = cloudpickle.loads(work)

    def where(self) -> str:
        """The node that it is on."""
        import ray  # noqa: PLC0415

        return ray.get_runtime_context().get_node_id()

    def work(self, shard: Numbered) -> Iterator[tuple[str, Any]]:
        """What the work yields, then that it is done; or what went wrong, in a form that can cross."""
        try:
            for item in self._work(shard):
                yield "item", item
        except Exception as error:
            yield "failed", portable(error)
            return
        yield "done", None


def _remedy(error: Exception) -> str:
    if "memory" in type(error).__name__.lower():
        return "Ended for want of memory: try fewer workers on a machine."
    return "Ray's logs say more: /tmp/ray/session_latest/logs on the machine."
