"""Which documents are cut from one mould: the same frame of common words with other words in its gaps.

In a bounded sample of different texts, every word that is not among the commonest becomes a gap, and neighbouring gaps
one. A frame is a run of such pieces that stands in many texts. Language has frames of its own ("the _ of the _"), so
the share of texts with one means something beside that of a human control of the same number of tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numpy import ndarray
from scipy.sparse import csr_array

from uncollapse.errors import UsageError
from uncollapse.ngrams import Cutting, Marks, OverSample, Sample, cut_texts, mix

COMMON = 150  # words that can be part of a frame
PIECES = 8  # words and gaps in a frame
FEWEST_WORDS = 5  # of these, words: a frame of gaps is none
SHARE = 0.02  # of the texts that a frame must stand in
FEWEST_TEXTS = 3
GAP = "_"
# Marks are left out: lists with commas would be the commonest frames of all.
FRAMES = Cutting(marks=Marks.SKIP)
_GAP_KEY = np.uint64(0)  # a word has this number with a chance of 2^-64


class Template(NamedTuple):
    """A frame with "_" for its gaps, the texts that it stands in, and those of them that no frame before it is in."""

    frame: str
    texts: int
    more: int


@dataclass(frozen=True, eq=False)
class Templates:
    """The frames of a sample of `texts` different texts with `tokens` words.

    `share` is the part of the texts that have any frame; `templates` are chosen so that each accounts for as many
    texts as possible that those before it do not; `framed` says of each different text whether it has one.
    NaN for no texts; `enough` is False where the corpus had fewer
    tokens than asked for.
    """

    tokens: int
    texts: int
    enough: bool
    share: float
    templates: tuple[Template, ...]
    framed: Bool[ndarray, "x"]


class SampledTemplates(OverSample):
    """Frames in a sample of a fixed number of tokens; copies of a text count once."""

    def __init__(self, *, tokens: int = 1_000_000, most: int = 20, cutting: Cutting = FRAMES) -> None:
        if most < 1:
            raise UsageError(f"most = {most}", hint="At least one template has to be listed.")
        super().__init__(tokens=tokens, cutting=cutting)
        self.most = most

    def settings(self) -> tuple[Any, ...]:
        """How many are listed, number of tokens, and the cutting."""
        return self.most, *super().settings()

    def result(self) -> Templates:
        """The frames."""
        return templates_of(self._sample.result(), most=self.most, cutting=self._sample.cutting)


def templates_of(sample: Sample, *, most: int, cutting: Cutting, spread: float = SHARE) -> Templates:
    """The frames of a sample; each stands in a share of `spread` of the texts, and in three at least."""
    first = [place for place, text in enumerate(sample.texts) if place == 0 or text != sample.texts[place - 1]]
    rows = sample.rows()
    common = _common(sample.words)
    moulds = [_mould(rows[place], common) for place in first]
    presence, keys = _presence([mould.frames for mould in moulds], spread)
    chosen = list(_greedy(presence, most))
    framed = np.diff(presence.indptr) > 0
    share = float(framed.mean()) if moulds else float("nan")
    by_frame = presence.tocsc()
    found = []
    for column, texts, more in chosen:
        text = int(by_frame.indices[by_frame.indptr[column] : by_frame.indptr[column + 1]].min())
        words = cut_texts([sample.texts[first[text]]], cutting)[0]
        found.append(Template(_spelt(moulds[text], keys[column], words), texts, more))
    return Templates(sample.tokens, len(first), sample.enough, share, tuple(found), framed)


class _Mould(NamedTuple):
    """A text as words and gaps: the number of each piece, the word that it begins with, and each frame's number."""

    pieces: UInt64[ndarray, "p"]
    begins: Int64[ndarray, "p"]
    frames: UInt64[ndarray, "f"]


def _common(words: UInt64[ndarray, "n"]) -> UInt64[ndarray, "c"]:
    keys, counts = np.unique(words, return_counts=True)
    return np.sort(keys[np.lexsort((keys, -counts))[:COMMON]])


def _mould(words: UInt64[ndarray, "n"], common: UInt64[ndarray, "c"]) -> _Mould:
    held = np.isin(words, common)
    begins = np.flatnonzero(held | np.concatenate([np.ones(min(len(words), 1), dtype=bool), held[:-1]]))
    pieces = np.where(held, words, _GAP_KEY)[begins]
    count = max(len(pieces) - PIECES + 1, 0)
    frames = np.zeros(count, dtype=np.uint64)
    full = np.zeros(count, dtype=np.int64)
    for place in range(PIECES):
        frames = mix(mix(frames) ^ pieces[place : place + count])
        full += pieces[place : place + count] != _GAP_KEY
    # A frame of too few words gets the number 0, which no frame has.
    return _Mould(pieces, begins, np.where(full >= FEWEST_WORDS, frames, np.uint64(0)))


def _presence(frames: list[UInt64[ndarray, "_"]], spread: float) -> tuple[csr_array, UInt64[ndarray, "k"]]:
    """Which text has which frame, (texts, frames), for frames in enough texts, and the frames' numbers."""
    own = [np.unique(row[row > 0]) for row in frames]
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *own])
    keys, place, texts = np.unique(every, return_inverse=True, return_counts=True)
    often = texts >= max(FEWEST_TEXTS, int(np.ceil(spread * len(frames))))
    row = np.repeat(np.arange(len(frames)), [len(one) for one in own])
    column = np.cumsum(often) - 1
    kept = often[place]
    shape = (len(frames), int(often.sum()))
    ones = np.ones(int(kept.sum()), dtype=np.int64)
    return csr_array((ones, (row[kept], column[place[kept]])), shape=shape), keys[often]


def _greedy(presence: csr_array, most: int) -> Iterator[tuple[int, int, int]]:
    """Frames, each with its texts and those that it adds, the one that adds most first; ties go to the wider spread.

    Source: Chvatal, Mathematics of Operations Research 1979 (greedy set covering).
    """
    texts = np.asarray(presence.sum(axis=0)).ravel()
    left = np.ones(presence.shape[0], dtype=np.int64)
    for _ in range(min(most, presence.shape[1])):
        more = presence.T @ left
        best = int(np.lexsort((-texts, -more))[0])
        if more[best] < FEWEST_TEXTS:
            return
        yield best, int(texts[best]), int(more[best])
        left[presence[:, [best]].tocoo().coords[0]] = 0


def _spelt(mould: _Mould, frame: np.uint64, words: list[str]) -> str:
    at = int(np.flatnonzero(mould.frames == frame)[0])
    pieces = range(at, at + PIECES)
    return " ".join(GAP if mould.pieces[piece] == _GAP_KEY else words[mould.begins[piece]] for piece in pieces)
