"""What stands beside an output and vouches for it: read here where an output is an input again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import isfinite
from typing import Any

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora.opening import open_address
from uncollapse.corpora.plan import schema_from_text
from uncollapse.errors import InputError
from uncollapse.fingerprint import Json, canonical_json

_EXACT = 2**53 - 1

VERSION = 1
"""Of the manifest's own form."""


def seal_of(content: Mapping[str, Any]) -> str:
    """The BLAKE3 of a manifest's canonical JSON without its seal: what tells one manifest from another."""
    return blake3(canonical({name: value for name, value in content.items() if name != "seal"})).hexdigest()


def canonical(content: Mapping[str, Any]) -> bytes:
    """The canonical JSON of a manifest; numbers that have none there stand as text.

    Source: RFC 8785, whose numbers are doubles: integers beyond 2^53, such as counts of a very large run, are none.
    """
    return canonical_json(_as_doubles(content))


def _as_doubles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_doubles(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_doubles(inner) for inner in value]
    beyond = (isinstance(value, int) and abs(value) > _EXACT) or (isinstance(value, float) and not isfinite(value))
    return str(value) if beyond else value


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with its seal."""
    # As it will be read back: tuples as lists, keys as strings.
    return {**content, "seal": seal_of(json.loads(json.dumps(content)))}


@dataclass(frozen=True, slots=True)
class Ledger:
    """A manifest as a reader needs it: what its files should hold, their schema, and the recipes that made them.

    `digests` gives the BLAKE3 of each file by name and `firsts` the number of its first row in the corpus; `single`
    says that the manifest lies beside one file, not in a folder of its own. `rows` is the file with one row of the
    ledger for each row of the corpus, and its digest; None where the manifest is older than such files. `roots`
    are those over contents and records.
    """

    digests: Mapping[str, str]
    schema: pa.Schema
    recipes: Mapping[str, Json]
    single: bool
    firsts: Mapping[str, int]
    rows: tuple[str, str] | None
    where: str = field(compare=False)
    roots: Mapping[str, str] = field(default_factory=dict)


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
    counts = [int(shard["rows"]) for shard in content["shards"]]
    entry = content.get("ledger")
    rows = None if entry is None else (str(entry["name"]), str(entry["blake3"]))
    if any("/" in name or name.startswith(".") for name in [*digests, *(rows or ())[:1]]):
        raise ValueError("a shard outside of the folder")
    return Ledger(
        digests=digests,
        schema=schema_from_text(content["schema"]),
        recipes=dict(content["recipes"]),
        single=content["output"] == "file",
        firsts=dict(zip(digests, accumulate([0, *counts]), strict=False)),
        rows=rows,
        where=where,
        roots={str(name): str(value) for name, value in content["roots"].items()},
    )
