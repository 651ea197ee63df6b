"""Loops whose training sets mix rows of several laws: by hand, against other forms, and against the simulation."""

import numpy as np
import pytest

from uncollapse.collapse import regime, run
from uncollapse.collapse.feeding import drawn_from
from uncollapse.collapse.summary import agreements
from uncollapse.collapse.theory import gaussian, kernel, pools

K = np.arange(13.0)
SEVERAL = (
    regime("subsample"),
    regime("mixed"),
    regime("mixed", alpha=(0.5, 0.2), beta=(0.5, 0.3), gamma=(0.0, 0.5)),
    regime("preserve", share=0.2),
    regime("fresh", share=0.2),
    regime("weighted"),
)


def test_new_rows_of_the_last_model_alone_are_replacement():
    counts = [np.eye(fit, dtype=int)[fit - 1] * 10 for fit in range(1, 13)]
    for ddof in (0, 1):
        found = pools.mixed_laws(K, counts=counts, refit=pools.Refit(ddof=ddof))
        np.testing.assert_allclose(found.mean, gaussian.replace_mean(K, n=10, ddof=ddof))
        np.testing.assert_allclose(found.variance, gaussian.replace_variance(K, n=10, ddof=ddof))


def test_a_kernel_adds_its_variance_at_each_fit():
    counts = [np.eye(fit, dtype=int)[fit - 1] * 10 for fit in range(1, 13)]
    found = pools.mixed_laws(K, counts=counts, refit=pools.Refit(added=0.25))
    np.testing.assert_allclose(found.variance[1:] - 0.25, kernel.replace_variance(K[:-1], n=10, bandwidth=0.5))


def test_fresh_rows_are_a_mixture_with_the_original():
    share = regime("mixed", alpha=(0.8,), beta=(0.0,), gamma=(0.2,))
    counts = [np.array([10]), *(next_ for next_, _ in zip(drawn_from(share, 10), range(11), strict=False))]
    found = pools.mixed_laws(K, counts=counts, refit=pools.Refit(ddof=1))
    anchored = gaussian.anchored(K, anchor=pools.Anchor(2, 8, 0.2, kept=False), first=10)
    np.testing.assert_allclose(found.mean, anchored.mean)
    np.testing.assert_allclose(found.variance, anchored.variance)


def test_a_pool_of_two_generations_by_hand():
    # n = 2, ddof 0. Fit 1: mean error 1/2, variance 1/2. The pool then has 2 rows of variance 1 and 2 of variance 1/2
    # about a mean in common: its mean is the first one plus noise of half of two such rows, 1/2 + (1/4)(1/2)/2 = 9/16;
    # the mean of its squares is (1 + 1/2 + 1/2)/2 = 1. Two rows of it: G = 4 (1 - 9/16)/3 = 7/12, 9/16 + G/4 = 17/24.
    found = pools.subsampled_pool(np.arange(3.0), n=2, refit=pools.Refit())
    np.testing.assert_allclose(found.mean, [0, 1 / 2, 17 / 24])
    np.testing.assert_allclose(found.variance, [1, 1 / 2, 7 / 24])


def test_a_fixed_budget_lies_between_replacement_and_accumulation():
    found = pools.subsampled_pool(np.arange(61.0), n=100, refit=pools.Refit(known=True))
    accumulated = np.cumsum(1 / np.arange(1, 61.0) ** 2)
    assert (100 * found.mean[2:] > accumulated[1:]).all()
    assert (100 * found.mean[2:] < np.arange(2, 61)).all()


@pytest.mark.parametrize(
    ("name", "settings", "seeds"),
    [
        ("gaussian", {"samples": 10}, 4_000),
        ("gaussian", {"samples": 10, "ddof": 0, "dimension": 2}, 2_000),
        ("kde", {"samples": 10}, 4_000),
        ("discrete", {"samples": 10, "states": 6}, 2_000),
    ],
)
def test_laboratories_meet_them(name, settings, seeds):
    # 5.5 standard errors; means of variances of 10 rows after 8 fits have tails that so many seeds still carry.
    held = agreements(run(name, *SEVERAL, generations=8, seeds=seeds, **settings))
    assert len(held) >= 2 * len(SEVERAL) - 2
    assert max(abs(each.z) for each in held) < 5.5, [(each.regime, each.measure, each.z) for each in held]


@pytest.mark.parametrize("design", ["same", "fresh"])
def test_regression_meets_them_to_leading_order(design):
    # Four dimensions for 400 rows: what is left out is of relative size d/T = 1/100.
    settings = {"samples": 400, "dimension": 4, "design": design}
    for each in agreements(run("regression", *SEVERAL, generations=8, seeds=1_000, **settings)):
        assert each.curve.statistic == "leading order"
        assert abs(each.simulated - each.theory) < 5.5 * each.error + 0.04 * each.theory, each


def test_a_budget_in_regression_levels_off_where_the_page_says():
    found = 100 * pools.subsampled_pool(np.arange(20_001.0), n=100, refit=pools.Refit(known=True)).mean
    assert found[-1] == pytest.approx(2.94, abs=0.02)
    assert found[-1] - found[10_000] < 1e-3


def test_shares_of_all_or_nothing_claim_no_anchor():
    for share in (0.0, 1.0):
        found = run("gaussian", regime("preserve", share=share), generations=3, seeds=2)
        assert not found.parts[0].curves
