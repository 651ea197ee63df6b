"""What can be wrong with one row, in a few fixed words, and the error that says it."""

from dataclasses import dataclass
from enum import StrEnum

from uncollapse.corpora.opening import LONGEST_ROW
from uncollapse.errors import BrokenRow
from uncollapse.step import Fate, Reject


class Flaw(StrEnum):
    """Why a row cannot be read."""

    JSON = "broken JSON"
    UTF8 = "broken UTF-8"
    NOT_AN_OBJECT = "not a JSON object"
    DUPLICATE_KEY = "duplicate key"
    NO_TEXT = "no text"
    NOT_A_STRING = "text is not a string"
    SURROGATE = "lone surrogate in the text"
    TOO_LONG = "too long"


HINTS = {
    Flaw.JSON: "JSON lines hold one whole object on each line.",
    Flaw.UTF8: "Convert the file to UTF-8 first, for example with iconv.",
    Flaw.NOT_AN_OBJECT: 'JSON lines hold one object on each line, such as {"text": "..."}.',
    Flaw.DUPLICATE_KEY: "Which of the values is meant? Keep one.",
    Flaw.NO_TEXT: "Every row needs a text.",
    Flaw.NOT_A_STRING: "The text must be a string.",
    Flaw.SURROGATE: "Half of a \\ud800-\\udfff pair is no character: repair the text where it was cut.",
    Flaw.TOO_LONG: f"A row may have {LONGEST_ROW >> 20} MiB: split it, or check that lines end in newlines.",
}
WAY_OUT = "Or let the run go on without such rows: --max-rejects N."


@dataclass(frozen=True, slots=True)
class Fault:
    """A flaw, and details on it."""

    flaw: Flaw
    detail: str = ""

    def reject(self, source: str, *, row: int) -> Reject:
        """The row set aside."""
        return Reject(source, row, Fate.FAILED, str(self.flaw), self.detail)


def as_error(reject: Reject, *, unit: str = "row") -> BrokenRow:
    """The error that names the file, the row and the flaw of a row that was set aside."""
    detail = f": {reject.detail}" if reject.detail else ""
    hint = HINTS.get(Flaw(reject.reason), "") if reject.reason in set(Flaw) else ""
    return BrokenRow(f"{reject.source}, {unit} {reject.row}: {reject.reason}{detail}", hint=f"{hint} {WAY_OUT}".strip())
