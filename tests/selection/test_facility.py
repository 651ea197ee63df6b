"""Spread among few documents: far from each other, and refused where it would not end."""

import sys

import pyarrow as pa
import pytest

from made_text import made
from pools import pool
from uncollapse.errors import MissingExtra, UsageError
from uncollapse.provenance import words
from uncollapse.selection import facility
from uncollapse.selection.choosing import Budget
from uncollapse.selection.facility import Facility

SUBJECTS = [0] * 90 + [1] * 5 + [2] * 5
TEXTS = [made(1, seed=n, length=150, subjects=(subject,))[0] for n, subject in enumerate(SUBJECTS)]


@pytest.mark.parametrize("strategy", ["dpp", "cover", "msd"])
def test_rare_subjects_are_met_more_often_than_by_chance(strategy):
    pytest.importorskip("pyversity")
    choice = Facility(strategy=strategy).choose(pool(TEXTS), budget=Budget(10))
    assert choice.account["chosen by spread"] == 10
    if strategy != "cover":  # which stands where the many are
        # By chance one of ten; that three and more are is 1 in 14, and the choice hangs on no draw but the first.
        assert choice.counts[90:].sum() >= 3


def test_equal_documents_are_not_taken_twice_while_there_are_others():
    pytest.importorskip("pyversity")
    texts = [TEXTS[0]] * 20 + TEXTS[:10]
    choice = Facility().choose(pool(texts), budget=Budget(10))
    assert len({text for text, count in zip(texts, choice.counts, strict=True) if count}) == 10


def test_large_pools_are_refused_with_what_to_do(monkeypatch):
    pytest.importorskip("pyversity")
    monkeypatch.setattr(facility, "MOST", 50)
    with pytest.raises(UsageError, match="50 can be, and the pool has 100") as caught:
        Facility().choose(pool(TEXTS), budget=Budget(10))
    assert "--method coverage" in caught.value.hint
    monkeypatch.setattr(facility, "MOST", 500)
    monkeypatch.setattr(facility, "MOST_HELD", 100)
    with pytest.raises(UsageError, match="more than 2 GB"):
        Facility().choose(pool(TEXTS), budget=Budget(10))


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyversity", None)
    with pytest.raises(MissingExtra) as caught:
        Facility().choose(pool(TEXTS), budget=Budget(10))
    assert "uncollapse[diverse]" in caught.value.hint


def test_a_budget_by_words_is_filled():
    pytest.importorskip("pyversity")
    choice = Facility().choose(pool(TEXTS), budget=Budget(2000, "words"))
    sizes = words(pa.array(TEXTS))
    # Nothing that is left would fit.
    left = 2000 - (choice.counts * sizes).sum()
    assert 0 <= left < sizes[choice.counts == 0].min()
