"""Concentration, and phrases by name."""

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.errors import UsageError
from uncollapse.measures import BucketConcentration, over_represented
from uncollapse.measures.concentration import concentration_of, gini, log_odds
from uncollapse.ngrams import Frequent, Sieve


def batch_of(*texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def frequent(*texts, at_least=1):
    sieve = Sieve(orders=(1, 2), buckets=4096)
    sieve.update(batch_of(*texts))
    second = Frequent(sieve.result(), at_least=at_least)
    second.update(batch_of(*texts))
    return second.result()


@pytest.mark.parametrize(
    ("counts", "expected"), [([1, 1, 1, 1], 0), ([0, 0, 0, 7], 0.75), ([1, 3], 0.25), ([3, 1, 2], 2 / 9)]
)
def test_gini_by_hand(counts, expected):
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-15)


def test_gini_is_the_mean_difference():
    counts = np.random.default_rng(2).integers(0, 50, 40)
    mean_difference = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(mean_difference / (2 * counts.mean()))


def test_the_ends_of_concentration():
    even, one = concentration_of(np.full(200, 3)), concentration_of(np.eye(1, 200, dtype=int)[0])
    assert (even.gini, even.top) == pytest.approx((0, 0.01))
    assert even.entropy == pytest.approx(1)
    assert (one.gini, one.entropy, one.top) == pytest.approx((0.995, 0, 1))
    assert np.isnan([concentration_of(np.zeros(5, dtype=int)).gini, concentration_of(np.zeros(5, dtype=int)).top]).all()


def test_text_is_counted_in_uni_and_bigrams():
    statistic = BucketConcentration()
    statistic.update(batch_of("a b c", "", "d"))
    result = statistic.result()
    assert result.ngrams == 4 + 2
    assert len(result.counts) == 10_000
    assert result.gini == pytest.approx(1 - 6 / 10_000, abs=1e-9)


def test_one_bucket_is_refused():
    with pytest.raises(UsageError, match="buckets = 1"):
        BucketConcentration(buckets=1)


def test_log_odds_by_hand():
    ratio, z = log_odds(
        corpus=np.array([9.0]), reference=np.array([4.0]), totals=(100, 100), prior=np.array([1.0]), weight=10.0
    )
    expected = np.log(10 / 100) - np.log(5 / 105)
    assert ratio[0] == pytest.approx(expected)
    assert z[0] == pytest.approx(expected / np.sqrt(1 / 10 + 1 / 5))


def test_a_pet_phrase_is_found_by_name():
    human = [f"the dog saw cat {n} near tree {n}" for n in range(60)]
    pet = [f"the dog delves into tree {n}" for n in range(60)]
    rows = over_represented(corpus=frequent(*pet), reference=frequent(*human))
    assert {row.text for row in rows if row.z > 2} == {"delves", "into", "dog delves", "delves into", "into tree"}
    assert {(row.corpus, row.reference) for row in rows[:5]} == {(60, 0)}


def test_equal_texts_have_no_pet_phrases():
    texts = [f"the dog saw cat {n}" for n in range(20)]
    assert over_represented(corpus=frequent(*texts), reference=frequent(*texts)) == ()


def test_a_phrase_below_the_references_list_is_not_taken_for_absent():
    corpus, reference = frequent("x y " * 10), frequent("x y " * 9 + "z " * 50, at_least=30)
    (row,) = [row for row in over_represented(corpus=corpus, reference=reference) if row.text == "x"] or [None]
    assert row is None or row.reference == 29
