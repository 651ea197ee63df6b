"""What stands beside an output and vouches for it: read here where an output is an input again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from uncollapse.corpora.opening import open_address
from uncollapse.corpora.plan import schema_from_text
from uncollapse.errors import InputError
from uncollapse.fingerprint import Json

VERSION = 1
"""Of the manifest's own form."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A manifest as a reader needs it: what its files should hold, their schema, and the recipes that made them.

    `digests` gives the BLAKE3 of each file by name; `single` says that it lies beside one file, not in a folder of
    its own.
    """

    digests: Mapping[str, str]
    schema: pa.Schema
    recipes: Mapping[str, Json]
    single: bool
    where: str = field(compare=False)


def ledger_of(address: str, where: str) -> Ledger | None:
    """The manifest at an address; None if none is there, or if it is another program's.

    Raises:
        InputError: it says that it is ours and cannot be understood.
    """
    try:
        with open_address(address) as file:
            content = json.loads(file.read())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or "uncollapse" not in content:
        return None
    if content.get("format") != VERSION:
        raise InputError(
            f"the manifest of {where} has form {content.get('format')!r}, this version reads {VERSION}",
            hint="It was written by another version of uncollapse: install that one.",
        )
    try:
        return _understood(content, where)
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        raise InputError(
            f"the manifest of {where} is damaged: {type(error).__name__} {error}", hint="Make the output again."
        ) from error


def _understood(content: dict[str, Any], where: str) -> Ledger:
    digests = {str(shard["name"]): str(shard["blake3"]) for shard in content["shards"]}
    if any("/" in name or name.startswith(".") for name in digests):
        raise ValueError("a shard outside of the folder")
    return Ledger(
        digests=digests,
        schema=schema_from_text(content["schema"]),
        recipes=dict(content["recipes"]),
        single=content["output"] == "file",
        where=where,
    )
