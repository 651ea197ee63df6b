"""What each character does in a text: part a word from the next, stand in one, or stand alone.

The categories are those of Python's `unicodedata`, so a character that a newer Unicode has added counts as a mark
under an older Python; everything else is the same on every machine.
"""

from enum import IntEnum
from functools import cache
from unicodedata import category, combining, decomposition, is_normalized

import numpy as np
from jaxtyping import Bool, UInt8
from numpy import ndarray


class Role(IntEnum):
    """What a character does. Halved, the first five are the kind of piece that it belongs to."""

    SPACE = 0
    MARK = 2
    LETTER = 4
    DIGIT = 5
    ALONE = 6  # a character of a script that puts no spaces between words
    EXTEND = 8  # belongs to whatever stands before it
    MID_LETTER = 10  # joins two letters, else a mark
    MID_DIGIT = 11  # joins two digits, else a mark
    MID_BOTH = 12


# Source: Unicode Standard Annex 29, table 3 (Word_Break values MidLetter, MidNum, MidNumLet, Single_Quote).
# The colon is a mark here: in running text it parts more often than it joins.
_MIDDLES = {
    Role.MID_LETTER: "\u00b7\u0387\u055f\u05f4\u2027",
    Role.MID_DIGIT: ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044",
    Role.MID_BOTH: "'.\u2018\u2019\u2024\ufe52\uff07\uff0e",
}
# Blocks whose letters are written without spaces between words: cut at each character, as there is no
# dictionary here to find the words with.
UNSPACED = {
    "Thai": (0x0E00, 0x0E7F),
    "Lao": (0x0E80, 0x0EFF),
    "Myanmar": (0x1000, 0x109F),
    "Khmer": (0x1780, 0x17FF),
    "Tai Le and New Tai Lue": (0x1950, 0x19DF),
    "Tai Tham": (0x1A20, 0x1AAF),
    "CJK radicals": (0x2E80, 0x2FDF),
    "iteration mark and numerals": (0x3005, 0x3007),
    "Hiragana and Katakana": (0x3041, 0x30FF),
    "Bopomofo": (0x3100, 0x312F),
    "Bopomofo and Katakana extensions": (0x31A0, 0x31FF),
    "CJK ideographs A": (0x3400, 0x4DBF),
    "CJK ideographs": (0x4E00, 0x9FFF),
    "Myanmar extended B": (0xA9E0, 0xA9FF),
    "Myanmar extended A and Tai Viet": (0xAA60, 0xAADF),
    "CJK compatibility ideographs": (0xF900, 0xFAFF),
    "halfwidth Katakana": (0xFF66, 0xFF9F),
    "Kana supplements": (0x1AFF0, 0x1B16F),
    "CJK ideographs, planes 2 and 3": (0x20000, 0x3347F),
}
_ZERO_WIDTH_SPACE = 0x200B
_POINTS = 0x110000
_ASSIGNED = (range(0x33480), range(0xE0000, 0xE01F0))  # beyond these is nothing but private use


@cache
def unicode_roles() -> UInt8[ndarray, "1114112"]:
    """The role of every code point by the rules of Unicode.

    Source: Unicode Standard Annex 29, rules WB3d to WB13b, with three departures: a run of marks is one piece, letters
    of scripts without spaces stand alone, and Katakana is one of those scripts.
    """
    roles = np.full(_POINTS, Role.MARK, dtype=np.uint8)
    for points in _ASSIGNED:
        roles[points.start : points.stop] = [_role(point) for point in points]
    for first, last in UNSPACED.values():
        block = roles[first : last + 1]
        block[block == Role.LETTER] = Role.ALONE
    roles[0x3007] = Role.ALONE  # the ideograph zero is a number to Unicode
    for role, signs in _MIDDLES.items():
        roles[[ord(sign) for sign in signs]] = role
    roles.setflags(write=False)
    return roles


def _role(point: int) -> Role:
    sign = chr(point)
    kind = category(sign)
    if kind[0] == "Z" or kind == "Cc" or point == _ZERO_WIDTH_SPACE:
        return Role.SPACE
    if kind[0] == "M" or kind == "Cf":
        return Role.EXTEND
    if kind[0] == "N":
        return Role.DIGIT
    return Role.LETTER if kind[0] == "L" or kind == "Pc" else Role.MARK


@cache
def white_space_roles() -> UInt8[ndarray, "1114112"]:
    """The role of every code point when white space alone parts words, as `str.split` does."""
    roles = np.full(_POINTS, Role.LETTER, dtype=np.uint8)
    roles[[point for point in range(0x3100) if chr(point).isspace()]] = Role.SPACE
    roles.setflags(write=False)
    return roles


@cache
def word_punct_roles() -> UInt8[ndarray, "1114112"]:
    r"""The role of every code point when words are runs of `\w` and marks runs of what is neither that nor space.

    Source: nltk's WordPunctTokenizer, the regular expression `\w+|[^\w\s]+` of Python's `re`.
    """
    roles = np.full(_POINTS, Role.MARK, dtype=np.uint8)
    signs = np.arange(_POINTS, dtype=np.uint32).view("U1")
    roles[np.strings.isalnum(signs)] = Role.LETTER
    roles[ord("_")] = Role.LETTER
    roles[np.strings.isspace(signs)] = Role.SPACE
    roles.setflags(write=False)
    return roles


@cache
def steady() -> Bool[ndarray, "1114112"]:
    """The code points that composing (NFC) neither changes nor joins to others: text of these alone is composed.

    Those that this Python does not know are not among them.

    Source: Unicode Standard Annex 15, section 9 (quick check): here "maybe" is what ends a pair that composes.
    """
    result = np.zeros(_POINTS, dtype=bool)
    joins = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}  # Hangul is composed by rule, without a table
    for points in _ASSIGNED:
        for point in points:
            sign = chr(point)
            parts = decomposition(sign).split()
            if len(parts) == 2 and parts[0][0] != "<":
                joins.add(int(parts[1], 16))
            result[point] = category(sign) not in ("Cn", "Cs") and not combining(sign) and is_normalized("NFC", sign)
    result[list(joins)] = False
    result.setflags(write=False)
    return result
