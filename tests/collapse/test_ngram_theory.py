"""The exponents of lost words against the exact Markov chain of one word's count."""

import numpy as np
import pytest
from scipy.stats import poisson

from uncollapse.collapse.theory import text

STATES = np.arange(160)
FITS = np.arange(1, 9)
EXPECTED = np.array([0.5, 1.0, 4.0, 9.0])


def chain(expected, *, inflow=0.0, mean=1.0, first=None):
    """P(the count is 0) at fits 1 to 8: Poisson offspring of `mean` each, and a Poisson inflow."""
    law = poisson.pmf(STATES, expected if first is None else first)
    step = poisson.pmf(STATES[None, :], mean * STATES[:, None] + inflow)
    gone = []
    for _ in FITS:
        gone.append(law[0])
        law = law @ step
    return np.array(gone)


def test_replaced():
    for column, expected in zip(text.kept(EXPECTED, text.replaced(FITS)).T, EXPECTED, strict=True):
        assert column == pytest.approx(1 - chain(expected), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_refreshed(share):
    for column, expected in zip(text.kept(EXPECTED, text.refreshed(FITS, share=share)).T, EXPECTED, strict=True):
        assert column == pytest.approx(1 - chain(expected, inflow=share * expected, mean=1 - share), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_preserved(share):
    for column, expected in zip(text.kept(EXPECTED, text.preserved(FITS, share=share)).T, EXPECTED, strict=True):
        others = chain(expected, mean=1 - share, first=(1 - share) * expected)
        assert column == pytest.approx(1 - np.exp(-share * expected) * others, abs=1e-9)


def test_accumulated_loses_at_the_first_fit_alone():
    found = text.kept(EXPECTED, text.accumulated(FITS))
    assert found == pytest.approx(np.tile(1 - np.exp(-EXPECTED), (8, 1)))


def test_the_exponent_of_fit_k_lies_between_its_known_bounds():
    k = np.arange(1, 200)
    g = text.replaced(k)
    assert np.all((g >= 1 / k) & (g <= 3 / k))


def test_no_share_of_the_real_is_replacement():
    assert text.refreshed(FITS, share=0.0) == pytest.approx(text.replaced(FITS))
    assert text.preserved(FITS, share=0.0) == pytest.approx(text.replaced(FITS))


def test_no_fits_are_no_exponents():
    nothing = np.zeros(0, np.int64)
    assert len(text.replaced(nothing)) == len(text.refreshed(nothing, share=0.5)) == 0
