"""Edited documents in the terminal: the probability of each token in colour, every change as before→after.

What was read is shown, never obeyed: escapes, control characters and direction overrides become signs. Each mark
can be read without colour too, and a terminal without colours (NO_COLOR, a pipe) gets them in words and numbers.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from rich.console import Console
from rich.style import Style
from rich.text import Text

from uncollapse.editing.passage import summary, swapped
from uncollapse.editing.trace import EXCERPT, DocumentTrace, TokenTrace, Verdict
from uncollapse.report import Kind, count, pieces, probability


class Palette(Enum):
    """Styles for six steps of probability, up to 0.1, 0.3, 0.5, 0.7, 0.9 and 1, on three kinds of terminal."""

    MANY = (
        "",
        "#e9e0cc on #3a3020",
        "#f5ecd8 on #5a4722",
        "#fff8e8 on #7d6129",
        "#000000 on #c39a45",
        "#000000 on #f1c66c",
    )
    SIXTEEN = ("", "cyan", "cyan", "green", "green", "yellow")
    NONE = ("", "", "", "", "", "")


STEPS = (0.1, 0.3, 0.5, 0.7, 0.9)
BEFORE, AFTER, SIGN, QUIET = "red strike", "bold magenta", "reverse", "dim"


class _Terminal(NamedTuple):
    """What a terminal can show: its palette and its characters. One without colours gets probabilities as numbers."""

    palette: Palette
    encoding: str

    @classmethod
    def of(cls, console: Console) -> "_Terminal":
        many = console.color_system in ("256", "truecolor")
        palette = Palette.MANY if many else Palette.SIXTEEN
        if console.no_color or console.color_system is None:
            palette = Palette.NONE
        return cls(palette, console.encoding)

    @property
    def coloured(self) -> bool:
        """Whether probability can be shown as colour."""
        return self.palette is not Palette.NONE

    def glyph(self, glyph: str, plain: str) -> str:
        """The glyph, or what stands for it where the terminal's encoding has it not."""
        return glyph if self.encodable(glyph) == glyph else plain

    def encodable(self, text: str) -> str:
        """The text with characters that the terminal's encoding has not as escapes."""
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def shade(self, value: float | None) -> str:
        """The style of a token of that probability."""
        return "" if value is None else self.palette.value[sum(value >= step for step in STEPS)]


def print_traces(traces: Iterable[DocumentTrace], *, console: Console) -> None:
    """Prints a legend, and each document with its edits and a line that sums them up."""
    terminal = _Terminal.of(console)
    console.print(_legend(terminal))
    for trace in traces:
        console.print()
        console.print(_head(trace, terminal))
        text = Text().join(part for token in trace.tokens[:EXCERPT] for part in _token(token, terminal))
        console.print(text, overflow="fold")
        if len(trace.tokens) > EXCERPT:
            console.print(Text(f"[cut here: {count(len(trace.tokens) - EXCERPT)} more tokens]", QUIET))
        console.print(Text(terminal.encodable(summary(trace)), "bold"))


def _legend(terminal: _Terminal) -> Text:
    legend = Text()
    if terminal.coloured:
        legend.append("probability of a token: ")
        for low, high, style in zip((0.0, *STEPS), (*STEPS, 1.0), terminal.palette.value, strict=True):
            legend.append(f" {low:g}-{high:g} ", style)
        legend.append("\n")
    legend.append_text(_swap("before", "after", terminal))
    legend.append(" changed   ")
    legend.append_text(Text().join(_marked("token", Verdict.KEPT, None, terminal)))
    legend.append(" picked, stayed   {protected: token} and the like: picked, left as it was")
    return legend


def _head(trace: DocumentTrace, terminal: _Terminal) -> Text:
    head = Text()
    if trace.source is not None:
        head.append_text(_shown(trace.source, "bold", terminal))
        head.append(", ")
    return head.append(f"id {trace.id}", QUIET)


def _token(token: TokenTrace, terminal: _Terminal) -> Iterator[Text]:
    if token.after is not None:
        yield _swap(token.before, token.after, terminal, token.probability)
    elif token.flagged:
        yield from _marked(token.before, token.verdict, token.probability, terminal)
    else:
        yield _shown(token.before, terminal.shade(token.probability), terminal)


def _swap(before: str, after: str, terminal: _Terminal, value: float | None = None) -> Text:
    lead, before, after = swapped(before, after)
    swap = Text(lead).append("[")
    swap.append_text(_shown(before, BEFORE, terminal))
    swap.append(terminal.glyph("→", "->"))
    swap.append_text(_shown(after, AFTER, terminal) if after else Text("nothing", AFTER))
    if not terminal.coloured and value is not None:
        swap.append(f" {probability(value)}")
    return swap.append("]")


def _marked(text: str, verdict: Verdict, value: float | None, terminal: _Terminal) -> Iterator[Text]:
    style = terminal.shade(value)
    if verdict is Verdict.KEPT and terminal.coloured:
        yield _shown(text, Style.combine([Style.parse(style), Style(underline=True)]), terminal)
        return
    inner = text.lstrip(" ")
    yield Text(text[: len(text) - len(inner)])
    chance = "" if terminal.coloured or value is None else f" {probability(value)}"
    yield Text(f"{{{verdict}{chance}: ")
    yield _shown(inner, style, terminal)
    yield Text("}")


def _shown(text: str, style: str | Style, terminal: _Terminal) -> Text:
    """The text in that style, with signs for what cannot be seen or would be obeyed."""
    shown = Text(style=style)
    for piece in pieces(text):
        match piece.kind:
            case Kind.LINE:
                shown.append(terminal.glyph("↵", "") + "\n", QUIET)
            case Kind.TAB:
                shown.append(terminal.glyph("⇥", ">") + "   ", QUIET)
            case Kind.SIGN:
                shown.append(terminal.encodable(f"<{piece.text}>"), SIGN)
            case Kind.CUT:
                shown.append(terminal.encodable(piece.text), QUIET)
            case Kind.PLAIN:
                shown.append(terminal.encodable(piece.text))
    return shown
