"""Tokens as pieces of text."""

import numpy as np
import pytest

from uncollapse.editing.words import Unit, faithful, pieces, same_shape, whole_words

SURFACES = [
    None,
    b" dog",
    b" Dog",
    b" DOG",
    b"dog",
    b" d1",
    b"s",
    b".",
    b"'",
    b"\xc3",
    b" ",
    b" I",
    b" iPhone",
    "é".encode(),
    b"",
]


def test_shapes_and_text() -> None:
    table = pieces(SURFACES)
    shapes = dict(zip(SURFACES, table.shape.tolist(), strict=True))
    assert shapes[b" dog"] == Unit.LOWER
    assert shapes[b" Dog"] == Unit.TITLE
    assert shapes[b" DOG"] == Unit.UPPER
    for none in (None, b"dog", b" d1", b".", b" ", b" iPhone", b""):
        assert shapes[none] == Unit.NOT_A_WORD
    text = dict(zip(SURFACES, table.is_text.tolist(), strict=True))
    assert not text[None]
    assert not text[b"\xc3"]
    assert not text[b""]
    assert text["é".encode()]
    assert text[b" "]


@pytest.mark.parametrize(
    ("after", "whole"),
    [
        (b".", True),
        (b" dog", True),
        (b" ", True),
        (b"s", False),
        (b"'", False),
        (b"\xc3", False),
        ("é".encode(), False),
    ],
)
def test_a_word_is_whole_when_nothing_runs_on_into_it(after: bytes, whole: bool) -> None:
    table = pieces(SURFACES)
    ids = np.array([SURFACES.index(b" dog"), SURFACES.index(after)], dtype=np.int32)
    assert whole_words(table, ids, np.array([True, False]))[0] == whole


def test_a_word_at_the_end_of_its_document_is_whole() -> None:
    table = pieces(SURFACES)
    ids = np.array([SURFACES.index(b" dog"), SURFACES.index(b"s")], dtype=np.int32)
    assert whole_words(table, ids, np.array([True, True])).tolist() == [True, False]


def test_words_are_replaced_by_words_written_likewise() -> None:
    table = pieces(SURFACES)
    ids = np.array([SURFACES.index(b" Dog")], dtype=np.int32)
    candidates = np.array([[SURFACES.index(s) for s in (b" I", b" dog", b" Dog", b".")]], dtype=np.int32)
    assert same_shape(table, ids, candidates).tolist() == [[True, False, True, False]]


def test_faithful_compares_bytes() -> None:
    """A tokenizer that folds case gives a token whose bytes are not those of the text: it is left alone."""
    table = pieces([b"dog", b"s"])
    found = faithful(
        table,
        np.array([0, 1], dtype=np.int32),
        texts=[b"DOGs"],
        spans=np.array([[0, 3], [3, 4]], dtype=np.int64),
        document=np.zeros(2, dtype=np.int64),
    )
    assert found.tolist() == [False, True]
