"""What a selection keeps of each row of its pool: where it was read, its size, its values in some columns, its draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.tables import sizes
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget, Looking, Rows, numbered, values_of
from uncollapse.selection.filling import filled
from uncollapse.selection.survey import Inputs, Reached, Watcher
from uncollapse.step import Reject

CONTROLS = 3
"""How many choices at random a choice is held against: the first is shown, the others say what chance does to it."""


class Column(NamedTuple):
    """The values of a column: their names, and for each row the number of its own."""

    names: tuple[str, ...]
    of: Int64[ndarray, "n"]


@dataclass(frozen=True)
class Seen:
    """What one pass over a pool found. `rows` are those of a choice at random by words, `text` is in bytes."""

    rows: Rows
    input: Int64[ndarray, "n"]
    text: Int64[ndarray, "n"]
    columns: Mapping[str, Column]
    broken: tuple[Reject, ...]

    def at_random(self, words: int, *, control: int = 0) -> Int64[ndarray, "n"]:
        """How often each row is taken by a choice at random of so many words; another one for each control."""
        rows = replace(self.rows, budget=Budget(max(words, 1), "words"))
        order = rows.order()
        # Another stretch of the same order, which has no row in common with the first where the pool is large enough.
        return filled(rows, np.roll(order, -control * (len(order) // CONTROLS)))


@dataclass(frozen=True)
class Batches:
    """The documents of a pool, pass by pass."""

    corpus: Corpus
    on_progress: Watcher | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        reader, done = self.corpus.reader(), 0
        for shard in self.corpus.plan.shards:
            for part in reader.parts(shard):
                yield part.batch
                done += len(part.places) + len(part.rejects)
                if self.on_progress is not None:
                    self.on_progress(Reached(done, self.corpus.rows))


def look(inputs: Inputs, *, seed: int, columns: Sequence[str], on_progress: Watcher | None = None) -> Seen:
    """What is known of the rows of the inputs.

    Raises:
        UsageError: there are none.
        MissingColumn: one of the columns is not there.
        InputError: a file cannot be read.
    """
    looking = Looking(AtRandom(seed=seed), Budget(1, "documents"))
    numbers = {entry.source: at for at, entry in enumerate(inputs.corpus.plan.inputs)}
    known: dict[str, dict[str, int]] = {name: {} for name in columns}
    found: dict[str, list[ndarray]] = {name: [] for name in ("input", "text", *columns)}
    broken: list[Reject] = []
    for part in inputs.parts(on_progress):
        broken += part.rejects
        looking.take(part.batch)
        found["input"].append(np.array([numbers[place.source] for place in part.places], np.int64))
        found["text"].append(np.array(sizes(part.batch.column("text")), np.int64))
        for name in columns:
            found[name].append(numbered(values_of(part.batch, name), known[name]))
    rows = looking.rows()
    whole = {name: np.concatenate(parts) for name, parts in found.items()}
    return Seen(
        rows=replace(rows, sizes=rows.words),
        input=whole["input"],
        text=whole["text"],
        columns={name: Column(tuple(known[name]), whole[name]) for name in columns},
        broken=tuple(broken),
    )
