"""What a row says of how it was made, held against itself: origin, generation, parents, edits and recipe.

Whoever rewrites a corpus consistently can make every digest fit; what is looked for here is what no step can have
written, whatever the digests say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from uncollapse.document import Edit, Origin
from uncollapse.fingerprint import ID_BYTES, content_id
from uncollapse.provenance import first_text

_ID = re.compile(f"[0-9a-f]{{{2 * ID_BYTES}}}")


class Problem(NamedTuple):
    """A broken rule of one row."""

    rule: str
    found: object
    expected: object


def origin_problems(row: Mapping[str, Any]) -> Iterator[Problem]:
    """What origin, generation, parents, edits and recipe say, and cannot all be true."""
    origin, generation = row["origin"], row["generation"]
    if origin not in set(Origin):
        yield Problem("origin", f"origin {origin}", f"one of {', '.join(Origin)}")
    elif origin == Origin.HUMAN:
        yield from _human_problems(row)
    elif origin == Origin.UNKNOWN:
        if generation is not None:
            yield Problem("origin", f"unknown, generation {generation}", "unknown text has no generation")
    elif generation is None or generation < 1:
        yield Problem("origin", f"{origin}, generation {generation}", "text from a model has generation 1 or more")
    elif origin == Origin.EDITED:
        yield from _edited_problems(row)
    for parent in row["parents"] or ():
        if parent is None or not _ID.fullmatch(parent):
            yield Problem("parents", f"parent {parent!r}", f"an id: {2 * ID_BYTES} hexadecimal digits")


def _human_problems(row: Mapping[str, Any]) -> Iterator[Problem]:
    """No model and no step has made a human text: one that was, has lost its origin."""
    generation, parents, edits = row["generation"], row["parents"] or (), row["edits"] or ()
    if generation != 0 or parents or edits:
        found = f"human, generation {generation}, {len(parents)} parents, {len(edits)} edits"
        yield Problem("origin", found, "human text has generation 0, no parents and no edits")
    if row["recipe"] is not None:
        yield Problem("origin", f"human, made by recipe {row['recipe']}", "human text has no recipe")


def _edited_problems(row: Mapping[str, Any]) -> Iterator[Problem]:
    """Each edit of a text adds one generation and puts one parent before the others."""
    generation, parents, edits = row["generation"], row["parents"] or (), row["edits"] or ()
    if row["recipe"] is not None and not parents:
        yield Problem("origin", "edited by a recipe, without parents", "the text that it was made from")
    if row["recipe"] is not None and not edits:
        yield Problem("origin", "edited by a recipe, without edits", "the edits that it made")
    if generation < len(parents):
        yield Problem("origin", f"generation {generation}, {len(parents)} parents", "a generation for each parent")
    if parents and row["id"] == parents[0]:
        yield Problem("edits", "a text that is its own parent", "edits that change it: a row left as it was keeps all")


def edit_problems(row: Mapping[str, Any]) -> Iterator[Problem]:
    """Whether the edits, undone, give an ancestor on record, in as many rounds as there are, and change something."""
    parents = row["parents"] or []
    try:
        edits = [Edit(**edit) for edit in row["edits"]]
        first = first_text(row["text"].encode(), edits).decode()
    except (ValueError, TypeError, AttributeError) as error:
        yield Problem("edits", str(error), "edits that the text holds")
        return
    yield from _empty_edits(edits)
    named = content_id(first)
    if named not in parents:
        known = ", ".join(map(str, parents)) or "none"
        yield Problem("edits", f"undone, they give {named}", f"an ancestor on record: {known}")
        return
    rounds = len(parents) - parents[::-1].index(named)
    most = max(edit.rounds or 0 for edit in edits)
    if most > rounds or any(not 0 <= (edit.probability or 0) <= 1 for edit in edits):
        yield Problem("edits", f"{most} rounds in {rounds} generations", "as many rounds as parents, chances in [0, 1]")
    if row["origin"] == Origin.EDITED and row["generation"] == rounds < len(parents):
        found = f"generation {rounds} after {rounds} rounds, {len(parents)} parents"
        yield Problem("edits", found, "no parents behind a first text at generation 0, which is human")


def _empty_edits(edits: Sequence[Edit]) -> Iterator[Problem]:
    """Edits that no round can have made; what two rounds exchanged and gave back may stand as it was."""
    for edit in edits:
        if edit.rounds is None or edit.rounds < 1:
            yield Problem("edits", f"{edit.rounds} rounds at byte {edit.position}", "1 round or more")
        elif edit.before == edit.after and edit.rounds < 2:
            yield Problem("edits", f"{edit.after!r} at byte {edit.position} put for itself", "edits that change it")
