"""Rows of some corpora in the order of their draws, as a corpus: what a mixture and a selection have in common."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from uncollapse.corpora.corpus import Corpus, Worked, steps_ready
from uncollapse.corpora.histories import Histories
from uncollapse.corpora.plan import Piece, Plan, Shard
from uncollapse.corpora.reading import Parts
from uncollapse.selection.aside import Store, put_aside
from uncollapse.selection.drawing import Drawn
from uncollapse.selection.survey import Inputs, Watcher


@dataclass(frozen=True)
class Shuffled(Corpus):
    """Rows of several corpora in the order of their draws; nothing is put aside before they are read or written."""

    inputs: Inputs | None = field(default=None, repr=False)
    drawn: Drawn | None = field(default=None, repr=False)
    on_progress: Watcher | None = field(default=None, repr=False)

    def made_ready(self, folder: Path) -> Corpus:
        """The same with its rows put aside in the folder, shard by shard."""
        assert self.inputs is not None
        assert self.drawn is not None
        store = put_aside(self.inputs, self.drawn, folder / "aside", on_progress=self.on_progress)
        return _Ready(self.plan, steps_ready(self.steps, folder), self.max_rejects, store=store)

    def reader(self) -> Parts:
        """Never returns: the rows are put aside first."""
        raise AssertionError("rows are put aside before they are read")

    def _worked(self, *, histories: Histories | None) -> Iterator[Worked]:
        with tempfile.TemporaryDirectory(prefix="uncollapse-") as folder:
            yield from self.made_ready(Path(folder))._worked(histories=histories)


@dataclass(frozen=True)
class _Ready(Corpus):
    store: Store | None = None

    def reader(self) -> Parts:
        assert self.store is not None
        return self.store


def planned(read: Plan, counts: np.ndarray, *, text: np.ndarray, drawn: Drawn) -> Plan:
    """The plan of what was drawn: its shards with the number of rows that each has from each input.

    Rows that are taken more than once are an input once more, with as many rows as are taken again.
    """
    entries = list(read.inputs)
    numbers = {(at, 0): at for at in range(len(entries))}
    for at, turn in sorted({(int(row[0]), int(row[1])) for row in counts if row[1]}):
        again = int(counts[(counts[:, 0] == at) & (counts[:, 1] == turn), 3].sum())
        numbers[at, turn] = len(entries)
        entries.append(replace(read.inputs[at], rows=again, turn=turn + 1))
    sizes = np.bincount(drawn.shard, weights=text, minlength=drawn.shards).astype(np.int64)
    pieces: list[list[Piece]] = [[] for _ in range(drawn.shards)]
    for at, turn, shard, rows in counts.tolist():
        pieces[shard].append(Piece(numbers[at, turn], 0, 0, 1, rows))
    shards = tuple(Shard(number, tuple(own), int(sizes[number])) for number, own in enumerate(pieces))
    return replace(read, inputs=tuple(entries), shards=shards)
