"""What a text is and where it came from: the columns every document carries, and one row read out.

Documents travel as Arrow record batches. The columns below are ours; the user's own columns stand behind
them and pass through untouched. `Document` is one row, for people and tests.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa

from uncollapse.fingerprint import content_id


class Origin(StrEnum):
    """What we know about where a text came from. A detector's guess never goes here."""

    HUMAN = "human"
    EDITED = "edited"
    SYNTHETIC = "synthetic"
    UNKNOWN = "unknown"


# Model passes on the longest path from human text, for documents that are only declared.
DECLARED_GENERATION = {Origin.HUMAN: 0, Origin.EDITED: 1, Origin.SYNTHETIC: 1, Origin.UNKNOWN: None}


class Edit(NamedTuple):
    """One replaced stretch of text.

    `position` counts UTF-8 bytes in the first text, the one before any edit, so edits of several rounds
    share one ruler. `probability` is what the prior gave to the text it replaced, in the last round that
    touched the stretch; `rounds` counts those rounds.
    """

    position: int
    before: str
    after: str
    probability: float
    rounds: int = 1


EDITS = pa.list_(
    pa.struct(
        [
            pa.field("position", pa.int64()),
            pa.field("before", pa.string()),
            pa.field("after", pa.string()),
            pa.field("probability", pa.float32()),
            pa.field("rounds", pa.int16()),
        ]
    )
)

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("origin", pa.dictionary(pa.int8(), pa.string())),
        pa.field("generation", pa.int16()),
        pa.field("parents", pa.list_(pa.string())),
        pa.field("recipe", pa.string()),
        pa.field("source", pa.string()),
        pa.field("edits", EDITS),
    ]
)

OUR_COLUMNS = tuple(SCHEMA.names)

USERS = "user_"
"""What is put before the name of a user's column that would be one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One row: the text, what we know of its origin, and the user's own columns in `extra`."""

    text: str
    origin: Origin = Origin.HUMAN
    generation: int | None = 0
    parents: tuple[str, ...] = ()
    recipe: str | None = None
    source: str | None = None
    edits: tuple[Edit, ...] = ()
    id: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", content_id(self.text))


def to_documents(batch: pa.RecordBatch) -> Iterator[Document]:
    """The rows of a batch, one by one."""
    for row in batch.to_pylist():
        own = {name: row.pop(name) for name in OUR_COLUMNS}
        own["origin"] = Origin(own["origin"])
        own["parents"] = tuple(own["parents"])
        own["edits"] = tuple(Edit(**edit) for edit in own["edits"])
        yield Document(**own, extra=row)


def to_batch(documents: Iterable[Document], *, extra: pa.Schema | None = None) -> pa.RecordBatch:
    """A batch with our columns and, behind them, the columns of `extra` (inferred when not given)."""
    rows = list(documents)
    columns = [pa.array([_cell(row, name) for row in rows], SCHEMA.field(name).type) for name in OUR_COLUMNS]
    if extra is None:
        names = list(dict.fromkeys(name for row in rows for name in row.extra))
        arrays = [pa.array([row.extra.get(name) for row in rows]) for name in names]
        extra = pa.schema([pa.field(name, array.type) for name, array in zip(names, arrays, strict=True)])
    else:
        arrays = [pa.array([row.extra.get(name) for row in rows], extra.field(name).type) for name in extra.names]
    return pa.RecordBatch.from_arrays(columns + arrays, schema=pa.schema([*SCHEMA, *extra]))


def _cell(row: Document, name: str) -> Any:
    value = getattr(row, name)
    if name == "edits":
        return [edit._asdict() for edit in value]
    return list(value) if name == "parents" else value


def declare(texts: Sequence[str], *, origin: Origin, source: str | Sequence[str | None] | None) -> dict[str, pa.Array]:
    """Our columns for texts that bring none of their own: an id out of the content, a declared origin.

    `source` is one name for all texts or one for each.
    """
    count = len(texts)
    sources = [source] * count if source is None or isinstance(source, str) else list(source)
    generation = DECLARED_GENERATION[origin]
    return {
        "id": pa.array([content_id(text) for text in texts], pa.string()),
        "text": pa.array(texts, pa.large_string()),
        "origin": pa.array([str(origin)] * count, SCHEMA.field("origin").type),
        "generation": pa.array([generation] * count, pa.int16()),
        "parents": pa.array([[]] * count, pa.list_(pa.string())),
        "recipe": pa.nulls(count, pa.string()),
        "source": pa.array(sources, pa.string()),
        "edits": pa.array([[]] * count, EDITS),
    }


def replace_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """The batch with some of its columns exchanged; order, names and the other columns stay."""
    arrays = [columns.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
