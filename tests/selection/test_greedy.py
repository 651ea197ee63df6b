"""Lazy greedy choice is greedy choice: against brute force step by step, and against the best set there is."""

from itertools import combinations

import numpy as np
import pytest

from made_text import made
from pools import chosen, pool
from uncollapse.errors import UsageError
from uncollapse.ngrams import cut_texts
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget, looked_through
from uncollapse.selection.coverage import Coverage

REFERENCE = made(12, seed=5, length=40, known=300)
TEXTS = made(60, seed=6, length=30, known=400)


def words_of(texts):
    return cut_texts(texts)


class Brute:
    """F and its steps by dictionaries, as the page has them."""

    def __init__(self, texts, reference, budget, selector):
        self.docs = words_of(texts)
        seen = [word for text in words_of(reference) for word in text]
        rows = looked_through(pool(texts), selector, budget)
        total = budget.amount / rows.sizes.sum() * sum(map(len, self.docs))
        self.target = {word: total * seen.count(word) / len(seen) + 1 for word in set(seen)}
        rare = selector.rare_weight
        self.weight = {word: (rare if seen.count(word) <= 2 else 1.0) * self.target[word] for word in self.target}
        self.rows, self.budget, self.per = rows, budget, selector.per
        self.rank = np.argsort(rows.order())

    def value(self, documents):
        have = {}
        for document in documents:
            for word in self.docs[document]:
                if word in self.target:
                    have[word] = have.get(word, 0) + 1
        return sum(self.weight[word] * np.log1p(count / self.target[word]) for word, count in have.items())

    def cost(self, document):
        return max(len(self.docs[document]), 1) if self.per == "word" else 1

    def steps(self):
        taken, left = [], self.budget.amount
        while True:
            base = self.value(taken)
            open_ = [d for d in range(len(self.docs)) if d not in taken and self.rows.sizes[d] <= left]
            gains = {d: (self.value([*taken, d]) - base) / self.cost(d) for d in open_}
            if not gains or max(gains.values()) <= 1e-12:
                return taken
            best = max(gains.values())
            near = [d for d in gains if gains[d] > best - 1e-9]
            taken.append(min(near, key=lambda d: self.rank[d]))
            left -= self.rows.sizes[taken[-1]]


@pytest.mark.parametrize("budget", [Budget(9), Budget(300, "words"), Budget(1500, "bytes")])
@pytest.mark.parametrize(("per", "rare"), [("word", 1.0), ("document", 1.0), ("word", 3.0)])
def test_what_is_taken_is_what_brute_force_takes(budget, per, rare):
    selector = Coverage(per=per, rare_weight=rare, buckets=2**24)
    choice = selector.choose(pool(TEXTS), budget=budget, reference=pool(REFERENCE))
    brute = Brute(TEXTS, REFERENCE, budget, selector)
    steps = brute.steps()
    assert np.flatnonzero(choice.counts).tolist() == sorted(steps)
    assert choice.account["value"] == pytest.approx(brute.value(steps), rel=1e-12)


@pytest.mark.parametrize("tolerance", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_the_guarantee_holds_against_the_best_set(seed, tolerance):
    texts = made(14, seed=seed, length=12, known=60)
    selector = Coverage(per="document", buckets=2**24, tolerance=tolerance)
    choice = selector.choose(pool(texts), budget=Budget(4), reference=pool(REFERENCE))
    brute = Brute(texts, REFERENCE, Budget(4), selector)
    best = max(brute.value(some) for some in combinations(range(14), 4))
    # Source: Nemhauser, Wolsey and Fisher 1978; with steps of 1 - e of the best, 1 - exp(e - 1).
    assert (1 - np.exp(tolerance - 1)) * best <= choice.account["value"] <= best + 1e-9


def test_a_tolerance_loses_little():
    texts = made(1500, seed=9, length=40, known=2000)
    exact, rough = (
        Coverage(tolerance=tolerance).choose(pool(texts), budget=Budget(300), reference=pool(REFERENCE)).account
        for tolerance in (0.0, 0.1)
    )
    # By words of unequal documents greedy itself is no optimum, so the rough one can be a little better.
    assert 0.98 * exact["value"] < rough["value"] < 1.02 * exact["value"]


def test_what_adds_nothing_is_drawn_and_said():
    texts = [*made(5, seed=1, length=20, known=100), *(f"xx{n} yy{n}" for n in range(30))]
    choice = Coverage().choose(pool(texts), budget=Budget(20), reference=pool(REFERENCE))
    assert choice.counts[:5].tolist() == [1] * 5
    assert choice.account["chosen by gain"] == 5
    assert choice.account["filled at random"] == 15


def test_a_reference_without_overlap_is_refused():
    with pytest.raises(UsageError, match="no word in common"):
        Coverage().choose(pool(["aa bb"]), budget=Budget(1), reference=pool(["cc"]))
    with pytest.raises(UsageError, match="no word in common"):
        Coverage().choose(pool(["aa bb"]), budget=Budget(1), reference=pool([]))


def test_it_keeps_more_of_the_rare_than_chance_at_equal_words():
    reference = made(60, seed=5, known=1500)
    texts = made(400, seed=6, known=3000)
    words = [word for text in words_of(reference) for word in text]
    rare = {word for word in words if words.count(word) <= 2}

    def kept(selector):
        choice = selector.choose(pool(texts), budget=Budget(6000, "words"), reference=pool(reference))
        return len(rare & {word for text in words_of(chosen(texts, choice)) for word in text})

    by_chance = [kept(AtRandom(seed=seed)) for seed in range(5)]
    assert kept(Coverage(rare_weight=3.0)) > max(by_chance)
