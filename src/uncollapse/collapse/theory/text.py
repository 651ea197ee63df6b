"""Words drawn again and again: which of them are still there.

A word that one generation is expected to hold x times is missing from fit k with probability exp(-x e_k); each form
here is the exponent e_k of one regime. Counts are taken for Poisson and independent, which multinomial counts of M
words are up to terms of order 1/M: at each fit a sum over words is off by less than a third of words / M.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.collapse.theory.form import Standing, form

Fits = Int64[ndarray, "k"]
Exponents = Float64[ndarray, "k"]


def kept(expected: Float64[ndarray, "w"], exponents: Exponents) -> Float64[ndarray, "k w"]:
    """The probability that each word is there at each fit; `expected` is how often one generation should hold it."""
    return -np.expm1(-np.outer(exponents, expected))


@form(
    "words-replaced",
    source="Suresh et al. 2024 (arXiv 2412.17646), Poisson model",
    standing=Standing.PUBLISHED,
    statement="P(a word is kept) = 1 - exp(-x g_k), g_1 = 1, g_(k+1) = 1 - exp(-g_k)",
)
def replaced(k: Fits) -> Exponents:
    """The exponent when each generation is written by the model before it alone."""
    return _at(k, _extinct(1.0))


@form(
    "words-accumulated",
    source="elementary: what was in the first training set stays in all",
    standing=Standing.DERIVED,
    statement="P(a word is kept) = 1 - exp(-x) at every fit",
)
def accumulated(k: Fits) -> Exponents:
    """The exponent when every training set is kept."""
    return np.ones(len(k))


@form(
    "words-refreshed",
    source="the branching process of Suresh et al. 2024 with immigration",
    standing=Standing.DERIVED,
    statement="P(a word is kept) = 1 - exp(-x (l sum_(i<k) a_i + a_k)), a_1 = 1, a_(i+1) = 1 - exp(-(1-l) a_i)",
)
def refreshed(k: Fits, *, share: float) -> Exponents:
    """The exponent when a share l of each training set is newly drawn from the original."""
    a = np.fromiter(islice(_extinct(1 - share), int(max(k, default=0))), np.float64)
    return (share * (np.cumsum(a) - a) + a)[k - 1]


@form(
    "words-preserved",
    source="the branching process of Suresh et al. 2024 beside rows that stay",
    standing=Standing.DERIVED,
    statement="P(a word is kept) = 1 - exp(-x (l + (1-l) b_k)), b_1 = 1, b_(k+1) = 1 - exp(-(1-l) b_k)",
)
def preserved(k: Fits, *, share: float) -> Exponents:
    """The exponent when a share l of each training set is always the same original words.

    A word that is among them is there for good. For one that is not, the other rows are a share 1 - l of the first
    training set, and in each later one the offspring of those in the one before, 1 - l on average.
    """
    a = np.fromiter(islice(_extinct(1 - share), int(max(k, default=0))), np.float64)
    return (share + (1 - share) * a)[k - 1]


def _extinct(mean: float) -> Iterator[float]:
    """1, then again and again 1 - exp(-mean times the one before): a line of Poisson offspring that ends."""
    value = 1.0
    while True:
        yield value
        value = -float(np.expm1(-mean * value))


def _at(k: Fits, values: Iterator[float]) -> Exponents:
    return np.fromiter(islice(values, int(max(k, default=0))), np.float64)[k - 1]
