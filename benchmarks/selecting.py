"""How fast documents are chosen and what it holds in memory, beside the packages that do the same.

    python -m benchmarks.selecting [--documents 1_000_000] [--peers PYTHON] [--small 5_000]

Text: words with the frequencies of Zipf and Mandelbrot (`benchmarks.made_up`), in documents of about 900 bytes, and a
tenth of it near copies of other documents (one word in twenty another) for the duplicates. Coverage and importance
choose a tenth by words of all documents, out of Arrow batches on the disk, against a reference of 2,000 others. Megabytes
are 10^6 bytes of the pool's text; time is processor time of one thread. Memory is the most that the process held beyond
what it held before, without what is mapped from files (VmHWM of anonymous pages is not kept by the kernel, so it is
sampled).

With `--peers`, the Python of an environment that has `data-selection` 1.0.3, `rensa` and `datasketch`, the same
documents go through these in the same run: importance weights on one process, and near duplicates by signatures of 125
values over runs of 5 words and a search by 25 bands.
"""

import argparse
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from benchmarks.made_up import documents

from uncollapse.fingerprint import content_id
from uncollapse.selection import importance
from uncollapse.selection.choosing import Budget
from uncollapse.selection.coverage import Coverage
from uncollapse.selection.importance import Importance
from uncollapse.selection.repeats import Duplicates

LENGTH = 900
REFERENCE = 2_000
ROWS = 512


def cut(text_bytes: int, *, seed: int) -> Iterator[str]:
    """Documents of about LENGTH bytes, each by its number another."""
    number = 0
    for text in documents(text_bytes=text_bytes, seed=seed):
        for at in range(0, len(text), LENGTH):
            piece = text[at : at + LENGTH]
            if len(piece) > LENGTH // 2:
                yield f"{piece} n{number}"
                number += 1


class OnDisk:
    """Documents in an Arrow file, read batch by batch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, texts: Iterator[str], *, most: int) -> int:
        size = held = 0
        schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])
        with pa.OSFile(str(self.path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
            lot: list[str] = []
            for text in texts:
                lot.append(text)
                size += len(text.encode())
                held += 1
                if len(lot) == ROWS or held == most:
                    stream.write_batch(pa.record_batch([list(map(content_id, lot)), lot], schema=schema))
                    lot = []
                if held == most:
                    break
        return size

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_stream(file) as stream:
            yield from stream


class Peak:
    """The most anonymous memory of this process while it is open, sampled a hundred times a second."""

    def __enter__(self) -> "Peak":
        self.before = self.most = anonymous()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, anonymous())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def anonymous() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def large(count: int, folder: Path) -> None:
    pool, reference = OnDisk(folder / "pool.arrows"), OnDisk(folder / "reference.arrows")
    size = pool.write(cut(count * LENGTH * 2, seed=11), most=count)
    reference.write(cut(REFERENCE * LENGTH * 2, seed=12), most=REFERENCE)
    words = sum(
        int(np.char.count(batch.column("text").to_numpy(zero_copy_only=False).astype(str), " ").sum())
        for batch in reference
    )
    words = words * count // REFERENCE
    print(f"{count:,} documents, {size / 1e6:,.0f} MB; chosen: {words // 10:,} words")
    for name, selector in {"coverage": Coverage(), "importance": Importance()}.items():
        started = time.process_time()
        with Peak() as peak:
            choice = selector.choose(pool, budget=Budget(words // 10, "words"), reference=reference)
        seconds = time.process_time() - started
        held = (peak.most - peak.before) / 1e6
        print(
            f"{name:24} {size / 1e6 / seconds:6.1f} MB/s and core, {seconds:6.0f} s, {held:6.0f} MB held, "
            f"{int(choice.counts.sum()):,} documents",
            flush=True,
        )


def small(count: int, folder: Path, peers: Path) -> None:
    """Importance weights and near duplicates beside other packages, on the same documents in the same run."""
    files = {name: folder / f"{name}.jsonl" for name in ("pool", "reference")}
    texts = list(cut_some(count, seed=21))
    others = list(cut_some(REFERENCE, seed=22))
    for path, own in ((files["pool"], texts), (files["reference"], others)):
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in own))
    size = sum(len(text.encode()) for text in texts)
    told = asked_of(peers, "weights", files["pool"], files["reference"])
    print(f"\n{count:,} documents, {size / 1e6:.1f} MB: importance weights")
    print(f"data-selection 1.0.3     {size / 1e6 / told['seconds']:6.2f} MB/s and core")
    pool, reference = batches(texts), batches(others)
    for name, scoring in (("ours, published", "published"), ("ours, corrected", "corrected")):
        caught: list[Any] = []
        started = time.process_time()
        with catching("dots" if scoring == "published" else "sums", caught):
            Importance(scoring=scoring).choose(pool, budget=Budget(count // 20), reference=reference)
        seconds = time.process_time() - started
        same = (
            f", weights equal to the last bit: {caught[0].tolist() == told['weights']}"
            if scoring == "published"
            else ""
        )
        print(f"{name:24} {size / 1e6 / seconds:6.2f} MB/s and core, {told['seconds'] / seconds:5.1f} times{same}")


def near(count: int, folder: Path, peers: Path) -> None:
    random = np.random.default_rng(5)
    texts = list(cut_some(count, seed=31))
    for at in range(0, count, 10):
        words = texts[(at * 7 + 3) % count].split(" ")
        for place in random.integers(0, len(words), len(words) // 60):
            words[place] = f"x{place}"
        texts[at] = " ".join(words)
    path = folder / "near.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    size = sum(len(text.encode()) for text in texts)
    print(f"\n{count:,} documents, {size / 1e6:.1f} MB: near duplicates, 125 values, runs of 5 words, 25 bands")
    pool = batches(texts)
    started = time.process_time()
    choice = Duplicates().choose(pool, budget=Budget(count))
    seconds = time.process_time() - started
    print(f"{'ours':24} {size / 1e6 / seconds:6.2f} MB/s and core, {count - int(choice.counts.sum()):,} left behind")
    for name in ("rensa", "datasketch"):
        told = asked_of(peers, name, path)
        print(
            f"{name:24} {size / 1e6 / told['seconds']:6.2f} MB/s and core, {told['flagged']:,} flagged; "
            f"ours is {told['seconds'] / seconds:.2f} times as fast"
        )


def cut_some(count: int, *, seed: int) -> Iterator[str]:
    return islice(cut(count * LENGTH * 2, seed=seed), count)


def batches(texts: list[str]) -> list[pa.RecordBatch]:
    rows = [(list(map(content_id, texts[at : at + ROWS])), texts[at : at + ROWS]) for at in range(0, len(texts), ROWS)]
    return [pa.record_batch({"id": marks, "text": pa.array(own, pa.large_string())}) for marks, own in rows]


@contextmanager
def catching(name: str, caught: list[Any]) -> Iterator[None]:
    """The weights on their way, as a selector keeps none."""
    inner = getattr(importance._Counted, name)

    def catch(self: Any, value: Any) -> Any:
        caught.append(inner(self, value))
        return caught[-1]

    setattr(importance._Counted, name, catch)
    try:
        yield
    finally:
        setattr(importance._Counted, name, inner)


def asked_of(peers: Path, *words: str | Path) -> dict[str, Any]:
    program = Path(__file__).parent / "peers" / "choosing.py"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([peers, program, *words], capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument("--small", type=lambda text: int(text.replace("_", "")), default=5_000)
    parser.add_argument("--peers", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if asked.peers is not None:
            small(asked.small, Path(name), asked.peers)
            near(4 * asked.small, Path(name), asked.peers)
        large(asked.documents, Path(name))


if __name__ == "__main__":
    main()
