"""Second moments of loops whose training sets mix rows of several laws: exact, since each fit is linear in the rows.

A row is a number (or a vector, or the indicator of a state) with a mean that its law has and a variance about it. The
mean of a training set is then known in its second moment from the laws' second moments alone, and so is its variance.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64, Int
from numpy import ndarray

from uncollapse.collapse.theory.form import Number, Standing, form

Fits: TypeAlias = Float64[ndarray, "generation"]


class Expected(NamedTuple):
    """The expected squared error of the mean and the expected variance of the model, at generation 0, 1, 2, ..."""

    mean: Fits
    variance: Fits


class Refit(NamedTuple):
    """How the variance of a model follows from that of its training set (ddof 0).

    `start` is the original's. A kernel adds its own (`added`); where it is `known`, models have the original's.
    """

    ddof: int = 0
    added: float = 0.0
    known: bool = False
    start: float = 1.0

    def variance(self, scatter: Number, *, size: Number) -> float:
        """The expected variance of a model whose training set has this one and this sum of weights."""
        return self.start if self.known else scatter * size / (size - self.ddof) + self.added


class Anchor(NamedTuple):
    """What each training set of an anchored loop holds: real rows, made rows, the weight of the real part.

    `kept` says whether the real rows are the same every time; unweighted, `weight` is real / (real + made).
    """

    real: int
    made: int
    weight: float
    kept: bool

    @property
    def size(self) -> float:
        """What the denominator of the covariance starts from: the sum of the rows' weights."""
        return float(self.real + self.made) if self.weight == self.real / (self.real + self.made) else float(self.real)


@form(
    "anchored-laws",
    source="the loops with real data of Alemohammad et al. 2023 (arXiv 2307.01850), any rule for the variance",
    standing=Standing.DERIVED,
    statement="V' = w^2/r + (1-w)^2 (V + S/m) + 2 w (1-w) C;  C' = w/r + (1-w) C for kept rows, 0 for fresh ones;  "
    "scatter' = w (1-1/r) + (1-w)(1-1/m) S + w (1-w)(1/r + V + S/m - 2 C)",
)
def anchored_laws(k: Fits, *, anchor: Anchor, first: int, refit: Refit) -> Expected:
    """Mean error and variance with r real rows of weight w and m made ones in each fit after the first."""
    real, made, w = anchor.real, anchor.made, anchor.weight
    error, variance = 1 / first, refit.variance(1 - 1 / first, size=first)
    errors, variances = [0.0, error], [1.0, variance]
    shared = w / real if anchor.kept else 0.0
    for _ in range(2, len(k)):
        gap = 1 / real + error + variance / made - 2 * shared
        inner = w * (1 - 1 / real) + (1 - w) * (1 - 1 / made) * variance
        error = w**2 / real + (1 - w) ** 2 * (error + variance / made) + 2 * w * (1 - w) * shared
        variance = refit.variance(inner + w * (1 - w) * gap, size=anchor.size)
        shared = w / real + (1 - w) * shared if anchor.kept else 0.0
        errors.append(error)
        variances.append(variance)
    return Expected(np.array(errors)[: len(k)], np.array(variances)[: len(k)])


@form(
    "mixed-laws",
    source="the general process of Shumailov et al., Nature 631 (2024): training sets drawn from a mixture of laws",
    standing=Standing.DERIVED,
    statement="with shares a_i of laws with means mu_i and variances S_i: E mu'^2 = a'Ma + sum a_i S_i/n, "
    "E mu' mu_j = (aM)_j, M = E mu mu'; scatter' = sum a_i (S_i + M_ii) - E mu'^2",
)
def mixed_laws(k: Fits, *, counts: Sequence[Int[ndarray, "_"]], refit: Refit) -> Expected:
    """Mean error and variance when fit i is given `counts[i - 1]` new rows of the original and of models 1 to i - 1."""
    size = len(k)
    moments, variances = np.zeros((size, size)), np.zeros(size)
    variances[0] = refit.start
    for fit, rows in enumerate(counts[: size - 1], start=1):
        shares, total = rows / rows.sum(), int(rows.sum())
        across = shares @ moments[:fit, :fit]
        own = float(across @ shares + shares @ variances[:fit] / total)
        scatter = float(shares @ (variances[:fit] + moments.diagonal()[:fit])) - own
        moments[fit, :fit] = moments[:fit, fit] = across
        moments[fit, fit] = own
        variances[fit] = refit.variance(scatter, size=total)
    return Expected(moments.diagonal().copy(), variances)


@form(
    "subsampled-pool",
    source="the fixed budget of Kazdan et al. 2024 (arXiv 2410.16713), which has no form for it",
    standing=Standing.DERIVED,
    statement="n of the pool's N rows without replacement: E mu'^2 = P + G (1/n - 1/N), scatter' = G (1 - 1/n), "
    "G = N (B - P)/(N - 1); then n rows of the model join: P = E (pool mean)^2, B = E mean of squares",
)
def subsampled_pool(k: Fits, *, n: int, refit: Refit) -> Expected:
    """Mean error and variance when each fit is given n rows drawn from everything so far."""
    errors, variances = [0.0], [refit.start]
    rows, mean, square = float(n), refit.start / n, refit.start
    for _ in range(1, len(k)):
        spread = rows * (square - mean) / (rows - 1)
        error = mean + spread * (1 / n - 1 / rows)
        variance = refit.variance(spread * (1 - 1 / n), size=n)
        errors.append(error)
        variances.append(variance)
        mean = (rows * (rows + 2 * n) * mean + n**2 * error + n * variance) / (rows + n) ** 2
        square = (rows * square + n * (error + variance)) / (rows + n)
        rows += n
    return Expected(np.array(errors)[: len(k)], np.array(variances)[: len(k)])
