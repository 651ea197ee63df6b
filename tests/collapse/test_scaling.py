"""Tails, verification and decoding: finite sums; the numbers are those of checks 15, 17, 18 and 21."""

import numpy as np
import pytest

from uncollapse.collapse.theory import forms, scaling

RANKS = 10**6  # a tenth of the published check: the slopes then differ by what is said


@pytest.mark.parametrize(("beta", "slope"), [(1.5, -0.3353), (2, -0.4999), (3, -0.6665)])
def test_error_falls_with_the_exponent_of_the_tail(beta, slope):
    law = scaling.zipf(10_000_000 if beta == 1.5 else RANKS, beta=beta)
    sizes = np.array([10**3, 10**4, 10**5])
    errors = [scaling.tail_error(int(size), law=law) for size in sizes]
    found = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert found == pytest.approx(slope, abs=2e-3)
    assert found == pytest.approx(scaling.tail_exponent(beta=beta), abs=5e-3)


@pytest.mark.parametrize(("beta", "plateau"), [(1.5, 0.0761), (2, 0.00605), (3, 4.1e-5)])
def test_a_cut_tail_leaves_a_plateau(beta, plateau):
    law = scaling.zipf(10_000_000 if beta == 1.5 else RANKS, beta=beta)
    cut = np.where(np.arange(len(law)) < 100, law, 0)
    error = scaling.tail_error(10**9, law=law, training=cut / cut.sum())
    assert error == pytest.approx(law[100:].sum())
    assert error == pytest.approx(plateau, rel=0.02)


@pytest.mark.parametrize(("beta", "slope"), [(1.5, -0.2228), (2, -0.3333), (3, -0.4446)])
def test_a_narrowed_tail_slows_learning(beta, slope):
    law, narrow = (scaling.zipf(RANKS, beta=factor * beta) for factor in (1, 1.5))
    sizes = np.array([10**3, 10**4, 10**5])
    errors = [scaling.tail_error(int(size), law=law, training=narrow) for size in sizes]
    found = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert found == pytest.approx(slope, abs=4e-3)
    assert scaling.tail_exponent(beta=beta, training_beta=1.5 * beta) == pytest.approx(slope, abs=2e-3)


def test_temperature_moves_a_law_away_from_itself():
    law = scaling.zipf(1000, beta=1)
    assert scaling.tempered_cross_entropy(0, law=law, temperature=0.9) == pytest.approx(5.19101, abs=5e-6)
    for t, value in {1: 5.21905, 5: 6.10245, 10: 9.32194}.items():
        assert scaling.tempered_cross_entropy(t, law=law, temperature=0.9) == pytest.approx(value, abs=5e-6)


def test_a_nucleus_of_a_nucleus_is_smaller():
    left = scaling.truncated_support(scaling.zipf(1000, beta=1), top_p=0.95, rounds=10)
    assert left.support == (688, 482, 344, 250, 185, 139, 106, 82, 64, 51)


def test_accumulation_does_not_save_a_sampler_that_shrinks():
    assert scaling.shrink_accumulate(1000, shrink=0.9) == pytest.approx(0.52109, abs=1e-5)
    assert scaling.shrink_asymptote(1000, shrink=0.9) == pytest.approx(0.52111, abs=1e-5)
    assert scaling.shrink_anchor(share=0.1, shrink=0.9) == pytest.approx(0.5263, abs=5e-5)


@pytest.mark.parametrize(("wrong", "verified", "plain"), [(0.4, None, 0.977), (0.6, 0.977, 0.023), (0.85, 0.023, None)])
def test_a_verifier_turns_at_its_threshold(wrong, verified, plain, rng):
    # Check 21: d = 50, 50,000 labelled rows, class means at +-2 e; the classifier is the mean of label times row.
    assert scaling.verifier_threshold(phi=0.9, psi=0.3) == pytest.approx(0.75)
    flipped = rng.random(50_000) < wrong
    sides = np.where(flipped, -1.0, 1.0)[:, None] * (rng.standard_normal((50_000, 50)) + 2 * np.eye(50)[0])
    kept = rng.random(50_000) < np.where(flipped, 0.3, 0.9)
    for chosen, expected in ((kept, verified), (np.ones(50_000, dtype=bool), plain)):
        if expected is None:
            continue
        classifier = sides[chosen].mean(axis=0)
        test = rng.standard_normal((50_000, 50)) + 2 * np.eye(50)[0]
        accuracy = (test @ classifier > 0).mean()
        assert accuracy == pytest.approx(expected, abs=5.5 * np.sqrt(0.023 * 0.977 / 50_000) + 5e-4)
        share_wrong = flipped[chosen].mean()
        predicted = scaling.verified_accuracy(share_wrong, distance=2, d=50, kept=int(chosen.sum()))
        assert accuracy == pytest.approx(predicted, abs=5.5 * np.sqrt(0.023 * 0.977 / 50_000) + 1e-3)


def test_every_form_says_where_it_comes_from():
    known = forms()
    assert len(known) > 45
    for name, form in known.items():
        assert form.name == name
        assert form.source
        assert form.statement
