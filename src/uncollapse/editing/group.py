"""Rows of a batch that are edited together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from uncollapse.document import Edit
from uncollapse.errors import MissingColumn

# Text of one group, in characters: bounds the arrays that stand beside the tokens, and nothing else.
GROUP = 1 << 18


@dataclass(frozen=True, slots=True)
class Group:
    """Some rows of a batch that have a text: their numbers, ids, texts, prompts, sources and the edits they carry."""

    rows: list[int]
    ids: list[str]
    texts: list[str]
    prompts: list[str] | None
    sources: list[str | None]
    earlier: list[tuple[Edit, ...]]

    @classmethod
    def cut(cls, batch: pa.RecordBatch, prompts: Sequence[str | None] | None) -> Iterator[Self]:
        """The rows of a batch in groups of bounded size; rows without a text are in none."""
        texts = texts_of(batch, "text")
        rows: list[int] = []
        size = 0
        for row, text in enumerate(texts):
            if text is None:
                continue
            if rows and size + len(text) > GROUP:
                yield cls._of(batch, rows, prompts)
                rows, size = [], 0
            rows.append(row)
            size += len(text)
        if rows:
            yield cls._of(batch, rows, prompts)

    @classmethod
    def _of(cls, batch: pa.RecordBatch, rows: list[int], prompts: Sequence[str | None] | None) -> Self:
        own = batch.select(["id", "text", "source", "edits"]).take(pa.array(rows, pa.int64())).to_pydict()
        return cls(
            rows=rows,
            ids=own["id"],
            texts=own["text"],
            prompts=None if prompts is None else [prompts[row] or "" for row in rows],
            sources=own["source"],
            earlier=[tuple(Edit(**edit) for edit in edits or ()) for edits in own["edits"]],
        )


def texts_of(batch: pa.RecordBatch, column: str) -> list[str | None]:
    """A column of strings as Python strings.

    Raises:
        MissingColumn: if it is not there or holds something else.
    """
    if column not in batch.schema.names:
        there = ", ".join(batch.schema.names)
        raise MissingColumn(f"there is no column {column!r}; there are {there}", hint="Name one of these columns.")
    kind = batch.schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise MissingColumn(f"column {column!r} holds {kind}, not text", hint="Name a column that holds strings.")
    texts: list[str | None] = batch.column(column).to_pylist()
    return texts
