"""Rows of equal length, in which every token of every document is predicted exactly once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncollapse.training.packing import IGNORED, pack, row_of
from uncollapse.training.tokens import Tokenised


def rows_of(documents, context, *, together=True, end=0, read=None):
    tokens = tokens_of(documents, read)
    packing = pack(tokens, context=context, together=together)
    return packing, [row_of(packing, at, tokens=tokens, end=end) for at in range(len(packing))]


def tokens_of(documents, read=None):
    sizes = np.array([len(document) for document in documents], np.int64)
    ids = np.array([token for document in documents for token in document], np.int32)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Tokenised(ids, offsets, np.zeros(len(sizes), np.int64) if read is None else np.array(read), "")


def test_by_hand():
    """Two documents, [5 6 7] and [8], in rows of four: 0 5 6 7 | 7 0 . . and 0 8 0, which fits into no rest."""
    packing, rows = rows_of([[5, 6, 7], [8]], 4)
    assert [row.ids.tolist() for row in rows] == [[0, 5, 6, 7], [0, 8, 0, 0], [7, 0, 0, 0]]
    assert [row.labels.tolist() for row in rows] == [
        [IGNORED, 5, 6, 7],
        [IGNORED, 8, 0, IGNORED],
        [IGNORED, 0, IGNORED, IGNORED],
    ]
    assert [row.positions.tolist() for row in rows] == [[0, 1, 2, 3], [0, 1, 2, 0], [0, 1, 0, 1]]
    assert (packing.predicted.sum(), packing.padding_share) == (6, 3 / 12)


def test_blocks_have_a_beginning_and_no_end():
    """The blocks [5 6 7] and [8 9 4] in rows of four: 0 5 6 7 and 0 8 9 4; no end is ever predicted."""
    tokens = tokens_of([[5, 6, 7], [8, 9, 4]])._replace(open=True)
    packing = pack(tokens, context=4)
    rows = [row_of(packing, at, tokens=tokens, end=0) for at in range(len(packing))]
    assert [row.ids.tolist() for row in rows] == [[0, 5, 6, 7], [0, 8, 9, 4]]
    assert [row.labels.tolist() for row in rows] == [[IGNORED, 5, 6, 7], [IGNORED, 8, 9, 4]]
    assert (packing.predicted.sum(), packing.padding_share) == (6, 0)


def test_a_question_is_read_and_not_predicted():
    """The question 5 6, the answer 8 9 4, in rows of four: 0 5 6 8 | 8 9 4 0, of which all from 8 on is learned."""
    packing, rows = rows_of([[5, 6, 8, 9, 4]], 4, read=[2])
    assert [row.ids.tolist() for row in rows] == [[0, 5, 6, 8], [8, 9, 4, 0]]
    assert [row.labels.tolist() for row in rows] == [[IGNORED, IGNORED, IGNORED, 8], [IGNORED, 9, 4, 0]]
    assert packing.predicted.tolist() == [1, 3]


def test_a_piece_that_would_only_be_read_is_in_no_row():
    """Of the question 5 6 7 with the answer 8 9 the piece 0 5 6 7 has nothing to learn: a batch of such has no loss."""
    packing, rows = rows_of([[5, 6, 7, 8, 9]], 4, read=[3])
    assert [row.ids.tolist() for row in rows] == [[7, 8, 9, 0]]
    assert [row.labels.tolist() for row in rows] == [[IGNORED, 8, 9, 0]]
    assert packing.predicted.tolist() == [3]


def test_the_fullest_row_with_room_is_taken():
    """Of context 10, lengths with ends 8, 5, 4, 2: 8 + 2 and 5 + 4."""
    packing, _ = rows_of([[1] * 6, [1] * 3, [1] * 2, []], 10)
    found = [packing.length[a:b].tolist() for a, b in zip(packing.rows, packing.rows[1:], strict=False)]
    assert found == [[8, 2], [5, 4]]


@given(
    st.lists(st.lists(st.integers(1, 50), max_size=40), min_size=1, max_size=30),
    st.integers(8, 20),
    st.booleans(),
)
def test_every_token_is_predicted_once_after_what_stands_before_it(documents, context, together):
    """The predicted tokens of a document, in order of their places, are its tokens and the end."""
    packing, rows = rows_of(documents, context, together=together)
    found = {}
    for number, row in enumerate(rows):
        at = 0
        for piece in range(packing.rows[number], packing.rows[number + 1]):
            first, length = packing.first[piece], packing.length[piece]
            own = row.labels[at : at + length]
            assert own[0] == IGNORED
            assert row.positions[at : at + length].tolist() == list(range(length))
            for place, label in enumerate(own[1:].tolist(), start=1):
                key = (int(packing.document[piece]), int(first) + place)
                assert key not in found
                found[key] = (label, int(row.ids[at + place - 1]))
            at += length
        assert (row.labels[at:] == IGNORED).all()
    for number, document in enumerate(documents):
        whole = [0, *document, 0]
        assert [found[number, at] for at in range(1, len(whole))] == list(zip(whole[1:], whole, strict=False))
    assert len(found) == packing.predicted.sum() == sum(len(document) + 1 for document in documents)
    if not together:
        assert (np.diff(packing.rows) == 1).all()


def test_many_documents_leave_little_padding():
    """200,000 documents of log-normal size; most rows can be filled to the brim."""
    sizes = np.random.default_rng(0).lognormal(5, 1, 200_000).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    tokens = Tokenised(np.empty(0, np.int32), offsets, np.zeros(len(sizes), np.int64), "")
    assert pack(tokens, context=256).padding_share < 0.001
    assert pack(tokens, context=256, together=False).padding_share > 0.2


@pytest.mark.parametrize("context", [8, 9])
def test_a_document_as_long_as_a_row_and_one_longer(context):
    for extra in (0, 1):
        packing, rows = rows_of([[3] * (context - 2 + extra)], context)
        assert len(rows) == 1 + extra
        assert packing.predicted.sum() == context - 1 + extra
