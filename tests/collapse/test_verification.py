"""Rows that a verifier lets through: by hand, against exact laws, and what becomes of the laboratories."""

import numpy as np
import pytest
from scipy.stats import norm

from meeting import assert_mean, assert_share
from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.gaussian import Normal
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.summary import agreements
from uncollapse.collapse.verification import let_through, let_through_in_place
from uncollapse.errors import UsageError

STRICT = regime("verify", phi=1, psi=0)


def test_rows_come_in_the_order_in_which_they_are_kept(rng):
    batches = iter([([1.0, -2, 3], [0.0, -np.inf, 0.0]), ([-4.0, 5, 6], [-np.inf, 0.0, 0.0])])

    def propose():
        rows, ratio = next(batches)
        return np.array([rows]), np.array([ratio])

    assert let_through(propose, regime=STRICT, rng=rng).tolist() == [[1, 3, 5]]


def test_rows_with_a_place_keep_it(rng):
    batches = iter(
        [([1.0, -2, 3], [0.0, -np.inf, 0.0]), ([4.0, -5, 6], [0.0, -np.inf, 0.0]), ([7.0, 8, 9], [0.0, 0.0, 0.0])]
    )

    def propose():
        rows, ratio = next(batches)
        return np.array([rows]), np.array([ratio])

    assert let_through_in_place(propose, regime=STRICT, rng=rng).tolist() == [[1, 8, 3]]


@pytest.mark.parametrize("let", [let_through, let_through_in_place])
def test_a_verifier_that_keeps_nothing_is_refused(let, rng):
    with pytest.raises(UsageError, match="next to nothing") as refused:
        let(lambda: (np.zeros((2, 3)), np.full((2, 3), -np.inf)), regime=STRICT, rng=rng)
    assert "--psi" in refused.value.hint


@pytest.mark.parametrize("phi", [0.9, 0.5])
def test_what_passes_has_the_law_that_it_must(phi, rng):
    # The model is N(1, 1/4), the original N(0, 1); what passes is in proportion to psi p + (phi - psi) min(p, p0).
    verifier = regime("verify", phi=phi, psi=0.3)
    built, model = laboratory("gaussian", samples=200_000), Normal(np.array([[1.0]]), np.array([[[0.5]]]))
    rows = built.verified(model, Rows(np.zeros((1, 200_000, 1))), regime=verifier, rng=rng).values.ravel()
    x = np.linspace(-7, 7, 280_001)
    p, original = norm.pdf(x, 1, 0.5), norm.pdf(x)
    law = 0.3 * p + (phi - 0.3) * np.minimum(p, original)
    law /= law.sum()
    assert_mean(rows, float(law @ x), slack=1e-4)
    assert_share(rows > 1.5, float(law[x > 1.5].sum()), slack=1e-4)


@pytest.mark.parametrize("name", ["gaussian", "kde", "mixture"])
def test_a_verifier_that_knows_nothing_is_replacement(name):
    seeds = 800 if name == "mixture" else 3_000
    settings = {"generations": 4, "seeds": seeds, "samples": 12}
    blind = run(name, regime("verify", phi=0.4, psi=0.4), **settings)["verify"]
    plain = run(name, "replace", **settings)["replace"]
    measure = "heterozygosity" if name == "mixture" else "log_variance"
    gap = blind[measure][-1].mean() - plain[measure][-1].mean()
    error = np.hypot(blind[measure][-1].std(), plain[measure][-1].std()) / np.sqrt(seeds)
    assert abs(gap) < 5.5 * error


@pytest.mark.parametrize(("name", "settings"), [("gaussian", {}), ("gaussian", {"peaks": 1.5}), ("mixture", {})])
def test_a_verifier_holds_what_replacement_loses(name, settings):
    found = run(name, "replace", regime("verify", phi=0.9, psi=0.1), generations=60, seeds=60, **settings)
    replaced, verified = (np.median(part["w2"][-1]) for part in found)
    assert verified < 0.25 * replaced


def test_a_verifier_keeps_a_kernel_from_spreading():
    # Replaced kernels of width 1/2 have variance 1.228 + about 1/4 a fit, 9 after 40; what lies too far out is wrong.
    found = run("kde", "replace", regime("verify", phi=0.9, psi=0.1), generations=40, seeds=40)
    replaced, verified = (np.median(part["variance"][-1]) for part in found)
    assert replaced > 6
    assert verified < 2


@pytest.mark.parametrize("design", ["same", "fresh"])
@pytest.mark.parametrize("psi", [0.1, 0.3, 0.6])
def test_verified_labels_bound_the_error_of_regression(design, psi):
    # 4,000 rows for two dimensions: a label is off by a fiftieth of its noise, and the next order is as small.
    settings = {"samples": 4_000, "dimension": 2, "design": design, "signal": 0.0}
    found = run("regression", regime("verify", phi=0.9, psi=psi), generations=6, seeds=200, **settings)
    (each,) = agreements(found)
    assert each.curve.form.name == "verified-labels"
    assert abs(each.simulated - each.theory) < 5.5 * each.error + 0.05 * each.theory
    assert each.curve.values[-1] < 1 / (1 - ((0.9 + psi) / 1.8) ** 2)


def test_equal_rates_are_replacement_in_theory():
    (curve,) = laboratory("regression").theory(regime("verify", phi=0.5, psi=0.5), generations=4)
    np.testing.assert_allclose(curve.values, np.arange(5.0))
