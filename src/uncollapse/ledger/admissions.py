"""What a reserve says of itself: why each admission was taken for human, what it holds, and the chain that joins them.

Each admission names the digest of the one before it, so that one that is removed, changed or put in between is found.
The manifest is also that of a corpus: every verb reads a reserve as it reads any output of ours.
"""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from blake3 import blake3
from pydantic import BaseModel, ConfigDict, TypeAdapter

from uncollapse.corpora.manifest import VERSION
from uncollapse.corpora.plan import schema_as_text
from uncollapse.document import SCHEMA
from uncollapse.duplicates.postings import ENDINGS
from uncollapse.errors import InputError, MissingInput, UsageError
from uncollapse.fingerprint import ID_BYTES, canonical_json
from uncollapse.version import __version__

MANIFEST = "manifest.json"
FORM, FORM_MERGED = 1, 2
"""Of a reserve's own part of the manifest; the second one names segments of the index that were put together."""
TEXTS, DIGESTS = ".parquet", ".digests"
PARTS = (TEXTS, DIGESTS, *ENDINGS)
# The public release of ChatGPT: what was public before it can hardly be its work or that of its successors.
CUTOFF = datetime.date(2022, 11, 30)
OWN = pa.schema(
    [
        pa.field("norm_hash", pa.binary(ID_BYTES)),
        pa.field("basis", pa.string()),
        pa.field("date", pa.string()),
        pa.field("domain", pa.string()),
    ]
)
"""What a reserve knows of each text besides our columns."""
COLUMNS = pa.schema([*SCHEMA, *OWN])


class Basis(StrEnum):
    """Why texts are taken for human. There is none for a detector: it may exclude a text, and never admits one."""

    DATED = "dated"
    PUBLISHER = "publisher"
    DECLARATION = "declaration"


_NEEDS = {Basis.DATED: "date", Basis.PUBLISHER: "publisher", Basis.DECLARATION: "by"}


class Ground(BaseModel):
    """The basis of an admission and what stands behind it: a date, a publisher, or who declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis
    date: datetime.date | None = None
    publisher: str | None = None
    by: str | None = None
    domain: str | None = None

    def check(self) -> None:
        """Nothing, where the basis has what it rests on.

        Raises:
            UsageError: it has not, or the date is too late to say anything.
        """
        needed = _NEEDS[self.basis]
        if not getattr(self, needed):
            raise UsageError(f"the basis {self.basis} rests on nothing", hint=f"add --{needed}")
        if self.basis is Basis.DATED and self.date is not None and self.date >= CUTOFF:
            raise UsageError(
                f"texts of {self.date} are not older than {CUTOFF}, when models began to write for everybody",
                hint="admit them by --basis publisher or --basis declaration",
            )

    def as_json(self) -> dict[str, Any]:
        """The ground as it stands in a manifest."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Texts that came into the reserve together.

    `previous` is the digest of the admission before it, empty for the first. `files` gives size and BLAKE3 of each file
    by its name; `roots` are those over the contents and the records of the rows. `present` rows were there already,
    `excluded` ones were left out, by rule.
    """

    number: int
    previous: str
    ground: Mapping[str, Any]
    rows: int
    text_bytes: int
    present: int
    excluded: Mapping[str, int]
    sources: Sequence[str]
    files: Mapping[str, Mapping[str, Any]]
    roots: Mapping[str, str]

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{self.number:05d}"

    def as_json(self) -> dict[str, Any]:
        """The admission as it stands in the manifest."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__}

    @property
    def digest(self) -> str:
        """The BLAKE3 digest of its canonical JSON: the link of the chain that the next one names."""
        return blake3(canonical_json(self.as_json())).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


class Part(NamedTuple):
    """A segment of the index: that of the texts of the admissions from `first` to `last`."""

    first: int
    last: int
    rows: int
    stem: str


class Merged(NamedTuple):
    """A segment that stands for those of the admissions from `first` to `last`, whose own files are gone.

    What the admissions say of their files stays as it was, as the chain rests on it: each can be made again from its
    texts, and so can this one.
    """

    first: int
    last: int
    rows: int
    files: Mapping[str, Mapping[str, Any]]

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{self.first:05d}-{self.last:05d}"


@dataclass(frozen=True, slots=True)
class Charter:
    """The admissions of a reserve, in order, the roots over all of their rows, and the version that wrote it.

    `merged` are the segments of the index that stand for those of several admissions, in order.
    """

    admissions: Sequence[Admission] = ()
    roots: Mapping[str, str] = field(default_factory=dict)
    version: str = __version__
    merged: Sequence[Merged] = ()

    @property
    def head(self) -> str:
        """The digest of the last admission, which vouches for all before it; empty where there is none."""
        return self.admissions[-1].digest if self.admissions else ""

    @property
    def rows(self) -> int:
        """The texts of all admissions."""
        return sum(admission.rows for admission in self.admissions)

    @property
    def segments(self) -> list[Part]:
        """The segments of the index, in the order of their documents."""
        covered = {number: whole for whole in self.merged for number in range(whole.first, whole.last + 1)}
        parts = []
        for one in self.admissions:
            whole = covered.get(one.number)
            if whole is None:
                parts.append(Part(one.number, one.number, one.rows, one.stem))
            elif whole.last == one.number:
                parts.append(Part(whole.first, whole.last, whole.rows, whole.stem))
        return parts

    @property
    def files(self) -> dict[str, Mapping[str, Any]]:
        """Size and digest of each file that counts, by its name."""
        files: dict[str, Mapping[str, Any]] = {}
        stems = {part.stem for part in self.segments}
        for one in self.admissions:
            of_index = {one.stem + ending for ending in ENDINGS} if one.stem not in stems else set()
            files |= {name: told for name, told in one.files.items() if name not in of_index}
        for whole in self.merged:
            files |= whole.files
        return files

    def to_bytes(self) -> bytes:
        """The manifest.

        Source: RFC 8785 for its one form.
        """
        shards = [
            {"name": name, "rows": one.rows, "rows_in": one.rows, **one.files[name]}
            for one in self.admissions
            for name in one.files
            if name.endswith(TEXTS)
        ]
        content: dict[str, Any] = {
            "uncollapse": self.version,
            "format": VERSION,
            "kind": "reserve",
            "output": "folder",
            "rows as": "parquet",
            "steps": [],
            "recipes": {},
            "rows": {"in": self.rows, "out": self.rows, "dropped": {}, "failed": {}},
            "shards": shards,
            "roots": dict(self.roots),
            "schema": schema_as_text(COLUMNS),
            "reserve": {
                "form": FORM_MERGED if self.merged else FORM,
                "admissions": [admission.as_json() for admission in self.admissions],
                "head": self.head,
            },
        }
        if self.merged:
            content["reserve"]["merged"] = [_plain(one._asdict()) for one in self.merged]
        return canonical_json(content) + b"\n"


_ADMISSION, _MERGED = TypeAdapter(Admission), TypeAdapter(Merged)


@dataclass(frozen=True, slots=True)
class Read:
    """A manifest as it was read, and what is wrong with it."""

    charter: Charter
    faults: Sequence[str]


def read_charter(folder: Path) -> Read:
    """The manifest of a reserve; the faults are those that it shows by itself.

    Raises:
        MissingInput: there is no reserve.
        InputError: it is no manifest of a reserve.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingInput(
            f"there is no reserve at {folder}",
            hint=f"make one: uncollapse reserve add {folder} HUMAN.jsonl --basis ...",
        ) from error
    try:
        content = json.loads(data)
        own = content["reserve"]
        if own["form"] not in (FORM, FORM_MERGED):
            raise InputError(
                f"the reserve {folder} has form {own['form']!r}, this version reads {FORM} and {FORM_MERGED}",
                hint="It was written by another version of uncollapse: install that one.",
            )
        charter = Charter(
            [_ADMISSION.validate_python(one) for one in own["admissions"]],
            dict(content["roots"]),
            content["uncollapse"],
            [_MERGED.validate_python(one) for one in own.get("merged", ())],
        )
        return Read(charter, _faults(charter, content, data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not the manifest of a reserve: {type(error).__name__} {error}",
            hint="Name the folder of a reserve, or restore its manifest from a copy.",
        ) from error


def _faults(charter: Charter, content: Mapping[str, Any], data: bytes) -> list[str]:
    faults = []
    before = ""
    for place, admission in enumerate(charter.admissions, start=1):
        if admission.number != place:
            faults.append(f"admission {admission.number} stands at place {place}: one was removed or put in")
        if admission.previous != before:
            faults.append(f"admission {admission.number} does not follow from the one before it: that was changed")
        before = admission.digest
        expected = [admission.stem + ending for ending in PARTS]
        if sorted(admission.files) != sorted(expected):
            faults.append(f"admission {admission.number} does not list its files")
    reach = 0
    for whole in charter.merged:
        if not reach < whole.first < whole.last <= len(charter.admissions):
            faults.append(f"the merged segment {whole.stem} is not one of admissions that follow one another")
        reach = whole.last
    if content["reserve"]["head"] != before:
        faults.append("the last admission is not the one that the head names: it was changed or removed")
    if not faults and data != charter.to_bytes():
        faults.append("it is not as this program writes it: something in it was changed")
    return faults
