"""What will be read, cut into shards: the plan of a run, made once and compared on every later start."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from uncollapse.document import SCHEMA, Origin
from uncollapse.fingerprint import Json, fingerprint


class Format(StrEnum):
    """How rows lie in a file."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    TEXT = "text"
    MEMORY = "memory"


class Packing(StrEnum):
    """How a file's bytes are compressed as a whole."""

    NONE = "none"
    GZIP = "gz"
    ZSTD = "zst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the columns of the input become the columns of a corpus."""

    origin: Origin = Origin.HUMAN
    text_column: str = "text"
    prompt_column: str | None = None
    rename: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The layout as it stands in a plan."""
        return {
            "origin": str(self.origin),
            "text_column": self.text_column,
            "prompt_column": self.prompt_column,
            "rename": dict(sorted(self.rename.items())),
        }


class LedgerPlace(NamedTuple):
    """Where a file's rows stand in the ledger of its corpus: address, digest, and the number, from 0, of the first."""

    address: str
    blake3: str
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One file of the input, or one table in memory.

    `source` is its address without credentials, `address` the one that is opened and is never written down.
    `ours` says that its rows bring the provenance columns with them, `vouched` that a manifest lists the file, and
    `ledger` where its rows stand in the ledger of that corpus. `declared` is the origin that was declared for this
    input, where it is not the layout's, and `turn` counts how often its rows are taken, from 1. `modified` is a local
    file's time of last change in nanoseconds, looked at again before each shard is read.
    """

    source: str
    format: Format
    packing: Packing
    bytes: int
    blake3: str
    rows: int
    ours: bool
    address: str = field(repr=False, compare=False)
    modified: int | None = field(default=None, repr=False, compare=False)
    vouched: bool = False
    ledger: LedgerPlace | None = None
    declared: Origin | None = None
    turn: int = 1

    def as_json(self) -> dict[str, Json]:
        """The input as it stands in a plan."""
        return {
            "source": self.source,
            "format": str(self.format),
            "packing": str(self.packing),
            "bytes": self.bytes,
            "blake3": self.blake3,
            "rows": self.rows,
            "provenance": "carried" if self.ours else "declared",
            **({} if self.ledger is None else {"ledger": self.ledger.blake3}),
            **({} if self.declared is None or self.ours else {"declared": str(self.declared)}),
            **({} if self.turn == 1 else {"turn": self.turn}),
        }


class Piece(NamedTuple):
    """A stretch of one input: unpacked bytes of a JSON-lines file, rows of a table, a text file as a whole.

    `row` is the number of the first row in its file, from 1 (for JSON lines: the line), `rows` how many rows there are.
    """

    input: int
    start: int
    stop: int
    row: int
    rows: int


@dataclass(frozen=True, slots=True)
class Shard:
    """What is read, worked on and committed as one: about the same amount of text in each."""

    index: int
    pieces: tuple[Piece, ...]
    text_bytes: int

    @property
    def rows(self) -> int:
        """The number of rows, readable or not."""
        return sum(piece.rows for piece in self.pieces)


class Notice(NamedTuple):
    """Something that was decided about the input and that its owner should know."""

    what: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Inputs, shards and columns of one run.

    `columns` is the schema of the user's own columns as they stand in the corpus. `broken_rows` counts the rows that
    the planning pass could not read. `recipes` holds the recipes, by fingerprint, that made the inputs. `folders` are
    the local folders that were named. `mixture` and `selection` say, of such, what was asked and what was reached.
    """

    inputs: tuple[Input, ...]
    shards: tuple[Shard, ...]
    columns: pa.Schema
    layout: Layout
    broken_rows: int = 0
    notices: tuple[Notice, ...] = ()
    recipes: Mapping[str, Json] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    mixture: Mapping[str, Json] = field(default_factory=dict)
    selection: Mapping[str, Json] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows of all inputs, readable or not."""
        return sum(entry.rows for entry in self.inputs)

    @property
    def text_bytes(self) -> int:
        """The number of UTF-8 bytes of text in all inputs."""
        return sum(shard.text_bytes for shard in self.shards)

    @property
    def schema(self) -> pa.Schema:
        """Our columns and behind them the user's own."""
        return pa.schema([*SCHEMA, *self.columns])

    def as_json(self) -> dict[str, Json]:
        """Everything of the plan that is written down; no credentials are in it."""
        return {
            "rows": self.rows,
            "inputs": [entry.as_json() for entry in self.inputs],
            "layout": self.layout.as_json(),
            "columns": [{"name": column.name, "type": str(column.type)} for column in self.columns],
            "shards": [[list(piece) for piece in shard.pieces] for shard in self.shards],
            "notices": {notice.what: list(notice.names) for notice in self.notices},
            **({"mixture": dict(self.mixture)} if self.mixture else {}),
            **({"selection": dict(self.selection)} if self.selection else {}),
        }

    @cached_property
    def fingerprint(self) -> str:
        """The 128-bit fingerprint of `as_json()`."""
        return fingerprint(self.as_json())


def schema_as_text(schema: pa.Schema) -> str:
    """A schema as base64 of its Arrow message, exact to the last field's metadata."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> pa.Schema:
    """The schema that `schema_as_text` wrote."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
