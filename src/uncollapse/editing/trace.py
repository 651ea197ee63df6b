"""What editing did to one document, token by token: what the page and the preview show."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

EXCERPT = 1500  # tokens of one document that the page and the preview show; what is longer is cut and said to be


class Verdict(StrEnum):
    """What became of a token."""

    KEPT = "kept"
    """Not at a position that the rule picks, or drawn again as itself."""
    CHANGED = "changed"
    PROTECTED = "protected"
    """Picked by the rule, inside a protected span or not faithful to the bytes of the text."""
    TAKEN_BACK = "taken back"
    """Changed at first; the text after it became too unlikely."""
    OVER_BUDGET = "over budget"
    """Picked and drawn as another, but the document had no edits left, or an edit stood too near."""


class Alternative(NamedTuple):
    """A candidate and the prior's probability for it."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTrace:
    """One token of the input text; `before` of all tokens, joined, is the text.

    `probability` is None where the prior gives none (a first token). `flagged` says that the rule picked the
    position. `after` is set for changed tokens alone.
    """

    before: str
    probability: float | None
    flagged: bool
    verdict: Verdict
    after: str | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTrace:
    """One document of the input with what was done to each of its tokens."""

    id: str
    source: str | None
    tokens: tuple[TokenTrace, ...]
