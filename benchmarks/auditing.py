"""Time and peak memory of an audit without a model, over 10 MB, 100 MB and (with --gigabyte) 1 GB of text.

    python -m benchmarks.auditing [--gigabyte]

The text is made by a seed (benchmarks/made_up.py) and lies in Parquet; the reference is 5 MB of the same kind. Each size is
a process of its own; memory is the most that the process ever had resident. Every document is read and every copy counted;
what is compared is a sample of fixed size, so the time should grow with the text and the memory with the documents alone.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.made_up import MEGABYTE, write_parquet

SIZES = (10, 100, 1000)
REFERENCE = 5
LIMIT = 2000  # megabytes


def measure(corpus: Path, reference: Path) -> dict[str, float]:
    """Seconds by the clock and of the processor, and megabytes."""
    from uncollapse import corpora
    from uncollapse.auditing import audit

    clock, processor = time.perf_counter(), time.process_time()
    found = audit(corpora.read(corpus, origin="unknown"), reference=corpora.read(reference))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    return {
        "seconds": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
        "megabytes": peak,
        "rows": found.report["corpus"]["rows"],
    }


def main() -> None:
    """Nothing; prints a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gigabyte", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("CORPUS", "REFERENCE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*map(Path, asked.measure))))
        return
    print("| text | documents | seconds | processor | seconds a MB | peak memory |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder, "reference.parquet")
        write_parquet(reference, text_bytes=REFERENCE * MEGABYTE, seed=1)
        for size in SIZES if asked.gigabyte else SIZES[:2]:
            corpus = Path(folder, "corpus.parquet")
            write_parquet(corpus, text_bytes=size * MEGABYTE, seed=2)
            command = [sys.executable, "-m", "benchmarks.auditing", "--measure", str(corpus), str(reference)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr[-3000:])
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {size:,} MB | {found['rows']:,} | {found['seconds']:.1f} | {found['processor']:.1f} | "
                f"{found['processor'] / size:.3f} | {found['megabytes']:,.0f} MB (goal: under {LIMIT:,}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
