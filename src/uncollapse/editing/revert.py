"""The human text back: every edit of every round undone, byte for byte."""

from typing import NamedTuple

import pyarrow as pa

from uncollapse.document import DECLARED_GENERATION, EDITS, SCHEMA, Edit, Origin, replace_columns
from uncollapse.fingerprint import content_id
from uncollapse.provenance import first_text
from uncollapse.step import Fate, Outcome, Reject, StepModel, Tally

NOT_REVERSIBLE = "not reversible"


class _Row(NamedTuple):
    text: str
    id: str
    origin: str | None
    generation: int | None
    parents: list[str]


class Revert(StepModel):
    """Documents as they were before any edit; documents without edits go through as they are.

    The text that comes back must have the id of an ancestor on record; a row for which it does not (a text or an edit
    that somebody changed afterwards) is rejected as failed, never passed on as original. The ancestors of that text,
    its generation, and so what is known of its origin, come back with it.
    """

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with first texts; the tally counts `documents` that were reverted, untouched and failed."""
        rows: list[_Row] = []
        kept: list[int] = []
        rejects: list[Reject] = []
        names = ["id", "text", "origin", "generation", "parents", "edits", "source"]
        for number, row in enumerate(batch.select(names).to_pylist()):
            try:
                rows.append(_reverted(row))
                kept.append(number)
            except ValueError as error:
                rejects.append(Reject(row["source"] or "", number, Fate.FAILED, NOT_REVERSIBLE, str(error)))
        edited = batch.column("edits").value_lengths().fill_null(0).to_pylist()
        reverted = sum(1 for number in kept if edited[number])
        tally: Tally = {"documents": {"reverted": reverted, "untouched": len(kept) - reverted, "failed": len(rejects)}}
        taken = batch.take(pa.array(kept, pa.int64())) if rejects else batch
        columns = {
            name: pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in _Row._fields
        }
        columns["edits"] = pa.array([[]] * len(rows), EDITS)
        columns["recipe"] = pa.array(
            [None if edited[number] else recipe for number, recipe in _with_recipe(batch, kept)], pa.string()
        )
        return Outcome(replace_columns(taken, columns), tuple(rejects), tally)


def _with_recipe(batch: pa.RecordBatch, kept: list[int]) -> list[tuple[int, str | None]]:
    recipes = batch.column("recipe").to_pylist()
    return [(number, recipes[number]) for number in kept]


def _reverted(row: dict[str, object]) -> _Row:
    """The row before its edits.

    Raises:
        ValueError: if text and edits do not belong together.
    """
    if row["text"] is None:
        raise ValueError("the text is null")
    text, edits, parents = str(row["text"]), row["edits"] or [], list(row["parents"] or [])  # type: ignore[call-overload]
    origin, generation = row["origin"], row["generation"]
    if not edits:
        return _Row(text, row["id"], origin, generation, parents)  # type: ignore[arg-type]
    try:
        first = first_text(text.encode(), [Edit(**edit) for edit in edits]).decode()  # type: ignore[attr-defined]
    except UnicodeDecodeError as error:
        raise ValueError(f"undoing the edits does not give text: {error}") from error
    if not parents:
        raise ValueError("the row carries edits and no parent to check them against")
    if content_id(first) not in parents:
        raise ValueError(f"undoing the edits gives {content_id(first)}, which no ancestor on record is")
    # Each round put one parent before the others; those behind the first text are its own.
    rounds = len(parents) - parents[::-1].index(content_id(first))
    before = None if generation is None else int(generation) - rounds  # type: ignore[call-overload]
    human = origin == Origin.EDITED and before == DECLARED_GENERATION[Origin.HUMAN]
    return _Row(first, content_id(first), Origin.HUMAN if human else str(origin), before, parents[rounds:])
