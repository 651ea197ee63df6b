"""Text that was read, made visible: what a reader could not see, or what could act, becomes a sign.

Control characters, direction overrides, zero-width and other invisible characters are replaced by signs that
name them; sequences that make one emoji stay whole. A stretch of enormous length is cut in its middle, and says so.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from markupsafe import Markup, escape

LONGEST = 400  # characters of one piece of text that are shown; a word of prose has 20


class Kind(StrEnum):
    """What a piece of text is to a reader."""

    PLAIN = "plain"
    LINE = "line"
    TAB = "tab"
    SIGN = "sign"
    CUT = "cut"


class Piece(NamedTuple):
    """A stretch of text that is shown in one way.

    `text` is what to show: for a sign its code point, for a cut how much is left out, else the text itself. `name` is
    what a sign is called.
    """

    text: str
    kind: Kind = Kind.PLAIN
    name: str = ""


# Default-ignorable, control, format, separator, private-use, surrogate and non-characters that leave nothing to see.
# Source: Unicode 16.0, DerivedCoreProperties.txt (Default_Ignorable_Code_Point) and general categories C* and Zl, Zp.
_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
) + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(1, 15))
# Blocks that hold all of Unicode's Extended_Pictographic, and some plain symbols, which nothing joins.
_EMOJI = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f"
    r"\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_ONE_EMOJI = rf"{_EMOJI}(?:[\U0001f3fb-\U0001f3ff]\ufe0f?|[\ufe0e\ufe0f]\u20e3?)?"
# Source: Unicode Technical Standard 51, ED-16 (ZWJ sequence), ED-14a (tag sequence), ED-14c (keycap sequence).
_SEQUENCE = (
    rf"{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI})+|{_EMOJI}[\U000e0020-\U000e007e]+\U000e007f|{_ONE_EMOJI}|[0-9#*]\ufe0f\u20e3?"
)
_SPECIAL = re.compile(rf"(?P<sequence>{_SEQUENCE})|(?P<line>\n)|(?P<tab>\t)|(?P<sign>([{_UNSEEN}])\5*)")


def pieces(text: str) -> Iterator[Piece]:
    """The text cut into stretches that are shown in one way each; their order is the text's order."""
    if len(text) > LONGEST:
        half = LONGEST // 2
        yield from pieces(text[:half])
        yield Piece(f"… {len(text) - 2 * half:,} characters left out …", Kind.CUT)
        text = text[-half:]
    done = 0
    for match in _SPECIAL.finditer(text):
        if match.lastgroup == "sequence":
            continue
        if match.start() > done:
            yield Piece(text[done : match.start()])
        yield _special(match)
        done = match.end()
    if done < len(text):
        yield Piece(text[done:])


def visible(text: str) -> Markup:
    """The text as HTML: escaped, white space kept, signs in boxes of their own that cannot turn the line around."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return escape(text)
    return Markup("").join(_MARKUP[piece.kind].format(piece.text, piece.name) for piece in pieces(text))


def prose(text: str) -> Markup:
    """A program's own words, which are whole however many they are; names out of files are visible in them."""
    return Markup("").join(visible(text[at : at + LONGEST]) for at in range(0, len(text), LONGEST))


def spelled(text: str) -> str:
    """The text on one line with its white space at both ends spelled out; signs in angle brackets."""
    shown = "".join(_SPELLED[piece.kind].format(piece.text) for piece in pieces(text))
    inner = shown.strip(" ")
    if not inner:
        return "␣" * len(shown)
    before, after = len(shown) - len(shown.lstrip(" ")), len(shown) - len(shown.rstrip(" "))
    return "␣" * before + inner + "␣" * after


_MARKUP = {
    Kind.PLAIN: Markup("{}"),
    Kind.LINE: Markup('<span class="line">\n</span>'),
    Kind.TAB: Markup('<span class="tab">\t</span>'),
    Kind.SIGN: Markup('<span class="sign" title="{1}">{0}</span>'),
    Kind.CUT: Markup('<span class="cut">{}</span>'),
}
_SPELLED = {Kind.PLAIN: "{}", Kind.LINE: "↵", Kind.TAB: "⇥", Kind.SIGN: "<{}>", Kind.CUT: "{}"}


def _special(match: re.Match[str]) -> Piece:
    if match["line"] is not None:
        return Piece("\n", Kind.LINE)
    if match["tab"] is not None:
        return Piece("\t", Kind.TAB)
    character, times = match[0][0], len(match[0])
    repeated = f" \N{MULTIPLICATION SIGN} {times}" if times > 1 else ""
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "").lower() or "control, private or unassigned character"
    return Piece(code + repeated, Kind.SIGN, name)
