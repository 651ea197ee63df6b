"""Runs for the trials of faults, each in a process of its own, and the step by which a worker can be struck."""

import os
import time
from pathlib import Path

import pyarrow as pa

from cheap_steps import Shout, Sift
from killable import watched
from uncollapse.corpora import read
from uncollapse.errors import UncollapseError
from uncollapse.execution import Cluster, run
from uncollapse.step import Fate, Outcome, StepModel

ROWS = 160
SHARD_BYTES = 2000
MOST_TOUCHES = 40
"""Within so many touches of the storage a worker has written several shards."""


class Armed(StepModel):
    """Texts as they are. Where `folder` holds an order, the process that finds it is killed as the order says.

    An order is a file `order-N-...`: whoever can rename it is killed at its Nth touch of the storage from then on, and
    leaves the kind of the touch as `struck-...`. Each process that works leaves its number as `works-...`.
    """

    folder: str
    nap: float = 0.0

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch as it came."""
        place = Path(self.folder)
        (place / f"works-{os.getpid()}").touch()
        for order in sorted(place.glob("order-*")):
            taken = order.with_name("taken-" + order.name)
            try:
                order.rename(taken)
            except FileNotFoundError:
                continue
            watched(int(order.name.split("-")[1]), leave=lambda name: (place / f"struck-{name}").touch())
            break
        time.sleep(self.nap)
        return Outcome(batch)


def task(folder, *, nap):
    """The corpus of every trial: texts changed, some dropped, some failed, and a worker that can be struck."""
    corpus = read(folder / "essays.jsonl", shard_bytes=SHARD_BYTES, max_rejects=ROWS)
    steps = [Shout(), Sift(word="ESSAY 7"), Sift(word="ESSAY 13", fate=Fate.FAILED)]
    for step in [*steps, Armed(folder=str(folder / "arms"), nap=nap)]:
        corpus = corpus.map(step)
    return corpus


def drive(folder, out, *, address=None, workers=None, nap, clock=None):
    """A run; the process ends with its exit code, and what it says lies in `said`."""
    if clock is not None:
        set_back(clock)
    cluster = None if address is None else Cluster(address=address)
    try:
        run(task(folder, nap=nap), out, workers=workers, cluster=cluster)
    except UncollapseError as error:
        (folder / "said").write_text(f"{type(error).__name__}: {error.message}")
        raise SystemExit(error.exit_code) from error


def set_back(seconds):
    """From now on Python's clock goes backwards, and by so many seconds at each look."""
    began, looks = time.time(), 0

    def look():
        nonlocal looks
        looks += 1
        return began - seconds * looks

    time.time = look
    time.time_ns = lambda: int(look() * 1e9)


def drive_until(folder, out, moment, *, nap):
    """A run in one process, which is killed at the given touch of the storage; the kinds of all touches go to a file."""
    touches = watched(moment)
    drive(folder, out, nap=nap)
    (folder / "touches").write_text("\n".join(touches))
