"""Peak memory of a run over 5 MB and over 200 MB of text, and the ratio of the two.

    python benchmarks/memory.py [--format jsonl|jsonl.zst|parquet] [--to parquet|jsonl] [--sizes 5,200] [--workers 1]
        [--pool system]

Each run is a process of its own with a step that costs next to nothing, so that what is measured is reading, writing and
the commit. The number is the most memory that the process ever had resident (VmHWM). Arrow allocates as it does under the
command line, from the system; `--pool mimalloc` shows what its own allocator would hold on to.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from uncollapse.corpora import read
from uncollapse.document import SCHEMA, replace_columns
from uncollapse.execution import run
from uncollapse.fingerprint import content_id
from uncollapse.step import Outcome, StepModel

MEGABYTE = 1_000_000
LIMIT = 1.10


class Capitals(StepModel):
    """Texts in capitals: a step that rewrites every text and costs nothing."""

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with new texts and ids."""
        texts = [text.upper() for text in batch.column("text").to_pylist()]
        columns = {
            "text": pa.array(texts, SCHEMA.field("text").type),
            "id": pa.array([content_id(text) for text in texts]),
        }
        return Outcome(replace_columns(batch, columns), tally={"documents": {"changed": len(texts)}})


def main() -> int:
    """The exit code: 1 if the larger corpus took more than a tenth more memory than the smaller."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", default="jsonl", choices=["jsonl", "jsonl.zst", "parquet"])
    parser.add_argument("--to", default="parquet", choices=["parquet", "jsonl"])
    parser.add_argument("--sizes", default="5,200")
    parser.add_argument("--pool", default="system", choices=["system", "mimalloc", "jemalloc"])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--measure", nargs=2, metavar=("INPUT", "OUTPUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure, form=options.to, workers=options.workers)))
        return 0
    sizes = [int(size) for size in options.sizes.split(",")]
    peaks = [measured_apart(size, options) for size in sizes]
    ratio = peaks[-1] / peaks[0]
    print(f"ratio {ratio:.3f} (at most {LIMIT:.2f})")
    return int(ratio > LIMIT)


def measured_apart(size: int, options: argparse.Namespace) -> float:
    """The peak in megabytes of a run in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"corpus.{options.format}"
        write_corpus(path, text_bytes=size * MEGABYTE)
        command = [sys.executable, __file__, "--to", options.to, "--workers", str(options.workers)]
        began = time.monotonic()
        done = subprocess.run(
            [*command, "--measure", str(path), str(Path(folder) / "out")],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": options.pool},
        )
        seconds = time.monotonic() - began
        result = json.loads(done.stdout)
    print(
        f"{size:>5} MB of text, {options.format} to {options.to}: peak {result['peak_mb']:.1f} MB,"
        f" {result['rows']:,} rows, {seconds:.1f} s"
    )
    return float(result["peak_mb"])


def measure(source: str, out: str, *, form: str, workers: int) -> dict[str, float]:
    result = run(Capitals()(read(source)), out, format=form, workers=workers)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return {"peak_mb": int(peak.split()[1]) * 1024 / MEGABYTE, "rows": result.rows["out"]}


def write_corpus(path: Path, *, text_bytes: int) -> None:
    """Documents of mixed lengths out of made-up words, with two columns of the user's."""
    chance = random.Random(5)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(5_000)]
    rows = documents(chance, words, text_bytes=text_bytes)
    if path.suffix == ".parquet":
        schema = pa.schema([("text", pa.string()), ("number", pa.int64()), ("tags", pa.list_(pa.string()))])
        with pq.ParquetWriter(path, schema) as writer:
            while part := [row for row, _ in zip(rows, range(1_000), strict=False)]:
                writer.write_table(pa.Table.from_pylist(part, schema))
        return
    opened = zstandard.open(path, "wt") if path.suffix == ".zst" else path.open("w", encoding="utf-8")
    with opened as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def documents(chance, words, *, text_bytes):
    written = number = 0
    while written < text_bytes:
        text = " ".join(chance.choices(words, k=int(chance.lognormvariate(5.5, 1.0)) + 1))
        written += len(text)
        number += 1
        yield {"text": text, "number": number, "tags": chance.choices(words, k=2)}


if __name__ == "__main__":
    raise SystemExit(main())
