"""What is left of a text in a counted model, by hand."""

import numpy as np
import pytest

from uncollapse.collapse.ngram_measures import MEASURES, Original, entropy_of, measured
from uncollapse.collapse.ngram_model import count, log_probability

# 0 twelve times, 1 four times, 2 once, 3 once; 4 stands in the held-out text alone.
REAL = np.array([[0] * 12 + [1] * 4 + [2, 3]])
HELD = np.array([[0, 4]])


def original(order=1):
    return Original(count(REAL, types=5, order=order), HELD)


def test_the_original_is_all_there():
    found = measured(original().counts, original())
    assert set(found) == set(MEASURES)
    assert [found[name] for name in ("types", "lost_mass", "kl")] == [4, 0, 0]
    assert found["tail_mass"] == pytest.approx(2 / 18)
    assert [found[name] for name in ("kept_1_2", "kept_3_10", "kept_11_100")] == [1, 1, 1]
    assert found["kept_over_100"] == 1  # there are none


def test_a_model_that_lost_words():
    model = count(np.array([[0] * 6 + [3] * 2]), types=5, order=1)
    found = measured(model, original())
    assert found["types"] == 2
    assert found["entropy"] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert found["effective_types"] == pytest.approx(np.exp(found["entropy"]))
    assert found["lost_mass"] == pytest.approx(5 / 18)
    assert found["tail_mass"] == pytest.approx(1 / 18)
    assert [found[name] for name in ("kept_1_2", "kept_3_10", "kept_11_100")] == [0.5, 0, 1]
    assert found["kl"] == pytest.approx(0.75 * np.log(0.75 / (12 / 18)) + 0.25 * np.log(0.25 / (1 / 18)))
    # Witten-Bell: 8 words of 2 types, below them 5 equal numbers
    expected = -(np.log((6 + 2 / 5) / 10) + np.log((2 / 5) / 10)) / 2
    assert found["cross_entropy"] == pytest.approx(expected)


def test_conditional_entropy_is_that_of_the_next_word():
    lines = np.array([[0, 1, 0, 1, 0, 2]])
    model = count(lines, types=3, order=2)
    found = measured(model, Original(model, lines))
    # after 0: 1, 1, 2; after 1: 0, 0
    after_zero = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert found["conditional_entropy"] == pytest.approx(3 / 5 * after_zero)
    assert found["ngrams"] == 3
    assert found["cross_entropy"] == pytest.approx(-log_probability(model, lines).mean())


def test_entropy_of_equal_counts():
    assert entropy_of(np.array([5, 0, 5, 5, 5])) == pytest.approx(np.log(4))
