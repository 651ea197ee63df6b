"""Whole rows as JSON: the lines of a JSON-lines file, and the digests that are the same whatever the file's format."""

from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora.values import json_texts, leaves_out_nulls
from uncollapse.fingerprint import ID_BYTES


class Member(NamedTuple):
    """One column of some rows as JSON texts, with the key and its colon; None where a row leaves the key out."""

    key: str
    texts: Sequence[str | None]


def members(batch: pa.RecordBatch) -> list[Member]:
    """The columns of a batch as JSON texts."""
    result = []
    for column, array in zip(batch.schema, batch.columns, strict=True):
        texts: Sequence[str | None] = json_texts(array)
        if leaves_out_nulls(column):
            pairs = zip(texts, array.is_valid().to_pylist(), strict=True)
            texts = [text if there else None for text, there in pairs]
        result.append(Member(f"{encode_basestring(column.name)}:", texts))
    return result


def objects(columns: Sequence[Member], *, count: int) -> list[str]:
    """The rows as JSON objects without spaces, with their keys in the order of the columns."""
    keyed = [[None if text is None else column.key + text for text in column.texts] for column in columns]
    rows = zip(*keyed, strict=True) if keyed else iter([()] * count)
    return ["{" + ",".join(cell for cell in row if cell is not None) + "}" for row in rows]


def record_digests(columns: Sequence[Member], *, count: int) -> list[bytes]:
    """For each row the 128-bit BLAKE3 digest of its JSON object with the keys in the order of their UTF-8 bytes."""
    rows = objects(sorted(columns, key=lambda column: column.key.encode()), count=count)
    return [blake3(row.encode()).digest(length=ID_BYTES) for row in rows]
