"""The manifest of a corpus as it lies there, read without trusting it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.corpora.commit import PROGRESS
from uncollapse.corpora.opening import is_remote
from uncollapse.errors import MissingInput, UsageError

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[^./][^/]*$")]
Count = Annotated[int, Field(ge=0)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class ShardEntry(_Form):
    """One file with rows."""

    name: Name
    rows: Count
    rows_in: Count
    bytes: Count
    blake3: Hex


class LedgerEntry(_Form):
    """The file with the rows of the ledger."""

    name: Name
    rows: Count
    bytes: Count
    blake3: Hex
    normal_form: str = Field(alias="normal form")
    words: str
    unknown_generators: Count = Field(alias="unknown generators")


class RejectsEntry(_Form):
    """The file with the rows that stayed behind."""

    name: Name
    blake3: Hex


class Account(_Form):
    """Rows in and out, those that stayed behind, by reason, and those beyond one for each that came in."""

    rows_in: Count = Field(alias="in")
    out: Count
    dropped: Mapping[str, Count]
    failed: Mapping[str, Count]
    added: Count = 0


class Roots(_Form):
    """One digest over all texts, one over all records."""

    contents: Hex
    records: Hex


class Manifest(_Form):
    """What every manifest holds; `ledger`, `models` and `seal` are absent from those of older versions."""

    uncollapse: str
    format: int
    run: str
    output: Literal["file", "folder"]
    rows_as: Literal["jsonl", "parquet"] = Field(alias="rows as")
    steps: list[str]
    recipes: Mapping[str, dict[str, Any]]
    plan: Mapping[str, Any]
    rows: Account
    tally: Mapping[str, Any]
    shards: list[ShardEntry]
    roots: Roots
    schema_text: str = Field(alias="schema")
    ledger: LedgerEntry | None = None
    rejects: RejectsEntry | None = None
    models: Mapping[str, Any] | None = None
    seal: Hex | None = None


@dataclass(frozen=True, slots=True)
class Papers:
    """Where a corpus and its papers lie; `content` is the manifest as plain values, `manifest` the same understood.

    Either is None where the file is not there, is not JSON, or does not have the form; then `problem` says why.
    """

    corpus: Path
    path: Path
    content: Mapping[str, Any] | None = None
    manifest: Manifest | None = None
    problem: str = ""

    @property
    def folder(self) -> Path:
        """The folder in which the files of the manifest lie."""
        return self.path.parent

    @property
    def signature(self) -> Path:
        """Where a signature of the manifest lies."""
        return self.path.with_suffix(".sig")


def papers_of(corpus: str) -> Papers:
    """The papers of a folder or of one file.

    Raises:
        MissingInput: there is nothing at the path.
        UsageError: it is not a local path.
    """
    text = corpus.removeprefix("file://")
    if is_remote(text):
        raise UsageError(f"{corpus} is not on this machine", hint="copy it here first: every byte of it is read")
    place = Path(text).expanduser()
    if not place.exists():
        raise MissingInput(f"there is no {corpus}", hint="name the folder or the file that a verb has written")
    path = place / "manifest.json" if place.is_dir() else place.with_name(f"{place.name}.manifest.json")
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refuse)
    except FileNotFoundError:
        unfinished = place.is_dir() and (place / PROGRESS).exists()
        why = "the run that writes it is not finished: give its command again" if unfinished else "no verb wrote one"
        return Papers(place, path, problem=f"there is no {path.name}: {why}")
    except (OSError, ValueError, RecursionError) as error:
        return Papers(place, path, content={}, problem=f"it cannot be read: {error}")
    if not isinstance(content, dict) or "uncollapse" not in content:
        return Papers(place, path, problem=f"{path.name} is not one of ours")
    try:
        return Papers(place, path, content, Manifest.model_validate(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Papers(place, path, content, problem=f"{where}: {first['msg'].lower()}")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
