"""Arrow values as JSON text and back, exactly, type by type.

Dates and times are written as ISO 8601, where that gives them back exactly, else as counts of their unit; durations as
counts; binary as base64; decimals as strings; maps as lists of pairs; a column of JSON as it is. Not every Arrow type
can be written: `unwritable` says which cannot.
"""

import base64
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

ABSENT = b"uncollapse.absent"
"""Metadata of a column whose nulls stand for keys that a row of JSON leaves out."""


def is_json(kind: pa.DataType) -> bool:
    """Whether a type is the canonical JSON extension type."""
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.json"


def leaves_out_nulls(column: pa.Field) -> bool:
    """Whether a row whose cell is null is to be written without the key."""
    return ABSENT in (column.metadata or {})


def json_texts(array: pa.Array) -> list[str]:
    """The JSON text of each value; `null` for a null.

    Raises:
        ValueError: a value of a JSON column is no JSON.
    """
    kind = array.type
    if is_json(kind):
        return [_own_json(value) for value in array.storage.to_pylist()]
    if isinstance(kind, pa.BaseExtensionType):
        return json_texts(array.storage)
    return _writer(kind)(array)


def _own_json(text: str | None) -> str:
    if text is None:
        return "null"
    json.loads(text, parse_int=str, parse_float=str)
    # Outside of strings a line end is white space; inside of them JSON has none.
    return text.replace("\r", " ").replace("\n", " ")


def _writer(kind: pa.DataType) -> Callable[[pa.Array], list[str]]:
    for applies, write in _WRITERS:
        if applies(kind):
            return write
    raise TypeError(f"no JSON for {kind}")


def unwritable(kind: pa.DataType) -> bool:
    """Whether a type has no exact form in JSON here: unions, run-end encoding, calendar intervals, list views."""
    if isinstance(kind, pa.BaseExtensionType):
        return not is_json(kind) and unwritable(kind.storage_type)
    if not any(applies(kind) for applies, _ in _WRITERS):
        return True
    if pt.is_dictionary(kind):
        return unwritable(kind.value_type)
    return any(unwritable(kind.field(index).type) for index in range(kind.num_fields))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind) or pt.is_fixed_size_binary(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def _write_strings(array: pa.Array) -> list[str]:
    return ["null" if value is None else encode_basestring(value) for value in array.to_pylist()]


def _write_plain(array: pa.Array) -> list[str]:
    return ["null" if value is None else value for value in array.cast(pa.string()).to_pylist()]


def _write_floats(array: pa.Array) -> list[str]:
    return [json.dumps(value) for value in array.cast(pa.float64()).to_pylist()]


def _write_binary(array: pa.Array) -> list[str]:
    return ["null" if value is None else f'"{base64.b64encode(value).decode()}"' for value in array.to_pylist()]


def _write_decimals(array: pa.Array) -> list[str]:
    return ["null" if value is None else f'"{value}"' for value in array.to_pylist()]


def _write_counts(array: pa.Array) -> list[str]:
    return _write_plain(_counts(array))


def _write_times(array: pa.Array) -> list[str]:
    iso = _iso(array)
    counts = _write_counts(array)
    if iso is None:
        return counts
    return [count if text is None else f'"{text}"' for text, count in zip(iso.to_pylist(), counts, strict=True)]


def _write_lists(array: pa.Array) -> list[str]:
    texts = json_texts(_nested(array.flatten()))
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    bounds = pairwise(np.cumsum([0, *lengths]).tolist())
    return [
        f"[{','.join(texts[start:end])}]" if there else "null"
        for there, (start, end) in zip(array.is_valid().to_pylist(), bounds, strict=True)
    ]


def _write_structs(array: pa.Array) -> list[str]:
    names = [encode_basestring(field.name) for field in array.type]
    columns = [json_texts(_nested(column)) for column in array.flatten()]
    rows = zip(*columns, strict=True) if columns else iter([()] * len(array))
    return [
        "{" + ",".join(f"{name}:{text}" for name, text in zip(names, row, strict=True)) + "}" if there else "null"
        for there, row in zip(array.is_valid().to_pylist(), rows, strict=True)
    ]


def _nested(column: pa.Array) -> pa.Array:
    # Inside of other values the text of a JSON value is kept as a string, or it would not come back as it was.
    return column.storage if is_json(column.type) else column


def _write_maps(array: pa.Array) -> list[str]:
    kind = array.type
    pairs = pa.StructArray.from_arrays(
        [array.keys, array.items], fields=[pa.field("k", kind.key_type), pa.field("v", kind.item_type)]
    )
    keys, items = json_texts(_nested(pairs.field(0))), json_texts(_nested(pairs.field(1)))
    base = array.offsets[0].as_py()
    ends = (array.offsets.to_numpy() - base).tolist()
    return [
        "[" + ",".join(f"[{keys[at]},{items[at]}]" for at in range(start, end)) + "]" if there else "null"
        for there, start, end in zip(array.is_valid().to_pylist(), ends[:-1], ends[1:], strict=True)
    ]


def _write_dictionaries(array: pa.Array) -> list[str]:
    words = json_texts(array.dictionary)
    return ["null" if index is None else words[index] for index in array.indices.to_pylist()]


_WRITERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[str]]], ...] = (
    (_is_string, _write_strings),
    (lambda kind: pt.is_integer(kind) or pt.is_boolean(kind), _write_plain),
    (pt.is_floating, _write_floats),
    (pt.is_null, lambda array: ["null"] * len(array)),
    (_is_list, _write_lists),
    (pt.is_struct, _write_structs),
    (pt.is_dictionary, _write_dictionaries),
    (_is_binary, _write_binary),
    (pt.is_decimal, _write_decimals),
    (pt.is_duration, _write_counts),
    (lambda kind: pt.is_temporal(kind) and not pt.is_interval(kind), _write_times),
    (pt.is_map, _write_maps),
)


def _counts(array: pa.Array) -> pa.Array:
    return array.view(_count_type(array.type)).cast(pa.int64())


def _count_type(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if kind.bit_width == 32 else pa.int64()


def _naive(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit) if pt.is_timestamp(kind) else kind


def _iso(array: pa.Array) -> pa.Array | None:
    """Each time as ISO 8601, null where that would not give it back; None where Arrow has no such text at all."""
    naive = array.view(_naive(array.type))
    try:
        texts = naive.cast(pa.string())
        same = pc.equal(_parsed(texts, naive.type), naive)
    except pa.ArrowInvalid:
        return None
    if pt.is_timestamp(array.type):
        texts = pc.replace_substring(texts, " ", "T", max_replacements=1)
        if array.type.tz is not None:
            texts = pc.binary_join_element_wise(texts, "Z", "")
    return pc.if_else(same, texts, pa.scalar(None, pa.string()))


def _parsed(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Times out of ISO 8601 without a zone."""
    if not pt.is_time(kind):
        return texts.cast(kind)
    # Arrow reads no time by itself, but a time on the first day of its calendar.
    moments = pc.binary_join_element_wise("1970-01-01", texts, "T").cast(pa.timestamp(kind.unit))
    return moments.cast(pa.int64()).cast(_count_type(kind)).view(kind)


def from_json(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Arrow values from what `json.loads` made of `json_texts`; JSON columns take the text itself.

    Raises:
        pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError: a value is not one of this type.
    """
    for applies, read in _READERS:
        if applies(kind):
            return read(values, kind)
    return pa.array(values, kind)


def _read_extensions(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return kind.wrap_array(from_json(values, kind.storage_type))


def _read_dictionaries(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return from_json(values, kind.value_type).dictionary_encode().cast(kind)


def _read_integers(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    # Arrow would cut 1.5 down to 1 without a word.
    if not all(value is None or type(value) is int for value in values):
        raise TypeError("not all values are integers")
    return pa.array(values, kind)


def _read_binary(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return pa.array([None if value is None else base64.b64decode(value, validate=True) for value in values], kind)


def _offsets(values: Sequence[Any]) -> Any:
    return np.cumsum([0, *(0 if value is None else len(value) for value in values)])


def _missing(values: Sequence[Any]) -> pa.Array:
    return pa.array([value is None for value in values], pa.bool_())


def _read_lists(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pt.is_fixed_size_list(kind):
        blank = [None] * kind.list_size
        flat = [item for value in values for item in (blank if value is None else value)]
        return pa.FixedSizeListArray.from_arrays(from_json(flat, kind.value_type), type=kind, mask=_missing(values))
    flat = [item for value in values if value is not None for item in value]
    child = from_json(flat, kind.value_type)
    container, width = (pa.LargeListArray, pa.int64()) if pt.is_large_list(kind) else (pa.ListArray, pa.int32())
    return container.from_arrays(pa.array(_offsets(values), width), child, type=kind, mask=_missing(values))


def _read_structs(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    fields = [kind.field(index) for index in range(kind.num_fields)]
    columns = [
        from_json([None if value is None else value.get(field.name) for value in values], field.type)
        for field in fields
    ]
    return pa.StructArray.from_arrays(columns, fields=fields, mask=_missing(values))


def _read_maps(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    pairs = [pair for value in values if value is not None for pair in value]
    keys = from_json([key for key, _ in pairs], kind.key_type)
    items = from_json([item for _, item in pairs], kind.item_type)
    return pa.MapArray.from_arrays(
        pa.array(_offsets(values), pa.int32()), keys, items, type=kind, mask=_missing(values)
    )


def _read_times(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    counts = pa.array([value if isinstance(value, int) else None for value in values], pa.int64())
    direct = counts.cast(_count_type(kind)).view(kind)
    if all(value is None or isinstance(value, int) for value in values):
        return direct
    texts = [value.removesuffix("Z") if isinstance(value, str) else None for value in values]
    naive = _parsed(pa.array(texts, pa.string()), _naive(kind)).view(kind)
    return pc.coalesce(naive, direct)


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Sequence[Any], pa.DataType], pa.Array]], ...] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _read_extensions),
    (pt.is_dictionary, _read_dictionaries),
    (pt.is_integer, _read_integers),
    (_is_list, _read_lists),
    (pt.is_struct, _read_structs),
    (pt.is_map, _read_maps),
    (_is_binary, _read_binary),
    (pt.is_decimal, lambda values, kind: pa.array(values, pa.string()).cast(kind)),
    (pt.is_temporal, _read_times),
    (pt.is_float16, lambda values, kind: pa.array(values, pa.float32()).cast(kind)),
)
