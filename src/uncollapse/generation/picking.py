"""What becomes of the texts of one document: those that are kept, or why none is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from uncollapse.generation.drafts import Made
from uncollapse.step import Fate, Reject

NO_TEXT = "no text"
TOO_LONG = "longer than the window"
NOTHING_WRITTEN = "nothing written"
NOTHING_NEW = "the source again"


class Refused(NamedTuple):
    """A row of which no text comes, why, and whether another try may bring one."""

    row: int
    reason: str
    detail: str
    passing: bool = False


class Kept(NamedTuple):
    """A text that takes a row, and its values in the columns that the step adds."""

    row: int
    text: str
    added: tuple[Any, ...] = ()


class Pick(NamedTuple):
    """What is kept of the texts of one document, or why nothing is; `passed_over` texts were written for nothing."""

    kept: tuple[Kept, ...] = ()
    refused: Refused | None = None
    passed_over: int = 0


class Source(NamedTuple):
    """The document that texts are made from."""

    id: str
    text: str


def no_text(row: int, text: str | None) -> Refused:
    """The refusal of a row without text."""
    return Refused(row, NO_TEXT, "the text is null" if text is None else "there is nothing but blanks")


def why_nothing(texts: Sequence[Made]) -> Refused:
    """Why none of the texts of a document can be kept: a fault if there was one, else blanks, else the source again."""
    row = texts[0].row
    fault = next((text.fault for text in texts if text.fault is not None), None)
    if fault is not None:
        return Refused(row, fault.reason, fault.detail, fault.passing)
    blank = next((text for text in texts if not text.fresh), None)
    if blank is None:
        return Refused(row, NOTHING_NEW, "what was written is the source, word for word")
    if any(stretch.tokens for stretch in blank.stretches) or not blank.ended:
        return Refused(row, NOTHING_WRITTEN, _blanks(blank))
    return Refused(row, NOTHING_WRITTEN, "the model ended the text at once")


def _blanks(text: Made) -> str:
    return (
        "the model wrote blanks alone" if text.ended else "the limit was reached before there was anything but blanks"
    )


def rejects(batch: pa.RecordBatch, refused: Sequence[Refused]) -> tuple[Reject, ...]:
    """The refused rows of a batch as rows that stay behind."""
    sources = batch.column("source").to_pylist()
    return tuple(
        Reject(sources[row] or "", row, Fate.FAILED, reason, detail, passing)
        for row, reason, detail, passing in sorted(refused)
    )
