"""One shard out of its files: batches of at most some dozens of documents, and the rows that cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

import pyarrow as pa

from uncollapse.corpora import jsonl, tables
from uncollapse.corpora.claims import carried
from uncollapse.corpora.columns import name_in_corpus
from uncollapse.corpora.faults import Fault
from uncollapse.corpora.opening import LONGEST_ROW, Counted, Line, lines, open_address, unpacked
from uncollapse.corpora.plan import Format, Input, Packing, Piece, Plan, Shard
from uncollapse.corpora.planning import modified
from uncollapse.corpora.surveys import text_fault
from uncollapse.corpora.values import from_json, is_json, leaves_out_nulls
from uncollapse.document import OUR_COLUMNS, SCHEMA, declare
from uncollapse.errors import InputError
from uncollapse.provenance import History
from uncollapse.step import Reject

BATCH_ROWS = 64
BATCH_BYTES = 1 << 20
"""A batch is closed when it holds so many rows or so much text."""


class Place(NamedTuple):
    """Where a row stands: the file, and its number there, from 1."""

    source: str
    row: int


class Part(NamedTuple):
    """Some rows of a shard in order: those that can be read with their places, and those that stay behind.

    `history` is what is known of them, where whoever put them together knows it already.
    """

    batch: pa.RecordBatch
    places: tuple[Place, ...]
    rejects: tuple[Reject, ...]
    history: History | None = None


@runtime_checkable
class Parts(Protocol):
    """What gives the rows of a shard: out of its files, or where they were put aside."""

    def parts(self, shard: Shard) -> Iterator[Part]:
        """The rows of a shard, in order."""
        ...


@dataclass
class Reader:
    """Reads shards of one plan; keeps a packed file open, so that the next shard goes on where the last one ended."""

    plan: Plan
    in_memory: Mapping[int, pa.Table] = field(default_factory=dict)
    _packed: "_Packed | None" = None

    def parts(self, shard: Shard) -> Iterator[Part]:
        """The rows of a shard, in order.

        Raises:
            InputError: a file is not what it was when the plan was made.
        """
        held: list[Part] = []
        for piece in shard.pieces:
            for part in self._piece(piece):
                if held and not _fit(held, part):
                    yield _joined(held)
                    held = []
                held.append(part)
        if held:
            yield _joined(held)

    def _piece(self, piece: Piece) -> Iterator[Part]:
        entry = self.plan.inputs[piece.input]
        check_unchanged(entry)
        rows = 0
        for part in self._parts(entry, piece):
            rows += len(part.places) + len(part.rejects)
            yield part
        if rows != piece.rows:
            raise changed(entry)

    def _parts(self, entry: Input, piece: Piece) -> Iterator[Part]:
        if entry.format is Format.MEMORY:
            yield from self._table(self.in_memory[piece.input], entry, piece)
        elif entry.format is Format.PARQUET:
            with open_address(entry.address) as opened:
                yield from self._table(tables.open_parquet(opened, source=entry.source), entry, piece)
        elif entry.format is Format.JSONL:
            with self._at(entry, piece) as stream:
                yield from self._json(stream, entry, piece)
        else:
            with open_address(entry.address) as opened:
                yield self._text(unpacked(Counted(opened), packing=entry.packing, source=entry.source), entry)

    @contextmanager
    def _at(self, entry: Input, piece: Piece) -> Iterator[BinaryIO]:
        """The unpacked bytes of an input, standing at the beginning of a piece."""
        if entry.packing is Packing.NONE:
            with open_address(entry.address) as opened:
                opened.seek(piece.start)
                yield unpacked(Counted(opened), packing=entry.packing, source=entry.source)
            return
        packed = self._packed
        if packed is None or packed.input != piece.input or packed.position > piece.start:
            packed = _Packed(piece.input, entry)
        self._packed = None
        packed.skip_to(piece.start)
        yield packed.stream
        packed.position = piece.stop
        self._packed = packed

    def _text(self, stream: BinaryIO, entry: Input) -> Part:
        data = stream.read(LONGEST_ROW + 1)
        fault = text_fault(data)
        if fault is not None:
            return Part(self._empty(), (), (fault.reject(entry.source, row=1),))
        return Part(self._declared([data.decode()], entry, {}), (Place(entry.source, 1),), ())

    def _json(self, stream: BinaryIO, entry: Input, piece: Piece) -> Iterator[Part]:
        rows: list[tuple[int, jsonl.Cells]] = []
        rejects: list[Reject] = []
        size = 0
        for line in _lines_of(stream, piece):
            cells = jsonl.take_apart(line.data, start=line.start)
            if cells is None:
                continue
            fault = cells if isinstance(cells, Fault) else jsonl.text_fault(cells, column=self.plan.layout.text_column)
            if fault is not None:
                rejects.append(fault.reject(entry.source, row=line.number))
                continue
            assert not isinstance(cells, Fault)
            if rows and (len(rows) == BATCH_ROWS or size + line.size > BATCH_BYTES):
                yield self._json_part(rows, rejects, entry)
                rows, rejects, size = [], [], 0
            rows.append((line.number, cells))
            size += line.size
        yield self._json_part(rows, rejects, entry)

    def _json_part(self, rows: Sequence[tuple[int, jsonl.Cells]], rejects: Sequence[Reject], entry: Input) -> Part:
        names = {name: name for _, cells in rows for name in cells}
        user = self._names(names, entry)
        try:
            columns = {
                column.name: _cells(rows, user[column.name], column) if column.name in user else None
                for column in self.plan.columns
            }
            if entry.ours:
                ours = {
                    name: from_json([cells[name].value for _, cells in rows], SCHEMA.field(name).type)
                    for name in OUR_COLUMNS
                }
                batch = self._batch(ours, columns, count=len(rows))
            else:
                batch = self._declared([cells[self.plan.layout.text_column].value for _, cells in rows], entry, columns)
        except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
            raise changed(entry) from error
        return Part(batch, tuple(Place(entry.source, number) for number, _ in rows), tuple(rejects))

    def _table(self, table: tables.Table, entry: Input, piece: Piece) -> Iterator[Part]:
        column = self.plan.layout.text_column
        for first, batch in tables.batches(table, source=entry.source, start=piece.start, stop=piece.stop):
            texts = tables.as_text(batch.column(column))
            faults = tables.row_faults(batch, texts=texts, column=column)
            bad = [row for row, fault in enumerate(faults) if fault is not None]
            rejects = [
                fault.reject(entry.source, row=first + row + 1) for row, fault in enumerate(faults) if fault is not None
            ]
            good = tables.without(bad, batch)
            places = [Place(entry.source, first + row + 1) for row, fault in enumerate(faults) if fault is None]
            yield from _by_size(Part(self._from_table(good, entry), tuple(places), tuple(rejects)))

    def _from_table(self, batch: pa.RecordBatch, entry: Input) -> pa.RecordBatch:
        user = self._names({name: name for name in batch.schema.names}, entry)
        columns = {
            column.name: _as(batch.column(user[column.name]), column.type) if column.name in user else None
            for column in self.plan.columns
        }
        if not entry.ours:
            texts = tables.as_text(batch.column(self.plan.layout.text_column))
            return self._declared(texts.to_pylist(), entry, columns)
        ours = carried(batch)
        if ours is None:
            raise changed(entry)
        return self._batch(ours, columns, count=len(batch))

    def _names(self, names: Mapping[str, str], entry: Input) -> dict[str, str]:
        """For each column of the user's in the corpus, its name in the file."""
        pairs = ((name_in_corpus(name, layout=self.plan.layout, ours=entry.ours), name) for name in names)
        return {in_corpus: name for in_corpus, name in pairs if in_corpus is not None}

    def _declared(self, texts: Sequence[str], entry: Input, columns: Mapping[str, pa.Array | None]) -> pa.RecordBatch:
        source = None if entry.format is Format.MEMORY else entry.source
        ours = declare(texts, origin=entry.declared or self.plan.layout.origin, source=source)
        return self._batch(ours, columns, count=len(texts))

    def _batch(
        self, ours: Mapping[str, pa.Array], columns: Mapping[str, pa.Array | None], *, count: int
    ) -> pa.RecordBatch:
        user = []
        for column in self.plan.columns:
            array = columns.get(column.name)
            user.append(pa.nulls(count, column.type) if array is None else array)
        return pa.RecordBatch.from_arrays([*(ours[name] for name in OUR_COLUMNS), *user], schema=self.plan.schema)

    def _empty(self) -> pa.RecordBatch:
        return self._declared([], self.plan.inputs[0], {})


class _Packed:
    """A compressed input that stands at some unpacked byte and can only go forward."""

    def __init__(self, number: int, entry: Input) -> None:
        self.input = number
        self.position = 0
        counted = Counted(open_address(entry.address))
        self.stream = unpacked(counted, packing=entry.packing, source=entry.source)

    def skip_to(self, start: int) -> None:
        while self.position < start:
            self.position += len(self.stream.read(min(1 << 20, start - self.position))) or start


def _lines_of(stream: BinaryIO, piece: Piece) -> Iterator[Line]:
    for line in lines(stream, start=piece.start, number=piece.row):
        yield line
        if line.start + line.size >= piece.stop:
            return


def _cells(rows: Sequence[tuple[int, jsonl.Cells]], name: str, column: pa.Field) -> pa.Array:
    cells = [cells.get(name) for _, cells in rows]
    if not is_json(column.type):
        return from_json([None if cell is None else cell.value for cell in cells], column.type)
    explicit = leaves_out_nulls(column)
    texts = [None if cell is None or (cell.value is None and not explicit) else cell.raw for cell in cells]
    return from_json(texts, column.type)


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column in the type that it has in the corpus; differs from its own only where a file has nothing but nulls."""
    return array if array.type.equals(kind) else pa.nulls(len(array), kind)


def _by_size(part: Part) -> Iterator[Part]:
    """The part, cut where its texts fill a batch."""
    cuts, size = [0], 0
    for row, text_bytes in enumerate(tables.sizes(part.batch.column("text"))):
        if size and size + text_bytes > BATCH_BYTES:
            cuts.append(row)
            size = 0
        size += text_bytes
    cuts.append(len(part.batch))
    for start, stop in pairwise(cuts):
        rejects = part.rejects if start == 0 else ()
        yield Part(part.batch.slice(start, stop - start), part.places[start:stop], rejects)


def _fit(held: Sequence[Part], part: Part) -> bool:
    rows = sum(len(other.places) for other in held) + len(part.places)
    size = sum(_text_bytes(other.batch) for other in held) + _text_bytes(part.batch)
    return rows <= BATCH_ROWS and size <= BATCH_BYTES


def _text_bytes(batch: pa.RecordBatch) -> int:
    return sum(tables.sizes(batch.column("text")))


def _joined(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    return Part(
        pa.concat_batches([part.batch for part in parts]),
        tuple(place for part in parts for place in part.places),
        tuple(reject for part in parts for reject in part.rejects),
    )


def check_unchanged(entry: Input) -> None:
    """Nothing; raises where a local file is gone or was touched since the plan was made."""
    if entry.modified is None:
        return
    try:
        now: Any = modified(entry.address)
    except OSError:
        now = None
    if now != entry.modified:
        raise changed(entry)


def changed(entry: Input) -> InputError:
    """The error that says that an input is not what it was."""
    return InputError(
        f"{entry.source} was changed while it was being read",
        hint="What is committed stays. Start again with the file as it was, or into another folder.",
    )
