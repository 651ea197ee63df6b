"""Scale: planner, scheduler and commit at thousands of shards under simulated workers, and what Ray costs beside processes.

    python -m benchmarks.scale [--shards 10000] [--workers 50] [--nap 0.05] [--job 60] [--megabytes 200]
                               [--tokens 10000] [--only shards|overhead|plan|scaling]

`shards`: so many small files, one shard each, are planned, worked and committed by Ray actors that take a hundredth of a
core; in place of scoring each rests for a while, as it would wait for an accelerator. Told are the seconds of the plan,
shards per second once all workers are there, and the most memory that the driver ever had.
`plan`: what the pass over the input before a run costs, for one long file and for 5,000 small ones, beside reading the
bytes once and beside reading the same rows as a run does; processor seconds, so that others on the machine count less.
`scaling`: real edits by one worker and by two with one thread each, as processes and on Ray.
`overhead`: the same job of naps with two workers as processes and on Ray, each from nothing to a finished output.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import pyarrow as pa
import torch
from benchmarks.sample import prose

from uncollapse.corpora import read
from uncollapse.editing import preset
from uncollapse.execution import Cluster, run
from uncollapse.step import Outcome, StepModel

FILES = 5_000
ROWS = 1  # in each file, so that each is a shard
DOCUMENTS = 40  # of real text, each a shard
TWENTY_MINUTES = 1200.0


class Wait(StepModel):
    """Texts as they are, after the rest that scoring them somewhere else would take."""

    nap: float

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch as it came."""
        time.sleep(self.nap)
        return Outcome(batch)


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


def write_files(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        rows = (json.dumps({"text": f"document {number}.{row} " + "word " * 40}) + "\n" for row in range(ROWS))
        (folder / f"{number:06d}.jsonl").write_text("".join(rows))


def many_shards(folder: Path, *, shards: int, workers: int, nap: float) -> None:
    """The table of a run of many small shards by many simulated workers."""
    write_files(folder / "in", shards)
    began = time.monotonic()
    corpus = read(folder / "in", shard_bytes=1).map(Wait(nap=nap))
    planned = time.monotonic() - began
    assert len(corpus.plan.shards) == shards
    before = peak()
    moments: list[float] = []

    def watch(progress) -> None:
        if progress.shards_done > len(moments):
            moments.extend([time.monotonic()] * (progress.shards_done - len(moments)))

    began = time.monotonic()
    cluster = Cluster(cpus_per_worker=0.01)
    # Ray tells stdout that so many processes are more than it expects on so few cores.
    with redirect_stdout(sys.stderr):
        result = run(corpus, folder / "out", cluster=cluster, workers=workers, on_progress=watch)
    took = time.monotonic() - began
    assert result.rows["out"] == shards * ROWS
    # From the second quarter to the last but one: all workers are there, and there is work for all.
    first, last = shards // 4, 3 * shards // 4
    print("| | |\n|---|--:|")
    print(f"| files, shards | {shards:,} |")
    print(f"| simulated workers | {workers} |")
    print(f"| plan | {planned:.1f} s, {1000 * planned / shards:.2f} ms a file |")
    print(f"| run, from start to manifest | {took:.1f} s |")
    print(f"| shards a second, middle half | {(last - first) / (moments[last] - moments[first]):.1f} |")
    print(f"| most that naps would allow | {workers / nap:.0f} |")
    print(f"| from the last shard to the end | {began + took - moments[-1]:.1f} s |")
    print(f"| driver's memory after the plan | {before:.0f} MB |")
    print(f"| driver's memory, most | {peak():.0f} MB |")


def planning(folder: Path, *, megabytes: int) -> None:
    """The table of what a plan costs beside reading, for one long file and for many small ones."""
    text = "It was a word after a word that people had written down for others. " * 40
    rows = max(megabytes * 1_000_000 // (len(text) + 30), 1)
    long = folder / "long"
    long.mkdir()
    with (long / "one.jsonl").open("w") as file:
        file.writelines(json.dumps({"text": f"{number} {text}", "n": number}) + "\n" for number in range(rows))
    write_files(folder / "small", FILES)
    print(
        "| input | bytes once | plan | rows as a run reads them | plan / bytes | plan / rows |\n|---|--:|--:|--:|--:|--:|"
    )
    for name, where in ((f"1 file, {megabytes} MB", long), (f"{FILES:,} files", folder / "small")):
        seconds = [_used(lambda where=where: sum(len(path.read_bytes()) for path in sorted(where.iterdir())))]
        seconds.append(_used(lambda where=where: read(where)))
        corpus = read(where)
        seconds.append(_used(lambda corpus=corpus: sum(len(batch) for batch in corpus.batches())))
        once, plan, worked = seconds
        cells = " | ".join(f"{each:.2f} s" for each in seconds)
        print(f"| {name} | {cells} | {plan / once:.0f} | {plan / worked:.2f} |")
    print()


def _used(work: Callable[[], object]) -> float:
    """The processor seconds that this process spends on some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def overhead(folder: Path, *, job: float) -> None:
    """The table of one job with two processes and with two workers on Ray."""
    shards, nap = 40, job / 20
    write_files(folder / "job", shards)
    took = {}
    for name, cluster in (("processes", None), ("Ray", Cluster(cpus_per_worker=0.5))):
        corpus = read(folder / "job", shard_bytes=1).map(Wait(nap=nap))
        began = time.monotonic()
        run(corpus, folder / f"by {name}", workers=2, cluster=cluster)
        took[name] = time.monotonic() - began
    more = took["Ray"] - took["processes"]
    print(f"| two workers, {shards} shards | seconds | beyond {shards * nap / 2:.0f} s of naps |\n|---|--:|--:|")
    for name, seconds in took.items():
        print(f"| {name} | {seconds:.1f} | {seconds - shards * nap / 2:.1f} |")
    print(f"\nRay takes {more:.1f} s more, {100 * more / TWENTY_MINUTES:.1f} % of a job of twenty minutes.")


def scaling(folder: Path, *, tokens: int) -> None:
    """The table of real edits by one worker and by two, each with one thread, here and on Ray."""
    text, called = prose()
    size = 9 * tokens // 2 // DOCUMENTS  # 4.5 characters are about a token
    documents = [text[at * size : (at + 1) * size] for at in range(DOCUMENTS)]
    (folder / "real").mkdir()
    for number, document in enumerate(documents):
        (folder / "real" / f"{number:03d}.jsonl").write_text(json.dumps({"text": document}) + "\n")
    print(f"{DOCUMENTS} shards, {sum(map(len, documents)):,} characters of {called}, `released`, one thread a worker\n")
    print("| run | 1 worker, documents/s | 2 workers | times | seconds, 1 and 2 workers |\n|---|--:|--:|--:|--:|")
    for name, cluster in (("processes", None), ("Ray", Cluster(cpus_per_worker=1))):
        found = [_rate(folder, name, workers=workers, cluster=cluster) for workers in (1, 2)]
        (one, first), (two, second) = found
        print(f"| {name} | {one:.2f} | {two:.2f} | {two / one:.2f} | {first:.0f}, {second:.0f} |")


def _rate(folder: Path, name: str, *, workers: int, cluster: Cluster | None) -> tuple[float, float]:
    """Documents a second in the middle half of a run, and the seconds of all of it."""
    torch.set_num_threads(1)
    moments: list[float] = []

    def watch(progress) -> None:
        moments.extend([time.monotonic()] * (progress.shards_done - len(moments)))

    began = time.monotonic()
    corpus = preset("released")(read(folder / "real", shard_bytes=1))
    run(corpus, folder / f"{name} {workers}", workers=workers, cluster=cluster, on_progress=watch)
    took = time.monotonic() - began
    first, last = DOCUMENTS // 4, 3 * DOCUMENTS // 4
    return (last - first) / (moments[last] - moments[first]), took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--nap", type=float, default=0.05)
    parser.add_argument("--job", type=float, default=60.0, help="seconds of naps for each of two workers")
    parser.add_argument("--megabytes", type=int, default=200, help="of the one long file that is planned")
    parser.add_argument("--tokens", type=int, default=10_000, help="that are edited by one worker and by two")
    parser.add_argument("--only", choices=["shards", "overhead", "plan", "scaling"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uncollapse-scale-") as name:
        if options.only in (None, "plan"):
            planning(Path(name), megabytes=options.megabytes)
        if options.only in (None, "overhead"):
            overhead(Path(name), job=options.job)
        if options.only in (None, "scaling"):
            scaling(Path(name), tokens=options.tokens)
        if options.only in (None, "shards"):
            many_shards(Path(name), shards=options.shards, workers=options.workers, nap=options.nap)
    import ray

    print(f"\nRay {ray.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores.")
    return 0


if __name__ == "__main__":
    # A worker must find the step by the name of its module.
    from benchmarks import scale

    sys.exit(scale.main())
