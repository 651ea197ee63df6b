"""A corpus taken in: in one pass, or shard by shard wherever that is worked, which gives the same to the last bit."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from uncollapse.auditing.intake import Intake, Known
from uncollapse.corpora import Corpus
from uncollapse.corpora.faults import as_error
from uncollapse.corpora.plan import Shard
from uncollapse.corpora.reading import Parts
from uncollapse.document import USERS
from uncollapse.errors import UsageError
from uncollapse.step import Spread

MOST_GROUPS = 100


@runtime_checkable
class Batches(Protocol):
    """A corpus, as the audit reads it: `corpora.Corpus`, or anything that hands out record batches with texts."""

    def batches(self) -> Iterable[pa.RecordBatch]:
        """The documents, batch by batch."""
        ...


class Asked(NamedTuple):
    """How a corpus is taken in: the words of the sample, what it is held against, the column of groups, if any."""

    tokens: int
    known: Known | None = None
    column: str | None = None


class Taken:
    """What was taken in of a corpus, and of each value of a column."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.whole = self._intake()
        self.groups: dict[str, Intake] = {}

    def _intake(self) -> Intake:
        return Intake(tokens=self._asked.tokens, known=self._asked.known)

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account.

        Raises:
            UsageError: there is no such column, or it has too many values.
        """
        if self._asked.column is not None:
            for value, part in _by_value(batch, self._asked.column):
                if value not in self.groups:
                    self._make_room()
                    self.groups[value] = self._intake()
                self.groups[value].update(part)
        self.whole.update(batch)

    def merge(self, other: "Taken") -> None:
        """Takes what another has taken in into account.

        Raises:
            UsageError: the column has too many values.
        """
        self.whole.merge(other.whole)
        for value, intake in other.groups.items():
            if value in self.groups:
                self.groups[value].merge(intake)
            else:
                self._make_room()
                self.groups[value] = intake

    def _make_room(self) -> None:
        if len(self.groups) >= MOST_GROUPS:
            raise UsageError(
                f"column {self._asked.column!r} has more than {MOST_GROUPS} values",
                hint="group by a column with few values, such as source, language or generation",
            )

    def __getstate__(self) -> dict[str, object]:
        # What it is held against stays where it is.
        return {
            "_asked": self._asked._replace(known=None),
            "whole": self.whole.without_reference(),
            "groups": {value: intake.without_reference() for value, intake in self.groups.items()},
        }


def _by_value(batch: pa.RecordBatch, column: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    # A column of the user's with one of our names is read under another: it is the one that is meant.
    column = f"{USERS}{column}" if f"{USERS}{column}" in batch.schema.names else column
    if column not in batch.schema.names:
        raise UsageError(
            f"there is no column {column!r} to group by", hint=f"there are: {', '.join(batch.schema.names)}"
        )
    values = [str(value) for value in batch.column(column).to_pylist()]
    for value in sorted(set(values)):
        rows = np.flatnonzero(np.array(values) == value)
        yield value, batch.take(pa.array(rows))


def take_in(
    corpus: Batches, asked: Asked, *, spread: Spread | None = None, on_rows: Callable[[int], object] = lambda _: None
) -> Taken:
    """What was taken in of a corpus, shard by shard where `spread` says by whom; `on_rows` hears how many rows are."""
    done = 0
    if spread is None or not isinstance(corpus, Corpus):
        taken = Taken(asked)
        for batch in corpus.batches():
            taken.update(batch)
            done += len(batch)
            on_rows(done)
        return taken
    pieces = [Piece(shard, corpus.plan.inputs[shard.pieces[0].input].source) for shard in corpus.plan.shards]
    with spread(Taker(corpus, asked)) as gather:
        parts = gather(pieces)
        return added_up(_watched(zip(pieces, parts, strict=True), on_rows), Taken(asked))


def _watched(parts: Iterable[tuple["Piece", Taken]], on_rows: Callable[[int], object]) -> Iterator[Taken]:
    done = 0
    for piece, part in parts:
        done += piece.shard.rows
        on_rows(done)
        yield part


@dataclass(frozen=True)
class Piece:
    """A shard of a plan, with the file that it begins in."""

    shard: Shard
    source: str

    @property
    def name(self) -> str:
        """Which shard this is."""
        return f"shard {self.shard.index}, from row {self.shard.pieces[0].row:,} of {self.source}"


@dataclass
class Taker:
    """Takes in shards of one corpus, each by itself."""

    corpus: Corpus
    asked: Asked
    _reader: Parts | None = field(default=None, repr=False)

    def __call__(self, piece: Piece) -> Taken:
        """What was taken in of the shard.

        Raises:
            BrokenRow: a row cannot be read any more.
        """
        if self._reader is None:
            self._reader = self.corpus.reader()
        taken = Taken(self.asked)
        for done in self.corpus.work(piece.shard, reader=self._reader):
            for reject in done.rejects:
                raise as_error(reject)
            taken.update(done.batch)
        return taken


def added_up(parts: Iterable[Taken], nothing: Taken) -> Taken:
    """All parts as one: neighbours first, and what they make with its neighbours, so that none is moved often."""
    stack: list[tuple[int, Taken]] = []
    for part in parts:
        level, whole = 0, part
        while stack and stack[-1][0] == level:
            before = stack.pop()[1]
            before.merge(whole)
            level, whole = level + 1, before
        stack.append((level, whole))
    for _, part in stack:
        nothing.merge(part)
    return nothing
