"""Cutting texts into words, many documents at a time, without a loop over words.

A word is a run of letters, digits and connecting marks; `don't`, `3.14` and `O'Neill` are one word each. A run of
other marks is a word of its own. In scripts without spaces between words (Chinese, Japanese, Thai, Lao, Khmer,
Burmese and their kin) every character is a word, with its combining marks: `Tokens.unspaced` says how many there
were, so that whoever shows a number can say so. Text is brought to composed form (NFC) first and, unless told
otherwise, to lower case, character by character.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int64, UInt8, UInt64
from numpy import ndarray

from uncollapse.errors import MissingColumn
from uncollapse.ngrams.alphabet import Role, steady, unicode_roles, white_space_roles, word_punct_roles
from uncollapse.ngrams.hashing import PADDING, extend, word_hashes

# Bytes of text that are cut at once: what is worked on stays in the processor's cache. One document is never parted.
PIECE = 1 << 20


class Rule(StrEnum):
    """Where a word ends.

    WORD_PUNCT is nltk's rule of that name, to the letter: no composed form, and capitals are lowered as Python does.
    """

    UNICODE = "unicode"
    WHITE_SPACE = "white-space"
    WORD_PUNCT = "word-punct"


class Case(StrEnum):
    """Whether capitals count."""

    LOWER = "lower"
    KEEP = "keep"


class Marks(StrEnum):
    """Whether runs of marks are words."""

    COUNT = "count"
    SKIP = "skip"


_TABLES = {
    Rule.UNICODE: unicode_roles,
    Rule.WHITE_SPACE: white_space_roles,
    Rule.WORD_PUNCT: word_punct_roles,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How texts are cut; two counts can be added or compared when they were cut alike."""

    rule: Rule = Rule.UNICODE
    case: Case = Case.LOWER
    marks: Marks = Marks.COUNT


WORDS = Cutting()


@dataclass(frozen=True)
class Tokens:
    """The words of some documents in a row.

    `start` and `length` are bytes in `data`; the words of document d are those from offsets[d] to offsets[d + 1].
    `unspaced` counts the words that are single characters of scripts without spaces.
    """

    data: UInt8[ndarray, "b"]
    start: Int64[ndarray, "n"]
    length: Int64[ndarray, "n"]
    offsets: Int64[ndarray, "d"]
    unspaced: int

    @property
    def documents(self) -> int:
        """How many documents these are, empty ones included."""
        return len(self.offsets) - 1

    @cached_property
    def words(self) -> UInt64[ndarray, "n"]:
        """The 64-bit number of each word."""
        return word_hashes(self.data, self.start, self.length)

    @cached_property
    def room(self) -> Int64[ndarray, "n"]:
        """For each word, how many words of its document are left, itself included."""
        counts = np.diff(self.offsets)
        return np.repeat(self.offsets[1:], counts) - np.arange(len(self.start))

    def ngrams(self, order: int) -> UInt64[ndarray, "m"]:
        """The 64-bit number of each n-gram that lies within one document, in order of appearance."""
        if order not in self._ngrams:
            found = self._runs(order)[self.inside(order)]
            found.setflags(write=False)  # several counts are handed the same array
            self._ngrams[order] = found
        return self._ngrams[order]

    def inside(self, order: int) -> Bool[ndarray, "k"]:
        """For each word that has `order` - 1 words behind it, whether they are of the same document."""
        return self.room[: max(len(self.start) - order + 1, 0)] >= order

    def ngram_offsets(self, order: int) -> Int64[ndarray, "d"]:
        """Where the n-grams of each document begin in `ngrams(order)`, and where the last ends."""
        counts = np.maximum(np.diff(self.offsets) - order + 1, 0)
        return np.concatenate([[0], np.cumsum(counts)])

    def spell(self, order: int, which: Int64[ndarray, "k"]) -> list[str]:
        """The words of the n-grams with these numbers in `ngrams(order)`, one blank between two words."""
        first = np.flatnonzero(self.inside(order))[which]
        return [" ".join(self._word(word) for word in range(at, at + order)) for at in first.tolist()]

    def _word(self, index: int) -> str:
        return self.data[self.start[index] : self.start[index] + self.length[index]].tobytes().decode()

    def _runs(self, order: int) -> UInt64[ndarray, "k"]:
        longest = max((known for known in self._known if known <= order), default=1)
        runs = self._known.setdefault(longest, self.words)
        for longer in range(longest + 1, order + 1):
            runs = self._known[longer] = extend(runs, self.words, order=longer)
        return runs

    @cached_property
    def _known(self) -> dict[int, UInt64[ndarray, "_"]]:
        return {}

    @cached_property
    def _ngrams(self) -> dict[int, UInt64[ndarray, "_"]]:
        return {}


def cut(batch: pa.RecordBatch, cutting: Cutting = WORDS) -> Iterator[Tokens]:
    """The words of a batch's documents, about a megabyte of text at a time; a missing text is an empty one."""
    if "text" not in batch.schema.names:
        raise MissingColumn(
            f"no column 'text' among {', '.join(batch.schema.names)}", hint="Rename the column that holds the text."
        )
    texts = batch.column("text")
    if not pa.types.is_large_string(texts.type):
        texts = texts.cast(pa.large_string())
    if texts.null_count:
        texts = texts.fill_null("")
    offsets = _offsets(texts)
    row = 0
    while row < len(texts):
        end = max(int(np.searchsorted(offsets, offsets[row] + PIECE, side="right")) - 1, row + 1)
        yield _cut(texts.slice(row, end - row), cutting)
        row = end


def cut_texts(texts: Sequence[str], cutting: Cutting = WORDS) -> list[list[str]]:
    """The words of each text, as strings; for people, tests and small samples."""
    batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.large_string())], ["text"])
    rows: list[list[str]] = []
    for tokens in cut(batch, cutting):
        spelt = tokens.spell(1, np.arange(len(tokens.start)))
        rows += [spelt[a:b] for a, b in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)]
    return rows


def _offsets(texts: pa.LargeStringArray) -> Int64[ndarray, "d"]:
    _, where, _ = texts.buffers()
    if where is None or not len(texts):
        return np.zeros(1, dtype=np.int64)
    return np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _bytes(texts: pa.LargeStringArray) -> UInt8[ndarray, "b"]:
    data = texts.buffers()[2]
    offsets = _offsets(texts)
    if data is None:
        return np.zeros(0, dtype=np.uint8)
    return np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]


def _cut(texts: pa.LargeStringArray, cutting: Cutting) -> Tokens:
    texts = _as_cut(texts, cutting)
    raw, offsets = _bytes(texts), _offsets(texts)
    offsets = offsets - offsets[0]
    size = len(raw)
    # Room for the lanes of the last word, rounded up to whole lanes.
    data = np.zeros((size + PADDING + 7) // 8 * 8, dtype=np.uint8)
    data[:size] = raw
    roles, alone = _roles(data[: size + PADDING], size, offsets, cutting.rule)
    kind = roles[:size] >> 1
    begins = np.empty(size, dtype=bool)
    begins[:1] = True
    np.not_equal(kind[1:], kind[:-1], out=begins[1:])
    begins[offsets[offsets < size]] = True
    begins[alone] = True
    start = np.flatnonzero(begins)
    length = np.diff(start, append=size)
    lowest = Role.MARK >> 1 if cutting.marks is Marks.COUNT else Role.LETTER >> 1
    held = kind[start] >= lowest
    start, length = start[held], length[held]
    return Tokens(data, start, length, np.searchsorted(start, offsets), len(alone))


def _as_cut(texts: pa.LargeStringArray, cutting: Cutting) -> pa.LargeStringArray:
    """The texts in composed form and lowered, as far as the cutting asks for it."""
    plain = bool(_bytes(texts).max(initial=0) < 0x80)
    exact = cutting.rule is Rule.WORD_PUNCT
    if not plain and not exact and not _composed(_bytes(texts)):
        texts = pc.utf8_normalize(texts, form="NFC")
    if cutting.case is Case.KEEP:
        return texts
    if plain:
        return pc.ascii_lower(texts)
    # Arrow lowers character by character; Python makes two of one here and there, and knows the final sigma.
    return pa.array(map(str.lower, texts.to_pylist()), pa.large_string()) if exact else pc.utf8_lower(texts)


def _composed(data: UInt8[ndarray, "b"]) -> bool:
    """Whether text surely is in composed form as it is; below U+0300 all is."""
    lead = np.flatnonzero(data >= 0xCC)
    return not len(lead) or bool(steady()[_points(data, lead)].all())


def _points(data: UInt8[ndarray, "b"], lead: Int64[ndarray, "k"]) -> Int64[ndarray, "k"]:
    """The code points of the characters beyond ASCII that begin at these bytes.

    Source: RFC 3629, section 3 (UTF-8).
    """
    first = data[lead].astype(np.int64)
    width = 2 + (first >= 0xE0) + (first >= 0xF0)
    point = first & (0x7F >> width)
    for place in (1, 2, 3):
        reached = np.flatnonzero(width > place)
        point[reached] = (point[reached] << 6) | (data[lead[reached] + place] & 0x3F)
    return point


def _roles(
    data: UInt8[ndarray, "b"], size: int, offsets: Int64[ndarray, "d"], rule: Rule
) -> tuple[UInt8[ndarray, "b"], Int64[ndarray, "a"]]:
    """The role of every byte, and where characters that stand alone begin."""
    table = _TABLES[rule]()
    ascii_roles = np.zeros(256, dtype=np.uint8)
    ascii_roles[:128] = table[:128]
    roles = ascii_roles[data]
    roles[size:] = Role.SPACE
    alone = _beyond_ascii(data, roles, table)
    if len(alone) or data.max(initial=0) >= 0x80:
        roles = _extended(roles, offsets[offsets < size])
    _join_middles(data, roles, size, offsets)
    return roles, alone


def _beyond_ascii(
    data: UInt8[ndarray, "b"], roles: UInt8[ndarray, "b"], table: UInt8[ndarray, "p"]
) -> Int64[ndarray, "a"]:
    """Gives every byte of the longer characters their role, in place; where those that stand alone begin."""
    lead = np.flatnonzero(data >= 0xC0)
    if not len(lead):
        return lead
    width = 2 + (data[lead] >= 0xE0) + (data[lead] >= 0xF0)
    role = table[_points(data, lead)]
    roles[lead] = role
    for place in (1, 2, 3):
        reached = width > place
        roles[lead[reached] + place] = role[reached]
    return lead[role == Role.ALONE]


def _extended(roles: UInt8[ndarray, "b"], begins: Int64[ndarray, "d"]) -> UInt8[ndarray, "b"]:
    """The roles, with each combining mark given that of what it stands on; on nothing, it is space."""
    hangs = roles == Role.EXTEND
    if not hangs.any():
        return roles
    orphans = begins[hangs[begins]]
    roles[orphans] = Role.SPACE
    hangs[orphans] = False
    carrier = np.where(hangs, 0, np.arange(len(roles)))
    return roles[np.maximum.accumulate(carrier)]


def _join_middles(
    data: UInt8[ndarray, "b"], roles: UInt8[ndarray, "b"], size: int, offsets: Int64[ndarray, "d"]
) -> None:
    """Makes apostrophes, points and commas part of the word or number that they stand in, else marks, in place."""
    middle = np.flatnonzero(roles[:size] >= Role.MID_LETTER)
    middle = middle[(data[middle] & 0xC0) != 0x80]
    if not len(middle):
        return
    first = data[middle]
    width = 1 + (first >= 0xC0).astype(np.int64) + (first >= 0xE0) + (first >= 0xF0)
    edge = np.zeros(size + 1, dtype=bool)
    edge[offsets] = True
    within = ~edge[middle] & ~edge[middle + width]
    before, after, role = roles[middle - 1], roles[middle + width], roles[middle]
    letters = within & (before == Role.LETTER) & (after == Role.LETTER) & (role != Role.MID_DIGIT)
    digits = within & (before == Role.DIGIT) & (after == Role.DIGIT) & (role != Role.MID_LETTER)
    found = np.where(letters, Role.LETTER, np.where(digits, Role.DIGIT, Role.MARK)).astype(np.uint8)
    for place in range(4):
        reached = width > place
        roles[middle[reached] + place] = found[reached]
