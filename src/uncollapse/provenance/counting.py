"""How many words a text has, without a tokenizer: what every share and every floor is counted in.

A word is a run of letters, marks and digits; in scripts that put no spaces between words each character, with its
combining marks, is one; a punctuation mark or symbol is one. `don't` is three. The classes are those of RE2, and `WORD`
is the rule; texts without characters of such scripts and without combining marks are counted by table, to the same
numbers and several times as fast.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int64, UInt8, UInt32
from numpy import ndarray

from uncollapse.provenance.characters import Laid, beyond_ascii, whole

COUNTING = "re2-words/1"
"""Of the rule below; counts by two rules cannot be added."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_OF_A_RUN = rf"[^\p{{Z}}\p{{C}}\p{{P}}\p{{S}}{_UNSPACED}]"
_ALONE = r"[\p{P}\p{S}]"
WORD = rf"{_OF_A_RUN}+|[{_UNSPACED}]\p{{M}}*|{_ALONE}"

# Two code points that are no characters and never will be: one stands where an edit put text, the other in its place
# where a text holds it by itself. To RE2 both could stand in a run.
_MARK, _OTHER = "\ufdd0", "\ufdd1"

# What a character is in the table; what stands behind the first two needs its neighbours.
_RUN, _SINGLE, _MARK_OF_A_RUN, _UNSPACED_SIGN, _UNSPACED_MARK = range(1, 6)
_PAGE = 256


def words(texts: pa.Array) -> Int64[ndarray, "rows"]:
    """The number of words of each text; a missing text has none."""
    return _Cut.of(texts).counts()


def kept_words(texts: pa.Array, edits: pa.Array, counts: Int64[ndarray, "rows"]) -> Int64[ndarray, "rows"]:
    """For each text how many of its words have no byte that one of its edits put there; `edits` as in the schema.

    `counts` are the words of the texts.
    """
    cut, stretches = _Cut.of(texts), _Stretches.of(edits)
    touched = cut.start[cut.touched(stretches)]
    kept = counts - np.diff(np.searchsorted(touched, cut.offsets))
    if len(cut.slow):
        # What an edit put there may part what was one word: there are no more than without it.
        marked = _by_neighbours(list(_marked_texts(cut, stretches)), edited=True)
        kept[cut.slow] = np.minimum(marked, counts[cut.slow])
    return kept


class _Stretches(NamedTuple):
    """What edits put into texts: the text's row, where it begins there, its bytes; empty ones are left out."""

    row: Int64[ndarray, "edits"]
    start: Int64[ndarray, "edits"]
    size: Int64[ndarray, "edits"]
    after: pa.Array

    @classmethod
    def of(cls, edits: pa.Array) -> "_Stretches":
        """The stretches of some lists of edits, whose positions count bytes of the first text."""
        flat = edits.flatten()
        counts = _numbers(pc.list_value_length(edits))
        sizes = _numbers(pc.binary_length(flat.field("after")))
        grown = sizes - _numbers(pc.binary_length(flat.field("before")))
        row = np.repeat(np.arange(len(edits)), counts)
        before = np.concatenate([[0], np.cumsum(grown)])
        start = _numbers(flat.field("position")) + before[:-1] - np.repeat(before[np.cumsum(counts) - counts], counts)
        held = np.flatnonzero(sizes > 0)
        return cls(row[held], start[held], sizes[held], flat.field("after").take(pa.array(held)))


def _numbers(column: pa.Array) -> Int64[ndarray, "rows"]:
    return pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)


class _Cut(NamedTuple):
    """The words of some texts: where each begins and ends in their bytes, its text's row; and the rows cut by rule."""

    texts: pa.LargeStringArray
    offsets: Int64[ndarray, "bounds"]
    start: Int64[ndarray, "words"]
    end: Int64[ndarray, "words"]
    slow: Int64[ndarray, "slow"]

    @classmethod
    def of(cls, texts: pa.Array) -> "_Cut":
        """The words of the texts; of those that need the rule, what stands there instead is of no use."""
        texts = whole(texts)
        laid = Laid.of(texts)
        roles, offsets = _byte_roles(laid.data), laid.offsets
        edges = offsets[:-1][np.diff(offsets) > 0]
        runs, single = roles == _RUN, roles == _SINGLE
        begins = runs.copy()
        begins[1:] &= ~runs[:-1]
        begins[edges] = runs[edges]
        ends = runs.copy()
        ends[:-1] &= ~runs[1:]
        ends[edges[1:] - 1] |= runs[edges[1:] - 1]
        slow = np.unique(laid.row_of(np.flatnonzero(roles > _SINGLE)))
        return cls(texts, offsets, np.flatnonzero(begins | single), np.flatnonzero(ends | single) + 1, slow)

    def counts(self) -> Int64[ndarray, "rows"]:
        """How many words each text has."""
        counts = np.diff(np.searchsorted(self.start, self.offsets))
        if len(self.slow):
            texts = self.texts.take(pa.array(self.slow)).to_pylist()
            counts[self.slow] = _by_neighbours(texts, edited=False)
        return counts

    def touched(self, stretches: _Stretches) -> Bool[ndarray, "words"]:
        """The words that hold a byte of a stretch."""
        first, last = self.offsets[stretches.row], self.offsets[stretches.row + 1]
        start = np.clip(first + stretches.start, first, last)
        stop = np.clip(first + stretches.start + stretches.size, start, last)
        low = np.searchsorted(self.end, start, side="right")
        high = np.maximum(np.searchsorted(self.start, stop, side="left"), low)
        depth = np.bincount(low, minlength=len(self.start) + 1) - np.bincount(high, minlength=len(self.start) + 1)
        return np.cumsum(depth)[:-1] > 0


def _byte_roles(data: UInt8[ndarray, "bytes"]) -> UInt8[ndarray, "bytes"]:
    """What each byte of UTF-8 is: what its character is; one that stands alone is told by its first byte."""
    roles = np.frombuffer(bytearray(data).translate(_ascii_roles()), np.uint8)
    place, size, code = beyond_ascii(data)
    own = _roles(code)
    roles[place] = own
    behind = np.where(own == _RUN, own, 0)
    for more in range(1, int(size.max(initial=0))):
        longer = size > more
        roles[place[longer] + more] = behind[longer]
    return roles


@cache
def _ascii_roles() -> bytes:
    """What each byte is; one beyond ASCII is nothing until its character is looked at."""
    return _roles(np.arange(0x80, dtype=np.uint32)).tobytes() + bytes(0x80)


def _by_neighbours(texts: Sequence[str], *, edited: bool) -> Int64[ndarray, "rows"]:
    """The words of texts with marks or signs of unspaced scripts, but for those with an edit's mark where `edited`.

    A mark belongs to the run, or to the sign, before it; where one of an unspaced script follows a run, it is a sign
    to those behind it.
    """
    # A space ends what a text ends with.
    codes = np.frombuffer(" ".join(["", *texts, ""]).encode("utf-32-le"), np.uint32)
    ends = np.cumsum(np.array([1, *(len(text) + 1 for text in texts)], np.int64))
    roles = _roles(codes)
    mark, own = (roles == _MARK_OF_A_RUN) | (roles == _UNSPACED_MARK), roles == _UNSPACED_MARK
    last = np.maximum.accumulate(np.where(mark, 0, np.arange(len(codes))))
    seen = np.cumsum(own)
    after_sign = (roles == _UNSPACED_SIGN) | (mark & ((roles[last] == _UNSPACED_SIGN) | (seen > seen[last])))
    in_run = (roles == _RUN) | (mark & ~after_sign)
    begins = (roles == _UNSPACED_SIGN) | (roles == _SINGLE)
    begins[1:] |= (roles == _RUN)[1:] & ~in_run[:-1]
    begins[1:] |= (roles == _MARK_OF_A_RUN)[1:] & ~in_run[:-1] & ~after_sign[:-1]
    begins[1:] |= own[1:] & ~after_sign[:-1]
    places = np.flatnonzero(begins)
    if edited:
        held = np.searchsorted(places, np.flatnonzero(codes == ord(_MARK)), side="right") - 1
        places = np.delete(places, np.unique(held))
    return np.diff(np.searchsorted(places, ends))


def _marked_texts(cut: _Cut, stretches: _Stretches) -> Iterator[str]:
    """The texts that are cut by their neighbours, with marks where edits put something."""
    own = np.flatnonzero(np.isin(stretches.row, cut.slow))
    sides = _ends(stretches.after.take(pa.array(own)).to_pylist())
    places = list(zip(stretches.start[own].tolist(), stretches.size[own].tolist(), sides, strict=True))
    low = np.searchsorted(stretches.row[own], cut.slow, side="left").tolist()
    high = np.searchsorted(stretches.row[own], cut.slow, side="right").tolist()
    texts = cut.texts.take(pa.array(cut.slow)).to_pylist()
    for text, begin, end in zip(texts, low, high, strict=True):
        yield _marked(text.encode(), places[begin:end])


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
    mark, sign = those(r"\p{M}"), those(f"[{_UNSPACED}]")
    roles[mark] = _MARK_OF_A_RUN
    roles[sign] = _UNSPACED_SIGN
    roles[mark & sign] = _UNSPACED_MARK
    # What ends a line is matched by `$` before it, and is white space in any case.
    roles[[point - points.start for point in points if point in (10, 13)]] = 0
    return roles


def _ends(afters: Sequence[str]) -> list[tuple[bool, bool]]:
    """For each stretch that an edit put there whether it begins, and whether it ends, with a character of a run."""
    signs = [sign for after in afters for sign in (after[:1] or " ", after[-1:] or " ")]
    roles = _roles(np.frombuffer("".join(signs).encode("utf-32-le"), np.uint32))
    runs = (roles == _RUN) | (roles == _MARK_OF_A_RUN)
    return list(zip(runs[::2].tolist(), runs[1::2].tolist(), strict=True))


def _marked(text: bytes, stretches: Sequence[tuple[int, int, tuple[bool, bool]]]) -> str:
    """The text with a mark for each edited stretch, parted by a blank from a word that it does not belong to.

    A stretch has its place and size in the text, and what it begins and ends with.
    """
    parts: list[bytes] = []
    done = 0
    mark = _MARK.encode()
    for start, size, (first, last) in stretches:
        parts += [
            text[done:start].replace(mark, _OTHER.encode()),
            b"" if first else b" ",
            mark,
            b"" if last else b" ",
        ]
        done = start + size
    parts.append(text[done:].replace(mark, _OTHER.encode()))
    return b"".join(parts).decode("utf-8", "replace")
