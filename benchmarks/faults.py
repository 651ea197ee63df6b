"""Faults: how many runs that were struck came to the bytes of an undisturbed run when the command was given again.

    python -m benchmarks.faults [--trials 50] [--minutes 120] [--only worker|local|Ray|store] [--seed 8]

Processes are killed with signal 9 at moments that a seed draws: at random while shards are worked, and at touches of the
storage (before and inside of a write, before and after an fsync, a rename, an unlink), which a hook in the tests counts.
After each trial: rows in = rows out + dropped + failed, no (shard, row) twice, the bytes of an undisturbed run, and no
temporary file. The cluster is Ray on this machine with two nodes. A disk is filled only where a small one can be mounted,
which takes root. The exit code is 1 where a trial was not survived.
"""

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fault_trials as faults
from fault_trials import NotSurvived, Trials

HERE = {"workers": 2}


@dataclass
class Line:
    """One line of the table: a fault, where the run was, and its share of the trials."""

    fault: str
    engine: str
    share: float
    trial: Callable[[Trials], None]
    made: int = 0
    survived: int = 0
    struck: Counter[str] = field(default_factory=Counter)


def lines(there: dict, nodes, way) -> Iterator[Line]:
    """The lines of the table; shares of one victim come to 1 or more."""
    if way is not None:
        import store_trials as away

        yield Line("requests and replies lost", "object store", 0.6, lambda own: away.lost_on_the_way(own, way))
        yield Line("driver killed at a request", "object store", 0.6, lambda own: away.driver_killed(own, way))
    yield Line("driver killed at a touch of the storage", "local, 1 worker", 1, faults.driver_struck)
    yield Line("driver killed", "local, 2 workers", 0.5, lambda own: faults.driver_killed(own, **HERE))
    yield Line("worker killed", "local, 2 workers", 0.3, lambda own: faults.worker_killed(own, **HERE))
    yield Line("worker killed at a touch of the storage", "local", 0.3, lambda own: faults.worker_struck(own, **HERE))
    if nodes is not None:
        yield Line("driver killed, finished here", "Ray", 0.5, lambda own: faults.driver_killed(own, **there))
        yield Line("worker killed", "Ray", 0.2, lambda own: faults.worker_killed(own, **there))
        yield Line(
            "worker killed at a touch of the storage", "Ray", 0.2, lambda own: faults.worker_struck(own, **there)
        )
        yield Line("node killed", "Ray", 1, lambda own: faults.node_killed(own, nodes))
        yield Line("two drivers on one output", "Ray", 0.1, lambda own: faults.two_drivers(own, **there))
    yield Line("two drivers on one output", "local", 0.2, lambda own: faults.two_drivers(own, **HERE))
    if os.geteuid() == 0:
        yield Line("disk full", "local", 0.2, lambda own: faults.disk_filled(own, **HERE))
    yield Line("clock set back", "local", 0.2, lambda own: faults.clock_set_back(own, **HERE))
    yield Line("input changed before the resume", "local", 0.2, faults.input_changed)
    yield Line("power cut", "local", 0.2, lambda own: faults.power_cut(own, **HERE))


def make(made: list[Line], folder: Path, *, trials: int, seed: int, until: float) -> None:
    """One trial of each line after the other is made and counted; what was not survived is told at once."""
    own = {}
    for line in made:
        place = folder / str(len(own))
        place.mkdir()
        own[id(line)] = Trials(place, random.Random(f"{seed} {line.fault} {line.engine}"))
        line.struck = own[id(line)].struck
    for number in range(trials):
        for line in made:
            if number < max(1, round(line.share * trials)) and time.monotonic() < until:
                _try(line, own[id(line)])
        print(f"round {number}: {sum(line.survived for line in made)} survived", file=sys.stderr, flush=True)


def _try(line: Line, own: Trials) -> None:
    line.made += 1
    try:
        line.trial(own)
        line.survived += 1
    except NotSurvived as error:
        print(f"{line.fault} ({line.engine}), trial {line.made}: {error}", file=sys.stderr, flush=True)


def table(made: list[Line]) -> str:
    """The lines in Markdown."""
    rows = ["| fault | run | trials | survived | struck at |", "|---|---|--:|--:|---|"]
    for line in made:
        where = ", ".join(f"{kind} ({count})" for kind, count in line.struck.most_common())
        rows.append(f"| {line.fault} | {line.engine} | {line.made} | {line.survived} | {where} |")
    rows.append(f"| **all** | | **{sum(line.made for line in made)}** | **{sum(line.survived for line in made)}** | |")
    return "\n".join(rows)


def main() -> int:
    """1 if a trial was not survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50, help="for each victim")
    parser.add_argument("--only", default="", help="lines whose fault or engine holds this word")
    parser.add_argument("--minutes", type=float, default=120, help="after which no trial is begun any more")
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="uncollapse-faults-")))
        nodes = None if options.only in ("local", "store") else _nodes(stack)
        way = None if options.only in ("local", "Ray") else _way(stack)
        there = {} if nodes is None else {"address": nodes.cluster.address}
        made = [line for line in lines(there, nodes, way) if options.only in f"{line.fault} {line.engine}"]
        until = began + 60 * options.minutes
        # Ray tells stdout of each process that is killed here.
        with redirect_stdout(sys.stderr):
            make(made, folder, trials=options.trials, seed=options.seed, until=until)
    print(table(made))
    ray = f", Ray {_version()}" if nodes is not None else ", no Ray"
    print(f"\nSeed {options.seed}, Python {platform.python_version()}{ray}, {time.monotonic() - began:.0f} s.")
    return int(not made or any(line.made != line.survived for line in made))


def _nodes(stack: ExitStack):
    """Two nodes of a Ray cluster; None where there is no Ray."""
    try:
        from clusters import started
    except ImportError:
        return None
    return stack.enter_context(started(2))


def _way(stack: ExitStack):
    """The way to a store of objects on this machine; None where there is no server for it."""
    try:
        import moto
        import pytest
        import s3fs
    except ImportError:
        return None
    del moto, s3fs
    from object_store import object_store

    return stack.enter_context(object_store(stack.enter_context(pytest.MonkeyPatch.context())))


def _version() -> str:
    import ray

    return ray.__version__


if __name__ == "__main__":
    sys.exit(main())
