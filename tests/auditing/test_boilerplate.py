import numpy as np
import pytest

from made_text import made
from uncollapse.auditing.boilerplate import FEWEST, LENGTH, boilerplate
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch

STOCK = "please note that this is general information and not advice"  # ten words
PROSE = [text.replace(".", "") for text in made(40, seed=5, length=60)]


def documents_of(texts):
    pool = Pool(tokens=10**6)
    pool.update(to_batch([Document(text=text) for text in texts]))
    return pool.result()


def with_stock(number, *, phrase=STOCK):
    return [f"{text} {phrase} and so on" if at < number else text for at, text in enumerate(PROSE)]


def marked_words(sample, found):
    """For each document the words that are boilerplate."""
    spelt = []
    for text, begin, end in zip(sample.texts, sample.offsets, sample.offsets[1:], strict=False):
        words = text.lower().split()
        assert len(words) == end - begin
        spelt.append(" ".join(word for word, held in zip(words, found.words[begin:end], strict=True) if held))
    return spelt


def test_exactly_the_stock_phrase_is_marked():
    sample = documents_of(with_stock(FEWEST))
    found = boilerplate(sample)
    has = [STOCK in text for text in sample.texts]
    assert found.has.tolist() == has
    # What follows it is shared as well.
    assert marked_words(sample, found) == [f"{STOCK} and so on" if held else "" for held in has]
    assert found.rest.tokens == sample.tokens - FEWEST * 13
    assert found.rest.words.tolist() == sample.words[~found.words].tolist()
    assert np.diff(found.rest.offsets).tolist() == [
        length - 13 * held for length, held in zip(np.diff(sample.offsets), has, strict=True)
    ]


def test_four_documents_are_too_few_and_seven_words_too_short():
    assert not boilerplate(documents_of(with_stock(FEWEST - 1))).words.any()
    short = " ".join(STOCK.split()[: LENGTH - 1])
    other = [text.replace("and so on", str(at)) for at, text in enumerate(with_stock(20, phrase=short))]
    assert not boilerplate(documents_of(other)).words.any()


def test_a_phrase_that_one_document_repeats_is_none_of_many():
    sample = documents_of([*PROSE, " ".join([STOCK] * 30)])
    assert not boilerplate(sample).words.any()


def test_of_a_thousand_documents_ten_must_have_it():
    texts = [f"{number} is all there is" for number in range(990)]
    nine = [f"{STOCK} {number}" for number in range(9)]
    assert not boilerplate(documents_of([*texts, "one more", *nine])).has.any()
    assert boilerplate(documents_of([*texts, *nine, f"{STOCK} ten"])).has.sum() == 10


def test_documents_of_boilerplate_alone_stay_without_words():
    sample = documents_of([f"{STOCK} " * (at + 1) for at in range(FEWEST)])
    found = boilerplate(sample)
    assert found.has.all()
    assert found.rest.tokens == 0
    assert len(found.rest) == FEWEST


@pytest.mark.parametrize("texts", [[""], ["one"], ["a b c d e f g h"]])
def test_a_sample_of_next_to_nothing_has_none(texts):
    found = boilerplate(documents_of(texts))
    assert not found.has.any()
    assert found.rest.tokens == documents_of(texts).tokens
