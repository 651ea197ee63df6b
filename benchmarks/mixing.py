"""How fast text is mixed, and what a row costs in memory while it is.

    python -m benchmarks.mixing [--megabytes 20] [--rows 1_000_000]

Speed: prose of `benchmarks.sample` in documents of 2,000 characters as human and as synthetic text in JSON lines, mixed at 60 % human by words into
Parquet, with its ledger, in megabytes (10^6 bytes of UTF-8 read) for each second of wall time and of processor time.
Memory: rows made by a seed through the drawing alone, in bytes for each row: before, after, and at its peak.
"""

import argparse
import json
import tempfile
import time
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
from benchmarks.sample import prose

import uncollapse as uc
from uncollapse.selection.drawing import draw
from uncollapse.selection.proportions import Asked
from uncollapse.selection.survey import ORIGIN_CODES, ROW, Role

DOCUMENT = 2_000  # characters


def write(path: Path, megabytes: float, *, mark: str) -> int:
    """The bytes of the texts that now lie in the file: pieces of prose, each with a number, as none may be repeated."""
    text, _ = prose()
    cuts = range(0, len(text) - DOCUMENT, DOCUMENT)
    count = int(megabytes * 1e6 / DOCUMENT)
    texts = [f"{mark} {at}. {text[cuts[at % len(cuts)] :][:DOCUMENT]}" for at in range(count)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return sum(len(text.encode()) for text in texts)


def speed(megabytes: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder / "human.jsonl", megabytes / 2, mark="human")
        size += write(folder / "made.jsonl", megabytes / 2, mark="made")
        wall, cpu = time.perf_counter(), time.process_time()
        mixture = uc.mix(human=folder / "human.jsonl", synthetic=folder / "made.jsonl", human_share=0.6)
        drawn = time.process_time() - cpu
        result = uc.write(mixture, folder / "out")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{size / 1e6:.1f} MB in, {result.rows['in']:,} rows in, {result.rows['out']:,} out")
        print(f"{size / 1e6 / wall:.2f} MB/s of wall time, {size / 1e6 / cpu:.2f} MB/s of processor time")
        print(f"of it {100 * drawn / cpu:.0f} % until the rows are drawn")


def memory(count: int) -> None:
    random = np.random.default_rng(0)
    tracemalloc.start()
    rows = np.zeros(count, ROW)
    human = random.random(count) < 0.3
    rows["draw"] = random.integers(0, 2**63, count, dtype=np.uint64)
    rows["words"], rows["weight"] = random.integers(10, 500, count), 1
    rows["bytes"] = 6 * rows["words"]
    rows["origin"] = np.where(human, ORIGIN_CODES[uc.Origin.HUMAN], ORIGIN_CODES[uc.Origin.SYNTHETIC])
    rows["role"] = np.where(human, Role.HUMAN, Role.SYNTHETIC)
    tracemalloc.reset_peak()
    started = time.perf_counter()
    drawn = draw(rows, Asked(Fraction("0.6")), repeat_cap=1)
    after, peak = tracemalloc.get_traced_memory()
    seconds = time.perf_counter() - started
    print(f"{count:,} rows, {len(drawn.row):,} taken, in {seconds:.1f} s")
    print(f"bytes a row: {ROW.itemsize} looked through, {after / count:.0f} drawn, {peak / count:.0f} at the peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    asked = parser.parse_args()
    speed(asked.megabytes)
    memory(asked.rows)


if __name__ == "__main__":
    main()
