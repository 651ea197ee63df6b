"""A power law fitted to counts by maximum likelihood, and how good the fit is.

p(x) = x^-exponent / zeta(exponent, minimum) for whole x >= minimum. For word counts the rank-frequency slope of Zipf
is 1 / (exponent - 1).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from scipy.optimize import minimize_scalar
from scipy.special import zeta

_EXPONENTS = (1.0001, 12.0)
_FEWEST = 10  # values above the minimum; with fewer, any minimum fits


class PowerLaw(NamedTuple):
    """A fitted tail: exponent, its asymptotic standard error, smallest x of the tail, values in it, and the distance.

    `distance` is the largest difference between the fitted and the observed distribution function over the tail.
    """

    exponent: float
    error: float
    minimum: int
    tail: int
    distance: float


def fit_power_law(counts: Int64[ndarray, "t"], *, minimum: int | None = None) -> PowerLaw:
    """The power law that fits best, from `minimum` on or else from where it fits best; NaN where none can be fitted.

    Source: Clauset, Shalizi and Newman, SIAM Review 2009, equations 3.5 to 3.7 and 3.9, with zeta exactly.
    """
    values, multiplicity = np.unique(counts[counts > 0], return_counts=True)
    above = np.cumsum(multiplicity[::-1])[::-1]
    weighted = np.cumsum((multiplicity * np.log(values))[::-1])[::-1]
    starts = range(len(values)) if minimum is None else [int(np.searchsorted(values, minimum))]
    best = PowerLaw(float("nan"), float("nan"), minimum or 0, 0, float("nan"))
    for start in starts:
        if start >= len(values) - 1 or above[start] < _FEWEST:
            break
        least = int(values[start]) if minimum is None else minimum
        found = _fit(values[start:], multiplicity[start:], least, float(weighted[start]))
        if not found.distance >= best.distance:
            best = found
    return best


def plausibility(counts: Int64[ndarray, "t"], fit: PowerLaw, *, draws: int, random: Generator) -> float:
    """How often texts that truly have the fitted tail are fitted no better than this one; below 0.1, no power law.

    Each draw has as many values; below the minimum they are drawn from the observed ones, above from the fit, and the
    whole fit is done again. The standard error of the result is at most 0.5 / sqrt(draws).

    Source: Clauset, Shalizi and Newman, SIAM Review 2009, section 4.1.
    """
    seen = counts[counts > 0]
    below = seen[seen < fit.minimum]
    worse = 0
    for _ in range(draws):
        tail = int(random.binomial(len(seen), fit.tail / len(seen)))
        drawn = draw_power_law(tail, fit.exponent, minimum=fit.minimum, random=random)
        rest = random.choice(below, len(seen) - tail) if len(below) else np.zeros(0, dtype=np.int64)
        worse += fit_power_law(np.concatenate([rest, drawn])).distance >= fit.distance
    return worse / draws


def draw_power_law(size: int, exponent: float, *, minimum: int, random: Generator) -> Int64[ndarray, "n"]:
    """Values of a power law, cut off at 2^40.

    Source: Clauset, Shalizi and Newman, SIAM Review 2009, appendix D (the inverse of the exact distribution function).
    """
    survive = 1 - random.random(size)
    low = np.full(size, minimum, dtype=np.int64)
    high = np.full(size, 1 << 40, dtype=np.int64)
    scale = zeta(exponent, minimum)
    # P(X >= x) = zeta(x) / zeta(minimum); the value is the largest x whose chance is still at least `survive`.
    for _ in range(41):
        middle = (low + high + 1) // 2
        reached = zeta(exponent, middle.astype(np.float64)) / scale >= survive
        low, high = np.where(reached, middle, low), np.where(reached, high, middle - 1)
    return low


def _fit(values: Int64[ndarray, "v"], multiplicity: Int64[ndarray, "v"], minimum: int, weighted: float) -> PowerLaw:
    size = int(multiplicity.sum())

    def cost(exponent: float) -> float:
        return float(np.log(zeta(exponent, minimum)) + exponent * weighted / size)

    exponent = float(minimize_scalar(cost, bounds=_EXPONENTS, method="bounded", options={"xatol": 1e-8}).x)
    return PowerLaw(
        exponent, _error(exponent, minimum, size), minimum, size, _distance(values, multiplicity, minimum, exponent)
    )


def _distance(values: Int64[ndarray, "v"], multiplicity: Int64[ndarray, "v"], minimum: int, exponent: float) -> float:
    """The Kolmogorov-Smirnov distance, just before and at each step of the observed distribution."""
    size = multiplicity.sum()
    at = np.cumsum(multiplicity) / size
    before = at - multiplicity / size
    edges: Float64[ndarray, v] = values.astype(np.float64)
    below = 1 - zeta(exponent, edges) / zeta(exponent, float(minimum))
    upto = 1 - zeta(exponent, edges + 1) / zeta(exponent, float(minimum))
    return float(max(np.abs(upto - at).max(), np.abs(below - before).max()))


def _error(exponent: float, minimum: int, size: int) -> float:
    """1 / sqrt(n (ln zeta)''), the curvature by central differences."""
    step = 1e-4
    low, here, high = (float(np.log(zeta(exponent + shift, minimum))) for shift in (-step, 0.0, step))
    curvature = (low - 2 * here + high) / step**2
    return 1 / (size * curvature) ** 0.5 if curvature > 0 else float("nan")
