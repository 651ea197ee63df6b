"""Importance: the corrected scores by hand, their temperature by its law, and the published ones to the bit."""

import hashlib
import itertools
import re

import numpy as np
import pytest

from made_text import made
from pools import pool
from uncollapse.errors import UsageError
from uncollapse.ngrams import cut
from uncollapse.selection.choosing import Budget
from uncollapse.selection.importance import Importance, coldest, effective, smoothed_ratio
from uncollapse.selection.published import CUTTING, Sha256Buckets

REFERENCE = made(40, seed=3, length=150, subjects=(1, 2))
TEXTS = [*made(120, seed=1, length=150), *made(60, seed=2, length=60, subjects=(1, 2))]
HOSTILE = [
    "Ein Café, 12_3!!! don't\u2026 \u0130stanbul \u03a3\u03a3\u03a3 \u4f60\u597d x\u0301y",
    "",
    "...",
    "\u00a0a\u2028b",
]


class Published:
    """The package's arithmetic as its source has it, one text and one n-gram after the other."""

    def __init__(self, raw, target, buckets=10_000):
        self.buckets = buckets
        probs = [np.sum([self.features(text) for text in texts], axis=0) for texts in (target, raw)]
        target_p, raw_p = (counts / counts.sum() for counts in probs)
        self.log_diff = np.log(target_p + 1e-8) - np.log(raw_p + 1e-8)

    def bucket(self, text):
        return int(hashlib.sha256(text.encode("utf-8")).hexdigest(), 16) % self.buckets

    def features(self, text):
        words = re.findall(r"\w+|[^\w\s]+", text.lower())
        counts = np.zeros(self.buckets, dtype=int)
        for gram in [*words, *(" ".join(pair) for pair in itertools.pairwise(words))]:
            counts[self.bucket(gram)] += 1
        return counts

    def score(self, text):
        return np.dot(self.log_diff, self.features(text))


def scores(selector, texts, monkeypatch, name):
    """The scores that a selector works with, caught on their way."""
    from uncollapse.selection import importance

    caught = []
    inner = getattr(importance._Counted, name)

    def catching(self, value, **more):
        caught.append(inner(self, value, **more))
        return caught[-1]

    monkeypatch.setattr(importance._Counted, name, catching)
    selector.choose(pool(texts, cuts=[31, 90]), budget=Budget(10), reference=pool(REFERENCE, cuts=[5]))
    return caught[0]


def test_published_scores_are_those_of_the_package_to_the_bit(monkeypatch):
    texts = [*TEXTS, *HOSTILE]
    oracle = Published(texts, REFERENCE)
    found = scores(Importance(scoring="published"), texts, monkeypatch, "dots")
    assert found.tolist() == [oracle.score(text) for text in texts]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_published_buckets_are_those_of_sha256_over_wordpunct_tokens(text):
    buckets = Sha256Buckets(10_000)
    for tokens in cut(pool([text])[0], CUTTING):
        words = re.findall(r"\w+|[^\w\s]+", text.lower())
        pairs = [" ".join(pair) for pair in itertools.pairwise(words)]
        for order, grams in ((1, words), (2, pairs)):
            expected = [int(hashlib.sha256(gram.encode()).hexdigest(), 16) % 10_000 for gram in grams]
            assert buckets.of(tokens, order).tolist() == expected
            assert buckets.of(tokens, order).tolist() == expected  # once more, out of what is held


def test_published_leaves_out_short_documents_and_says_so():
    choice = Importance(scoring="published").choose(pool(TEXTS), budget=Budget(50), reference=pool(REFERENCE))
    short = np.array([len(re.findall(r"\w+|[^\w\s]+", text)) < 100 for text in TEXTS])
    assert 0 < short.sum() < len(TEXTS)
    assert choice.account["left out as shorter than 100 tokens"] == short.sum()
    assert not choice.counts[short].any()
    assert np.array_equal(choice.reasons.of == 0, short)
    with pytest.raises(UsageError, match="fewer than 100 tokens"):
        Importance(scoring="published").choose(pool(TEXTS), budget=Budget(len(TEXTS)), reference=pool(REFERENCE))


def test_published_sums_hang_on_length_and_corrected_means_do_not():
    lengths = np.random.default_rng(4).integers(110, 400, 150)
    texts = [made(1, seed=100 + n, length=int(length))[0] for n, length in enumerate(lengths)]
    published, corrected = (
        Importance(scoring=scoring).choose(pool(texts), budget=Budget(40), reference=pool(REFERENCE)).account
        for scoring in ("published", "corrected")
    )
    assert published["correlation of score and length"] < -0.5
    assert abs(corrected["correlation of score and length"]) < 0.3
    assert published["mean length of the choice"] < 0.8 * published["mean length of the pool"]
    assert published["effective documents"] < 10 < corrected["effective documents"]


def test_equal_target_and_pool_score_nothing_and_choose_uniformly():
    choice = Importance().choose(pool(TEXTS), budget=Budget(20), reference=pool(TEXTS))
    assert choice.account["temperature"] is None
    assert choice.account["effective documents"] == pytest.approx(len(TEXTS))


def test_scores_are_means_of_log_ratios_worked_by_hand():
    # Buckets 0 and 1; target 3 and 1, pool 1 and 3, pseudo-count 1: ln(4/6) - ln(2/6) and ln(2/6) - ln(4/6).
    ratio = smoothed_ratio(np.array([3, 1]), np.array([1, 3]), pseudo_count=1.0)
    assert ratio == pytest.approx([np.log(2), -np.log(2)])


def test_a_text_twice_scores_as_it_does_once(monkeypatch):
    once = TEXTS[0]
    found = scores(Importance(orders=(1,)), [once, f"{once} {once}", *TEXTS], monkeypatch, "sums")
    assert found[1] == pytest.approx(2 * found[0])  # sums; the mean is the same


def test_the_temperature_is_the_lowest_at_which_the_weights_are_worth_enough():
    found = np.random.default_rng(0).normal(size=500)
    for least in (2.0, 40.0, 400.0):
        temperature = coldest(found, least=least)
        assert effective(found / temperature) == pytest.approx(least, rel=1e-6)
        assert effective(found / (temperature * 0.99)) < least
    assert coldest(found, least=500.0) is None
    assert coldest(np.ones(5), least=2.0) is None


def test_effective_numbers_by_hand():
    assert effective(np.zeros(7)) == pytest.approx(7)
    # Weights 1 and 1/2: (3/2)^2 / (5/4) = 9/5.
    assert effective(np.log([1, 0.5])) == pytest.approx(1.8)


def test_cold_is_the_best_alone_and_warm_is_chance():
    least = 1.5 / len(TEXTS)
    cold = Importance(least_effective=least).choose(pool(TEXTS), budget=Budget(30), reference=pool(REFERENCE))
    warm = Importance(least_effective=1.0).choose(pool(TEXTS), budget=Budget(30), reference=pool(REFERENCE))
    assert cold.account["share of the choice among the highest scores"] > 0.9
    # By chance 30 of 180 are of the best 30 with 1/6: 5, standard deviation 1.9.
    assert warm.account["share of the choice among the highest scores"] < 15 / 30


def test_it_finds_the_subjects_of_the_reference():
    choice = Importance().choose(pool(TEXTS), budget=Budget(45), reference=pool(REFERENCE))
    assert choice.counts[120:].mean() > 1.5 * choice.counts[:120].mean()


def test_what_has_nothing_in_common_is_refused():
    with pytest.raises(UsageError, match="no n-gram in common"):
        Importance(buckets=2**20).choose(pool(["aa bb"]), budget=Budget(1), reference=pool(["cc"]))
    with pytest.raises(UsageError, match="there is none"):
        Importance().choose(pool(TEXTS), budget=Budget(1))
