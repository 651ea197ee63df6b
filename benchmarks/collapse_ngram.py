"""A generation of the n-gram laboratory against a plain Python loop over words, on half a million words of text.

    python -m benchmarks.collapse_ngram [ORDER]

The peer is what a careful script does: a dictionary from context to a counter of words, each counter summed up once,
`random.choices` by those sums for each word in turn. Both count the same streams, write as many of the same length, and count those: one generation.
"""

import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.sample import SHARED

from uncollapse.collapse.ngram_model import count
from uncollapse.collapse.ngram_text import CodedText, built_in, read_coded
from uncollapse.collapse.ngram_writing import write

WORDS, LENGTH = 500_000, 500
TIMES = 3

Table = dict[tuple[int, ...], Counter[int]]


def half_a_million() -> tuple[CodedText, str]:
    """The coded text, and its name: WikiText-2 where the shared data is, else Python's own help, again and again."""
    parts = [SHARED / "wikitext2" / name for name in ("valid.txt", "test.txt")]
    if not all(part.is_file() for part in parts):
        text = built_in()
        return CodedText(text.name, np.resize(text.ids, WORDS), text.types), text.name
    with TemporaryDirectory() as folder:
        joined = Path(folder) / "both.txt"
        joined.write_text("".join(part.read_text("utf-8") for part in parts), "utf-8")
        return read_coded(joined), "WikiText-2, validation and test part"


def plain_count(streams: list[list[int]], order: int) -> Table:
    """The counters of all contexts of order - 1 words, and of the empty one for the beginnings."""
    table: Table = defaultdict(Counter)
    for stream in streams:
        for at, word in enumerate(stream):
            table[()][word] += 1
            for depth in range(1, min(at, order - 1) + 1):
                table[tuple(stream[at - depth : at])][word] += 1
    return table


def plain_write(table: Table, *, many: int, length: int, order: int, rng: random.Random) -> list[list[int]]:
    """As many streams, a word at a time, after the longest context that was seen."""
    rows = {context: (list(row), list(accumulate(row.values()))) for context, row in table.items()}
    written = []
    for _ in range(many):
        stream: list[int] = []
        for at in range(length):
            for depth in range(min(at, order - 1), -1, -1):
                row = rows.get(tuple(stream[at - depth : at]))
                if row is not None:
                    break
            stream += rng.choices(row[0], cum_weights=row[1])
        written.append(stream)
    return written


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(order: int) -> None:
    """Nothing; prints a table with the ratio."""
    text, name = half_a_million()
    many = min(WORDS, len(text.ids)) // LENGTH
    streams = text.ids[: many * LENGTH].reshape(many, LENGTH)
    plain = streams.tolist()
    generator, rng = np.random.default_rng(0), random.Random(0)

    def ours() -> object:
        model = count(streams, types=text.types, order=order)
        return count(write(model, shape=streams.shape, generator=generator), types=text.types, order=order)

    def peer() -> object:
        written = plain_write(plain_count(plain, order), many=many, length=LENGTH, order=order, rng=rng)
        return plain_count(written, order)

    ours()
    fast = statistics.median(seconds(ours) for _ in range(TIMES))
    slow = seconds(peer)
    print(f"{name}: {streams.size:,} words, order {order}, count + write + count\n")
    print("| | seconds | words a second |\n|---|---|---|")
    print(f"| plain Python loop | {slow:.2f} | {streams.size / slow:,.0f} |")
    print(f"| uncollapse, median of {TIMES} | {fast:.3f} | {streams.size / fast:,.0f} |")
    print(f"\n{slow / fast:.0f} times as fast")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
