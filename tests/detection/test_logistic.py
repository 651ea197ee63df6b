import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import logit

from uncollapse.detection.logistic import fit, platt


@pytest.fixture
def data():
    generator = np.random.default_rng(4)
    machine = generator.random(300) < 0.3
    table = generator.normal(0, 1, (300, 3)) + np.outer(machine, [1.0, -0.5, 0.0])
    return table, machine


def test_the_fit_is_scikit_learns(data):
    linear_model = pytest.importorskip("sklearn.linear_model")
    table, machine = data
    found = fit(table, machine, inverse_ridge=2.0)
    wanted = linear_model.LogisticRegression(C=2.0, class_weight="balanced", tol=1e-8).fit(table, machine)
    np.testing.assert_allclose(found.weights, wanted.coef_[0], atol=2e-4)
    assert found.bias == pytest.approx(wanted.intercept_[0], abs=2e-4)


def test_sparse_as_dense(data):
    table, machine = data
    dense, sparse = (fit(each, machine, inverse_ridge=2.0) for each in (table, csr_matrix(table)))
    np.testing.assert_allclose(dense.weights, sparse.weights, atol=1e-6)
    np.testing.assert_allclose(dense.log_odds(table), sparse.log_odds(csr_matrix(table)), atol=1e-5)


def test_platt_finds_the_log_odds_of_two_normal_laws():
    """Sides at -1 and 1 with sd 1: log-odds 2 x at even prevalence. 4000 texts of each: slope known to about 2 %."""
    generator = np.random.default_rng(9)
    found = platt(generator.normal(-1, 1, 4000), generator.normal(1, 1, 4000))
    assert found.slope == pytest.approx(2, abs=0.2)
    assert found.intercept == pytest.approx(0, abs=0.15)
    half = found.probability(np.array([0.3]), prevalence=0.5)[0]
    rare = found.probability(np.array([0.3]), prevalence=0.01)[0]
    assert logit(half) - logit(rare) == pytest.approx(logit(0.5) - logit(0.01))
    assert found.probability(np.array([9.0]), prevalence=0.0)[0] == 0


def test_platt_does_not_turn_a_score_round():
    found = platt(np.arange(10.0, 20.0), np.arange(10.0))
    assert found.slope == 0
    separated = platt(np.zeros(5), np.ones(5))
    assert np.isfinite(separated.log_odds(np.array([0.0, 1.0]))).all()
    # Targets are drawn in: no more sure than six of seven.
    assert separated.probability(np.array([1.0]), prevalence=0.5)[0] == pytest.approx(6 / 7, abs=1e-3)
