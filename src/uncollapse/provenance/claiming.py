"""What a file's own columns say against a person having written its rows, where they did not pass for a ledger.

Columns by our names are a ledger where all of them are there and agree with the texts. Where they do not, they are read
as columns of the user's under other names; what they say is then no provenance, but it is no reason to trust either.
"""

import json
from typing import Any

import pyarrow as pa

from uncollapse.document import USERS, Origin

_NOT_HUMAN = {str(origin) for origin in Origin if origin != Origin.HUMAN}


def said_otherwise(batch: pa.RecordBatch) -> list[str]:
    """For each row what its columns say against its being a first text by a person; empty where nothing does."""
    said = [""] * len(batch)
    for name in ("origin", "generation", "parents", "edits"):
        column = f"{USERS}{name}"
        if column in batch.schema.names:
            for row, value in enumerate(batch.column(column).to_pylist()):
                said[row] = said[row] or _against(name, value)
    return said


def _against(name: str, value: Any) -> str:
    """What a value says, where it can only be meant as ours: columns of such names may be about anything."""
    if name in ("parents", "edits") and isinstance(value, str):
        value = _plain(value)
    if name == "origin" and value in _NOT_HUMAN:
        return f"its column origin says {value}"
    if name == "generation" and isinstance(value, int) and value > 0:
        return f"its column generation says {value}"
    if name == "parents" and isinstance(value, list) and value:
        return f"its column parents names {value[0]}"
    if name == "edits" and isinstance(value, list) and value and isinstance(value[0], dict):
        return f"its column edits has {len(value):,}"
    return ""


def _plain(text: str) -> Any:
    """What a cell of JSON holds; None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None
