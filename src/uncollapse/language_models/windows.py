"""How documents are laid before a neural model: windows of bounded length, packed into pages without padding.

A model reads a window row by row; row j predicts one token. Where the model has a start token, each window begins with
it and row j of a window that begins at token b predicts token b + j; without one it predicts token b + j + 1.

A document that fits is one window. A longer one is read in windows of `window` rows, each beginning `window - overlap`
tokens after the one before; a token that two windows predict is scored in the earlier, so every token but those of the
first window is scored with at least `overlap` tokens before it. Nothing is cut off.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.language_models.model import Tokens

# Share of a window that repeats the one before it.
OVERLAP = 4


class Window(NamedTuple):
    """Rows of one document: where they begin, how many there are, and which of them are scored."""

    document: int
    begin: int
    """The document's token that row 0 stands for; the start token stands before it."""
    rows: int
    skip: int
    """Rows at the head that are read as context alone."""


class Page(NamedTuple):
    """Windows end to end, as the model reads them; t rows, s of them scored."""

    ids: Int64[ndarray, "t"]
    positions: Int64[ndarray, "t"]
    bounds: tuple[int, ...]
    """Where windows begin, and the end of the last."""
    rows: Int64[ndarray, "s"]
    """The rows of the page that are scored, ascending."""
    targets: Int64[ndarray, "s"]
    """For each of them, the index into `Tokens.ids` of the token that it predicts; ascending."""


def overlap_of(window: int) -> int:
    """The tokens that a window repeats from the one before it."""
    return window // OVERLAP


def cut(tokens: Tokens, *, window: int, start: bool) -> Iterator[Window]:
    """The windows of every document, in order; windows that would only read a prompt are left out."""
    overlap = overlap_of(window)
    for document in range(len(tokens)):
        head, end = int(tokens.offsets[document]), int(tokens.offsets[document + 1])
        shift = 0 if start else 1
        # Rows that predict tokens of the prompt, counted from the document's first row.
        unscored = max(0, int(tokens.starts[document]) - head - shift)
        count = end - head - shift
        for begin in range(0, max(0, count if count <= window else count - overlap), window - overlap):
            rows = min(window, count - begin)
            skip = max(overlap if begin else 0, unscored - begin)
            if skip < rows:
                yield Window(document, begin, rows, skip)


def pages(tokens: Tokens, *, window: int, start: int | None, capacity: int) -> Iterator[Page]:
    """The windows in order, packed into pages of at most `capacity` rows (more where one window is longer)."""
    held: list[Window] = []
    size = 0
    for piece in cut(tokens, window=window, start=start is not None):
        if held and size + piece.rows > capacity:
            yield _page(tokens, held, start=start)
            held, size = [], 0
        held.append(piece)
        size += piece.rows
    if held:
        yield _page(tokens, held, start=start)


def _page(tokens: Tokens, held: list[Window], *, start: int | None) -> Page:
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum([piece.rows for piece in held])])
    ids = np.empty(bounds[-1], np.int64)
    rows, targets = [], []
    for piece, at in zip(held, bounds[:-1].tolist(), strict=True):
        first = int(tokens.offsets[piece.document]) + piece.begin
        if start is None:
            ids[at : at + piece.rows] = tokens.ids[first : first + piece.rows]
        else:
            ids[at] = start
            ids[at + 1 : at + piece.rows] = tokens.ids[first : first + piece.rows - 1]
        scored = np.arange(piece.skip, piece.rows)
        rows.append(at + scored)
        targets.append(first + scored + (start is None))
    positions = np.arange(bounds[-1]) - np.repeat(bounds[:-1], np.diff(bounds))
    return Page(ids, positions, tuple(bounds.tolist()), np.concatenate(rows), np.concatenate(targets))
