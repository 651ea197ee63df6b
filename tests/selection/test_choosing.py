"""What selectors know of rows: draws that hang on content alone, sizes, and budgets that can be met."""

import numpy as np
import pytest

from pools import pool
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget, Looking, Reasons, looked_through, needed, numbered

TEXTS = [f"the {n} cats sat" for n in range(400)]


def rows_of(batches, selector=None, budget=None):
    return looked_through(batches, selector or AtRandom(), budget or Budget(1))


def test_draws_hang_on_seed_selector_and_id_alone():
    whole = rows_of(pool(TEXTS))
    parted = rows_of(pool(TEXTS[::-1], cuts=[7, 200]))
    assert np.array_equal(whole.draw, parted.draw[::-1])
    assert not (whole.draw == rows_of(pool(TEXTS), AtRandom(seed=1)).draw).any()
    assert not (whole.draw == rows_of(pool(TEXTS), AtRandom(caps={"text": 1})).draw).any()


def test_draws_are_uniform():
    # The mean of 400 uniform numbers has a standard error of .0144; five of them are one in two million.
    uniform = rows_of(pool(TEXTS)).uniform
    assert abs(uniform.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 400)
    # Gumbel: mean .5772, standard deviation pi / sqrt 6.
    assert abs(rows_of(pool(TEXTS)).gumbel.mean() - 0.5772) < 5 * np.pi / np.sqrt(6 * 400)


def test_copies_of_a_text_have_draws_of_their_own_whichever_comes_first():
    texts, marks = ["a b", "a b", "a b", "c"], ["x", "y", "x", "x"]
    there = rows_of(pool(texts, mark=marks))
    back = rows_of(pool(texts[::-1], mark=marks[::-1]))
    assert len(set(there.draw.tolist())) == 4
    # Rows that are equal in all may change places.
    assert sorted(there.draw[[0, 2]].tolist()) == sorted(back.draw[[1, 3]].tolist())
    assert there.draw[1] == back.draw[2]


def test_sizes_are_in_the_unit_of_the_budget():
    texts = ["one two", "drei vier fünf", ""]
    assert rows_of(pool(texts)).sizes.tolist() == [1, 1, 1]
    assert rows_of(pool(texts), budget=Budget(5, "words")).sizes.tolist() == [2, 3, 0]
    assert rows_of(pool(texts), budget=Budget(5, "bytes")).sizes.tolist() == [7, 15, 0]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(401), "the budget is 401 documents, and the pool holds 400"),
        (Budget(0), "a budget of 0 documents is none"),
        (Budget(1601, "words"), "the pool holds 1,600"),
        (Budget(2, "words"), "no document fits into 2 words: the shortest has 4"),
    ],
)
def test_a_budget_that_cannot_be_met_is_refused_with_what_there_is(budget, said):
    with pytest.raises(UsageError, match=said):
        rows_of(pool(TEXTS), budget=budget)


def test_an_empty_pool_is_refused():
    with pytest.raises(UsageError, match="no documents"):
        rows_of(pool([]))
    with pytest.raises(UsageError, match="no documents"):
        Looking(AtRandom(), Budget(1)).rows()


def test_a_cap_on_a_column_that_is_not_there_is_refused():
    with pytest.raises(MissingColumn, match="no column 'teacher'"):
        rows_of(pool(TEXTS, source=["a"] * 400), AtRandom(caps={"teacher": 0.5}))


def test_a_reference_is_asked_for_where_it_is_needed():
    with pytest.raises(UsageError, match="there is none"):
        needed(None, what="coverage")


def test_values_are_numbered_as_they_come():
    known = {}
    assert numbered(["b", "a", "b"], known).tolist() == [0, 1, 0]
    assert numbered(["c", "a"], known).tolist() == [2, 1]


def test_a_reason_without_more_to_say_says_nothing():
    assert Reasons(("short",), np.array([0])).detail(0) == ""
