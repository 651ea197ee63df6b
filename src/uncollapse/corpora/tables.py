"""Rows of Parquet files and of tables in memory, in record batches of bounded size."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from uncollapse.corpora.faults import Fault, Flaw
from uncollapse.corpora.opening import LONGEST_ROW
from uncollapse.errors import InputError

Table: TypeAlias = "pq.ParquetFile | pa.Table"

_BATCH_ROWS = 64
_BATCH_BYTES = 1 << 20


@contextmanager
def parquet_errors(source: str) -> Iterator[None]:
    """Turns whatever the Parquet reader says of a damaged file into one error that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError, OverflowError) as error:
        what = str(error).split("\n")[0][:200]
        raise InputError(
            f"{source} cannot be read as Parquet: {what}",
            hint="The file is cut short or damaged: make or fetch it again.",
        ) from error


def open_parquet(file: BinaryIO, *, source: str) -> pq.ParquetFile:
    """A Parquet file that is read column chunk by column chunk without reading ahead."""
    with parquet_errors(source):
        return pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 16, page_checksum_verification=True)


def batches(
    table: Table, *, source: str, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows from `start` to `stop` in batches, each with the number of its first row, counted from 0.

    Raises:
        InputError: the footer promises other rows than there are, or a page cannot be read.
    """
    stop = table_rows(table) if stop is None else stop
    if isinstance(table, pa.Table):
        at = start
        for batch in table.slice(start, stop - start).to_batches(max_chunksize=_BATCH_ROWS):
            yield at, batch
            at += len(batch)
        return
    with parquet_errors(source):
        yield from _parquet_batches(table, source=source, start=start, stop=stop)


def table_rows(table: Table) -> int:
    """The number of rows that a table says it has."""
    return int(table.metadata.num_rows if isinstance(table, pq.ParquetFile) else table.num_rows)


def _parquet_batches(
    file: pq.ParquetFile, *, source: str, start: int, stop: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    first = 0
    for index in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(index)
        last = first + group.num_rows
        if start < last and first < stop:
            at = first
            for batch in file.iter_batches(_rows_per_batch(group), row_groups=[index], use_threads=False):
                low, high = max(start - at, 0), min(stop - at, len(batch))
                if low < high:
                    yield at + low, batch.slice(low, high - low)
                at += len(batch)
                if at >= stop:
                    break
            if at < min(last, stop):
                raise InputError(
                    f"{source}: its footer promises {group.num_rows:,} rows in group {index}, there are {at - first:,}",
                    hint="The file is damaged: make or fetch it again.",
                )
            pa.default_memory_pool().release_unused()
        first = last


def _rows_per_batch(group: Any) -> int:
    average = int(group.total_byte_size) // max(int(group.num_rows), 1)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(average, 1)))


def text_faults(texts: pa.Array, *, column: str) -> list[Fault | None]:
    """For each value of a text column what is wrong with it, if anything."""
    nothing: list[Fault | None] = [None] * len(texts)
    sizes = pc.binary_length(texts)
    if texts.null_count == 0 and (pc.max(sizes).as_py() or 0) <= LONGEST_ROW and is_valid(texts):
        return nothing
    for row, (size, value) in enumerate(zip(sizes.to_pylist(), texts, strict=True)):
        if size is None:
            nothing[row] = Fault(Flaw.NO_TEXT, f"column {column!r} is null")
        elif size > LONGEST_ROW:
            nothing[row] = Fault(Flaw.TOO_LONG)
        else:
            nothing[row] = _utf8_fault(value.as_buffer().to_pybytes())
    return nothing


def _utf8_fault(data: bytes) -> Fault | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Fault(Flaw.UTF8, f"byte {data[error.start]:#04x} at byte {error.start} of the text")
    return None


def is_valid(array: pa.Array) -> bool:
    """Whether an array is what its type promises, UTF-8 included."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def row_faults(batch: pa.RecordBatch, *, texts: pa.Array, column: str) -> list[Fault | None]:
    """For each row what is wrong with its text or with a cell of another column, if anything."""
    faults = text_faults(texts, column=column)
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name == column or is_valid(array):
            continue
        for row in range(len(batch)):
            if faults[row] is None and not is_valid(pa.concat_arrays([array.slice(row, 1)])):
                faults[row] = Fault(Flaw.UTF8, f"column {name!r}")
    return faults


def as_text(array: pa.Array) -> pa.Array:
    """A text column as large strings, whatever kind of strings it was."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.large_string(), safe=False) if array.type != pa.large_string() else array


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold texts."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def sizes(texts: pa.Array) -> list[int]:
    """The number of bytes of each text, 0 for a null."""
    return pc.binary_length(texts).fill_null(0).to_pylist()


def without(rows: Sequence[int], batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without some of its rows, which are given in ascending order."""
    if not rows:
        return batch
    ends = [*rows, len(batch)]
    starts = [0, *(row + 1 for row in rows)]
    parts = [batch.slice(start, end - start) for start, end in zip(starts, ends, strict=True)]
    return pa.concat_batches(parts)
