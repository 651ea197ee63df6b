"""Rows after editing: new text, new id, ancestry, and every edit of this and earlier rounds."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from uncollapse.document import EDITS, SCHEMA, Edit, Origin, replace_columns
from uncollapse.editing.group import Group
from uncollapse.editing.respelling import Replacement, compose, respell
from uncollapse.fingerprint import content_id
from uncollapse.step import Fate, Outcome, Reject, Tally

NO_TEXT = "no text"


class Rewritten(NamedTuple):
    """What a row of the batch becomes; where nothing changed, its text and edits are those it came with."""

    row: int
    changed: bool
    text: str
    edits: tuple[Edit, ...]
    recipe: str


def rewrite(group: Group, replacements: Sequence[Sequence[Replacement]], *, recipe: str) -> list[Rewritten]:
    """The rows of a group with their replacements put in."""
    return [
        Rewritten(row, False, text, earlier, recipe)
        if not new
        else Rewritten(row, True, respell(text.encode(), new).decode(), compose(text.encode(), earlier, new), recipe)
        for row, text, earlier, new in zip(group.rows, group.texts, group.earlier, replacements, strict=True)
    ]


def outcome(batch: pa.RecordBatch, rewritten: Sequence[Rewritten], *, tally: Tally) -> Outcome:
    """The batch with its rewritten rows, and the rows that had no text as rejects.

    A changed row has the content's new id, origin `edited` if it was human text (else the origin that it had), one
    generation more, and as parents the text it was made from and that text's own parents. An unchanged row keeps all.
    """
    kept = [made.row for made in rewritten]
    sources = batch.column("source").to_pylist()
    missing = sorted(set(range(batch.num_rows)) - set(kept))
    rejects = tuple(Reject(sources[row] or "", row, Fate.FAILED, NO_TEXT, "the text is null") for row in missing)
    rows = batch.take(pa.array(kept, pa.int64())) if missing else batch
    if not any(made.changed for made in rewritten):
        return Outcome(rows, rejects, tally)
    return Outcome(replace_columns(rows, _columns(rows, rewritten)), rejects, tally)


def _columns(rows: pa.RecordBatch, rewritten: Sequence[Rewritten]) -> dict[str, pa.Array]:
    """Our columns of the rows, exchanged where the text changed."""
    old = rows.select(["id", "origin", "generation", "parents", "recipe"]).to_pylist()
    new = [_lineage(made, before) if made.changed else before for made, before in zip(rewritten, old, strict=True)]
    columns = {
        name: pa.array([row[name] for row in new], SCHEMA.field(name).type)
        for name in ("id", "origin", "generation", "parents", "recipe")
    }
    columns["text"] = pa.array([made.text for made in rewritten], SCHEMA.field("text").type)
    columns["edits"] = pa.array([[edit._asdict() for edit in made.edits] for made in rewritten], EDITS)
    return columns


def _lineage(made: Rewritten, before: dict[str, object]) -> dict[str, object]:
    human = before["origin"] in (Origin.HUMAN, Origin.EDITED)
    generation = before["generation"]
    return {
        "id": content_id(made.text),
        "origin": Origin.EDITED if human else before["origin"],
        "generation": None if generation is None else int(generation) + 1,  # type: ignore[call-overload]
        "parents": [before["id"], *(before["parents"] or ())],  # type: ignore[misc]
        "recipe": made.recipe,
    }
