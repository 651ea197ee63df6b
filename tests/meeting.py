"""How simulations meet theory in tests: within 5.5 of their own standard errors.

A normal error leaves that interval once in 26 million times. The laboratories' tests ask some 200 such questions, so
that all of them together give a false alarm less than once in 1,000 runs of new seeds, even where the errors are only
nearly normal; the seeds are fixed, so what has passed once passes again.
"""

import numpy as np

NEAR = 5.5


def assert_mean(values, expected, *, slack=0.0):
    """The mean of the values lies where it must; `slack` is the rounding of a printed number."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values))
    gap = abs(values.mean() - expected)
    assert gap <= NEAR * error + slack + 1e-12 * abs(expected), (values.mean(), expected, error)


def assert_variance(values, expected, *, slack=0.0):
    """The variance of the values lies where it must; its standard error comes from their fourth moment."""
    values = np.asarray(values, dtype=float)
    squares = (values - values.mean()) ** 2
    assert_mean(squares * len(values) / (len(values) - 1), expected, slack=slack)


def assert_share(hits, expected, *, slack=0.0):
    """The share of true values lies where it must; its standard error is the binomial one at the expected share."""
    error = np.sqrt(expected * (1 - expected) / len(hits))
    assert abs(np.mean(hits) - expected) <= NEAR * error + slack, (np.mean(hits), expected, error)
