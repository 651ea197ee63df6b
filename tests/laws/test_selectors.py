"""Laws that hold for every selector: a new one is one line in SELECTORS.

The same seed chooses the same, another seed another; no order of rows, parting into batches or shuffling shows in what
is chosen; budgets are met and never exceeded; every row is accounted for, and what is said of it are plain values.
"""

import json
import pickle

import numpy as np
import pyarrow as pa
import pytest

from made_text import made
from pools import pool
from uncollapse.errors import UsageError
from uncollapse.fingerprint import canonical_json
from uncollapse.provenance import words
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget
from uncollapse.selection.coverage import Coverage
from uncollapse.selection.facility import Facility
from uncollapse.selection.importance import Importance
from uncollapse.selection.kmeans_quality import ClusterQuality
from uncollapse.selection.likelihood import LikelihoodBand
from uncollapse.selection.rebalance import Rebalance
from uncollapse.selection.repeats import Duplicates

UNITS = (Budget(30), Budget(2000, "words"), Budget(9000, "bytes"))
BASE = [*made(80, seed=1, length=60), *made(30, seed=4, length=170)]
TEXTS = [*BASE, *BASE[:6], *BASE[:3], "", "one", "\u4f60\u597d caf\u00e9 \u2026"]
SIDES = [("a", "b", "c")[n % 3] for n in range(len(TEXTS))]
SCORES = np.random.default_rng(8).normal(size=len(TEXTS)).tolist()
REFERENCE = pool(made(20, seed=2))
SELECTORS = {
    "random": AtRandom,
    "random, capped": lambda **more: AtRandom(caps={"side": 0.5}, **more),
    "coverage": Coverage,
    "coverage, rough": lambda **more: Coverage(tolerance=0.1, orders=(1, 2), **more),
    "coverage, capped": lambda **more: Coverage(caps={"side": 0.4}, **more),
    "importance": Importance,
    "rebalance": lambda **more: Rebalance(by_column="side", **more),
    "rebalance, clusters": lambda **more: Rebalance(alpha=0, clusters=4, **more),
    "likelihood": lambda **more: LikelihoodBand(score="score", **more),
    "duplicates": Duplicates,
    "duplicates, words": lambda **more: Duplicates(sameness="words", **more),
    "duplicates, text": lambda **more: Duplicates(sameness="text", **more),
    "quality": lambda **more: ClusterQuality(score="score", by_column="side", **more),
    "quality, clusters": lambda **more: ClusterQuality(score="score", clusters=4, temperature=0.5, **more),
    "facility": Facility,
    "facility, cover": lambda **more: Facility(strategy="cover", **more),
    "importance, published": lambda **more: Importance(scoring="published", **more),
}
LONG = {"importance, published"}  # leaves out documents of fewer than 100 tokens
# What does not draw, or hardly, gives the same with any seed.
STEADY = {"coverage", "coverage, rough", "coverage, capped", "importance, published", "facility, cover"}


def batches(order, cuts=()):
    return pool(
        [TEXTS[n] for n in order],
        cuts=cuts,
        side=[SIDES[n] for n in order],
        score=[SCORES[n] for n in order],
    )


def choose(selector, order, cuts=(), budget=UNITS[0]):
    return selector.choose(batches(order, cuts), budget=budget, reference=REFERENCE)


def taken(choice, order):
    """What was taken, as the texts and what is said of them."""
    return sorted(
        (TEXTS[n], SIDES[n], SCORES[n])
        for n, count in zip(order, choice.counts.tolist(), strict=True)
        for _ in range(count)
    )


@pytest.fixture(params=SELECTORS)
def name(request):
    if request.param.startswith("facility"):
        pytest.importorskip("pyversity")
    return request.param


@pytest.fixture
def make(name):
    return SELECTORS[name]


@pytest.fixture
def budgets(name):
    return (Budget(5), Budget(500, "words")) if name in LONG else UNITS


IN_ORDER = list(range(len(TEXTS)))


def test_no_order_and_no_parting_shows(make, budgets):
    random = np.random.default_rng(0)
    for budget in budgets:
        once = choose(make(), IN_ORDER, budget=budget)
        for cuts in ((1, 2, 50), (64,)):
            order = random.permutation(len(TEXTS)).tolist()
            again = choose(make(), order, cuts, budget)
            assert taken(again, order) == taken(once, IN_ORDER)
            assert json.dumps(again.account, sort_keys=True) == json.dumps(once.account, sort_keys=True)


def test_the_same_seed_gives_the_same_and_another_another(make, name, budgets):
    once, again, other = (choose(make(seed=seed), IN_ORDER, budget=budgets[0]) for seed in (0, 0, 1))
    assert np.array_equal(once.counts, again.counts)
    if name not in STEADY:
        assert not np.array_equal(once.counts, other.counts)


def test_the_budget_is_met_and_never_exceeded(make, budgets):
    sizes = words(pa.array(TEXTS))
    for budget in budgets:
        counts = choose(make(), IN_ORDER, budget=budget).counts
        if budget.unit == "documents":
            assert counts.sum() == budget.amount
        if budget.unit == "words":
            # What is left open is less than the longest document.
            assert budget.amount - sizes.max() < (counts * sizes).sum() <= budget.amount


def test_every_row_is_accounted_for_in_plain_values(make, budgets):
    choice = choose(make(), IN_ORDER, budget=budgets[0])
    assert len(choice.counts) == len(TEXTS)
    assert choice.counts.min() >= 0
    canonical_json(dict(choice.account))
    if choice.reasons is not None:
        assert len(choice.reasons.of) == len(TEXTS)
        assert set(choice.reasons.of.tolist()) <= set(range(-1, len(choice.reasons.names)))
        assert not (choice.reasons.of[choice.counts > 0] >= 0).any()


def test_a_selector_travels_and_keeps_its_name(make):
    selector = make()
    assert pickle.loads(pickle.dumps(selector)) == selector
    assert selector.fingerprint == make().fingerprint != make(seed=1).fingerprint


def test_a_budget_beyond_the_pool_is_refused(make):
    with pytest.raises(UsageError):
        choose(make(), IN_ORDER, budget=Budget(len(TEXTS) * 10))


def test_an_empty_pool_is_refused(make):
    with pytest.raises(UsageError, match="no documents"):
        make().choose([], budget=Budget(1), reference=REFERENCE)
