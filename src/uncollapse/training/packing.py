"""Documents in rows of equal length: several short ones beside each other, long ones in pieces, none cut for nothing.

A document is read as `end, its tokens, end`: the model learns how documents begin and where they stop. Pieces of one
document overlap in one token, which the first of them predicts and the second only reads, so that every token of every
document is predicted exactly once. Positions start anew in every piece. Blocks of tokens are read without the last end.
"""

from bisect import bisect_left, insort
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray

from uncollapse.training.tokens import Tokenised

IGNORED = -100  # the label that transformers leaves out of the loss


class Packing(NamedTuple):
    """Pieces of documents in the order of the rows that they are in; row r owns `pieces[rows[r]:rows[r + 1]]`.

    `document` is a piece's document, `first` the place of its first token in `end, tokens, end`, `length` its tokens,
    of which the first `ignored` are not predicted.
    """

    document: Int64[ndarray, "pieces"]
    first: Int64[ndarray, "pieces"]
    length: Int64[ndarray, "pieces"]
    ignored: Int64[ndarray, "pieces"]
    rows: Int64[ndarray, "ends"]
    context: int

    def __len__(self) -> int:
        return len(self.rows) - 1

    @property
    def predicted(self) -> Int64[ndarray, "r"]:
        """How many tokens of each row are predicted: of each piece all but the first and those that are only read."""
        sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.length - self.ignored)])
        return np.diff(sums[self.rows])

    @property
    def padding_share(self) -> float:
        """The share of the places in all rows that hold nothing."""
        return 1 - int(self.length.sum()) / (len(self) * self.context)


class Row(NamedTuple):
    """One row as the model reads it; labels are the tokens themselves, or -100 where nothing is predicted."""

    ids: Int64[ndarray, "context"]
    labels: Int64[ndarray, "context"]
    positions: Int64[ndarray, "context"]


def pack(tokens: Tokenised, *, context: int, together: bool = True) -> Packing:
    """Documents in rows of `context` places; `together` says whether pieces may share a row.

    Longest first, each into the fullest row that has room for it.

    Source: best-fit decreasing (Johnson 1974), for language models Ding et al. 2024 (arXiv 2404.10830), section 3.
    """
    document, first, length = _pieces(tokens.sizes + (1 if tokens.open else 2), context)
    # Place p of a document is its token p - 1, so the last token of a question is at place `read`.
    ignored = np.clip(tokens.read[document] + 1 - first, 1, length)
    # Of a long question some pieces are only read; a step of nothing else would have no loss.
    learned = ignored < length
    document, first, length, ignored = document[learned], first[learned], length[learned], ignored[learned]
    order = np.argsort(-length, kind="stable")
    row = _best_fit(length[order], context) if together else np.arange(len(order))
    back = np.empty(len(order), np.int64)
    back[order] = row
    by_row = np.lexsort((np.arange(len(back)), back))
    starts = np.searchsorted(back[by_row], np.arange(int(back.max(initial=-1)) + 2))
    return Packing(
        document=document[by_row],
        first=first[by_row],
        length=length[by_row],
        ignored=ignored[by_row],
        rows=starts.astype(np.int64),
        context=context,
    )


def row_of(packing: Packing, number: int, *, tokens: Tokenised, end: int) -> Row:
    """One row, filled."""
    found = Row(*(np.empty(packing.context, np.int64) for _ in range(3)))
    at = 0
    for piece in range(int(packing.rows[number]), int(packing.rows[number + 1])):
        document, first, length, ignored = (int(field[piece]) for field in packing[:4])
        begin, stop = int(tokens.offsets[document]), int(tokens.offsets[document + 1])
        own = _piece(tokens.ids[begin:stop], first, length, end)
        found.ids[at : at + length] = own
        found.labels[at : at + length] = own
        found.labels[at : at + ignored] = IGNORED
        found.positions[at : at + length] = np.arange(length)
        at += length
    found.ids[at:] = end
    found.labels[at:] = IGNORED
    found.positions[at:] = np.arange(packing.context - at)
    return found


def weights_of(packing: Packing, number: int, weights: Float64[ndarray, "documents"]) -> Float32[ndarray, "context"]:
    """The weight of each place of a row: that of its document, and 0 where there is none."""
    pieces = slice(int(packing.rows[number]), int(packing.rows[number + 1]))
    found = np.zeros(packing.context, np.float32)
    held = np.repeat(weights[packing.document[pieces]], packing.length[pieces])
    found[: len(held)] = held
    return found


def _piece(tokens: ndarray, first: int, length: int, end: int) -> ndarray:
    """Some of `end, tokens, end`."""
    own = np.full(length, end, np.int64)
    begin, stop = max(first, 1), min(first + length, len(tokens) + 1)
    own[begin - first : stop - first] = tokens[begin - 1 : stop - 1]
    return own


def _pieces(whole: Int64[ndarray, "d"], context: int) -> tuple[ndarray, ndarray, ndarray]:
    """Documents of so many tokens, ends included, in pieces that overlap in one token."""
    count = np.maximum(-(-(whole - 1) // (context - 1)), 1)
    document = np.repeat(np.arange(len(whole)), count)
    number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    first = number * (context - 1)
    return document, first, np.minimum(whole[document] - first, context)


def _best_fit(lengths: ndarray, context: int) -> Int64[ndarray, "pieces"]:
    """For each piece, longest first, the number of its row."""
    rooms: list[int] = []  # the rooms that some row has left, ascending
    rows: dict[int, list[int]] = {}  # by the room that they have left
    given = np.empty(len(lengths), np.int64)
    count = 0
    for at, length in enumerate(lengths.tolist()):
        place = bisect_left(rooms, length)
        if place == len(rooms):
            number, room = count, context
            count += 1
        else:
            room = rooms[place]
            number = rows[room].pop()
            if not rows[room]:
                del rows[room]
                rooms.pop(place)
        given[at] = number
        left = room - length
        if left >= 2:
            if left not in rows:
                insort(rooms, left)
                rows[left] = []
            rows[left].append(number)
    return given
