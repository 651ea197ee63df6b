"""The ledger's rows on the disk: one for each row of an output, read back by position where it is an input again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.corpora.opening import Counted, open_address
from uncollapse.corpora.plan import LedgerPlace
from uncollapse.corpora.storage import Sink
from uncollapse.corpora.tables import parquet_errors
from uncollapse.errors import InputError, MissingInput
from uncollapse.provenance.origin import SIDECAR

NAME = "ledger.parquet"
"""In a folder; beside a single file it bears that file's name and this one."""

GROUP_ROWS = 1 << 17
"""Rows of a row group; fixed, so that the file's bytes follow from the rows alone."""


def part_bytes(batches: Iterable[pa.RecordBatch], schema: pa.Schema = SIDECAR) -> bytes:
    """The rows of one shard as they lie beside its receipt: an Arrow stream, cut as a ledger is."""
    sink = pa.BufferOutputStream()
    table = pa.Table.from_batches(list(batches), schema=schema).combine_chunks()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(table, max_chunksize=GROUP_ROWS)
    return sink.getvalue().to_pybytes()


def part_rows(path: Path) -> pa.RecordBatch:
    """The rows that `part_bytes` made."""
    with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
        table = stream.read_all().combine_chunks()
    return table.to_batches()[0] if len(table) else _nothing()


def write_joined(parts: Iterable[Path], sink: Sink) -> None:
    """Nothing; the rows of all parts, in their order, are written as one Parquet file, whatever the parts were."""
    writer = pq.ParquetWriter(
        sink,
        SIDECAR,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in SIDECAR.names if name != "norm_hash"],
        write_page_checksum=True,
    )
    for table in _groups(parts):
        writer.write_table(table, row_group_size=GROUP_ROWS)
    writer.close()


def _groups(parts: Iterable[Path]) -> Iterator[pa.Table]:
    """The rows in tables of `GROUP_ROWS`, the last one shorter."""
    held: list[pa.Table] = []
    rows = 0
    for part in parts:
        with part.open("rb") as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                held.append(pa.Table.from_batches([batch]))
                rows += len(batch)
                while rows >= GROUP_ROWS:
                    table = pa.concat_tables(held)
                    yield table.slice(0, GROUP_ROWS).unify_dictionaries()
                    held, rows = [table.slice(GROUP_ROWS)], rows - GROUP_ROWS
    if rows:
        yield pa.concat_tables(held).unify_dictionaries()


def check(place: LedgerPlace, *, source: str) -> None:
    """Nothing; raises where a ledger is not the one that the manifest beside it lists.

    Raises:
        MissingInput: it is not there.
        InputError: it was changed.
    """
    try:
        with open_address(place.address) as opened:
            digest = Counted(opened, digest=True).finish()
    except OSError as error:
        raise MissingInput(
            f"the ledger of {source} is listed in its manifest and cannot be read: {error.strerror or error}",
            hint="Restore it, or make the output again.",
        ) from error
    if digest != place.blake3:
        raise InputError(
            f"the ledger of {source} is not the file that its manifest lists",
            hint="It was changed after it was written: restore it; uncollapse verify says more.",
        )


class SidecarReader:
    """Rows of a ledger by their numbers; the row group that was read last is kept, as rows come in order."""

    def __init__(self, address: str) -> None:
        self._address = address
        with self._opened() as file:
            groups = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
        self._starts = list(accumulate(groups, initial=0))
        self._held: tuple[int, Any] | None = None

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        with open_address(self._address) as opened, parquet_errors(self._address):
            yield pq.ParquetFile(opened, pre_buffer=False, page_checksum_verification=True)

    @property
    def rows(self) -> int:
        """How many rows the ledger has."""
        return self._starts[-1]

    def take(self, rows: list[int]) -> pa.RecordBatch:
        """The rows with these numbers, which ascend.

        Raises:
            InputError: the ledger has fewer rows, or other columns.
        """
        if rows and rows[-1] >= self.rows:
            raise InputError(
                f"{self._address} ends at row {self.rows:,}, and row {rows[-1] + 1:,} is asked for",
                hint="The ledger does not belong to these documents: uncollapse verify says more.",
            )
        if not rows:
            return _nothing()
        numbers = np.asarray(rows)
        groups = np.searchsorted(self._starts, numbers, side="right") - 1
        pieces = [
            self._group(index).take(pa.array(numbers[groups == index] - self._starts[index]))
            for index in np.unique(groups).tolist()
        ]
        return pa.concat_tables(pieces).unify_dictionaries().combine_chunks().to_batches()[0]

    def column(self, name: str, first: int, count: int) -> pa.ChunkedArray:
        """One column for rows that follow one another."""
        with self._opened() as file:
            return file.read(columns=[name], use_threads=False).column(name).slice(first, count)

    def _group(self, index: int) -> pa.Table:
        if self._held is None or self._held[0] != index:
            with self._opened() as file:
                table = file.read_row_group(index, use_threads=False)
            self._held = index, _in_form(table, source=self._address)
        return self._held[1]


def _nothing() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in SIDECAR], schema=SIDECAR)


def _in_form(table: pa.Table, *, source: str) -> pa.Table:
    try:
        return table.select(SIDECAR.names).cast(SIDECAR)
    except (KeyError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{source} is no ledger: {error}", hint="Restore it, or make the output again.") from error
