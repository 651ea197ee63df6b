"""Shards worked on this machine: in this process, or in several that are started for it."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeAlias

from uncollapse.errors import UsageError
from uncollapse.execution.attempts import ATTEMPTS, Attempts, Numbered, Supply
from uncollapse.execution.progress import Retried

Work: TypeAlias = Callable[[Any], Iterator[Any]]

GUARD = 'A script that asks for workers keeps what it does under `if __name__ == "__main__":`.'


class InProcess:
    """Works one shard after the other, here."""

    def run(self, shards: Iterable[Numbered], work: Work) -> Generator[Any, None, None]:
        """What `work` yields, shard by shard."""
        for shard in shards:
            yield from work(shard)


@dataclass(eq=False)
class _Worker:
    """One process; one that is `dismissed` ends, as there is nothing more for it to do."""

    process: SpawnProcess
    pipe: Connection
    shard: Numbered | None = None
    dismissed: bool = False


class Processes:
    """Works shards in several processes; one that dies is replaced and its shard tried again."""

    def __init__(
        self,
        workers: int,
        *,
        attempts: int = ATTEMPTS,
        threads: int | None = None,
        on_death: Callable[[int], None] | None = None,
    ) -> None:
        self._count = workers
        self._threads = threads_each(workers) if threads is None else threads
        self._attempts = attempts
        self._on_death = on_death
        self._workers: list[_Worker] = []

    def run(self, shards: Iterable[Numbered] | Supply, work: Work) -> Generator[Any, None, None]:
        """What `work` yields for each shard, in the order in which it is yielded.

        Raises:
            WorkerLost: shards have cost as many workers as there are attempts; the others are worked before it is said.
        """
        queue = Attempts.of(shards, limit=self._attempts)
        try:
            while queue.look() or self._busy:
                self._fit(queue, work)
                busy = self._busy
                for pipe in wait([worker.pipe for worker in busy]):
                    worker = next(worker for worker in busy if worker.pipe is pipe)
                    yield from self._hear(worker, queue)
            queue.check()
        finally:
            self._stop()

    @property
    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.shard is not None]

    def _fit(self, queue: Attempts, work: Work) -> None:
        """Nothing; whatever waits is worked, as far as there are workers or may be more of them."""
        living = [worker for worker in self._workers if not worker.dismissed]
        for worker in living:
            if worker.shard is None and queue.waiting:
                self._hand_out(worker, queue)
        for _ in range(min(self._count - len(living), len(queue.waiting))):
            self._hand_out(self._start(work), queue)

    def _start(self, work: Work) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._threads), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        # Sent and not passed, so that the worker can set its number of threads before anything is imported for it.
        _send(ours, work)
        return worker

    def _hand_out(self, worker: _Worker, queue: Attempts) -> None:
        worker.shard = queue.next()
        worker.dismissed = worker.shard is None and not queue.more
        if worker.shard is not None or worker.dismissed:
            _send(worker.pipe, worker.shard)

    def _hear(self, worker: _Worker, queue: Attempts) -> Iterator[Any]:
        assert worker.shard is not None
        try:
            kind, content = pickle.loads(worker.pipe.recv_bytes())  # noqa: S301  (from a process of our own)
        except (EOFError, OSError):
            yield Retried(worker.shard.index)
            self._bury(worker, queue)
            return
        queue.alive = True
        if kind == "failed":
            raise content
        if kind == "done":
            self._hand_out(worker, queue)
        else:
            yield content

    def _bury(self, worker: _Worker, queue: Attempts) -> None:
        shard = worker.shard
        assert shard is not None
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if self._on_death is not None and worker.process.pid is not None:
            self._on_death(worker.process.pid)
        queue.lost(shard, ending=_ending(worker.process), remedy=_remedy(worker.process))

    def _stop(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
            if self._on_death is not None and worker.process.pid is not None:
                self._on_death(worker.process.pid)
        self._workers.clear()


def _send(pipe: Connection, content: Any) -> None:
    """What a worker is sent; one that has died by now is found out where its next word is awaited."""
    data = pickle.dumps(content)
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.send_bytes(data)


def _ending(process: SpawnProcess) -> str:
    code = process.exitcode or 0
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _remedy(process: SpawnProcess) -> str:
    if (process.exitcode or 0) < 0:
        return "Ended by the system for want of memory? Try fewer workers."
    return f"What it said stands above. {GUARD}"


def check_not_a_worker() -> None:
    """Nothing; raises in a worker that reads the script which started it, and comes upon what started it.

    Raises:
        UsageError: says where the call belongs.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError("a worker reads this script from its top and would start the run once more", hint=GUARD)


def threads_each(workers: int) -> int:
    """How many threads each of some workers may use: the cores that this process may use, shared."""
    return max(1, cores() // workers)


def cores() -> int:
    """How many cores this process may use."""
    # macOS does not say which they are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _serve(pipe: Connection, threads: int) -> None:
    """Works the shards that come through the pipe until None comes; ends when the process that started it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the driver decides what it means.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    work = _next(pipe)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    while (shard := _next(pipe)) is not None:
        _work(pipe, work, shard)


def _work(pipe: Connection, work: Work, shard: Numbered) -> None:
    try:
        for item in work(shard):
            pipe.send_bytes(pickle.dumps(("item", item)))
    except Exception as error:
        pipe.send_bytes(pickle.dumps(("failed", portable(error))))
        raise SystemExit(1) from error
    pipe.send_bytes(pickle.dumps(("done", None)))


def _next(pipe: Connection) -> Any:
    """What comes next through the pipe; what a driver sent before it died is not begun."""
    try:
        data = pipe.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
    if wait([_parent()], timeout=0):
        os._exit(1)
    return pickle.loads(data)  # noqa: S301  (from the process that started this one)


def _end_with_parent() -> None:
    wait([_parent()])
    os._exit(1)


def _parent() -> int:
    parent = multiprocessing.parent_process()
    assert parent is not None
    return parent.sentinel


def portable(error: Exception) -> Exception:
    """The error, or, where it cannot cross to another process, one that repeats it."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301
    except Exception as obstacle:
        stand_in = RuntimeError(f"{type(error).__name__}: {error}")
        stand_in.add_note(f"({obstacle})")
        return stand_in
    return error
