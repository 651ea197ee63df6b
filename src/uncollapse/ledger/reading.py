"""The rows of one file of a corpus, read without trusting it: what cannot be read is a finding and not an end."""

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora import jsonl, tables
from uncollapse.corpora.faults import Fault
from uncollapse.corpora.opening import lines
from uncollapse.corpora.records import members, record_digests
from uncollapse.corpora.values import from_json
from uncollapse.document import OUR_COLUMNS, SCHEMA
from uncollapse.errors import InputError
from uncollapse.fingerprint import ID_BYTES
from uncollapse.ledger.findings import Findings

# Our columns as they are checked: names of origins and not numbers, as a file may hold a name that is none.
FORM = pa.schema([field.with_type(pa.string()) if field.name == "origin" else field for field in SCHEMA])
_LINES = 64


class Rows(NamedTuple):
    """Some rows: the number of the first in its file, from 0, our columns, and the digest of each whole record.

    Where rows between could not be read, `numbers` has those of the ones that could.
    """

    numbers: Sequence[int]
    batch: pa.RecordBatch
    records: Sequence[bytes]


def read_rows(path: Path, *, form: str, schema: pa.Schema, findings: Findings) -> Iterator[Rows]:
    """The rows of a file, in order."""
    try:
        yield from _from_parquet(path, schema, findings) if form == "parquet" else _from_lines(path, findings)
    except (InputError, OSError) as error:
        findings.add("shard", path.name, found=str(error), expected="a file that can be read to its end")


def _from_parquet(path: Path, schema: pa.Schema, findings: Findings) -> Iterator[Rows]:
    with path.open("rb") as opened:
        file = tables.open_parquet(opened, source=path.name)
        with tables.parquet_errors(path.name):
            found = file.schema_arrow
        findings.checked["schema"] += 1
        if not found.equals(schema):
            findings.add("schema", path.name, found=_told(found, schema), expected=_told(schema, found))
            return
        for first, batch in tables.batches(file, source=path.name):
            own = _in_form(batch)
            if own is None:
                findings.add("row", path.name, row=first + 1, found="a null or broken text", expected="our columns")
                continue
            records = record_digests(members(batch), count=len(batch))
            yield Rows(range(first, first + len(batch)), own, records)


def _told(schema: pa.Schema, other: pa.Schema) -> str:
    """The columns of a schema in which it differs from another."""
    same = [name for name in schema.names if name in other.names and schema.field(name).equals(other.field(name))]
    return ", ".join(f"{field.name} {field.type}" for field in schema if field.name not in same) or "other columns too"


def _in_form(batch: pa.RecordBatch) -> pa.RecordBatch | None:
    """Our columns of a batch; None where they are not ours or a text in them is no text."""
    try:
        batch.validate(full=True)
        return batch.select(OUR_COLUMNS).cast(FORM)
    except (pa.ArrowException, KeyError, ValueError, UnicodeDecodeError):
        return None


def _from_lines(path: Path, findings: Findings) -> Iterator[Rows]:
    held: list[tuple[int, jsonl.Cells]] = []
    with path.open("rb") as opened:
        for line in lines(opened):
            cells = jsonl.take_apart(line.data, start=line.start)
            if isinstance(cells, Fault):
                findings.add("row", path.name, row=line.number, found=f"{cells.flaw} {cells.detail}", expected="JSON")
            elif cells is not None:
                held.append((line.number - 1, cells))
            if len(held) == _LINES:
                yield from _together(held, path, findings)
                held = []
    yield from _together(held, path, findings)


def _together(held: Sequence[tuple[int, jsonl.Cells]], path: Path, findings: Findings) -> Iterator[Rows]:
    """The rows that can be ours; a row that cannot makes the others no worse."""
    if not held:
        return
    batch = _columns([cells for _, cells in held])
    if batch is not None:
        yield Rows([number for number, _ in held], batch, [_record(cells) for _, cells in held])
    elif len(held) > 1:
        for row in held:
            yield from _together([row], path, findings)
    else:
        expected = "our columns with values of their types"
        findings.add("row", path.name, row=held[0][0] + 1, found="another form", expected=expected)


def _columns(rows: Sequence[jsonl.Cells]) -> pa.RecordBatch | None:
    try:
        arrays = [from_json([cells[name].value for cells in rows], FORM.field(name).type) for name in OUR_COLUMNS]
        return _in_form(pa.RecordBatch.from_arrays(arrays, schema=FORM))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException):
        return None


def _record(cells: jsonl.Cells) -> bytes:
    """The digest of a row as `corpora.records` takes it: of the JSON object with its keys in order."""
    keyed = sorted((f"{encode_basestring(name)}:".encode(), cell.raw.encode()) for name, cell in cells.items())
    return blake3(b"{" + b",".join(key + raw for key, raw in keyed) + b"}").digest(length=ID_BYTES)
