import numpy as np
import pytest

from uncollapse.detection.prevalence import (
    Flagged,
    Stratum,
    effective_size,
    lower_bound,
    mixture,
    rogan_gladen,
    rogan_gladen_error,
)


def test_rogan_and_gladen_by_the_known_value():
    # q = .25, F = .05, T = .72: (.25 - .05) / .67; the first term of the error alone at n = 10,000.
    assert rogan_gladen(0.25, false_alarms=0.05, true_positives=0.72) == pytest.approx(0.298507, abs=1e-6)
    known = (0.05, np.inf), (0.72, np.inf)
    assert rogan_gladen_error((0.25, 10_000), *known) == pytest.approx(0.006463, abs=1e-6)


def test_the_texts_that_a_false_alarm_rate_takes():
    # At a share of .3 the false-alarm term alone has an error of .01 at about 520 human texts, .032 at 50.
    q = 0.3 * 0.72 + 0.7 * 0.05
    for texts, error in ((520, 0.010), (50, 0.032)):
        found = rogan_gladen_error((q, np.inf), (0.05, texts), (0.72, np.inf))
        assert found == pytest.approx(error, abs=5e-4)


def test_a_share_stays_a_share():
    assert rogan_gladen(0.01, false_alarms=0.05, true_positives=0.7) == 0
    assert rogan_gladen(0.9, false_alarms=0.05, true_positives=0.7) == 1
    assert np.isnan(rogan_gladen(0.3, false_alarms=0.5, true_positives=0.5))


def two_sides(generator, share, *, texts=400, known=200):
    """A corpus with that share of a machine's texts and labelled texts beside it, all scores between 0 and 1."""
    human = generator.beta(2, 5, known)
    machine = generator.beta(4, 3, known)
    made = generator.random(texts) < share
    corpus = np.where(made, generator.beta(4, 3, texts), generator.beta(2, 5, texts))
    return Stratum(corpus, human, machine)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5])
def test_the_interval_of_a_mixture_holds_the_share(share):
    """300 corpora. An interval that holds it in 95 % fails 270 of 300 with a chance of 4e-4."""
    generator = np.random.default_rng(11)
    found = [mixture([two_sides(generator, share)]) for _ in range(300)]
    assert sum(each.low <= share <= each.high for each in found) >= 270
    # The mean of estimates: sd of one is some .05, of 300 some .003; clipping at 0 lifts it by .4 sd there.
    bias = np.mean([each.value for each in found]) - share
    assert abs(bias) < 0.03
    assert np.mean([each.high - each.low for each in found]) < 0.25


def test_groups_of_unlike_texts_are_weighed_as_the_corpus_is():
    """Two domains of which one scores high whoever writes: together they would be misread, apart they are not."""
    generator = np.random.default_rng(3)
    strata = []
    for shift, share in ((0.0, 0.4), (0.35, 0.0)):
        made = generator.random(3000) < share
        corpus = 0.3 * generator.random(3000) + shift + 0.3 * made
        human = 0.3 * generator.random(3000) + shift
        strata.append(Stratum(corpus, human, human + 0.3))
    assert mixture(strata).value == pytest.approx(0.2, abs=0.02)


def test_sides_that_lie_together_say_nothing():
    generator = np.random.default_rng(0)
    same = Stratum(*(generator.random(50) for _ in range(3)))
    found = mixture([same])
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)
    assert np.isnan(mixture([]).value)


def test_one_machine_side_for_two_groups_is_counted_once():
    generator = np.random.default_rng(2)
    one = two_sides(generator, 0.3, texts=4000, known=40)
    half = Stratum(one.corpus[:2000], one.human, one.machine), Stratum(one.corpus[2000:], one.human, one.machine)
    for a, b in zip(mixture([one]), mixture(list(half)), strict=True):
        assert a == pytest.approx(b, abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_the_lower_bound_is_one(share):
    """300 corpora with a threshold out of 99 human scores: the bound lies below the truth in 95 %, 270 of 300 surely."""
    generator = np.random.default_rng(7)
    below = 0
    for _ in range(300):
        # The share of human texts above the 5th largest of 99 is a draw from Beta(5, 95).
        false = generator.beta(5, 95)
        flagged = generator.binomial(300, share * 0.8 + (1 - share) * false)
        found = lower_bound([Flagged(300, int(flagged), 5, 99)], generator=generator)
        assert found.high == 1.0
        assert found.low <= found.value
        below += found.low <= share
    assert below >= 270


def test_a_lower_bound_finds_a_large_share():
    generator = np.random.default_rng(7)
    # 60 % flagged at an expected 5 %: at least (.6 - .05) / .95 = .58, less the doubt.
    found = lower_bound([Flagged(2000, 1200, 50, 999)], generator=generator)
    assert found.value == pytest.approx((0.6 - 0.05) / 0.95)
    assert 0.54 < found.low < found.value
    assert np.isnan(lower_bound([], generator=generator).value)


def test_the_effective_size():
    assert effective_size(np.ones(7)) == 7
    assert effective_size(np.array([1.0, 0.0, 0.0])) == 1
    assert effective_size(np.array([2.0, 1.0])) == pytest.approx(9 / 5)
    assert effective_size(np.zeros(3)) == 0
