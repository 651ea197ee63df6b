"""The rows of a corpus in stretches that are worth a search each: some megabytes of text, with their places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.corpora.reading import Place, Reader

BYTES = 4 << 20
Told = Callable[[str, int, int], None]
"""Takes what is being done, how many rows are done, and how many there are."""


def silent(doing: str, done: int, rows: int) -> None:
    """Tells nobody."""
    del doing, done, rows


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows in order, and where each stands."""

    batch: pa.RecordBatch
    places: tuple[Place, ...]

    def of(self, rows: Bool[ndarray, "d"]) -> "Block":
        """Some of its rows."""
        numbers = np.flatnonzero(rows)
        return Block(self.batch.take(pa.array(numbers)), tuple(self.places[row] for row in numbers.tolist()))


def blocks(corpus: Corpus, *, size: int = BYTES) -> Iterator[Block]:
    """The rows of a corpus as they were read; rows that cannot be read were refused or left behind before."""
    reader = Reader(corpus.plan, corpus.in_memory)
    held: list[tuple[pa.RecordBatch, tuple[Place, ...]]] = []
    bytes_ = 0
    for shard in corpus.plan.shards:
        for part in reader.parts(shard):
            held.append((part.batch, part.places))
            bytes_ += part.batch.column("text").nbytes
            if bytes_ >= size:
                yield _joined(held)
                held, bytes_ = [], 0
    if held:
        yield _joined(held)


def _joined(held: list[tuple[pa.RecordBatch, tuple[Place, ...]]]) -> Block:
    whole = pa.concat_batches([batch for batch, _ in held])
    return Block(whole, tuple(place for _, places in held for place in places))
