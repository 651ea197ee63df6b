"""Shares met in whole documents, worked by hand."""

from fractions import Fraction

import numpy as np
import pytest

from uncollapse.errors import UsageError
from uncollapse.selection.proportions import Asked, Pool, fitting, golden_share, take


def pool(sizes, allowed=None, must=None):
    sizes = np.array(sizes, np.int64)
    allowed = np.ones(len(sizes), np.int64) if allowed is None else np.array(allowed, np.int64)
    return Pool(sizes, allowed, np.zeros(len(sizes), bool) if must is None else np.array(must))


def asked(share, total=None, **more):
    return Asked(Fraction(str(share)), total, **more)


def test_each_document_is_taken_in_its_order_if_it_still_fits():
    assert fitting(np.array([5, 4, 9, 3, 2, 1]), 13).tolist() == [True, True, False, True, False, True]
    assert fitting(np.array([5]), 4).tolist() == [False]
    assert fitting(np.array([], np.int64), 4).tolist() == []


def test_a_document_without_words_is_taken_only_where_its_turn_comes():
    assert fitting(np.array([0, 3, 9, 0, 1]), 3).tolist() == [True, True, False, False, False]


def test_the_largest_mixture_takes_all_of_the_scarcer_side():
    taken = take(pool([10, 20, 30]), pool([8] * 100), asked(0.6))
    # 60 human words carry 40 others: five documents of eight words.
    assert (taken.human_size, taken.synthetic_size) == (60, 40)
    assert taken.synthetic.tolist() == [1] * 5 + [0] * 95
    assert taken.share == Fraction(3, 5)


def test_where_synthetic_text_is_scarce_the_human_side_is_never_below_its_share():
    # 10 synthetic words want 15 human ones: 10, then the shortest that covers the other 5.
    taken = take(pool([10, 30, 7, 9]), pool([10]), asked(0.6))
    assert taken.human.tolist() == [1, 0, 1, 0]
    assert taken.share >= Fraction(3, 5)


def test_human_text_is_repeated_only_after_all_of_it_was_taken_and_up_to_the_cap():
    taken = take(pool([10, 10], allowed=[3, 3]), pool([10] * 5), asked(0.5))
    assert taken.human.tolist() == [3, 2]
    assert taken.synthetic_size == 50


@pytest.mark.parametrize("share", [0, 1])
def test_one_side_alone(share):
    taken = take(pool([3, 4]), pool([5, 6]), asked(share))
    assert (taken.human_size, taken.synthetic_size) == ((0, 11) if share == 0 else (7, 0))


def test_a_total_is_never_exceeded():
    taken = take(pool([5] * 20), pool([7] * 20), asked(0.5, 31))
    # 16 human words are wanted: three documents, and a fourth covers the last word; 31 - 20 leaves one of seven.
    assert (taken.human_size, taken.synthetic_size) == (20, 7)


def test_what_cannot_be_met_says_what_can():
    with pytest.raises(UsageError, match="600 words of human text are wanted and 300 are there") as refused:
        take(pool([100] * 3), pool([100] * 50), asked(0.6, 1000))
    assert "--total 500 can be had" in refused.value.hint
    assert "a share from 0 to 0.3" in refused.value.hint


@pytest.mark.parametrize(
    ("human", "synthetic", "share", "said"),
    [
        ([], [5], 0.5, "there is no human text"),
        ([5], [], 0.5, "there is no synthetic text"),
        ([5], [500], 0.5, "no synthetic document is short enough: 5 words are left, and the shortest has 500"),
    ],
)
def test_a_side_that_is_wanted_and_cannot_be_had(human, synthetic, share, said):
    with pytest.raises(UsageError, match=said):
        take(pool(human), pool(synthetic), asked(share))


def test_a_human_document_longer_than_the_whole_total():
    with pytest.raises(UsageError, match="no human document is short enough: the shortest has 500"):
        take(pool([500, 600]), pool([5] * 100), asked(0.5, 100))


def test_all_human_text_is_kept_and_the_share_is_a_floor():
    taken = take(pool([10, 20]), pool([4] * 100), asked(0.75, keep=True))
    assert (taken.human_size, taken.synthetic_size) == (30, 8)
    with pytest.raises(UsageError, match="all human text is 30 words, more than the 20"):
        take(pool([10, 20]), pool([4]), asked(0.75, 20, keep=True))


def test_what_accumulates_is_taken_first_and_refused_where_it_is_too_much():
    human = pool([10, 10, 10], must=[False, True, False])
    taken = take(human, pool([5, 5, 5], must=[False, False, True]), asked(0.8))
    assert taken.human.tolist() == [1, 1, 1]
    assert taken.synthetic.tolist() == [0, 0, 1]
    with pytest.raises(UsageError, match=r"holds 50 words that are not human; the share allows 7") as refused:
        take(human, pool([50], must=[True]), asked(0.8, keep=True))
    assert "at most 0.375" in refused.value.hint


@pytest.mark.parametrize(
    ("human", "synthetic", "share"),
    [(1, 1, 0.6180339887), (1, 4, 0.3903882032), (2, 1, 0.7320508076), (4, 1, 0.8284271247), (1, 10, 0.2701562119)],
)
def test_golden_shares(human, synthetic, share):
    """Known values, and the minimum of the variance that the share is to minimise, by trying 10,000 others."""
    found = float(golden_share(human, synthetic))
    assert found == pytest.approx(share, abs=2e-9)
    w = np.linspace(0.0001, 0.9999, 10_000)
    variance = (w * w / (human / synthetic) + (1 - w) ** 2) / (1 - (1 - w) ** 2)
    assert w[variance.argmin()] == pytest.approx(share, abs=2e-4)
    assert (golden_share(5, 0), golden_share(0, 5)) == (1, 0)
