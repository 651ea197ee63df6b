"""Which characters composing leaves alone, against Python's own normalisation."""

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.random import default_rng

from uncollapse.ngrams import cut_texts
from uncollapse.ngrams.alphabet import steady


def test_text_of_steady_characters_is_composed():
    random = default_rng(1)
    points = np.flatnonzero(steady())
    assert len(points) > 130_000
    drawn = ["".join(map(chr, random.choice(points, 40))) for _ in range(5000)]
    # Every one of them behind a letter that much composes with, too.
    drawn.append("".join(f"a{chr(point)}" for point in points))
    assert all(unicodedata.is_normalized("NFC", text) for text in drawn)
    texts = pa.array(drawn, pa.large_string())
    assert pc.utf8_normalize(texts, form="NFC").equals(texts)


def test_below_the_combining_marks_all_is_steady():
    assert steady()[:0x300].all()
    assert not steady()[0x300:0x340].any()


@pytest.mark.parametrize(
    "name", ["HANGUL JUNGSEONG A", "HANGUL JONGSEONG KIYEOK", "BENGALI VOWEL SIGN AA", "OHM SIGN", "EN QUAD"]
)
def test_what_composes_or_changes_is_not_steady(name):
    assert not steady()[ord(unicodedata.lookup(name))]


@pytest.mark.parametrize(
    "text",
    [
        "cafe\u0301 \u201cle\u201d",
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "\u0995\u09c7\u09be",
        "\u2126 \u212b",
        "x \u2000 y",
    ],
)
def test_words_are_those_of_composed_text(text):
    composed = unicodedata.normalize("NFC", text)
    assert composed != text
    assert cut_texts([text]) == cut_texts([composed])
    assert cut_texts(["plain", text, "\u00fc"])[1] == cut_texts([composed])[0]
