"""Budgets are filled with whole documents, never beyond, and no value of a column beyond its cap."""

import numpy as np
import pytest

from pools import pool
from uncollapse.errors import UsageError
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget, looked_through
from uncollapse.selection.filling import Filling, filled


def rows_of(lengths, budget, caps=None, **columns):
    texts = [f"{n} " + "w " * (length - 1) for n, length in enumerate(lengths)]
    return looked_through(pool(texts, **columns), AtRandom(caps=caps or {}), budget)


def test_each_document_is_taken_where_it_still_fits():
    rows = rows_of([5, 4, 3, 2, 1], Budget(8, "words"))
    assert filled(rows, np.arange(5)).tolist() == [1, 0, 1, 0, 0]
    assert filled(rows, np.arange(5)[::-1]).tolist() == [0, 0, 1, 1, 1]


def test_a_cap_holds():
    rows = rows_of([1] * 10, Budget(4), {"side": 0.5}, side=["a"] * 8 + ["b"] * 2)
    assert filled(rows, np.arange(10)).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 1, 1]


def test_several_caps_hold_together():
    rows = rows_of([1] * 8, Budget(4), {"side": 0.5, "form": 0.5}, side=["a"] * 4 + ["b"] * 4, form=["x", "y"] * 4)
    counts = filled(rows, np.arange(8))
    assert counts[:4].sum() == counts[4:].sum() == counts[::2].sum() == counts[1::2].sum() == 2


def test_caps_that_leave_the_budget_open_are_refused_with_what_can_be_had():
    rows = rows_of([1] * 10, Budget(10), {"side": 0.5}, side=["a"] * 8 + ["b"] * 2)
    with pytest.raises(UsageError, match=r"side=0.5 no more than 7 of 10 documents"):
        filled(rows, np.arange(10))


def test_one_by_one_is_the_same_as_at_once():
    random = np.random.default_rng(3)
    rows = rows_of(random.integers(1, 30, 200).tolist(), Budget(700, "words"))
    order = random.permutation(200)
    one = Filling(rows)
    for row in order.tolist():
        if one.fits(row):
            one.take(row)
    assert np.array_equal(one.done(), filled(rows, order))
    assert one.left == 700 - int((rows.sizes * one.counts).sum())
