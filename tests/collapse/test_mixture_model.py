"""Normal mixtures: densities, draws, distances and expectation-maximisation against hand and other libraries."""

import numpy as np
import pytest
from numpy.random import default_rng
from scipy import integrate, stats

from uncollapse.collapse.mixture_model import (
    RIDGE,
    Mixture,
    draw,
    fitted,
    log_density,
    mass_between,
    spread_start,
    squared_l2,
    squared_w2,
    variance,
)


def line(weights, means, deviations):
    """A mixture on the line, for one seed."""
    return Mixture(
        np.array([weights], float),
        np.array([means], float)[:, :, None],
        np.array([deviations], float)[:, :, None, None] ** 2,
    )


TWO = line([0.3, 0.7], [-3, 2], [1, 0.5])


def uniform(count):
    return np.full(count, 1 / count)


def test_density_is_the_weighted_sum():
    values = np.linspace(-5, 5, 11)[None, :, None]
    expected = 0.3 * stats.norm.pdf(values, -3, 1) + 0.7 * stats.norm.pdf(values, 2, 0.5)
    assert np.exp(log_density(TWO, values)) == pytest.approx(expected[:, :, 0])


def test_density_in_three_dimensions():
    rng = default_rng(1)
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T + np.eye(3)
    mixture = Mixture(np.ones((1, 1)), np.zeros((1, 1, 3)) + 1.0, covariance[None, None])
    values = rng.normal(size=(1, 7, 3))
    expected = stats.multivariate_normal(np.ones(3), covariance).logpdf(values[0])
    assert log_density(mixture, values)[0] == pytest.approx(expected)


def test_draws_have_the_moments_of_the_mixture():
    rng = default_rng(2)
    root = np.array([[1.0, 0.0], [0.8, 0.6]])
    mixture = Mixture(
        np.array([[0.25, 0.75]]), np.array([[[-4.0, 0.0], [4.0, 1.0]]]), np.stack([np.eye(2), root @ root.T])[None]
    )
    values = draw(mixture, 100_000, rng=rng)[0]
    left = values[:, 0] < 0
    assert left.mean() == pytest.approx(0.25, abs=5.5 * np.sqrt(0.25 * 0.75 / 1e5))
    assert np.cov(values[~left].T) == pytest.approx(root @ root.T, abs=5.5 * 1.5 / np.sqrt(7.5e4))
    assert values[~left].mean(axis=0) == pytest.approx([4, 1], abs=5.5 / np.sqrt(7.5e4))


def test_one_component_is_mean_and_covariance():
    values = default_rng(3).normal(size=(4, 50, 2)) * [1, 3]
    start = spread_start(values, components=1, rng=default_rng(0))
    fit = fitted(values, start=start, shares=uniform(50), rounds=5, tolerance=0.0)
    assert fit.mixture.means[:, 0] == pytest.approx(values.mean(axis=1))
    for seed in range(4):
        expected = np.cov(values[seed].T, ddof=0) + RIDGE * np.eye(2)
        assert fit.mixture.covariances[seed, 0] == pytest.approx(expected)


def test_one_round_by_hand():
    values = np.array([[[-1.0], [0.0], [2.0]]])
    start = line([0.5, 0.5], [-1, 1], [1, 1])
    fit = fitted(values, start=start, shares=uniform(3), rounds=1, tolerance=0.0)
    right = 1 / (1 + np.exp(-2 * values[0, :, 0]))  # the log-odds of the two are 2x
    assert fit.mixture.weights[0, 1] == pytest.approx(right.mean())
    mean = (right * values[0, :, 0]).sum() / right.sum()
    assert fit.mixture.means[0, 1, 0] == pytest.approx(mean)
    spread = (right * (values[0, :, 0] - mean) ** 2).sum() / right.sum()
    assert fit.mixture.covariances[0, 1, 0, 0] == pytest.approx(spread + RIDGE)
    assert fit.rounds.tolist() == [1]


def test_likelihood_never_falls():
    values = draw(TWO, 200, rng=default_rng(4))
    start = spread_start(values, components=3, rng=default_rng(5))
    likelihoods = []
    for rounds in range(0, 30, 3):
        fit = fitted(values, start=start, shares=uniform(200), rounds=rounds, tolerance=0.0)
        likelihoods.append(log_density(fit.mixture, values).mean())
    assert np.all(np.diff(likelihoods) > -1e-4)  # the ridge may take 1e-6 off a variance that has grown small
    assert likelihoods[-1] > likelihoods[0] + 0.05


def test_two_components_are_found_again():
    values = draw(TWO, 20_000, rng=default_rng(6))
    start = spread_start(values, components=2, rng=default_rng(7))
    fit = fitted(values, start=start, shares=uniform(20_000), rounds=200, tolerance=1e-9).mixture
    order = np.argsort(fit.means[0, :, 0])
    assert fit.weights[0, order] == pytest.approx([0.3, 0.7], abs=5.5 * np.sqrt(0.21 / 2e4))
    assert fit.means[0, order, 0] == pytest.approx([-3, 2], abs=5.5 / np.sqrt(6000))


def test_a_seed_does_not_depend_on_its_neighbours():
    values = np.concatenate([draw(TWO, 80, rng=default_rng(seed)) for seed in range(5)])
    start = spread_start(values, components=2, rng=default_rng(8))
    together = fitted(values, start=start, shares=uniform(80), rounds=100, tolerance=1e-4)
    assert len(set(together.rounds.tolist())) > 1
    for seed in range(5):
        one = np.array([seed])
        alone = fitted(values[one], start=start.of(one), shares=uniform(80), rounds=100, tolerance=1e-4)
        assert alone.rounds[0] == together.rounds[seed]
        assert alone.mixture.means[0] == pytest.approx(together.mixture.means[seed], rel=1e-12)


def test_weights_of_rows_count_like_repeats():
    values = draw(TWO, 30, rng=default_rng(9))
    twice = np.concatenate([values, values[:, :10]], axis=1)
    shares = np.where(np.arange(30) < 10, 2, 1) / 40
    start = spread_start(values, components=2, rng=default_rng(10))
    weighted = fitted(values, start=start, shares=shares, rounds=4, tolerance=0.0).mixture
    repeated = fitted(twice, start=start, shares=uniform(40), rounds=4, tolerance=0.0).mixture
    assert weighted.means == pytest.approx(repeated.means)
    assert weighted.covariances == pytest.approx(repeated.covariances)


def test_a_lost_component_stays_lost_and_finite():
    values = np.full((1, 20, 1), 1.5)
    start = line([1.0, 0.0], [0, 9], [1, 1])
    fit = fitted(values, start=start, shares=uniform(20), rounds=10, tolerance=0.0).mixture
    assert fit.weights[0].tolist() == [1, 0]
    assert fit.means[0, :, 0] == pytest.approx([1.5, 9])
    assert fit.covariances[0, :, 0, 0] == pytest.approx([RIDGE, 1])


def test_squared_l2_is_the_integral():
    other = line([1.0], [0.5], [2])
    expected, _ = integrate.quad(
        lambda x: (
            (
                np.exp(log_density(TWO, np.full((1, 1, 1), x)))[0, 0]
                - np.exp(log_density(other, np.full((1, 1, 1), x)))[0, 0]
            )
            ** 2
        ),
        -20,
        20,
        limit=200,
        points=[-3, 2],
    )
    assert squared_l2(TWO, other)[0] == pytest.approx(expected, rel=1e-6)
    assert squared_l2(TWO, TWO)[0] == pytest.approx(0, abs=1e-12)


def test_w2_of_two_normal_laws():
    one, other = line([1.0], [0], [1]), line([1.0], [3], [0.5])
    assert squared_w2(one, other)[0] == pytest.approx(9 + 0.25, rel=1e-3)
    assert squared_w2(one, one)[0] == 0


def test_variance_by_hand():
    total, within = variance(TWO)
    assert within[0] == pytest.approx(0.3 + 0.7 * 0.25)
    assert total[0] == pytest.approx(within[0] + 0.3 * 0.7 * 25)


def test_mass_between_edges():
    mass = mass_between(TWO, np.array([-3.0, 2.0]))[0]
    assert mass.sum() == pytest.approx(1)
    assert mass[0] == pytest.approx(0.15)
    assert mass[2] == pytest.approx(0.35, abs=1e-6)
