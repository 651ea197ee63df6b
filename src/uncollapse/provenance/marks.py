"""Marks in text that no reader sees: what kind, where, what they say; taken out with an account, and put back.

Such characters are evidence of where a text was, and noise to whoever learns from it. Some of them belong to the
writing: joiners in Persian, Indic and emoji, selectors behind emoji and ideographs, directions in right-to-left text,
word breaks in Thai. Those stay.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple
from unicodedata import category

from uncollapse.errors import InputError


class Kind(StrEnum):
    """What a mark is."""

    C2PA = "c2pa manifest"
    SELECTORS = "variation selectors"
    TAGS = "tag characters"
    ZERO_WIDTH = "zero-width"
    DIRECTION = "direction"
    HYPHEN = "soft hyphen"
    INVISIBLE = "other invisible"


class Mark(NamedTuple):
    """Neighbouring unseen characters of one kind.

    `position` counts UTF-8 bytes in the text that they stand in; `payload` is what they spell, if
    they spell anything.
    """

    position: int
    mark: str
    kind: Kind
    payload: str | None = None


# All without a shape. Source: Unicode Character Database, Default_Ignorable_Code_Point, without the fillers of Hangul
# and Khmer, which stand for letters.
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
)
_JOINER, _NON_JOINER, _SPACE = "\u200d", "\u200c", "\u200b"
_FLAG, _FLAG_END = "\U0001f3f4", "\U000e007f"
_FLAG_TAGS = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
# Arabic and its kin, the Indic scripts, Tibetan, Burmese, Khmer, Mongolian, and the later blocks of these.
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1bff\ua840-\ua87f"
    "\ua8e0-\ua8ff\ua980-\uaadf\uabc0-\uabff\U00010a00-\U00010fff\U00011000-\U000116ff\U0001e900-\U0001e95f]"
)
_UNSPACED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf]")
_TAKE_SELECTOR = frozenset("0123456789#*\u203c\u2049\u3030\u303d")
# Source: C2PA specification 2.3, section A.7: magic, version, length of the manifest (big-endian), the manifest.
_MAGIC = b"C2PATXT\0"
_HEADER = len(_MAGIC) + 1 + 4
_BITS = 8


def marks_in(text: str) -> list[Mark]:
    """The marks of a text in order, without those that belong to the writing.

    Raises:
        InputError: the text holds half a character, as when a mark was put into the middle of one.
    """
    found: list[tuple[int, str, Kind]] = []
    right_to_left: bool | None = None
    for run in UNSEEN.finditer(text):
        if right_to_left is None:
            right_to_left = _RIGHT_TO_LEFT.search(text) is not None
        found += _in_run(text, run.start(), run.end(), right_to_left=right_to_left)
    return list(_grouped(text, found)) if found else []


def stripped(text: str, marks: Sequence[Mark]) -> str:
    """The text without these marks of its own."""
    data, parts, done = text.encode(), [], 0
    for mark in marks:
        parts.append(data[done : mark.position])
        done = mark.position + len(mark.mark.encode())
    return b"".join([*parts, data[done:]]).decode()


def restored(text: str, marks: Sequence[Mark]) -> str:
    """The text with the marks that were taken out of it, byte for byte as it came."""
    data, whole, done = text.encode(), bytearray(), 0
    for mark in marks:
        before = mark.position - len(whole)
        whole += data[done : done + before] + mark.mark.encode()
        done += before
    return bytes(whole + data[done:]).decode()


def _in_run(text: str, start: int, end: int, *, right_to_left: bool) -> Iterator[tuple[int, str, Kind]]:
    """The characters of a run that do not belong to the writing."""
    kept = text[start - 1] if start else ""
    flag = _FLAG_TAGS.match(text, start) if kept == _FLAG else None
    for at in range(start, end):
        sign = text[at]
        if flag and at < flag.end():
            kept = sign
            continue
        after = text[at + 1 : at + 2]
        kind = _kind(sign)
        if _belongs(sign, kept, after, right_to_left=right_to_left) and not (
            kind is Kind.SELECTORS and at > start and _is_selector(text[at - 1])
        ):
            kept = sign
        else:
            yield at, sign, kind


def _kind(sign: str) -> Kind:
    point = ord(sign)
    if _is_selector(sign):
        return Kind.SELECTORS
    if point >= 0xE0000:
        return Kind.TAGS
    if sign in "\u200b\u200c\u200d\u2060\ufeff\u180e":
        return Kind.ZERO_WIDTH
    if sign in "\u061c\u200e\u200f" or 0x202A <= point <= 0x202E or 0x2066 <= point <= 0x2069:
        return Kind.DIRECTION
    return Kind.HYPHEN if sign == "\u00ad" else Kind.INVISIBLE


def _is_selector(sign: str) -> bool:
    return "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"


def _belongs(sign: str, before: str, after: str, *, right_to_left: bool) -> bool:
    """Whether an unseen character does its proper work between its neighbours."""
    kind = _kind(sign)
    if kind is Kind.SELECTORS:
        return not _is_selector(after or " ") and _takes(before, sign)
    if kind is Kind.DIRECTION:
        return right_to_left
    near = (before, "" if UNSEEN.match(after) else after)
    if sign in (_JOINER, _NON_JOINER):
        return _joins_pictures(sign, *near) or any(_JOINING.match(other) is not None for other in near)
    if sign == _SPACE:
        return any(_UNSPACED.match(other) is not None for other in near)
    if "\u180b" <= sign <= "\u180f":
        return "\u1800" <= before <= "\u18af"
    return sign == "\u034f" and bool(near[1]) and category(near[1])[0] == "M"


def _joins_pictures(sign: str, before: str, after: str) -> bool:
    return sign == _JOINER and _is_picture(before) and bool(after) and category(after)[0] == "S"


def _takes(before: str, selector: str) -> bool:
    """Whether a character can have a variation selector behind it."""
    if not before:
        return False
    kind = category(before)
    ideograph = kind == "Lo" and ord(before) >= 0x2E80
    if selector >= "\U000e0100":
        return ideograph
    wide_mark = kind[0] == "P" and ord(before) >= 0x3000
    return kind in ("So", "Sm", "Sk") or kind == "Lo" or wide_mark or before in _TAKE_SELECTOR or ideograph


def _is_picture(sign: str) -> bool:
    """Whether a character ends an emoji: a symbol, a colour of skin, a selector, or the end of a flag."""
    return bool(sign) and (category(sign)[0] == "S" or sign in ("\ufe0f", _FLAG_END))


def _grouped(text: str, found: Sequence[tuple[int, str, Kind]]) -> Iterator[Mark]:
    """Neighbours as one mark, with positions in bytes; a byte order mark before a manifest is part of it."""
    groups: list[list[tuple[int, str, Kind]]] = []
    for one in found:
        last = groups[-1][-1] if groups else None
        joins = last is not None and last[0] + 1 == one[0] and (last[2] is one[2] or _opens(last[1], one[2]))
        groups[-1].append(one) if joins else groups.append([one])
    try:
        bytes_, done = 0, 0
        for group in groups:
            at = group[0][0]
            bytes_ += len(text[done:at].encode())
            done = at
            yield from _as_marks(bytes_, "".join(sign for _, sign, _ in group))
    except UnicodeEncodeError as error:
        raise InputError(
            f"a mark breaks a character: half of one stands before character {error.start + done + 1}",
            hint="Half characters (lone surrogates) are no text; read the text again from where it came.",
        ) from error


def _opens(sign: str, kind: Kind) -> bool:
    return sign == "\ufeff" and kind is Kind.SELECTORS


def _as_marks(position: int, run: str) -> Iterator[Mark]:
    order_mark = run[0] == "\ufeff" and len(run) > 1 and _is_selector(run[1])
    selectors = run[1:] if order_mark else run
    if not _is_selector(selectors[0]):
        kind = _kind(run[0])
        yield Mark(position, run, kind, _spelt(run, kind))
        return
    data = bytes(_byte(sign) for sign in selectors)
    if data.startswith(_MAGIC):
        yield Mark(position, run, Kind.C2PA, _manifest(data))
        return
    if order_mark:
        yield Mark(position, run[0], Kind.ZERO_WIDTH)
        position += len(run[0].encode())
    yield Mark(position, selectors, Kind.SELECTORS, _printable(data))


def _byte(selector: str) -> int:
    """The byte that a selector stands for: the first sixteen for 0 to 15, the others for 16 to 255."""
    point = ord(selector)
    return point - 0xFE00 if point <= 0xFE0F else point - 0xE0100 + 16


def _manifest(data: bytes) -> str:
    if len(data) < _HEADER:
        return "cut off before its header ends"
    version, length = data[len(_MAGIC)], int.from_bytes(data[len(_MAGIC) + 1 : _HEADER])
    held = len(data) - _HEADER
    told = f"version {version}, {length:,} bytes of manifest"
    return told if held == length else f"{told}, of which {held:,} are there"


def _spelt(run: str, kind: Kind) -> str | None:
    if kind is Kind.TAGS:
        return _printable(bytes(ord(sign) & 0x7F for sign in run if ord(sign) < 0xE0080))
    signs = sorted(set(run))
    if kind is not Kind.ZERO_WIDTH or len(signs) != 2 or len(run) < 2 * _BITS or len(run) % _BITS:
        return None
    for zero in signs:
        bits = "".join("0" if sign == zero else "1" for sign in run)
        spelt = _printable(bytes(int(bits[at : at + _BITS], 2) for at in range(0, len(bits), _BITS)))
        if spelt:
            return spelt
    return None


def _printable(data: bytes) -> str | None:
    """The text that some bytes are; None if they are none that could be read."""
    try:
        text = data.strip(b"\0").decode()
    except UnicodeDecodeError:
        return None
    return text if text and text.isprintable() else None
