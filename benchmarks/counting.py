"""How fast n-grams are counted, end to end from Parquet: ours, and others on the same text in the same run.

    python -m benchmarks.counting [--megabytes 20] [--longest 3] [--peers PYTHON]
    python -m benchmarks.counting --growth [--gigabyte]     time and peak memory at 10 MB, 100 MB and 1 GB

`--peers` names the interpreter of an environment with scikit-learn and data-selection (or UNCOLLAPSE_PEERS_PYTHON does).
The rate is megabytes of text (10^6 bytes of UTF-8) for each second of processor time, all threads added: what one core
does, whatever else the machine is at. The text is made by a seed (benchmarks/made_up.py), once in ASCII and once with
letters beyond it in every megabyte.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from benchmarks.made_up import MEGABYTE, write_parquet

from uncollapse.measures import BucketConcentration
from uncollapse.ngrams import BucketTable, OverWords, Sieve, TypeCounts, feed

BATCH = 1024
GOALS = {"rate": 25.0, "data-selection": 10.0, "scikit-learn": 5.0}
SIZES = (10, 100, 1000)


class Measured(NamedTuple):
    """One line of the table."""

    name: str
    seconds: float
    processor: float
    ngrams: int


def counts(longest: int) -> dict[str, Callable[[], list[OverWords]]]:
    """Our ways of counting, by name."""
    orders = tuple(range(1, longest + 1))
    return {
        "ours, 10,000 buckets": lambda: [BucketTable(orders=orders)],
        "ours, two tables of 4 million (for the frequent ones)": lambda: [Sieve(orders=orders)],
        "ours, every type by itself": lambda: [TypeCounts(order=order) for order in orders],
    }


def count_file(path: Path, into: Sequence[OverWords]) -> int:
    """How many rows were fed."""
    rows = 0
    for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=["text"]):
        feed(into, batch)
        rows += len(batch)
    for count in into:
        count.result()
    return rows


def timed(name: str, path: Path, into: list[OverWords], *, text_ngrams: int = 0) -> Measured:
    """One pass over a file."""
    clock, processor = time.perf_counter(), time.process_time()
    count_file(path, into)
    return Measured(name, time.perf_counter() - clock, time.process_time() - processor, text_ngrams)


def peers(python: str, path: Path, longest: int) -> list[Measured]:
    """The others, one after the other, in their own environment."""
    program = Path(__file__).parent / "peers" / "counting.py"
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        done = subprocess.run([python, program, path, str(longest), answer], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"the peers did not run:\n{done.stderr[-3000:]}")
        found = json.loads(answer.read_text())
    return [Measured(name, **values) for name, values in found.items()]


def compare(asked: argparse.Namespace, *, beyond_ascii: float, title: str) -> None:
    """Nothing; prints one table and the goals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.parquet"
        size = write_parquet(path, text_bytes=int(asked.megabytes * MEGABYTE), beyond_ascii=beyond_ascii) / MEGABYTE
        ours = [timed(name, path, make()) for name, make in counts(asked.longest).items()]
        others = peers(asked.peers, path, asked.longest) if asked.peers else []
    first = ours[0]
    print(f"\n{title}: {size:.1f} MB of text, n-grams of 1 to {asked.longest} words\n")
    print("| who counts | MB/s and core | seconds by the clock | `10,000 buckets` is this many times as fast |")
    print("|---|---|---|---|")
    for row in [*ours, *others]:
        rate, ratio = size / row.processor, row.processor / first.processor
        print(f"| {row.name} | {rate:,.1f} | {row.seconds:.1f} | {ratio:.1f} |")
    print(f"\nrate: {size / first.processor:.1f} MB/s and core (goal: at least {GOALS['rate']:.0f})")
    for row in others:
        goal = GOALS[row.name.split()[0]]
        print(f"against {row.name}: {row.processor / first.processor:.1f} times (goal: at least {goal:.0f})")


def growth(asked: argparse.Namespace) -> None:
    """Nothing; prints how time and memory grow with the text, each size in a process of its own."""
    print("| text, MB | seconds by the clock | MB/s and core | peak memory, MB |\n|---|---|---|---|", flush=True)
    for size in SIZES if asked.gigabyte else SIZES[:2]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "text.parquet"
            write_parquet(path, text_bytes=size * MEGABYTE, beyond_ascii=0.0005)
            command = [sys.executable, "-m", "benchmarks.counting", "--measure", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        rate = size / found["processor"]
        print(f"| {size} | {found['seconds']:.1f} | {rate:.1f} | {found['peak']:.0f} |", flush=True)


def measure(path: Path) -> dict[str, float]:
    """Seconds and the most memory in megabytes of one pass that feeds what an audit counts by words."""
    row = timed("panel", path, panel())
    return {
        "seconds": row.seconds,
        "processor": row.processor,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE,
    }


def panel() -> list[OverWords]:
    """Buckets, types of one to three words, and the first pass for the frequent ones."""
    return [BucketConcentration(), Sieve(orders=(1, 2, 3)), *(TypeCounts(order=order) for order in (1, 2, 3))]


def main() -> None:
    """Nothing; prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--longest", type=int, default=3)
    parser.add_argument("--peers", default=os.environ.get("UNCOLLAPSE_PEERS_PYTHON"), metavar="PYTHON")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--gigabyte", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    if asked.growth:
        growth(asked)
        return
    if not asked.peers:
        print("peers: skipped, no interpreter named (--peers or UNCOLLAPSE_PEERS_PYTHON)")
    compare(asked, beyond_ascii=0.0, title="ASCII")
    compare(asked, beyond_ascii=0.02, title="With letters beyond ASCII")


if __name__ == "__main__":
    main()
