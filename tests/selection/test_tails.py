"""What is measured of the tail, by hand; what a loss is; strata before and after."""

import numpy as np
import pytest

from pools import pool
from uncollapse.selection.seen import Column
from uncollapse.selection.tails import Tail, counted, loss, samples, shares, tails

JUDGE = ["the the the the the the rare odd odd unique"]


def measured(texts, arms, judge=JUDGE):
    return tails(samples(pool(texts), [np.array(arm) for arm in arms]), judge=counted(pool(judge)))


def test_the_tail_by_hand():
    # Rare in the judge: rare (1), odd (2), unique (1). The sample has rare and odd: 2 of 3 types, 3 of 4 tokens.
    found = measured(["the rare odd", "the new"], [[1, 1]])[0]
    assert found.tokens == 5
    assert found.rare_coverage == pytest.approx(2 / 3)
    assert found.rare_mass == pytest.approx(3 / 4)
    # Of its own five tokens `new` alone is not in the judge; what is below 1e-4 there is none.
    assert found.tail_mass == pytest.approx(1 / 5)
    assert found.distinct_1 == pytest.approx(4 / 5)
    # Pairs do not cross documents: the rare, rare odd, the new.
    assert found.distinct_2 == pytest.approx(1)


def test_pairs_are_told_apart_by_their_order_and_counted():
    found = measured(["a b a b a", "b a"], [[1, 1]])[0]
    # ab ba ab ba, ba: two different of five.
    assert found.distinct_2 == pytest.approx(2 / 5)


def test_samples_are_cut_to_the_smallest():
    texts = ["a b c d e f", "g h"]
    first, second = measured(texts, [[1, 0], [0, 1]])
    assert first.tokens == second.tokens == 2


def test_a_row_that_is_taken_twice_is_there_twice():
    assert measured(["a b", "c"], [[2, 0]])[0].tokens == 4


def tail(coverage, mass):
    return Tail(100, coverage, mass, 0.1, 0.5, 0.9)


def test_a_loss_is_against_the_mean_of_chance_and_the_larger_of_two():
    controls = [tail(0.4, 0.5), tail(0.6, 0.5)]
    assert loss(tail(0.4, 0.5), controls) == (pytest.approx(0.2), "rare words")
    assert loss(tail(0.45, 0.35), controls) == (pytest.approx(0.3), "mass of rare words")
    assert loss(tail(0.9, 0.9), controls).share == 0
    assert loss(tail(0.9, 0.9), [tail(0.0, 0.0)]).share == 0


def test_strata_before_and_after():
    column = Column(("a", "b", "c"), np.array([0] * 6 + [1] * 6 + [2]))
    sizes = np.array([10] * 6 + [5] * 6 + [1])
    chosen = np.array([1] * 6 + [0] * 7)
    found = shares(column, sizes, {"chosen": chosen, "random": np.ones(13, np.int64)})
    # Of 91 words 60 are kept, so chance would keep 4 of b's six documents, and of c's one not three.
    assert found["lost"] == ["b"]
    assert found["without a document"] == 2
    assert found["listed"][0] == {
        "value": "a",
        "rows": {"pool": 6, "chosen": 6, "random": 6},
        "share": {"pool": pytest.approx(60 / 91), "chosen": 1.0, "random": pytest.approx(60 / 91)},
    }
