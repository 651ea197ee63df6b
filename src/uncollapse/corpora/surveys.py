"""The first reading of one file of each format: every row is tried, every value's kind noted, every cut offered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from uncollapse.corpora import jsonl, tables
from uncollapse.corpora.claims import can_carry, carried, row_claims_hold
from uncollapse.corpora.columns import FileColumns, missing_column
from uncollapse.corpora.cuts import Cuts
from uncollapse.corpora.faults import Fault, Flaw, as_error
from uncollapse.corpora.kinds import Kinds
from uncollapse.corpora.opening import LONGEST_ROW, Line, lines
from uncollapse.corpora.plan import Layout
from uncollapse.errors import ColumnClash, InputError, TooManyRejects
from uncollapse.step import Reject


@dataclass
class Survey:
    """What is common to all files: the columns that are asked for, where to cut, and how many rows may be bad."""

    layout: Layout
    cuts: Cuts
    max_rejects: int
    broken: int = 0

    def reject(self, reject: Reject, *, unit: str) -> None:
        """Count a row that cannot be read.

        Raises:
            BrokenRow: no such rows are allowed.
            TooManyRejects: there are more than are allowed.
        """
        self.broken += 1
        if self.max_rejects == 0:
            raise as_error(reject, unit=unit)
        if self.broken > self.max_rejects:
            last = as_error(reject, unit=unit)
            raise TooManyRejects(
                f"more than {self.max_rejects} rows cannot be read; the last: {last}", hint=f"{last.hint}"
            )


@dataclass(frozen=True)
class Look:
    """What the first reading of one file found; `columns` is None where not one row could be read.

    `blank` says that a plain text has not one byte, inside of its packing.
    """

    rows: int
    columns: FileColumns | None
    kinds: Kinds | None = None
    blank: bool = False

    @property
    def ours(self) -> bool:
        """Whether its rows bring true provenance columns."""
        return self.columns is not None and self.columns.ours


def look_at_text(survey: Survey, stream: BinaryIO, *, source: str, number: int) -> Look:
    """The look at a plain text, which is one row whatever its lines; a file of no bytes is an empty text."""
    if survey.layout.prompt_column:
        raise missing_column(survey.layout.prompt_column, source=source, names=["text"])
    data = stream.read(LONGEST_ROW + 1)
    fault = text_fault(data)
    if fault:
        survey.reject(fault.reject(source, row=1), unit="document")
    survey.cuts.row(file=number, start=0, stop=len(data), number=1, text_bytes=len(data))
    text = pa.field(survey.layout.text_column, pa.string())
    return Look(1, FileColumns(source, [text], ours=False), blank=not data)


def text_fault(data: bytes) -> Fault | None:
    """What is wrong with the bytes of a plain text, if anything."""
    if len(data) > LONGEST_ROW:
        return Fault(Flaw.TOO_LONG)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        also = ", the file looks like UTF-16" if data.startswith(jsonl.UTF16_MARKS) else ""
        return Fault(Flaw.UTF8, f"byte {data[error.start]:#04x} at byte {error.start} of the file{also}")
    return None


def look_at_json(survey: Survey, stream: BinaryIO, *, source: str, number: int) -> Look:
    """The look at a file of JSON lines."""
    look = _JsonLook(survey, source, number)
    for line in lines(stream):
        look.line(line)
    return look.result()


@dataclass
class _JsonLook:
    survey: Survey
    source: str
    number: int
    kinds: Kinds = field(default_factory=Kinds)
    rows: int = 0
    ours: bool = True
    names: Sequence[str] = ()

    def line(self, line: Line) -> None:
        if self.rows == 0 and _begins_an_array(line):
            raise InputError(
                f"{self.source} holds one JSON array, not JSON lines",
                hint=f"Put one object on each line: jq -c '.[]' {self.source} > lines.jsonl",
            )
        cells = jsonl.take_apart(line.data, start=line.start)
        if cells is None:
            return
        self.rows += 1
        size = 0
        if isinstance(cells, Fault):
            self.survey.reject(cells.reject(self.source, row=line.number), unit="line")
        else:
            size = self._object(cells, line)
        stop = line.start + line.size
        self.survey.cuts.row(file=self.number, start=line.start, stop=stop, number=line.number, text_bytes=size)

    def _object(self, cells: jsonl.Cells, line: Line) -> int:
        column = self.survey.layout.text_column
        self.names = self.names or list(cells)
        fault = jsonl.text_fault(cells, column=column)
        if fault is None:
            self.ours = self.ours and column == "text" and row_claims_hold(cells)
            self.kinds.row(cells, source=self.source)
            return len(cells[column].value.encode())
        if column not in cells and self.kinds.rows == 0 and self.survey.max_rejects == 0:
            raise missing_column(column, source=f"{self.source}, line {line.number}", names=cells)
        self.survey.reject(fault.reject(self.source, row=line.number), unit="line")
        return 0

    def result(self) -> Look:
        layout = self.survey.layout
        if not self.kinds.rows:
            if self.names and layout.text_column not in self.names:
                raise missing_column(layout.text_column, source=self.source, names=self.names)
            return Look(self.rows, None)
        fields = self.kinds.fields(prompt_column=layout.prompt_column)
        columns = FileColumns(self.source, fields, ours=self.ours, from_json=True)
        return Look(self.rows, columns, self.kinds)


def _begins_an_array(line: Line) -> bool:
    return line.data is not None and line.data.removeprefix(jsonl.BYTE_ORDER_MARK).lstrip()[:1] == b"["


def look_at_table(survey: Survey, table: tables.Table, *, source: str, number: int) -> Look:
    """The look at a Parquet file or at a table in memory."""
    with tables.parquet_errors(source):
        schema = table.schema if isinstance(table, pa.Table) else table.schema_arrow
    column = survey.layout.text_column
    _check_schema(schema, column=column, source=source)
    ours = column == "text" and can_carry(schema)
    rows = 0
    for first, batch in tables.batches(table, source=source):
        texts = tables.as_text(batch.column(column))
        faults = tables.row_faults(batch, texts=texts, column=column)
        bad = [row for row, fault in enumerate(faults) if fault is not None]
        for row in bad:
            fault = faults[row]
            assert fault is not None
            survey.reject(fault.reject(source, row=first + row + 1), unit="row")
        ours = ours and carried(tables.without(bad, batch)) is not None
        for row, size in enumerate(tables.sizes(texts), start=first):
            survey.cuts.row(file=number, start=row, stop=row + 1, number=row + 1, text_bytes=size)
        rows += len(batch)
    return Look(rows, FileColumns(source, list(schema), ours=ours and rows > 0))


def _check_schema(schema: pa.Schema, *, column: str, source: str) -> None:
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise InputError(f"{source} has two columns called {twice[0]!r}", hint="Rename one of them.")
    if column not in schema.names:
        raise missing_column(column, source=source, names=schema.names)
    if not tables.is_text(schema.field(column).type):
        raise ColumnClash(
            f"{source}: the column {column!r} has type {schema.field(column).type}, texts are strings",
            hint="Name another one: --text-column.",
        )
