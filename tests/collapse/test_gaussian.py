"""The Gaussian laboratory against its closed forms.

Every comparison allows 5.5 standard errors of the simulation, which a normal error leaves once in 26 million times:
the whole room asks some 200 questions, so all of it together gives a false alarm less than once in 1,000 runs, even
where errors are only nearly normal.
"""

import numpy as np
import pytest

from uncollapse.collapse import regime, run
from uncollapse.collapse.theory import gaussian as forms
from uncollapse.errors import UsageError

NEAR = 5.5


def assert_mean(values, expected):
    """The mean of the values lies within 5.5 of its own standard errors of what it must be."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - expected) <= NEAR * error + 1e-12 * abs(expected), (values.mean(), expected, error)


def assert_variance(values, expected):
    """The same for the variance of the values, whose standard error comes from the fourth moment."""
    squares = (values - values.mean()) ** 2
    assert_mean(squares * len(values) / (len(values) - 1), expected)


@pytest.mark.parametrize(("n", "t", "mean", "variance"), [(100, 100, -1.01350, 2.0407), (10, 50, -5.7603, 12.436)])
def test_log_variance_drifts_as_it_must(n, t, mean, variance):
    # Check 1: 20,000 seeds; the numbers are the exact ones to five digits.
    found = run("gaussian", "replace", generations=t, seeds=20_000, samples=n)["replace"]
    assert_mean(found["log_variance"][-1], mean)
    assert_variance(found["log_variance"][-1], variance)
    k = np.array([float(t)])
    assert forms.log_determinant(k, n=n)[0] == pytest.approx(mean, rel=1e-4)
    assert forms.log_determinant_spread(k, n=n)[0] == pytest.approx(variance, rel=1e-4)
