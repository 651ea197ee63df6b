"""Writing with counted models. Each test of frequencies allows 5.5 standard errors: one false alarm in 10^7 a value."""

import numpy as np
import pytest
from numpy.random import default_rng

from uncollapse.collapse.ngram_model import count
from uncollapse.collapse.ngram_writing import Decoding, Smoothing, write
from uncollapse.errors import UsageError

# 0 is followed by 1 three times, by 2 twice, by 3 once, and so on; 3 ends a stream and is followed by nothing.
STREAMS = np.array([[0, 1, 0, 1, 0, 1, 0, 2], [2, 0, 2, 1, 2, 2, 0, 3]])
MANY = 40_000


def close(found, expected, *, draws):
    expected = np.asarray(expected)
    assert np.all(np.abs(found - expected) <= 5.5 * np.sqrt(expected * (1 - expected) / draws) + 1e-12), (
        found,
        expected,
    )


def first_words(words, *, decoding=None):
    model = count(words, types=int(words.max()) + 1, order=1)
    written = write(model, shape=(MANY, 1), generator=default_rng(5), decoding=decoding)
    return np.bincount(written[:, 0], minlength=model.types) / MANY


def successors(written, context, types):
    after = written[:, 1:][written[:, :-1] == context]
    return np.bincount(after, minlength=types) / len(after), len(after)


def test_a_unigram_model_draws_words_as_they_were_counted():
    close(first_words(STREAMS), np.array([6, 4, 5, 1]) / 16, draws=MANY)


def test_a_bigram_model_draws_successors_as_they_were_counted():
    model = count(STREAMS, types=4, order=2)
    written = write(model, shape=(MANY, 5), generator=default_rng(1))
    close(np.bincount(written[:, 0], minlength=4) / MANY, np.array([6, 4, 5, 1]) / 16, draws=MANY)
    for context, row in {0: [0, 3, 2, 1], 1: [3, 0, 1, 0], 2: [2, 1, 1, 0], 3: [6, 4, 5, 1]}.items():
        found, draws = successors(written, context, 4)
        close(found, np.array(row) / sum(row), draws=draws)


def test_a_trigram_model_backs_off_only_where_nothing_followed():
    model = count(STREAMS, types=4, order=3)
    written = write(model, shape=(MANY, 6), generator=default_rng(2))
    before, context, after = written[:, 1:-2].ravel(), written[:, 2:-1].ravel(), written[:, 3:].ravel()
    pairs = {
        (1, 0): [0, 2, 1, 0],  # 0 after 1: followed by 1, 1, 2
        (0, 2): [0, 1, 0, 0],  # once the end of a stream, once followed by 1
        (2, 2): [1, 0, 0, 0],
        (0, 3): [6, 4, 5, 1],  # nothing ever followed 3: back to the words themselves
    }
    for pair, row in pairs.items():
        there = (before == pair[0]) & (context == pair[1])
        assert there.sum() > 500
        close(np.bincount(after[there], minlength=4) / there.sum(), np.array(row) / sum(row), draws=there.sum())


def test_an_interpolated_model_mixes_every_level():
    model = count(STREAMS, types=4, order=2)
    written = write(model, shape=(MANY, 3), generator=default_rng(3), smoothing=Smoothing.INTERPOLATED)
    unigram = np.array([6, 4, 5, 1]) / 16
    found, draws = successors(written, 0, 4)
    close(found, (np.array([0, 3, 2, 1]) + 3 * unigram) / (6 + 3), draws=draws)
    found, draws = successors(written, 3, 4)
    close(found, unigram, draws=draws)


def test_an_interpolated_trigram_model_mixes_three_levels():
    model = count(STREAMS, types=4, order=3)
    written = write(model, shape=(MANY, 5), generator=default_rng(11), smoothing=Smoothing.INTERPOLATED)
    before, context, after = (written[:, start : start + 3].ravel() for start in (0, 1, 2))
    unigram = np.array([6, 4, 5, 1]) / 16
    # Each level's counts and how many different words they are of; 3 was never followed, nor was any pair that ends in it.
    after_zero = (np.array([0, 3, 2, 1]) + 3 * unigram) / 9
    after_two = (np.array([2, 1, 1, 0]) + 3 * unigram) / 7
    pairs = {
        (1, 0): (np.array([0, 2, 1, 0]) + 2 * after_zero) / 5,
        (0, 0): after_zero,  # a pair that the text has not
        (2, 2): (np.array([1, 0, 0, 0]) + 1 * after_two) / 2,
        (1, 3): unigram,
    }
    for pair, law in pairs.items():
        there = (before == pair[0]) & (context == pair[1])
        assert there.sum() > 300
        close(np.bincount(after[there], minlength=4) / there.sum(), law, draws=there.sum())


def test_no_lost_word_comes_back():
    model = count(np.array([[0, 2, 0, 2]]), types=5, order=2)
    for smoothing in Smoothing:
        written = write(model, shape=(50, 20), generator=default_rng(4), smoothing=smoothing)
        assert set(written.ravel().tolist()) == {0, 2}


@pytest.mark.parametrize("temperature", [0.5, 0.9, 2.0])
def test_temperature_is_a_power(temperature):
    weight = np.array([6, 4, 5, 1]) ** (1 / temperature)
    close(first_words(STREAMS, decoding=Decoding(temperature=temperature)), weight / weight.sum(), draws=MANY)


def test_temperature_zero_is_the_likeliest_with_its_ties():
    words = np.array([[0] * 5 + [1] * 5 + [2]])
    close(first_words(words, decoding=Decoding(temperature=0)), [0.5, 0.5, 0], draws=MANY)


@pytest.mark.parametrize(
    ("decoding", "weight"),
    [
        (Decoding(top_k=1), [6, 0, 0, 0, 0]),
        (Decoding(top_k=2), [6, 3, 3, 0, 0]),  # the second and the third are tied
        (Decoding(top_k=9), [6, 3, 3, 2, 1]),
        (Decoding(top_p=0.4), [6, 0, 0, 0, 0]),  # exactly 6 of 15
        (Decoding(top_p=0.41), [6, 3, 3, 0, 0]),
        (Decoding(top_p=0.81), [6, 3, 3, 2, 0]),
        (Decoding(top_k=2, top_p=0.5), [6, 0, 0, 0, 0]),  # 6 of the 12 that top-k has left
        (Decoding(temperature=0.5, top_p=0.6), [36, 0, 0, 0, 0]),  # 36 of 59 is .61
    ],
)
def test_truncation(decoding, weight):
    words = np.repeat(np.arange(5), [6, 3, 3, 2, 1])[None, :]
    close(first_words(words, decoding=decoding), np.array(weight) / sum(weight), draws=MANY)


def test_truncation_acts_in_each_row():
    model = count(STREAMS, types=4, order=2)
    written = write(model, shape=(MANY, 4), generator=default_rng(6), decoding=Decoding(top_k=2))
    for context, row in {0: [0, 3, 2, 0], 1: [3, 0, 1, 0], 2: [2, 1, 1, 0]}.items():
        found, draws = successors(written, context, 4)
        close(found, np.array(row) / sum(row), draws=draws)


def test_a_low_temperature_keeps_rows_of_very_different_sizes_apart():
    heavy = np.tile([0, 1], 50_000)
    model = count(np.concatenate([heavy, [2, 3, 2, 3, 2, 4]])[None, :], types=5, order=2)
    written = write(model, shape=(2000, 1), generator=default_rng(7), decoding=Decoding(temperature=0.05))
    assert set(written[:, 0].tolist()) == {0, 1}
    table = model.levels[1]
    assert table.totals[2] == 3
    long = write(model, shape=(2000, 3), generator=default_rng(8), decoding=Decoding(temperature=10.0))
    assert set(long[:, 1:][long[:, :-1] == 2].tolist()) == {3, 4}


def test_the_same_generator_writes_the_same():
    model = count(STREAMS, types=4, order=3)
    once = write(model, shape=(20, 30), generator=default_rng(9))
    assert np.array_equal(once, write(model, shape=(20, 30), generator=default_rng(9)))
    assert not np.array_equal(once, write(model, shape=(20, 30), generator=default_rng(10)))


def test_tempering_an_interpolated_model_is_refused():
    model = count(STREAMS, types=4, order=2)
    with pytest.raises(UsageError, match="interpolated model with temperature"):
        write(
            model,
            shape=(2, 2),
            generator=default_rng(0),
            decoding=Decoding(temperature=0.9),
            smoothing=Smoothing.INTERPOLATED,
        )
