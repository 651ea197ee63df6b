"""A trillion tokens, on paper: hours of accelerators, storage, shards and the driver's memory, out of what is measured here.

    python -m benchmarks.trillion [--texts FILE] [--text-tokens 8000] [--tokens 1e12] [--rate 1b=150000] [--rate 8b=25000]

Measured in this run: what an edit by `released` and by `bold` writes for each token of real text (texts, ledger, papers),
how much more reading `bold` takes, and what a driver holds in memory for each shard. The accelerator is arithmetic, as
long as no `--rate` gives what `benchmarks.gpu` measured: 2 FLOPs for each parameter of a matrix product, and 2 for each
layer, dimension and token that attention looks back upon, at the share of an H200's dense bf16 rate that is the goal.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.gpu import GOALS, SHAPES
from benchmarks.sample import mixed_lengths, prose

LENGTH = 2048  # tokens of a document
DENSE = 790e12  # FLOP/s of an H200 in dense bf16 products that programs reach
SHARD = 64 << 20  # bytes of text, at most
FEW, MANY = 200, 5000  # shards


def operations(size: str) -> float:
    """FLOPs for each token of a document of `LENGTH`, each of which sees half of the others in the mean."""
    shape = SHAPES[size]
    return 2 * shape.multiplied + 2 * shape.layers * shape.width * LENGTH


class Edited(NamedTuple):
    """What an edit came to for each token of its text: seconds of processor, bytes of what it wrote, of the ledger."""

    seconds: float
    text_bytes: float
    written: float
    ledger: float
    changed: float


def edited(texts: list[str], name: str, folder: Path) -> Edited:
    """What each further token costs: the whole text less its first half, so that what every run writes once is out."""
    half = once(texts[: len(texts) // 2], name, folder / "half")
    whole = once(texts, name, folder / "whole")
    tokens, *rest = (more - less for more, less in zip(whole, half, strict=True))
    return Edited(*(value / tokens for value in rest))


def once(texts: list[str], name: str, folder: Path) -> tuple[float, ...]:
    """Tokens, seconds of processor, bytes of text, bytes written, bytes of ledger, tokens changed."""
    from uncollapse.corpora import from_documents
    from uncollapse.editing import preset
    from uncollapse.execution import run

    corpus = from_documents(texts)
    began = time.process_time()
    result = run(corpus.map(preset(name, seed=1)), folder / name)
    took = time.process_time() - began
    tokens = result.tally["tokens"]["read"]
    sizes = {path.name: path.stat().st_size for path in (folder / name).iterdir() if path.is_file()}
    ledger = sum(size for name, size in sizes.items() if "ledger" in name)
    text_bytes = sum(len(text.encode()) for text in texts)
    return tokens, took, text_bytes, sum(sizes.values()) - ledger, ledger, result.tally["tokens"]["changed"]


def held(shards: int) -> float:
    """The most memory of a driver of so many shards, in bytes; in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.trillion", "--drive", str(shards)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(told.stdout.split()[-1])


def drive(shards: int) -> None:
    """Plans and works so many shards of nearly nothing, and prints the most memory that it took, in bytes."""
    from benchmarks.scale import Wait, peak, write_files

    from uncollapse.corpora import read
    from uncollapse.execution import run

    with tempfile.TemporaryDirectory(prefix="uncollapse-trillion-") as name:
        write_files(Path(name) / "in", shards)
        corpus = read(Path(name) / "in", shard_bytes=1).map(Wait(nap=0))
        assert len(corpus.plan.shards) == shards
        run(corpus, Path(name) / "out")
    print(peak() * 1e6)


def hours(size: str, tokens: float, rates: dict[str, float]) -> float:
    return tokens / rates.get(size, GOALS[size] * DENSE / operations(size)) / 3600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="JSON lines with `text`; otherwise the text of the other benchmarks")
    parser.add_argument("--text-tokens", type=int, default=8000, help="of the text that is edited here")
    parser.add_argument("--tokens", type=float, default=1e12)
    parser.add_argument("--rate", action="append", default=[], metavar="SIZE=TOKENS", help="a second, as measured")
    parser.add_argument("--drive", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        drive(asked.drive)
        return 0
    rates = {name: float(value) for name, _, value in (each.partition("=") for each in asked.rate)}
    if unknown := set(rates) - set(GOALS):
        parser.error(f"--rate of {', '.join(sorted(unknown))}: there are {', '.join(GOALS)}")
    tell(asked, rates)
    return 0


def tell(asked: argparse.Namespace, rates: dict[str, float]) -> None:
    from uncollapse.language_models import load
    from uncollapse.language_models.addresses import DEFAULT

    vocabulary = load(DEFAULT).vocabulary
    if asked.texts:
        long, name = "\n\n".join(json.loads(line)["text"] for line in asked.texts.open()), asked.texts.name
    else:
        long, name = prose()
    texts = mixed_lengths(long, tokens=asked.text_tokens, vocabulary=vocabulary)
    with tempfile.TemporaryDirectory(prefix="uncollapse-trillion-") as folder:
        found = {rule: edited(texts, rule, Path(folder)) for rule in ("released", "bold")}
    more = found["bold"].seconds / found["released"].seconds
    a_shard = (held(MANY) - held(FEW)) / (MANY - FEW)

    print(f"Measured here: {len(texts)} documents of {name}, {asked.text_tokens:,} tokens of {DEFAULT}\n")
    print("| for each token | released | bold |\n|---|--:|--:|")
    for row, unit in (("text_bytes", "bytes of text"), ("written", "bytes written, texts and papers"),
                      ("ledger", "bytes of ledger"), ("changed", "tokens changed")):  # fmt: skip
        print(f"| {unit} | " + " | ".join(f"{getattr(each, row):.3g}" for each in found.values()) + " |")
    print(f"| processor time, `released` as 1 | 1 | {more:.2f} |")
    print(f"\nA driver holds {a_shard / 1000:.1f} KB for each shard ({FEW:,} and {MANY:,} shards).\n")

    text_bytes = asked.tokens * found["released"].text_bytes
    shards = text_bytes / SHARD
    print(f"## {asked.tokens:,.0f} tokens: {text_bytes / 1e12:.2f} TB of text, {shards:,.0f} shards of 64 MiB\n")
    print("| prior | FLOP a token | tokens/s of one H200 | read once, or `released`: GPU hours | `bold`: GPU hours |")
    print("|---|--:|--:|--:|--:|")
    for size, goal in GOALS.items():
        read = hours(size, asked.tokens, rates)
        how = "measured" if size in rates else f"{goal:.0%} of {DENSE / 1e12:.0f} TFLOP/s, not measured"
        rate = f"{asked.tokens / read / 3600:,.0f} ({how})"
        print(f"| {size} | {operations(size) / 1e9:.2f} G | {rate} | {read:,.0f} | {more * read:,.0f} |")
    print("\n| | released | bold |\n|---|--:|--:|")
    for label, row in (("written, TB", "written"), ("ledger, TB", "ledger")):
        sizes = [getattr(each, row) * asked.tokens / 1e12 for each in found.values()]
        print(f"| {label} | " + " | ".join(f"{size:.2f}" for size in sizes) + " |")
    print(f"\nThe driver's memory: {shards * a_shard / 1e9:.2f} GB beside what it starts with.")


if __name__ == "__main__":
    sys.exit(main())
