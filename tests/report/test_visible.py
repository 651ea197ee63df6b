import html
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncollapse.report.visible import LONGEST, Kind, Piece, pieces, prose, spelled, visible

# Format characters that do leave something to see: signs around numbers and names in Arabic, Syriac and others.
DRAWN = {
    *map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)])
}
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufe00\ufe0f\U000e0100"
FAMILY = "👩\u200d👩\u200d👧"


def shown(text: str) -> list[str]:
    return [piece.text for piece in pieces(text)]


def test_every_character_that_cannot_be_seen_becomes_a_sign() -> None:
    unseen = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    missed = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in unseen and chr(code) not in DRAWN | {"\n", "\t"}
        if [piece.kind for piece in pieces(chr(code))] != [Kind.SIGN]
    ]
    assert missed == []


def test_fillers_and_selectors_and_noncharacters_become_signs() -> None:
    lonely = [*FILLERS, *(chr(plane * 0x10000 + 0xFFFE + last) for plane in range(17) for last in (0, 1)), "\ufdd0"]
    assert [character for character in lonely if [piece.kind for piece in pieces(character)] != [Kind.SIGN]] == []


def test_letters_marks_and_symbols_stay_as_they_are() -> None:
    hidden = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code))[0] in "LMNPS" and chr(code) not in FILLERS
        if not (0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF)
        if shown(chr(code)) != [chr(code)]
    ]
    assert hidden == []


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("a\x00b", ["a", "U+0000", "b"]),
        ("\x1b[31m", ["U+001B", "[31m"]),
        ("\r\n", ["U+000D", "\n"]),
        ("ab\u202edc", ["ab", "U+202E", "dc"]),
        ("x\u200b\u200b\u200by", ["x", "U+200B \N{MULTIPLICATION SIGN} 3", "y"]),
        ("\u200e\u200f", ["U+200E", "U+200F"]),
        ("\x7f\x85", ["U+007F", "U+0085"]),
        ("\ud800", ["U+D800"]),
        ("🏴\U000e0041", ["🏴", "U+E0041"]),
        ("a\ufe0f", ["a", "U+FE0F"]),
        ("", []),
    ],
)
def test_signs(text: str, signs: list[str]) -> None:
    assert shown(text) == signs


@pytest.mark.parametrize(
    "emoji",
    [
        FAMILY,
        "❤\ufe0f",
        "👍🏽",
        "👩🏽\u200d💻",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e007f",
        "🇫🇷",
        "🏳\ufe0f\u200d🌈",
    ],
)
def test_one_emoji_stays_whole(emoji: str) -> None:
    assert shown(emoji) == [emoji]


def test_a_joiner_that_joins_nothing_is_shown() -> None:
    assert shown("👩\u200d") == ["👩", "U+200D"]
    assert shown("\u200d👧") == ["U+200D", "👧"]
    assert shown("a\u200db") == ["a", "U+200D", "b"]


def test_a_sign_has_its_code_point_and_name() -> None:
    assert list(pieces("\u202e")) == [Piece("U+202E", Kind.SIGN, "right-to-left override")]


def test_markup_is_escaped_and_white_space_kept() -> None:
    assert visible("<b> &\"'") == "&lt;b&gt; &amp;&#34;&#39;"
    assert visible("a  \n\tb") == 'a  <span class="line">\n</span><span class="tab">\t</span>b'
    assert visible("\x01") == '<span class="sign" title="control, private or unassigned character">U+0001</span>'


def test_an_enormous_stretch_is_cut_in_its_middle() -> None:
    text = "a" * 10_000_000 + "b"
    parts = list(pieces(text))
    assert [part.kind for part in parts] == [Kind.PLAIN, Kind.CUT, Kind.PLAIN]
    assert parts[1].text == f"… {10_000_001 - LONGEST:,} characters left out …"
    assert parts[0].text + parts[2].text == "a" * (LONGEST - 1) + "b"


def test_spelled_is_one_line_with_its_blanks_spelled_out() -> None:
    assert spelled("  the  cat ") == "␣␣the  cat␣"
    assert spelled("   ") == "␣␣␣"
    assert spelled("a\n\tb\u202e") == "a↵⇥b<U+202E>"
    assert spelled("") == ""


@given(st.text(st.characters(), max_size=LONGEST))
def test_markup_holds_the_text_and_nothing_that_acts(text: str) -> None:
    markup = visible(text)
    inner, tags = re.subn(r'<span class="(?:line|tab|sign)"(?: title="[^"<>]*")?>|</span>', "", markup)
    assert "<" not in inner
    assert ">" not in inner
    assert tags == 2 * sum(piece.kind is not Kind.PLAIN for piece in pieces(text))
    assert html.unescape(inner) == "".join(shown(text))
    kept = "".join(piece.text for piece in pieces(text) if piece.kind is not Kind.SIGN)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", kept)


def test_prose_is_whole_however_long():
    long = "It is <not> told apart. " * 40
    assert len(long) > 2 * LONGEST
    assert html.unescape(str(prose(long))) == long
    assert "left out" not in prose(long)
    assert '<span class="sign"' in prose("a\u202eb")
