"""Characters that no reader sees, as evidence of where a text was, and taken out before anything reads it.

A manifest, or anything that is spelled in such characters, was put there by a program and is reported as found, not
verified. Those that spell nothing are common in honest text: they are listed and decide nothing. To a model both look
like a machine's, so texts are read without them.
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.provenance.marks import UNSEEN, Kind, Mark, marks_in, stripped
from uncollapse.provenance.stripping import PATTERN

SHOWN = 60  # characters of what is spelled


def marks_of(texts: pa.Array) -> list[list[Mark]]:
    """The marks of each text; those that belong to the writing are none."""
    held = pc.match_substring_regex(texts, PATTERN).fill_null(False).to_pylist()
    return [marks_in(text.as_py()) if own else [] for text, own in zip(texts, held, strict=True)]


def messages(batch: pa.RecordBatch) -> list[str]:
    """For each document what is spelled in characters that no reader sees; nothing where nothing is."""
    return [_message(marks) for marks in marks_of(batch.column("text"))]


def _message(marks: Sequence[Mark]) -> str:
    told = [mark for mark in marks if mark.kind is Kind.C2PA or mark.payload]
    if not told:
        return ""
    first = min(told, key=lambda mark: mark.kind is not Kind.C2PA)
    if first.kind is Kind.C2PA:
        return f"a C2PA manifest in unseen characters, not verified: {first.payload}"
    assert first.payload is not None
    said = first.payload if len(first.payload) <= SHOWN else f"{first.payload[:SHOWN]} ..."
    return f"{first.kind} that spell {said!r}"


def listed(marks: Sequence[Mark]) -> str | None:
    """The marks of a text by kind, with how many characters of each; None where there are none."""
    counts: Counter[str] = Counter()
    for mark in marks:
        counts[str(mark.kind)] += len(mark.mark)
    return ", ".join(f"{kind} {number}" for kind, number in sorted(counts.items())) or None


def unmarked(texts: Sequence[str]) -> list[str]:
    """The texts without these characters."""
    return [stripped(text, marks_in(text)) if UNSEEN.search(text) else text for text in texts]
