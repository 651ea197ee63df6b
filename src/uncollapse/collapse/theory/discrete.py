"""Discrete loops: refitting the frequencies of states is the Wright-Fisher model of genetics.

M draws each generation; H = 1 - sum p^2 is the heterozygosity, `q` the original probability of one state.
"""

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import binom

from uncollapse.collapse.theory.form import Number, Standing, form

Fits: TypeAlias = Float64[ndarray, "generation"]
Law: TypeAlias = Float64[ndarray, "state"]

LARGEST_CHAIN = 1000  # draws up to which the exact chain, (M+1)^2 numbers, is followed


def heterozygosity(law: Float64[ndarray, "*seed state"]) -> Float64[ndarray, "*seed"]:
    """The probability that two draws differ."""
    return np.asarray(1 - (law**2).sum(axis=-1))


@form(
    "replace-heterozygosity",
    source="Wright-Fisher; the late collapse of Shumailov et al. 2024 in numbers",
    standing=Standing.DERIVED,
    statement="E H_k = H_0 (1 - 1/M)^k",
)
def replace_heterozygosity(k: Fits, *, start: float, draws: int) -> Fits:
    """The expected heterozygosity after k fits."""
    return start * (1 - 1 / draws) ** k


@form(
    "accumulate-heterozygosity",
    source="the product of Kazdan et al. 2024, for frequencies",
    standing=Standing.DERIVED,
    statement="E H_k = H_0 prod_{i<=k} (1 - 1/(M i^2)) -> H_0 sin(pi/sqrt M)/(pi/sqrt M)",
)
def accumulate_heterozygosity(k: Fits, *, start: float, draws: int) -> Fits:
    """The expected heterozygosity when data accumulate; k runs 0, 1, 2, ... without gaps."""
    fits = np.arange(1, len(k))
    return start * np.concatenate([[1.0], np.cumprod(1 - 1 / (draws * fits**2))])


@form(
    "anchored-error",
    source="the second moments of the frequencies are linear in those of the fit before",
    standing=Standing.DERIVED,
    statement="V' = l^2 H/r + a^2 (V + (H-V)/m) + 2 l a C, a = 1-l; C' = l H/r + a C for kept draws, 0 for fresh ones",
)
def anchored_error(k: Fits, *, start: float, real: int, made: int, kept: bool) -> Fits:
    """The expected sum of squared errors of the frequencies, with `real` draws of the original in each fit."""
    share = real / (real + made)
    error = start / (real + made)
    anchor = share * start / real if kept else 0.0
    errors = [0.0, error]
    for _ in range(2, len(k)):
        error = (
            share**2 * start / real
            + (1 - share) ** 2 * (error + (start - error) / made)
            + 2 * share * (1 - share) * anchor
        )
        anchor = share * start / real + (1 - share) * anchor if kept else 0.0
        errors.append(error)
    return np.array(errors)[: len(k)]


@form(
    "fresh-error-limit",
    source="Alemohammad et al. 2023 (arXiv 2307.01850), the loop with fresh data, for frequencies",
    standing=Standing.DERIVED,
    statement="V = (l^2 H/r + a^2 H/m)/(1 - a^2 (1 - 1/m)), a = 1 - l, r = l M, m = M - r",
)
def fresh_limit(*, start: float, real: int, made: int) -> float:
    """Where the expected sum of squared errors settles with fresh real draws."""
    share = real / (real + made)
    rest = 1 - share
    return (share**2 * start / real + rest**2 * start / made) / (1 - rest**2 * (1 - 1 / made))


@form(
    "kept-error-limit",
    source="Alemohammad et al. 2023 (arXiv 2307.01850), the loop with fixed real data, for frequencies",
    standing=Standing.DERIVED,
    statement="V = H/r + a^2 H (1 - 1/r)/m / (1 - a^2 (1 - 1/m)), a = 1 - l, r = l M, m = M - r",
)
def kept_limit(*, start: float, real: int, made: int) -> float:
    """Where the expected sum of squared errors settles with the same real draws each time."""
    rest = made / (real + made)
    return start / real + rest**2 * start * (1 - 1 / real) / made / (1 - rest**2 * (1 - 1 / made))


@lru_cache(maxsize=4)
def _chain(draws: int) -> Float64[ndarray, "count count"]:
    counts = np.arange(draws + 1)
    return binom.pmf(counts[None, :], draws, (counts / draws)[:, None])


@form(
    "survival",
    source="the Markov chain of Shumailov et al. 2024, which is Wright-Fisher's",
    standing=Standing.EXACT,
    statement="P(state alive after k fits), rows binom(M, j/M); after the first fit 1 - (1-q)^M",
)
def survival(k: int, *, q: Law, draws: int) -> Law:
    """The probability that a state of original probability q is still there after k fits, exactly."""
    if k == 0:
        return (q > 0).astype(float)
    if k == 1:
        return -np.expm1(draws * np.log1p(-np.minimum(q, 1 - 1e-300)))
    alive = np.ones(draws + 1)
    alive[0] = 0.0
    for _ in range(k - 1):
        alive = _chain(draws) @ alive
    return binom.pmf(np.arange(draws + 1)[None, :], draws, q[:, None]) @ alive


@form(
    "support",
    source="the sum of the survival probabilities over states",
    standing=Standing.EXACT,
    statement="E support_k = sum over states of P(state alive after k fits)",
)
def support(k: Fits, *, law: Law, draws: int) -> Fits:
    """The expected number of states that are still there, by the exact chain; k runs 0, 1, 2, ... without gaps."""
    different, times = np.unique(law[law > 0], return_counts=True)
    first = binom.pmf(np.arange(draws + 1)[None, :], draws, different[:, None])
    alive = np.ones(draws + 1)
    alive[0] = 0.0
    expected = [float(times.sum())]
    for _ in range(len(k) - 1):
        expected.append(float(times @ (first @ alive)))
        alive = _chain(draws) @ alive
    return np.array(expected)


def g(k: int) -> float:
    """The numbers g_1 = 1, g_{k+1} = 1 - e^{-g_k}, between 1/k and 3/k."""
    value = 1.0
    for _ in range(k - 1):
        value = 1 - np.exp(-value)
    return float(value)


@form(
    "survival-bound",
    source="Suresh et al. 2024 (arXiv 2412.17646), Theorem 1",
    standing=Standing.PUBLISHED,
    statement="P(state alive after k fits) >= 1 - e^{-M q g_k}",
)
def survival_bound(k: int, *, q: Law, draws: int) -> Law:
    """A lower bound on the probability that a state is still there."""
    return -np.expm1(-draws * q * g(k))


@form(
    "survival-upper-bound",
    source="Suresh et al. 2024 (arXiv 2412.17646), Theorem 1",
    standing=Standing.PUBLISHED,
    statement="P(state alive after k fits) <= 1 - max(1 - 3 M q^2 - 3 k q, 0) e^{-M q g_k}",
)
def survival_upper_bound(k: int, *, q: Law, draws: int) -> Law:
    """An upper bound on the same probability; it says something for rare states and few fits."""
    return 1 - np.maximum(1 - 3 * draws * q**2 - 3 * k * q, 0) * np.exp(-draws * q * g(k))


@form(
    "support-bound",
    source="Suresh et al. 2024 (arXiv 2412.17646): the sum of the bounds over states",
    standing=Standing.PUBLISHED,
    statement="E support_k >= sum over states of 1 - e^{-M q g_k}",
)
def support_bound(k: Fits, *, law: Law, draws: int) -> Fits:
    """A lower bound on the expected number of states; k runs 0, 1, 2, ... without gaps."""
    alive = law[law > 0]
    bounds = [float(survival_bound(fit, q=alive, draws=draws).sum()) for fit in range(1, len(k))]
    return np.array([float(len(alive)), *bounds])


@form(
    "poisson-survival",
    source="Suresh et al. 2024 (arXiv 2412.17646), exact for the Poisson law",
    standing=Standing.PUBLISHED,
    statement="P(Lambda_k != 0) = 1 - e^{-n lambda g_k}",
)
def poisson_survival(k: int, *, n: int, rate: Number) -> float:
    """The probability that a refitted Poisson law is not yet the one that is always 0."""
    return float(-np.expm1(-n * rate * g(k)))


@form(
    "seddik-bounds",
    source="Seddik et al. 2024 (arXiv 2404.05090)",
    standing=Standing.PUBLISHED,
    statement="4 p (1-p) (1-1/n)^k <= P(two states both alive after k fits) <= 2 n p (1-p) (1-1/n)^k",
)
def seddik_bounds(k: int, *, p: float, draws: int) -> tuple[float, float]:
    """Lower and upper bound on the probability that a law of two states has not yet become one of them."""
    shrunk = p * (1 - p) * (1 - 1 / draws) ** k
    return 4 * shrunk, min(1.0, 2 * draws * shrunk)


class Absorption(NamedTuple):
    """From j of M draws (j = 1 .. M-1): the mean number of fits until one state is left, and whether it is this one."""

    fits: Float64[ndarray, "count"]
    fixed: Float64[ndarray, "count"]


@form(
    "absorption",
    source="the Markov chain of Shumailov et al. 2024: the only absorbing states are deltas",
    standing=Standing.EXACT,
    statement="(I - A) t = 1; P(fixed at a state of probability p) = p",
)
def absorption(draws: int) -> Absorption:
    """Mean fits until one of two states is left, and the probability that it is the first, exactly."""
    inner = _chain(draws)[1:-1]
    left = np.eye(draws - 1) - inner[:, 1:-1]
    solved = np.linalg.solve(left, np.stack([np.ones(draws - 1), inner[:, -1]], axis=1))
    return Absorption(solved[:, 0], solved[:, 1])


@form(
    "absorption-diffusion",
    source="Kimura's diffusion of the Wright-Fisher chain",
    standing=Standing.PUBLISHED,
    statement="about -2 M (p ln p + (1-p) ln(1-p)) fits",
)
def absorption_diffusion(p: float, *, draws: int) -> float:
    """About how many fits until one of two states is left."""
    return float(-2 * draws * (p * np.log(p) + (1 - p) * np.log1p(-p)))


@form(
    "coalescence",
    source="the ancestor chain of the Wright-Fisher model",
    standing=Standing.EXACT,
    statement="M different states to one: about 2 (M - 1) fits",
)
def coalescence(draws: int) -> float:
    """The mean number of fits from M different states to one, exactly."""
    # P[i, j]: i draws fall on j different parents; each further draw is new with probability (M - j)/M.
    parents = np.zeros((draws + 1, draws + 1))
    parents[0, 0] = 1.0
    known = np.arange(draws + 1) / draws
    for i in range(1, draws + 1):
        parents[i] = parents[i - 1] * known
        parents[i, 1:] += parents[i - 1, :-1] * (1 - known[:-1])
    inner = parents[2:, 2:]
    return float(np.linalg.solve(np.eye(draws - 1) - inner, np.ones(draws - 1))[-1])


@form(
    "exponential-family",
    source="Dey & Donoho 2024 (arXiv 2410.22812)",
    standing=Standing.PUBLISHED,
    statement="n Var(p_k)/(p(1-p)) -> sum_{i<=k} 1/i^2 <= pi^2/6 when data accumulate",
)
def accumulate_inflation(k: Fits) -> Fits:
    """What the variance of an estimate is multiplied by when data accumulate, for many samples; k runs 0, 1, 2, ..."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(k)) ** 2)])
