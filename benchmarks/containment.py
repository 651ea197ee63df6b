"""How fast texts are named and sketched, and a search of N documents against a reserve of N: time and peak memory.

    python -m benchmarks.containment [--megabytes 20] [--documents 100000] [--words 130] [--skip-search]

The rate is megabytes of text (10^6 bytes of UTF-8) for each second of processor time on one core: the id (BLAKE3), the
hash of the normal form, and the sketch. The peer is what reference implementations of such sketches do, a loop in Python
over words with the same BLAKE3 for the runs, and, where it is installed, datasketch's MinHash. The search: N made-up
human texts in a reserve; N queries, half of them copies with one word in six exchanged, half strangers. Texts are chains
of words that share about as many runs as real ones do, which is printed. Adding and searching are processes of their own;
their peak is the most memory of their own that they had, and beside it the most that was resident, pages of the mapped
index included, which the system takes back where it needs them.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.made_up import EXPONENT, MEGABYTE, SHIFT, VOCABULARY, vocabulary, write_parquet
from benchmarks.sample import prose
from blake3 import blake3
from numpy import ndarray

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
AT_ONCE = 20_000
EXCHANGED = 1 / 6
# By these the runs that documents share are about as many as in WikiText-2, which `alike` prints beside them.
LED, FOLLOWERS, FLATNESS = 0.65, 30, 0.6
REACH = np.cumsum((np.arange(1, VOCABULARY) + SHIFT) ** -EXPONENT)


def ours(texts: pa.LargeStringArray) -> None:
    strings = texts.to_pylist()
    [content_id(text) for text in strings]
    normal_hashes(texts)
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


def successors(words: ndarray, draws: ndarray) -> ndarray:
    """For each word and draw a number in [0, 1) that is the same each time: which word likes to follow which."""
    mixed = words.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ draws.astype(np.uint64) * np.uint64(
        0x165667B19E3779F9
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ mixed >> np.uint64(32)) / 2.0**64


def numbers(random: np.random.Generator, count: int, words: int) -> ndarray:
    """Documents as numbers of words: frequencies by Zipf and Mandelbrot, two words in three led by the one before."""
    followers = np.cumsum((np.arange(FOLLOWERS) + 1.0) ** -FLATNESS)
    drawn = np.empty((count, words), np.int64)
    last = np.zeros(count, np.int64)
    for at in range(words):
        led = successors(last, np.searchsorted(followers, random.random(count) * followers[-1]))
        chance = np.where(random.random(count) < LED, led, random.random(count))
        drawn[:, at] = last = np.searchsorted(REACH, chance * REACH[-1])
    return drawn


def texts(count: int, *, words: int, seed: int) -> Iterator[tuple[str, str]]:
    """Texts, and of each a copy with one word in six exchanged."""
    random = np.random.default_rng(seed)
    names = np.array(vocabulary(np.random.default_rng(0), beyond_ascii=0.0), dtype=object)
    for begin in range(0, count, AT_ONCE):
        drawn = numbers(random, min(AT_ONCE, count - begin), words)
        other = np.searchsorted(REACH, random.random(drawn.shape) * REACH[-1])
        copies = np.where(random.random(drawn.shape) < EXCHANGED, other, drawn)
        for own, copy in zip(drawn, copies, strict=True):
            yield " ".join(names[own].tolist()), " ".join(names[copy].tolist())


def alike(words: int) -> None:
    """Prints how many runs stand in one document alone, and in how many others the rest, here and in real text."""
    real = re.findall(r"\w+", prose()[0].lower())
    count = len(real) // words
    made = [text.split() for text, _ in texts(count, words=words, seed=3)]
    cut = [real[at * words : (at + 1) * words] for at in range(count)]
    for name, documents in ((prose()[1], cut), ("made up", made)):
        runs = [{tuple(own[at : at + 3]) for at in range(len(own) - 2)} for own in documents]
        stand = Counter(run for own in runs for run in own)
        total = sum(map(len, runs))
        alone = sum(number == 1 for number in stand.values()) / total
        others = sum(number * (number - 1) for number in stand.values()) / count
        print(f"{count:,} documents, {name}: {alone:.0%} of runs in no other; led to {others:.0f} others a document")


def write_texts(folder: Path, *, count: int, words: int) -> None:
    """The reserve's texts, copies of every other one, and half as many strangers."""
    schema = pa.schema([("text", pa.string())])
    with ExitStack() as stack:
        human, copies, strangers = (
            stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", schema))
            for name in ("human", "copies", "strangers")
        )
        for pairs in batched(texts(count, words=words, seed=1)):
            human.write_table(pa.table({"text": [text for text, _ in pairs]}, schema))
            copies.write_table(pa.table({"text": [copy for _, copy in pairs[::2]]}, schema))
        for pairs in batched(texts(count // 2, words=words, seed=2)):
            strangers.write_table(pa.table({"text": [text for text, _ in pairs]}, schema))


def batched(rows: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while part := list(islice(rows, 2000)):
        yield part


def search(count: int, words: int) -> None:
    alike(words)
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        write_texts(Path(name), count=count, words=words)
        print(f"texts written in {time.monotonic() - began:.0f} s", flush=True)
        for what in ("add", "find"):
            command = [sys.executable, "-m", "benchmarks.containment", "--measure", what, name]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(f"{what}: " + ", ".join(f"{key} {value}" for key, value in told.items()), flush=True)


class Memory(Thread):
    """The most memory of its own, in megabytes, that a process has while this runs: files that are mapped left out."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        while True:
            self.most = max(self.most, memory("RssAnon"))
            time.sleep(0.02)


def memory(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024 / MEGABYTE


def measure(what: str, folder: Path) -> dict[str, object]:
    began, processor = time.monotonic(), time.process_time()
    own = Memory()
    own.start()
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
    return {**told, "own_peak_mb": round(own.most), "peak_with_mapped_files_mb": round(memory("VmHWM"))}


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
