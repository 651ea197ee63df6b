"""The normal form by its own sentence, against the bytes that are hashed by table."""

import unicodedata

import pyarrow as pa
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.provenance import normal as room
from uncollapse.provenance.normal import normal, normal_hashes


def digest(text):
    return blake3(text.encode()).digest(length=16)


def hashes(texts):
    column = pa.array(["before", *texts], pa.large_string())
    # A slice, so that the texts do not begin where their bytes do.
    return normal_hashes(column.slice(1))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("  Two \r\n  Words\x1f", "two words"),
        ("\ufb01ne\u00a0print", "fine print"),
        ("E\u0301t\u00e9", "\u00e9t\u00e9"),
        ("\u039f\u03a3 \u03a3\u0391", "\u03bf\u03c2 \u03c3\u03b1"),  # a sigma that ends a word is another one
        ("\u2028a\u0085b\u1680", "a b"),
        ("caf\u00e9 \u2014 na\u00efve", "caf\u00e9 \u2014 na\u00efve"),
        ("\u4f60\u597d  \uff21", "\u4f60\u597d a"),
        ("\u1100\u1161", "\uac00"),
    ],
)
def test_the_form_by_hand_and_its_hash(text, form):
    assert normal(text) == form
    assert hashes([text]) == [digest(form)]


def test_a_missing_text_is_an_empty_one():
    assert hashes([None, "", " "]) == [digest("")] * 3


LETTERS = "aB \n\t\u00e9\u00c9\u0301\u2014\u2019\u00a0\u2028\u0085\ufb01\u4f60\u1161\u1100\u03a3\u0130\u1e9e\u0e34"


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(st.text(st.sampled_from(LETTERS), max_size=12), st.text(max_size=12)), max_size=4))
def test_hashes_are_those_of_the_form(texts):
    assert hashes(texts) == [digest(normal(text)) for text in texts]


def test_no_character_that_stays_is_the_second_half_of_one_that_is_composed():
    """Which is why looking at each character by itself is enough; the composing pairs of this Python, all of them."""
    pairs = [unicodedata.decomposition(chr(point)).split() for point in range(0x20000)]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and pair[0][0] != "<"}
    assert len(seconds) > 50
    assert not [sign for sign in seconds if sign >= "\x80" and room._stays(sign)]


def test_every_character_that_stays_does_so_between_letters():
    signs = [chr(point) for point in [*range(0x80, 0x3400), *range(0xF900, 0x11000)]]
    staying = [sign for sign in signs if room._stays(sign)]
    assert len(staying) > 5_000
    assert [sign for sign in staying if normal(f"e{sign}e") != f"e{sign}e"] == []
