"""Templates: planted ones are found and spelt, and text without any has none."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from uncollapse.duplicates import SampledTemplates
from uncollapse.duplicates.templates import _common, _mould
from uncollapse.errors import UsageError


def done(texts, **settings):
    statistic = SampledTemplates(**settings)
    statistic.update(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    return statistic.result()


def noise(random, size=60):
    return " ".join(f"w{n}" for n in random.integers(0, 5000, size))


def story(random):
    name, place = (f"n{n}" for n in random.integers(0, 5000, 2))
    return f"Once upon a time there was a {name} who lived in {place}. {noise(random)}"


def recipe(random):
    one, other = (f"n{n}" for n in random.integers(0, 5000, 2))
    return f"{noise(random)} First of all take the {one} and mix it with the {other}"


def test_planted_templates_are_found_and_spelt():
    random = default_rng(21)
    texts = [story(random) for _ in range(60)] + [recipe(random) for _ in range(40)]
    result = done([*texts, *(noise(random) for _ in range(100))])
    assert (result.texts, result.enough) == (200, False)
    assert result.share == pytest.approx(100 / 200)
    assert [(found.texts, found.more) for found in result.templates] == [(60, 60), (40, 40)]
    # Eight pieces in a row of each planted text, whichever of the equally frequent ones it is.
    whole = "once upon a time there was a _ who lived in _", "_ first of all take the _ and mix it with the _"
    assert all(found.frame in text for found, text in zip(result.templates, whole, strict=True))
    assert all(len(found.frame.split()) == 8 for found in result.templates)


def test_gaps_of_any_length_are_one():
    words = np.array([1, 9, 8, 2, 7, 1], dtype=np.uint64)
    mould = _mould(words, np.array([1, 2], dtype=np.uint64))
    assert mould.pieces.tolist() == [1, 0, 2, 0, 1]
    assert mould.begins.tolist() == [0, 1, 3, 4, 5]


def test_common_words_are_the_most_frequent():
    words = np.repeat(np.arange(1, 401, dtype=np.uint64), np.arange(400, 0, -1))
    assert _common(words).tolist() == list(range(1, 151))


def test_text_without_templates_has_none():
    random = default_rng(22)
    result = done([noise(random) for _ in range(100)])
    assert (result.share, result.templates) == (0, ())


def test_copies_are_no_template():
    result = done([f"the cat sat on the mat and the dog sat by the log {n % 2}" for n in range(50)])
    assert result.texts == 2
    assert result.templates == ()


def test_nothing_has_no_share():
    result = done(["", None])
    assert result.texts == 0
    assert np.isnan(result.share)


def test_a_list_of_none_is_refused():
    with pytest.raises(UsageError):
        SampledTemplates(most=0)
