"""How many words a text has, without a tokenizer: what every share and every floor is counted in.

A word is a run of letters, marks and digits; in scripts that put no spaces between words each character, with its
combining marks, is one; a punctuation mark or symbol is one. `don't` is three. The classes are those of RE2, and `WORD`
is the rule; texts without characters of such scripts and without combining marks are counted by table, to the same
numbers and several times as fast.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int64, UInt8, UInt32
from numpy import ndarray

COUNTING = "re2-words/1"
"""Of the rule below; counts by two rules cannot be added."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_OF_A_RUN = rf"[^\p{{Z}}\p{{C}}\p{{P}}\p{{S}}{_UNSPACED}]"
_ALONE = r"[\p{P}\p{S}]"
WORD = rf"{_OF_A_RUN}+|[{_UNSPACED}]\p{{M}}*|{_ALONE}"

# Two code points that are no characters and never will be: one stands where an edit put text, the other in its place
# where a text holds it by itself. To RE2 both could stand in a run.
_MARK, _OTHER = "\ufdd0", "\ufdd1"
_TOUCHED = rf"{_OF_A_RUN}*{_MARK}{_OF_A_RUN}*"

# What a character is in the table.
_RUN, _SINGLE, _BY_RULE = 1, 2, 3
_PAGE = 256


def words(texts: pa.Array) -> Int64[ndarray, "rows"]:
    """The number of words of each text; a missing text has none."""
    return _counted(texts, edited=False)


def kept_words(texts: Sequence[str], edits: pa.Array) -> Int64[ndarray, "rows"]:
    """For each text how many of its words have no byte that one of its edits put there; `edits` as in the schema."""
    flat = edits.flatten()
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(edits).to_numpy(zero_copy_only=False))])
    afters = flat.field("after").to_pylist()
    sizes = pc.binary_length(flat.field("after")).to_pylist()
    grown = [new - old for new, old in zip(sizes, pc.binary_length(flat.field("before")).to_pylist(), strict=True)]
    stretches = list(zip(flat.field("position").to_pylist(), sizes, grown, _ends(afters), strict=True))
    bounds = offsets.tolist()
    marked = [_marked(text.encode(), stretches[bounds[row] : bounds[row + 1]]) for row, text in enumerate(texts)]
    return _counted(pa.array(marked, pa.large_string()), edited=True)


def _counted(texts: pa.Array, *, edited: bool) -> Int64[ndarray, "rows"]:
    """The words of each text, but for those that hold a mark where the texts are `edited` ones."""
    values = [text or "" for text in texts.to_pylist()]
    # A space ends what a text ends with.
    codes = np.frombuffer(" ".join([*values, ""]).encode("utf-32-le"), np.uint32)
    ends = np.cumsum(np.array([len(text) + 1 for text in values], np.int64))
    roles = _roles(codes)
    runs = roles == _RUN
    starts = runs.copy()
    starts[1:] &= ~runs[:-1]
    counted = starts | (roles == _SINGLE)
    if edited:
        counted &= ~_touched(codes, starts)
    counts = _sums(counted, ends)
    slow = np.flatnonzero(_sums(roles == _BY_RULE, ends))
    if len(slow):
        counts[slow] = _by_rule([values[row] for row in slow], edited=edited)
    return counts


def _sums(flags: Bool[ndarray, "codes"], ends: Int64[ndarray, "rows"]) -> Int64[ndarray, "rows"]:
    """How many flags are set in each text, by where the texts end."""
    if not len(ends):
        return np.zeros(0, np.int64)
    # No text is empty here, as each has the space that ends it.
    return np.add.reduceat(flags.view(np.uint8), np.concatenate([[0], ends[:-1]]), dtype=np.int64)


def _touched(codes: UInt32[ndarray, "codes"], starts: Bool[ndarray, "codes"]) -> Bool[ndarray, "codes"]:
    """The starts of the runs that hold a mark."""
    places = np.flatnonzero(starts)
    held = np.searchsorted(places, np.flatnonzero(codes == ord(_MARK)), side="right") - 1
    touched = np.zeros(len(codes), bool)
    touched[places[held]] = True
    return touched


def _by_rule(texts: Sequence[str], *, edited: bool) -> Int64[ndarray, "rows"]:
    column = pa.array(texts, pa.large_string())
    if edited:
        column = pc.replace_substring_regex(column, pattern=_TOUCHED, replacement=" ")
    return pc.count_substring_regex(column, pattern=WORD).to_numpy(zero_copy_only=False).astype(np.int64)


def _roles(codes: UInt32[ndarray, "codes"]) -> UInt8[ndarray, "codes"]:
    """What each character is, out of pages that are made when a text first needs them."""
    table, known = _table()
    pages = codes >> 8
    new = ~known.take(pages)
    for page in np.unique(pages[new]).tolist() if new.any() else ():
        table[page * _PAGE : (page + 1) * _PAGE] = _page(page)
        known[page] = True
    return table.take(codes)


class _Table(NamedTuple):
    roles: UInt8[ndarray, "1114112"]
    known: Bool[ndarray, "4352"]


@cache
def _table() -> _Table:
    return _Table(np.zeros(0x110000, np.uint8), np.zeros(0x1100, bool))


def _page(page: int) -> UInt8[ndarray, "256"]:
    """What each of 256 characters is, as RE2 has it; half of a surrogate pair is none and is in no text."""
    points = range(page * _PAGE, (page + 1) * _PAGE)
    signs = pa.array([" " if 0xD800 <= point < 0xE000 else chr(point) for point in points], pa.string())

    def those(pattern: str) -> Bool[ndarray, "256"]:
        return pc.match_substring_regex(signs, pattern=rf"^{pattern}$").to_numpy(zero_copy_only=False)

    roles = np.zeros(_PAGE, np.uint8)
    roles[those(_OF_A_RUN)] = _RUN
    roles[those(_ALONE)] = _SINGLE
    roles[those(rf"[{_UNSPACED}\p{{M}}]")] = _BY_RULE
    # What ends a line is matched by `$` before it, and is white space in any case.
    roles[[point - points.start for point in points if point in (10, 13)]] = 0
    return roles


def _ends(afters: Sequence[str]) -> list[tuple[bool, bool]]:
    """For each stretch that an edit put there whether it begins, and whether it ends, with a character of a run."""
    signs = [sign for after in afters for sign in (after[:1] or " ", after[-1:] or " ")]
    roles = _roles(np.frombuffer("".join(signs).encode("utf-32-le"), np.uint32))
    runs = roles == _RUN
    slow = np.flatnonzero(roles == _BY_RULE)
    if len(slow):
        column = pa.array([signs[place] for place in slow], pa.string())
        runs[slow] = pc.match_substring_regex(column, pattern=_OF_A_RUN).to_numpy(zero_copy_only=False)
    return list(zip(runs[::2].tolist(), runs[1::2].tolist(), strict=True))


def _marked(text: bytes, stretches: Sequence[tuple[int, int, int, tuple[bool, bool]]]) -> str:
    """The text with a mark for each edited stretch, parted by a blank from a word that it does not belong to.

    A stretch has its position in the first text, its size, by how much it has grown, and what it begins and ends with.
    """
    parts: list[bytes] = []
    done = shift = 0
    mark = _MARK.encode()
    for position, size, grown, (first, last) in stretches:
        start = position + shift
        shift += grown
        if size:
            parts += [
                text[done:start].replace(mark, _OTHER.encode()),
                b"" if first else b" ",
                mark,
                b"" if last else b" ",
            ]
            done = start + size
    parts.append(text[done:].replace(mark, _OTHER.encode()))
    return b"".join(parts).decode("utf-8", "replace")
