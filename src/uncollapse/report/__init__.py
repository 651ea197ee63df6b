"""Numbers to one self-contained page.

What comes in: a `Page`, which is a title, the answer in one sentence, key figures, sections of markup, and where it
all comes from. Sections are made of charts (`histogram`, `lines`, `bars`), tables and accounts that must add up.

What goes out: one HTML text that needs no network and runs no script but its own. Whatever was read from a corpus
passes through `visible` on its way, so that it can be seen and cannot act.
"""

from uncollapse.report.charts import Axes, Band, Bar, Chart, Dots, Mark, Points, bars, histogram, lines, scatter
from uncollapse.report.numerals import NONE, count, probability, share
from uncollapse.report.rendering import template
from uncollapse.report.shell import Assets, Figure, Page, Section, page
from uncollapse.report.tables import Account, Entry, Table
from uncollapse.report.visible import Kind, Piece, pieces, prose, spelled, visible

__all__ = [
    "NONE",
    "Account",
    "Assets",
    "Axes",
    "Band",
    "Bar",
    "Chart",
    "Dots",
    "Entry",
    "Figure",
    "Kind",
    "Mark",
    "Page",
    "Piece",
    "Points",
    "Section",
    "Table",
    "bars",
    "count",
    "histogram",
    "lines",
    "page",
    "pieces",
    "probability",
    "prose",
    "scatter",
    "share",
    "spelled",
    "template",
    "visible",
]
