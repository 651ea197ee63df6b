"""Counting n-grams, and what the counts say of a text."""

from collections import Counter

import numpy as np
import pytest

from uncollapse.collapse.ngram_model import count, followed, log_probability

STREAMS = np.array([[0, 1, 0, 1], [0, 2, 0, 1]])


def test_counts_by_hand():
    model = count(STREAMS, types=4, order=2)
    assert model.words.tolist() == [4, 3, 1, 0]
    level = model.levels[1]
    # bigrams: 0-1 three times, 0-2 once, 1-0 once, 2-0 once; none from the end of one stream to the next
    assert level.grams.tolist() == [0 * 4 + 1, 0 * 4 + 2, 1 * 4 + 0, 2 * 4 + 0]
    assert level.counts.tolist() == [3, 1, 1, 1]
    assert level.totals.tolist() == [4, 1, 1, 0]
    assert level.different.tolist() == [2, 1, 1, 0]
    assert level.occurrences.tolist() == [1, 1, 1, 2, 0, 0]


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_counts_are_those_of_a_loop(order):
    streams = np.random.default_rng(order).integers(0, 5, (7, 11))
    model = count(streams, types=5, order=order)
    expected = Counter(tuple(row[i : i + order]) for row in streams.tolist() for i in range(11 - order + 1))
    assert sorted(model.levels[-1].counts.tolist()) == sorted(expected.values())
    for gram, times in expected.items():
        number = np.zeros(1, np.int64)
        for depth, word in enumerate(gram):
            if depth == order - 1:
                key = number * 5 + word
                assert model.levels[-1].counts[model.levels[-1].grams == key].tolist() == [times]
            else:
                number = followed(model, number, np.array([word]), depth=depth)


def test_what_was_never_seen_has_no_number():
    model = count(STREAMS, types=4, order=3)
    assert followed(model, np.array([1, 2, -1]), np.array([1, 0, 0]), depth=1).tolist() == [-1, 3, -1]


def test_smoothed_probabilities_by_hand():
    model = count(STREAMS, types=4, order=2)
    unigram = (np.array([4, 3, 1, 0]) + 3 / 4) / 11
    found = np.exp(log_probability(model, np.array([[0, 1, 3, 2]])))[0]
    assert found[0] == pytest.approx(unigram[0])
    assert found[1] == pytest.approx((3 + 2 * unigram[1]) / 6)
    assert found[2] == pytest.approx((0 + 1 * unigram[3]) / 2)
    assert found[3] == pytest.approx(unigram[2])  # 3 was never a context: the empty one decides


@pytest.mark.parametrize("order", [1, 2, 3])
def test_smoothed_probabilities_sum_to_one(order):
    streams = np.random.default_rng(order).integers(0, 6, (5, 9))
    model = count(streams, types=7, order=order)
    for context in ([0, 1], [6, 2], [3, 6], [5, 5]):
        lines = np.array([[*context, word] for word in range(7)])
        assert np.exp(log_probability(model, lines))[:, 2].sum() == pytest.approx(1)
