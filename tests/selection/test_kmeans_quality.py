"""Quality within groups: every group gives its part, small ones all they have, and quality is a chance and no cut."""

import numpy as np
import pytest

from pools import pool
from uncollapse.errors import InputError, MissingColumn, UsageError
from uncollapse.selection.choosing import Budget
from uncollapse.selection.kmeans_quality import ClusterQuality

TEXTS = [f"document {n}" for n in range(300)]
SIDES = ["a"] * 200 + ["b"] * 95 + ["c"] * 5
SCORES = [float(n % 2) for n in range(300)]


def select(budget, scores=None, **fields):
    selector = ClusterQuality(score="score", by_column="side", **fields)
    return selector.choose(pool(TEXTS, side=SIDES, score=scores or SCORES), budget=Budget(budget))


def test_what_small_groups_leave_goes_to_the_others():
    choice = select(65)
    parts = [int(choice.counts[np.array(SIDES) == side].sum()) for side in "abc"]
    # A third is 22; c has 5 and gives all; of 60 left b gives 30 and a 30.
    assert parts == [30, 30, 5]
    assert choice.account["groups that gave all they have"] == 1


def test_quality_is_a_chance_by_the_softmax():
    taken = np.array(SCORES)[select(60, temperature=1.0).counts > 0]
    hot = np.array(SCORES)[select(60, temperature=100.0).counts > 0]
    cold = np.array(SCORES)[select(60, temperature=0.01).counts > 0]
    assert cold.mean() > 0.9  # but for c, where 3 of 5 have a score of 0 or 1
    # Weights e and 1: .731 of draws while few are taken; 60 draws have a standard deviation of .058.
    assert 0.731 - 5 * 0.058 < taken.mean() < 0.9
    assert abs(hot.mean() - 0.5) < 5 * 0.065


def test_a_score_that_is_none_is_refused_with_its_place():
    wrong = [*SCORES[:70], float("nan"), *SCORES[71:]]
    batches = pool(TEXTS, cuts=[64], side=SIDES, score=wrong, source=["x.jsonl"] * 300)
    with pytest.raises(InputError, match=r"x.jsonl, row 71 .*: nan in 'score' is no score"):
        ClusterQuality(score="score", by_column="side").choose(batches, budget=Budget(10))
    missing = [*SCORES[:70], None, *SCORES[71:]]
    batches = pool(TEXTS, side=SIDES, score=missing, source=["x.jsonl"] * 300)
    with pytest.raises(InputError, match=r"row 71 .*: None"):
        ClusterQuality(score="score", by_column="side").choose(batches, budget=Budget(10))


def test_a_column_that_is_not_there_or_holds_words_is_refused():
    with pytest.raises(MissingColumn, match="no column 'quality' of scores"):
        ClusterQuality(score="quality").choose(pool(TEXTS), budget=Budget(10))
    with pytest.raises(InputError, match="not of numbers"):
        ClusterQuality(score="side").choose(pool(TEXTS, side=SIDES), budget=Budget(10))
    with pytest.raises(UsageError, match="needs a column of scores"):
        ClusterQuality().choose(pool(TEXTS), budget=Budget(10))
