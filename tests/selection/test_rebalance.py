"""Balance: groups are given n^alpha of the budget, small ones repeat up to a limit, what runs over goes to the others."""

import numpy as np
import pytest

from pools import pool
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.selection.choosing import Budget
from uncollapse.selection.rebalance import Rebalance, poured

TEXTS = [f"document {n}" for n in range(1111)]
SIDES = ["large"] * 1000 + ["middle"] * 100 + ["small"] * 10 + ["single"]


def shares(selector, budget):
    counts = selector.choose(pool(TEXTS, side=SIDES), budget=Budget(budget)).counts
    return {side: int(counts[np.array(SIDES) == side].sum()) for side in ("large", "middle", "small", "single")}, counts


def test_alpha_one_leaves_the_groups_as_they_are():
    found, counts = shares(Rebalance(by_column="side", alpha=1), 555)
    # 555 / 1111 of each, rounded down; what rounding leaves goes to chance.
    assert abs(found["large"] - 499.5) <= 2
    assert abs(found["middle"] - 49.95) <= 2
    assert counts.max() == 1


def test_alpha_zero_makes_them_equal_as_far_as_they_reach():
    found, counts = shares(Rebalance(by_column="side", alpha=0, repeat_cap=3), 400)
    # 100 each; single gives 3, small 30, and 267 more are halved: 133 and 133, of 100 documents and of 1000.
    assert found["single"] == 3
    assert found["small"] == 30
    assert abs(found["middle"] - 183.5) <= 1
    assert abs(found["large"] - 183.5) <= 1
    own = counts[1000:1100]
    # None is taken again before all were taken once.
    assert own.min() == 1
    assert own.max() == 2
    assert counts.max() == 3


def test_alpha_a_half_goes_by_the_root():
    found, _ = shares(Rebalance(by_column="side", alpha=0.5, repeat_cap=1), 90)
    # Roots 31.6, 10, 3.16, 1 of 45.8: 62.1, 19.7, 6.2, and 2 of which one is there.
    assert abs(found["large"] - 63) <= 2
    assert abs(found["middle"] - 20) <= 2
    assert abs(found["small"] - 6) <= 1
    assert found["single"] == 1


def test_what_is_poured_by_hand():
    # 12 in proportion 1:1:2 is 3, 3, 6; the first holds 1, so 11 are parted 1:2: 3.67 and 7.33; the last holds 5.
    assert poured(np.array([1.0, 1, 2]), np.array([1.0, 100, 5]), amount=12) == pytest.approx([1, 6, 5])
    assert poured(np.array([1.0, 0]), np.array([5.0, 0]), amount=3) == pytest.approx([3, 0])


def test_a_budget_beyond_all_repetitions_is_refused():
    with pytest.raises(UsageError, match="holds 3,333 with every document 3 times"):
        shares(Rebalance(by_column="side"), 4000)


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(MissingColumn, match="no column 'topic'"):
        shares(Rebalance(by_column="topic"), 10)


def test_clusters_find_subjects_and_level_them():
    random = np.random.default_rng(4)
    subjects = np.array([0] * 240 + [1] * 30 + [2] * 30)
    texts = [" ".join(f"s{subject}w{word}" for word in random.integers(0, 60, 80)) for subject in subjects.tolist()]
    level = Rebalance(alpha=0, clusters=3, repeat_cap=1).choose(pool(texts), budget=Budget(90))
    # By chance 72, 9 and 9.
    assert np.bincount(subjects, weights=level.counts).tolist() == [30, 30, 30]
    assert level.account["effective groups of the choice"] == pytest.approx(3)
    # (240 + 30 + 30)^2 / (240^2 + 30^2 + 30^2)
    assert level.account["effective groups of the pool"] == pytest.approx(90000 / 59400)


def test_more_clusters_than_documents_are_refused():
    with pytest.raises(UsageError, match="5 clusters of 3 documents"):
        Rebalance(clusters=5).choose(pool(["a", "b", "c"]), budget=Budget(1))
