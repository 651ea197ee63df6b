"""Whether rows bring their own provenance, and whether it can be true: an id must be the digest of its text."""

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.corpora.jsonl import Cells
from uncollapse.document import OUR_COLUMNS, SCHEMA, Edit, Origin
from uncollapse.fingerprint import content_id

ORIGINS = pa.array([str(origin) for origin in Origin], pa.string())
_GENERATIONS = range(2**15)


def carried(batch: pa.RecordBatch) -> dict[str, pa.Array] | None:
    """Our columns out of a batch that has them, in our types; None if a row of it cannot be ours."""
    if not all(name in batch.schema.names for name in OUR_COLUMNS):
        return None
    try:
        columns = {name: _in_our_type(name, batch.column(name)) for name in OUR_COLUMNS}
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None
    nulls = ("id", "text", "origin", "parents", "edits")
    if any(columns[name].null_count for name in nulls):
        return None
    ids = [content_id(text) for text in columns["text"].to_pylist()]
    return columns if columns["id"].to_pylist() == ids else None


def _in_our_type(name: str, array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if name == "origin":
        return as_origins(array)
    kind = SCHEMA.field(name).type
    return array if array.type.equals(kind) else array.cast(kind)


def as_origins(names: pa.Array) -> pa.Array:
    """Origins as a dictionary array whose dictionary is always the same; null for a name that is none."""
    indices = pc.index_in(names.cast(pa.string()), value_set=ORIGINS).cast(pa.int8())
    return pa.DictionaryArray.from_arrays(indices, ORIGINS)


def can_carry(schema: pa.Schema) -> bool:
    """Whether columns of these types can be our provenance columns."""
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
    return carried(empty) is not None


def row_claims_hold(cells: Cells) -> bool:
    """Whether one row of JSON can be ours; its text is known to be a string."""
    if not all(name in cells for name in OUR_COLUMNS):
        return False
    value = {name: cells[name].value for name in OUR_COLUMNS}
    return (
        value["id"] == content_id(value["text"])
        and value["origin"] in set(Origin)
        and (value["generation"] is None or _is_count(value["generation"]))
        and all(value[name] is None or isinstance(value[name], str) for name in ("recipe", "source"))
        and _are(value["parents"], str)
        and _are(value["edits"], dict)
        and all(tuple(edit) == Edit._fields for edit in value["edits"])
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value in _GENERATIONS


def _are(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)
