"""How fast texts are named and sketched, and a search of N documents against a reserve of N: time and peak memory.

    python -m benchmarks.containment [--megabytes 20] [--documents 100000] [--words 130] [--skip-search]

The rate is megabytes of text (10^6 bytes of UTF-8) for each second of processor time on one core: the id (BLAKE3), the
hash of the normal form, and the sketch. The peer is what reference implementations of such sketches do, a loop in Python
over words with the same BLAKE3 for the runs, and, where it is installed, datasketch's MinHash. The search: N made-up
human texts in a reserve; N queries, half of them copies with one word in six exchanged, half strangers. The search is a
process of its own, and its peak is the most memory that it ever had resident (VmHWM).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.made_up import MEGABYTE, write_parquet
from blake3 import blake3

from uncollapse.corpora import read
from uncollapse.duplicates.sketch import sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.fingerprint import content_id
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import admit
from uncollapse.ledger.reserve import Reserve
from uncollapse.ledger.searching import Search
from uncollapse.provenance.normal import normal_hashes

GOAL = 15.0
ROWS = 512
VOCABULARY = 50_000


def ours(texts: pa.LargeStringArray) -> None:
    strings = texts.to_pylist()
    [content_id(text) for text in strings]
    normal_hashes(strings)
    sketches_of(smooth(texts)).cut()


def sketch_alone(texts: pa.LargeStringArray) -> None:
    sketches_of(smooth(texts)).cut()


def plain_loop(texts: pa.LargeStringArray) -> None:
    for text in texts.to_pylist():
        words = re.findall(r"\w+", text.lower())
        runs = {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}
        sorted(int.from_bytes(blake3(run.encode()).digest(length=8), "little") for run in runs)


def datasketch(texts: pa.LargeStringArray) -> None:
    from datasketch import MinHash

    for text in texts.to_pylist():
        words = re.findall(r"\w+", text.lower())
        made = MinHash(num_perm=112)
        made.update_batch([" ".join(words[at : at + 3]).encode() for at in range(len(words) - 2)])


def rate(work: Callable[[pa.LargeStringArray], None], parts: list[pa.LargeStringArray], megabytes: float) -> float:
    work(parts[0])  # tables of Unicode are built once
    began = time.process_time()
    for part in parts:
        work(part)
    return megabytes / (time.process_time() - began)


def sketching(megabytes: int) -> bool:
    """Whether the goal was met; prints the table."""
    met = True
    for name, beyond in (("ASCII", 0.0), ("letters beyond ASCII in 2 % of words", 0.02)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.parquet"
            write_parquet(path, text_bytes=megabytes * MEGABYTE, beyond_ascii=beyond)
            batches = pq.ParquetFile(path).iter_batches(ROWS, columns=["text"])
            parts = [batch.column("text").cast(pa.large_string()) for batch in batches]
        few = parts[: max(len(parts) // 10, 1)]
        mine = rate(ours, parts, megabytes)
        alone = rate(sketch_alone, parts, megabytes)
        slow = rate(plain_loop, few, megabytes * len(few) / len(parts))
        print(f"{name}: id, normal hash and sketch {mine:.1f} MB/s (goal {GOAL:.0f}); sketch alone {alone:.1f} MB/s")
        print(f"  a loop over words in Python {slow:.2f} MB/s: sketch {alone / slow:.1f} times as fast")
        if find_spec("datasketch"):
            peer = rate(datasketch, few, megabytes * len(few) / len(parts))
            print(f"  datasketch, MinHash of 112 {peer:.2f} MB/s: sketch {alone / peer:.1f} times as fast")
        met &= mine >= GOAL
    return met


def texts(count: int, *, words: int, seed: int) -> Iterator[tuple[str, str]]:
    """Texts with words by Zipf's law, and of each a copy with one word in six exchanged."""
    generator = np.random.default_rng(seed)
    names = np.array([f"w{number:x}" for number in range(VOCABULARY)])
    chances = 1 / (np.arange(VOCABULARY) + 2.7) ** 1.07
    chances /= chances.sum()
    for _ in range(0, count, 1000):
        drawn = generator.choice(VOCABULARY, (min(1000, count), words), p=chances)
        other = np.where(
            generator.random(drawn.shape) < 1 / 6, generator.choice(VOCABULARY, drawn.shape, p=chances), drawn
        )
        yield from ((" ".join(names[own]), " ".join(names[copy])) for own, copy in zip(drawn, other, strict=True))


def write_texts(path: Path, rows: Iterator[str]) -> None:
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        while part := [text for _, text in zip(range(2000), rows, strict=False)]:
            writer.write_table(pa.table({"text": part}, schema))


def search(count: int, words: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder / "human.parquet", (text for text, _ in texts(count, words=words, seed=1)))
        copies = (copy for number, (_, copy) in enumerate(texts(count, words=words, seed=1)) if number % 2 == 0)
        write_texts(folder / "copies.parquet", copies)
        write_texts(folder / "strangers.parquet", (text for text, _ in texts(count // 2, words=words, seed=2)))
        for what in ("add", "find"):
            command = [sys.executable, "-m", "benchmarks.containment", "--measure", what, name]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(f"{what}: " + ", ".join(f"{key} {value}" for key, value in told.items()), flush=True)


def measure(what: str, folder: Path) -> dict[str, object]:
    began, processor = time.monotonic(), time.process_time()
    if what == "add":
        done = admit(
            folder / "reserve", read(folder / "human.parquet"), ground=Ground(basis="declaration", by="a benchmark")
        )
        index = sum(told["bytes"] for name, told in done.admission.files.items() if not name.endswith(".parquet"))
        told: dict[str, object] = {"documents": done.admission.rows, "text_mb": round(done.admission.text_bytes / 1e6)}
        told["index_bytes_per_document"] = round(index / done.admission.rows)
    else:
        reserve = Reserve.open(folder / "reserve")
        told = {"documents": 0}
        for part, expected in (("copies", 1.0), ("strangers", 0.0)):
            one = Search(reserve, top=1)
            right = 0
            for batch in one.over(read(folder / f"{part}.parquet")):
                right += sum(row["parent_row"] == 2 * row["row"] - 1 for row in batch.to_pylist())
            told["documents"] += one.tally.documents
            if expected:
                told["right_parent"] = f"{right / one.tally.documents:.4f}"
            else:
                told["false_matches"] = f"{one.tally.found / one.tally.documents:.4f}"
            told[f"frequent_runs_{part}"] = one.tally.frequent
    told["seconds"] = round(time.monotonic() - began, 1)
    told["processor_seconds"] = round(time.process_time() - processor, 1)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return {**told, "peak_mb": round(int(peak.split()[1]) * 1024 / MEGABYTE)}


def main() -> int:
    """The exit code: 1 if the sketching goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=130)
    parser.add_argument("--skip-search", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure[0], Path(asked.measure[1]))))
        return 0
    met = sketching(asked.megabytes)
    if not asked.skip_search:
        search(asked.documents, asked.words)
    return int(not met)


if __name__ == "__main__":
    raise SystemExit(main())
