"""Numbers in rows: plain tables, and accounts that must add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from uncollapse.report.rendering import template


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: a caption, column heads, and rows whose first cell names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markup(self) -> Markup:
        """The table as HTML, in a frame that scrolls by itself where it is too wide or too long."""
        return template("uncollapse.report", "table.html.jinja", table=self)


class Entry(NamedTuple):
    """One line of an account: what was counted, how many, and a remark."""

    label: str
    number: int
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A whole and the parts into which all of it went."""

    whole: Entry
    parts: Sequence[Entry]

    @property
    def missing(self) -> int:
        """How much of the whole is in none of the parts; negative when the parts hold more; 0 when it adds up."""
        return self.whole.number - sum(part.number for part in self.parts)

    def markup(self) -> Markup:
        """The account as HTML, with a last line that says whether it adds up."""
        return template("uncollapse.report", "account.html.jinja", account=self)
