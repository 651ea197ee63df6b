"""What the tokens of a vocabulary are as pieces of text: faithful text, and whole words with a shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Int8, Int32, Int64
from numpy import ndarray


class Unit(IntEnum):
    """How a word is written; a replacement has to be written likewise."""

    NOT_A_WORD = 0
    LOWER = 1
    TITLE = 2
    UPPER = 3


@dataclass(frozen=True, slots=True)
class Pieces:
    """For each token of a vocabulary, what it is as text.

    `is_text`: its bytes are whole characters, and it is no special token. `shape`: how it is written if it is a
    space followed by letters alone, else `NOT_A_WORD`. `continues`: a word before it would run on into it, because it
    begins with a letter, a digit, a mark or what stands inside words (' ’ - _).
    """

    surfaces: Sequence[bytes | None]
    is_text: Bool[ndarray, "v"]
    shape: Int8[ndarray, "v"]
    continues: Bool[ndarray, "v"]


INSIDE_WORDS = frozenset("'’-‐‑_\u00ad\u200c\u200d")


def pieces(surfaces: Sequence[bytes | None]) -> Pieces:
    """The table for a vocabulary given each token's bytes."""
    texts = [_decode(surface) for surface in surfaces]
    return Pieces(
        surfaces=surfaces,
        is_text=np.array([bool(text) for text in texts], dtype=bool),
        shape=np.array([_shape(text) for text in texts], dtype=np.int8),
        continues=np.array([_continues(surface) for surface in surfaces], dtype=bool),
    )


def whole_words(table: Pieces, ids: Int32[ndarray, "n"], first: Bool[ndarray, "n"]) -> Bool[ndarray, "n"]:
    """Which tokens are words by themselves: a space and letters, and what follows begins something new.

    `first` marks the first token of each document, before which every word ends.
    """
    ends = np.ones(len(ids), dtype=bool)
    ends[:-1] = first[1:] | ~table.continues[ids[1:]]
    return (table.shape[ids] != Unit.NOT_A_WORD) & ends


def same_shape(table: Pieces, ids: Int32[ndarray, "r"], candidates: Int32[ndarray, "r k"]) -> Bool[ndarray, "r k"]:
    """Which candidates are words written like the word they would replace."""
    return table.shape[candidates] == table.shape[ids][:, None]


def faithful(
    table: Pieces,
    ids: Int32[ndarray, "r"],
    *,
    texts: Sequence[bytes],
    spans: Int64[ndarray, "r 2"],
    document: Int64[ndarray, "r"],
) -> Bool[ndarray, "r"]:
    """Which tokens stand for exactly the bytes that they cover, so that putting another in their place is safe."""
    surfaces = table.surfaces
    return (
        np.fromiter(
            (
                surfaces[token] == texts[number][start:end]
                for token, number, (start, end) in zip(ids.tolist(), document.tolist(), spans.tolist(), strict=True)
            ),
            dtype=bool,
            count=len(ids),
        )
        & table.is_text[ids]
    )


def _decode(surface: bytes | None) -> str:
    """The text of a token, or nothing if it is special or a piece of a character."""
    try:
        return surface.decode() if surface else ""
    except UnicodeDecodeError:
        return ""


def _shape(text: str) -> Unit:
    word = text[1:]
    if text[:1] != " " or not word.isalpha():
        return Unit.NOT_A_WORD
    if word.islower() or not (word.isupper() or word.istitle() or word != word.lower()):
        return Unit.LOWER
    if word.istitle():
        return Unit.TITLE
    return Unit.UPPER if word.isupper() else Unit.NOT_A_WORD


def _continues(surface: bytes | None) -> bool:
    if not surface:
        return False
    try:
        first = surface.decode()[0]
    except UnicodeDecodeError:
        # A piece of a character: nobody knows what it will be, so nothing is taken to end before it.
        return True
    return first.isalnum() or first in INSIDE_WORDS or not (first.isprintable() or first.isspace())
