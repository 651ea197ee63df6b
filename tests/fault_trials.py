"""Trials of faults: a run is struck, the same command is given again, and what lies there is held against a whole run.

After each trial: rows in = rows out + dropped + failed, no (shard, row) twice, the bytes of an undisturbed run, and no
temporary file. `benchmarks/faults.py` makes many and prints the table; tests/execution/test_faults.py makes a few.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from fault_runs import MOST_TOUCHES, ROWS, drive, drive_until

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["uncollapse.execution.run", "fault_runs"])
PATIENCE = 120  # seconds for what takes one or two
RETRIED = 2  # the exit code of a run that gave up, and may be given again


class NotSurvived(AssertionError):
    """A run that was struck did not come to what an undisturbed one comes to."""


@dataclass
class Trials:
    """A folder with an input, the output of an undisturbed run, and a source of chance."""

    folder: Path
    chance: random.Random
    nap: float = 0.02
    whole: dict[str, bytes] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        lines = [json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(ROWS)]
        (self.folder / "essays.jsonl").write_text("".join(lines))
        self.arms.mkdir()
        assert self.finish(start(drive, self.folder, self.folder / "whole", nap=self.nap)) == 0
        self.whole = tree(self.folder / "whole")
        self.check(self.folder / "whole")

    @property
    def arms(self) -> Path:
        """Where orders to strike lie, and what became of them."""
        return self.folder / "arms"

    @property
    def out(self) -> Path:
        """The output of the trial."""
        return self.folder / "out"

    def drive(self, **options):
        """A run that has been started."""
        return start(drive, self.folder, self.out, **{"nap": self.nap, **options})

    def fresh(self) -> None:
        """Nothing of an earlier trial is left."""
        shutil.rmtree(self.out, ignore_errors=True)
        (self.folder / "said").unlink(missing_ok=True)
        for path in self.arms.iterdir():
            path.unlink()

    def said(self) -> str:
        """What the last run that gave up said, if one did."""
        path = self.folder / "said"
        return path.read_text() if path.exists() else ""

    def workers(self) -> list[int]:
        """The processes that have worked a batch and are alive."""
        known = [int(path.name.split("-")[1]) for path in self.arms.glob("works-*")]
        return [pid for pid in known if alive(pid)]

    def begun(self, process) -> None:
        """Returns when a batch of a run was worked, or the run is over."""
        wait_for(lambda: self.workers() or process.exitcode is not None)

    def finish(self, process) -> int:
        """The exit code of a run."""
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise NotSurvived("a run did not come to an end")
        return process.exitcode

    def settle(self, **options) -> None:
        """The same command is given until it is done, and then what lies there is right."""
        for _ in range(3):
            code = self.finish(self.drive(**options))
            if code == 0:
                self.check(self.out)
                return
        raise NotSurvived(f"the run does not finish: {self.said()}")

    def check(self, out: Path) -> None:
        """Nothing; raises where an output is not what it must be."""
        found = tree(out)
        drafts = [name for name in found if ".tmp-" in name]
        manifest = json.loads(found["manifest.json"])
        rows = manifest["rows"]
        stayed = sum(rows["dropped"].values()) + sum(rows["failed"].values())
        kept = [n for shard in manifest["shards"] for n in pq.read_table(out / shard["name"])["n"].to_pylist()]
        left = [json.loads(line)["row"] - 1 for line in found["rejects.jsonl"].splitlines()]
        for wrong, what in (
            (drafts, f"temporary files: {drafts}"),
            (rows["in"] != ROWS or rows["in"] != rows["out"] + stayed, f"the account: {rows}"),
            (sorted([*kept, *left]) != list(range(ROWS)), "a row twice, or not at all"),
            (self.whole and found != self.whole, f"other bytes: {differing(found, self.whole)}"),
        ):
            if wrong:
                raise NotSurvived(what)


def start(function, *arguments, **options):
    """A process that has begun with a function."""
    process = CONTEXT.Process(target=function, args=arguments, kwargs=options)
    process.start()
    return process


def tree(folder):
    """The bytes of all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differing(found, expected):
    """The names of the files that two trees do not have in common."""
    return sorted(name for name in {**found, **expected} if found.get(name) != expected.get(name))


def alive(pid):
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(look, *, seconds=PATIENCE):
    """What is found by looking again and again; None if nothing is."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            return None
        time.sleep(0.01)
    return found


# Each of these is one trial: it strikes, gives the command again where it must, and raises NotSurvived.


def driver_killed(trials: Trials, **options) -> None:
    """The driver is killed while shards are worked; it is given again, on this machine."""
    takes = trials.nap * ROWS / 5 / (options.get("workers") or 2)
    while True:
        trials.fresh()
        run = trials.drive(**options)
        trials.begun(run)
        run.join(trials.chance.uniform(0, takes))
        if run.exitcode is None:
            run.kill()
            run.join()
            break
    trials.struck["a random moment"] += 1
    trials.settle(workers=trials.chance.choice([1, 2]))


def worker_killed(trials: Trials, **options) -> None:
    """A worker is killed from outside while it works; the driver goes on."""
    takes = trials.nap * ROWS / 5 / 2
    struck = False
    while not struck:
        trials.fresh()
        run = trials.drive(**options)
        trials.begun(run)
        time.sleep(trials.chance.uniform(0, takes))
        workers = trials.workers()
        if workers and run.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(trials.chance.choice(workers), signal.SIGKILL)
                struck = True
        code = trials.finish(run)
        if code:
            raise NotSurvived(f"the driver ended with {code}: {trials.said()}")
    trials.struck["a random moment"] += 1
    trials.check(trials.out)


def worker_struck(trials: Trials, **options) -> None:
    """A worker is killed at one of its touches of the storage, inside of a write, an fsync or a rename."""
    trials.fresh()
    (trials.arms / f"order-{trials.chance.randrange(MOST_TOUCHES)}-x").touch()
    code = trials.finish(trials.drive(**options))
    if code:
        raise NotSurvived(f"the driver ended with {code}: {trials.said()}")
    found = list(trials.arms.glob("struck-*"))
    if not found:
        raise NotSurvived("no worker was struck")
    trials.struck[found[0].name.partition("-")[2]] += 1
    trials.check(trials.out)


def driver_struck(trials: Trials) -> None:
    """A run in one process is killed at one of its touches of the storage, and given again."""
    if not (trials.folder / "touches").exists():
        trials.fresh()
        assert trials.finish(start(drive_until, trials.folder, trials.out, -1, nap=trials.nap)) == 0
    touches = (trials.folder / "touches").read_text().splitlines()
    kind = trials.chance.choice(sorted(set(touches)))
    moment = trials.chance.choice([at for at, touch in enumerate(touches) if touch == kind])
    trials.fresh()
    run = start(drive_until, trials.folder, trials.out, moment, nap=trials.nap)
    if trials.finish(run) != -signal.SIGKILL:
        raise NotSurvived("the run was not struck")
    trials.struck[kind] += 1
    trials.settle()


def node_killed(trials: Trials, nodes) -> None:
    """A node of a Ray cluster is lost with all that works there; another one takes its place."""
    lost = None
    while lost is None:
        trials.fresh()
        run = trials.drive(address=nodes.cluster.address)
        trials.begun(run)
        time.sleep(trials.chance.uniform(0, trials.nap * ROWS / 5 / 2))
        if run.exitcode is None:
            lost = nodes.names[-1]  # the first one has the cluster's memory, and the driver
            nodes.kill(lost)
            nodes.add()
        code = trials.finish(run)
        if code:
            raise NotSurvived(f"the driver ended with {code}: {trials.said()}")
    trials.struck["a random moment"] += 1
    trials.check(trials.out)


def disk_filled(trials: Trials, **options) -> None:
    """The disk of the output is full after some shards; there is room when the command is given again."""
    trials.fresh()
    size = sum(len(data) for data in trials.whole.values())
    trials.out.mkdir()
    with small_disk(trials.out, trials.chance.randrange(size // 3, size)):
        code = trials.finish(trials.drive(**options))
        said = trials.said()
        if code != 2 or "no space left" not in said:
            raise NotSurvived(f"a full disk ended in {code}: {said}")
        if list(trials.out.rglob("*.tmp-*")):
            raise NotSurvived("a draft was left on the full disk")
        enlarge(trials.out)
        trials.settle(**options)
    trials.struck["a full disk"] += 1


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """A file system of so many bytes in the folder; only root can make one."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def enlarge(folder: Path) -> None:
    """The small disk of a folder has room for everything."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)


def two_drivers(trials: Trials, **options) -> None:
    """A second driver comes while the first one works: it is refused with exit code 2 and harms nothing."""
    refused = False
    while not refused:  # a first one that was done by then left nothing to be refused
        trials.fresh()
        first = trials.drive(**options)
        wait_for(trials.workers)
        time.sleep(trials.chance.uniform(0, trials.nap * ROWS / 5 / 3))
        second = trials.drive()
        code = trials.finish(second)
        said = trials.said()
        refused = code == 2
        if code not in (0, 2) or (refused and not said.startswith("OutputBusy: another run is writing to")):
            raise NotSurvived(f"a second driver ended with {code}: {said}")
        if trials.finish(first) != 0:
            raise NotSurvived("the first driver did not finish")
    trials.struck["refused"] += 1
    trials.check(trials.out)


def clock_set_back(trials: Trials, **options) -> None:
    """The clock goes backwards while a run works, and lies before all its files when it is given again."""
    trials.fresh()
    run = trials.drive(clock=trials.chance.choice([1, 3600, 10**8]), **options)
    wait_for(lambda: list(trials.out.glob("part-*")))
    run.join(trials.chance.uniform(0, trials.nap * ROWS / 5 / 3))
    run.kill()
    run.join()
    when = trials.chance.choice([0, 4_000_000_000])  # 1970, 2096
    for path in trials.out.rglob("*"):
        os.utime(path, (when, when))
    kept = {path.name for path in trials.out.glob("part-*")}
    trials.settle(clock=3600, **options)
    touched = {path.name for path in trials.out.glob("part-*") if path.stat().st_mtime != when}
    if (trials.out / ".progress").exists() or len(touched & kept) > 2:
        raise NotSurvived(f"shards that were done were done again: {sorted(touched & kept)}")
    trials.struck["killed and given again"] += 1


def input_changed(trials: Trials) -> None:
    """An input file changes between start and resume: it is refused by name, nothing is touched, and put right it goes on."""
    trials.fresh()
    essays = trials.folder / "essays.jsonl"
    before, times = essays.read_bytes(), essays.stat()
    run = trials.drive(workers=1)
    wait_for(lambda: len(list(trials.out.glob("part-*"))) > 1)
    run.kill()
    run.join()
    left = tree(trials.out)
    kind = trials.chance.choice(["one letter", "a row more", "a row less", "two rows change places"])
    lines = before.splitlines(keepends=True)
    changed = {
        "one letter": before.replace(b"essay 5", b"essai 5", 1),
        "a row more": before + b'{"text": "one more", "n": -1}\n',
        "a row less": b"".join(lines[:-1]),
        "two rows change places": b"".join([lines[1], lines[0], *lines[2:]]),
    }[kind]
    essays.write_bytes(changed)
    os.utime(essays, ns=(times.st_atime_ns, times.st_mtime_ns))
    code = trials.finish(trials.drive(workers=1))
    essays.write_bytes(before)
    said = trials.said()
    if code != 2 or "essays.jsonl: its content has changed" not in said:
        raise NotSurvived(f"{kind}: ended with {code}: {said}")
    if tree(trials.out) != left:
        raise NotSurvived(f"{kind}: the output was touched")
    trials.struck[kind] += 1
    trials.settle(workers=1)


def power_cut(trials: Trials, **options) -> None:
    """The power goes: of each paper that was not forced to the disk some bytes are lost, or all."""
    trials.fresh()
    run = trials.drive(**options)
    wait_for(lambda: len(list(trials.out.glob("part-*"))) > 1)
    run.join(trials.chance.uniform(0, trials.nap * ROWS / 5 / 3))
    run.kill()
    run.join()
    papers = [path for path in (trials.out / ".progress").glob("0*") if path.stat().st_size]
    for path in trials.chance.sample(papers, k=len(papers) // 2):
        path.write_bytes(path.read_bytes()[: trials.chance.randrange(path.stat().st_size)])
    trials.struck["papers cut short"] += 1
    trials.settle(**options)
