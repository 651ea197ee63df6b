"""The two formats of an output: the same rows always give the same bytes."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.corpora.plan import Format
from uncollapse.corpora.records import Member, objects
from uncollapse.corpora.storage import Sink
from uncollapse.corpora.values import unwritable
from uncollapse.errors import UsageError

# Small enough that what a writer holds is little beside everything else, large enough for readers.
_ROW_GROUP_BYTES = 4 << 20
_PAGE_BYTES = 128 << 10
# A dictionary of values that are all different is only work.
_UNIQUE = ("id", "text")


class JsonLinesWriter:
    """One JSON object on each line."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        del schema
        self._sink = sink

    def write(self, batch: pa.RecordBatch, columns: list[Member]) -> None:
        """Write the lines of a batch."""
        lines = objects(columns, count=len(batch))
        if lines:
            self._sink.write(("\n".join(lines) + "\n").encode())

    def finish(self) -> None:
        """Nothing is left."""


class ParquetWriter:
    """Parquet with zstd, in row groups that are cut by the rows alone."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = parquet_writer(sink, schema)
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0

    def write(self, batch: pa.RecordBatch, columns: list[Member]) -> None:
        """Hold a batch until a row group is full."""
        del columns
        self._held.append(batch)
        self._bytes += batch.nbytes
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        rows = sum(len(batch) for batch in self._held)
        if rows:
            self._writer.write_table(pa.Table.from_batches(self._held, schema=self._schema), row_group_size=rows)
        self._held, self._bytes = [], 0

    def finish(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()


def parquet_writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer whose bytes depend on schema and rows alone."""
    return pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in schema.names if name not in _UNIQUE],
        data_page_size=_PAGE_BYTES,
        write_page_checksum=True,
    )


def row_writer(form: Format, sink: Sink, schema: pa.Schema) -> JsonLinesWriter | ParquetWriter:
    """The writer of a format."""
    return ParquetWriter(sink, schema) if form is Format.PARQUET else JsonLinesWriter(sink, schema)


def check_writable(schema: pa.Schema, *, form: Format) -> None:
    """Nothing; raises where a format cannot hold a column exactly.

    Raises:
        UsageError: names the column.
    """
    for column in schema:
        if unwritable(column.type) or (form is Format.PARQUET and not _parquet_holds(column)):
            raise UsageError(
                f"the column {column.name!r} has type {column.type}, which {form} cannot hold exactly",
                hint="Convert the column or leave it out.",
            )


def _parquet_holds(column: pa.Field) -> bool:
    schema = pa.schema([column])
    try:
        sink = pa.BufferOutputStream()
        with parquet_writer(sink, schema) as writer:
            writer.write_table(schema.empty_table())
        back = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema_arrow
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return bool(back.field(0).type.equals(column.type))
