"""Gaussian loops: what refitting mean and covariance does, generation by generation.

n samples each generation, d dimensions, k fits; `ddof` is 1 for the unbiased covariance and 0 for maximum likelihood.
Variances and squared errors are in units of the original variance of one coordinate.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import gammaln, polygamma, psi

from uncollapse.collapse.theory.form import Standing, form
from uncollapse.collapse.theory.pools import Anchor, Expected, Refit, anchored_laws

Fits = Float64[ndarray, "generation"]
MANY = 2_000  # rows from which c4 is taken from its series in 1/n


@form(
    "c4",
    source="Bertrand et al. 2024 (arXiv 2310.00429), the factor alpha(n)",
    standing=Standing.PUBLISHED,
    statement="E s = c4(n) sigma, c4(n) = sqrt(2/(n-1)) Gamma(n/2) / Gamma((n-1)/2)",
)
def c4(n: int) -> float:
    """The expected standard deviation (ddof 1) of n normal rows, in units of the true one."""
    if n > MANY:  # the difference of two large logarithms loses more digits than this series leaves out
        return 1 - 1 / (4 * n) - 7 / (32 * n**2) - 19 / (128 * n**3)
    return float(np.sqrt(2 / (n - 1)) * np.exp(gammaln(n / 2) - gammaln((n - 1) / 2)))


@form(
    "replace-std",
    source="Bertrand et al. 2024 (arXiv 2310.00429)",
    standing=Standing.PUBLISHED,
    statement="E sigma_k = c4(n)^k (ddof 1); with ddof 0 each factor is c4(n) sqrt(1 - 1/n)",
)
def replace_std(k: Fits, *, n: int, ddof: int = 1) -> Fits:
    """The expected standard deviation after k fits, d = 1."""
    return (c4(n) * np.sqrt((n - 1) / (n - ddof))) ** k


@form(
    "replace-variance",
    source="Shumailov et al., Nature 631 (2024), Theorem 3.1",
    standing=Standing.EXACT,
    statement="E sigma_k^2 = ((n-1)/(n-ddof))^k: 1 with ddof 1, (1 - 1/n)^k with ddof 0",
)
def replace_variance(k: Fits, *, n: int, ddof: int = 1) -> Fits:
    """The expected variance after k fits, in any dimension."""
    return ((n - 1) / (n - ddof)) ** k


@form(
    "replace-mean",
    source="Shumailov et al., Nature 631 (2024), SI 3.1.1",
    standing=Standing.EXACT,
    statement="E (mu_k - mu)^2 = k/n with ddof 1, 1 - (1 - 1/n)^k with ddof 0",
)
def replace_mean(k: Fits, *, n: int, ddof: int = 1) -> Fits:
    """The expected squared error of the mean after k fits, each coordinate."""
    return k / n if ddof == 1 else 1 - (1 - 1 / n) ** k


@form(
    "replace-w2",
    source="Shumailov et al., Nature 631 (2024), SI eq. 6, there to first order as 1.5 k/n",
    standing=Standing.EXACT,
    statement="E W2^2 = k/n + 2 - 2 c4(n)^k (ddof 1); 2 - 2 (c4(n) sqrt(1-1/n))^k, at most 2 (ddof 0)",
)
def replace_w2(k: Fits, *, n: int, ddof: int = 1) -> Fits:
    """The expected squared Wasserstein-2 distance to the original after k fits, d = 1."""
    variance = replace_variance(k, n=n, ddof=ddof)
    return replace_mean(k, n=n, ddof=ddof) + variance + 1 - 2 * replace_std(k, n=n, ddof=ddof)


@form(
    "replace-w2-first-order",
    source="Shumailov et al., Nature 631 (2024), SI eq. 6",
    standing=Standing.PUBLISHED,
    statement="E W2^2 = (3/2) k/n + O(1/n^2)",
)
def replace_w2_first_order(k: Fits, *, n: int) -> Fits:
    """What the paper gives for the expected squared distance, good while k is much less than n."""
    return 1.5 * k / n


@form(
    "log-determinant",
    source="Theorem 3.1 of Shumailov et al. 2024 made exact by Bartlett's decomposition",
    standing=Standing.DERIVED,
    statement="E ln(det S_k / det S_0) = k [sum_{j=1..d} psi((n-j)/2) + d ln 2 - d ln(n - ddof)]",
)
def log_determinant(k: Fits, *, n: int, d: int = 1, ddof: int = 1) -> Fits:
    """The expected logarithm of the determinant of the covariance after k fits (d = 1: of the variance), in nats."""
    per_fit = psi((n - np.arange(1, d + 1)) / 2).sum() + d * np.log(2 / (n - ddof))
    return k * per_fit + 0.0


@form(
    "log-determinant-spread",
    source="Bartlett's decomposition",
    standing=Standing.DERIVED,
    statement="Var ln(det S_k / det S_0) = k sum_{j=1..d} psi_1((n-j)/2)",
)
def log_determinant_spread(k: Fits, *, n: int, d: int = 1) -> Fits:
    """The variance over seeds of the logarithm of the determinant after k fits, in nats squared."""
    return k * polygamma(1, (n - np.arange(1, d + 1)) / 2).sum()


@form(
    "accumulate-variance",
    source="Kazdan et al. 2024 (arXiv 2410.16713), the product; with ddof 1 derived here",
    standing=Standing.DERIVED,
    statement="E S_k / S_0 = prod_{i<=k} (1 - 1/(n i^2)) (ddof 0); 1 - 1/(i (n i - 1)) for i >= 2 (ddof 1)",
)
def accumulate_variance(k: Fits, *, n: int, ddof: int = 0) -> Fits:
    """The expected variance when data accumulate; k runs 0, 1, 2, ... without gaps.

    The pooled scatter of fit i is that of fit i - 1, (n (i-1) - ddof) s^2, and (n - 1/i) s^2 more.
    """
    fits = np.arange(1, len(k))
    ratio = 1 - 1 / (fits * (n * fits - ddof))
    ratio[:1] = (n - 1) / (n - ddof)
    return np.concatenate([[1.0], np.cumprod(ratio)])


@form(
    "accumulate-mean",
    source="Kazdan et al. 2024 (arXiv 2410.16713)",
    standing=Standing.DERIVED,
    statement="E (mu_k - mu_0)^2 = sum_{i<=k} E S_{i-1} / (n i^2), which is 1 - E S_k with ddof 0",
)
def accumulate_mean(k: Fits, *, n: int, ddof: int = 0) -> Fits:
    """The expected squared error of each coordinate's mean when data accumulate; k runs 0, 1, 2, ... without gaps."""
    fits = np.arange(1, len(k))
    variance = accumulate_variance(k, n=n, ddof=ddof)
    return np.concatenate([[0.0], np.cumsum(variance[:-1] / (n * fits**2))])


@form(
    "accumulate-limit",
    source="the product of Kazdan et al. 2024 by Euler's sine",
    standing=Standing.DERIVED,
    statement="prod_{i>=1} (1 - 1/(n i^2)) = sin(pi/sqrt n) / (pi/sqrt n)",
)
def accumulate_limit(n: int) -> float:
    """What is left of the expected variance (ddof 0) in the end when data accumulate."""
    return float(np.sinc(1 / np.sqrt(n)))


@form(
    "collapse-bound",
    source="Suresh et al. 2024 (arXiv 2412.17646), Theorem 3",
    standing=Standing.PUBLISHED,
    statement="P(sigma_k > eps) <= (1/eps) e^{-k/(4n-1)}",
)
def collapse_bound(k: Fits, *, n: int, epsilon: float) -> Fits:
    """A bound on the probability that the standard deviation after k fits is still above epsilon."""
    return np.minimum(1, np.exp(-k / (4 * n - 1)) / epsilon)


@form(
    "collapse-bound-c4",
    source="Markov's inequality on E sigma_k = c4(n)^k",
    standing=Standing.DERIVED,
    statement="P(sigma_k > eps) <= c4(n)^k / eps",
)
def collapse_bound_c4(k: Fits, *, n: int, epsilon: float) -> Fits:
    """A tighter bound on the same probability, ddof 1."""
    return np.minimum(1, c4(n) ** k / epsilon)


@form(
    "anchored",
    source="the second moments of mean and covariance are linear in those of the fit before",
    standing=Standing.DERIVED,
    statement="V' = w^2/r + (1-w)^2 (V + S/m) + 2 w (1-w) C;  C' = w/r + (1-w) C for kept rows, 0 for fresh ones;  "
    "S' = [w (1-1/r) + (1-w)(1-1/m) S + w (1-w)(1/r + V + S/m - 2 C)] size/(size - ddof)",
)
def anchored(k: Fits, *, anchor: Anchor, first: int, ddof: int = 1) -> Expected:
    """Mean error and variance with r real rows of weight w and m made ones in each fit after the first."""
    return anchored_laws(k, anchor=anchor, first=first, refit=Refit(ddof=ddof))


@form(
    "edited",
    source="sampling without replacement within each round",
    standing=Standing.DERIVED,
    statement="V' = V + G [q(1-q) + q c]/n; G' = G [(1-q)n - 1 + c(qn-1) + q^2 + (1-q) c]/(n-1); c = (n-1)/(n-ddof)",
)
def edited(k: Fits, *, n: int, edits: Sequence[int], ddof: int = 1) -> Expected:
    """Mean error and variance when in round i `edits[i]` random rows are exchanged for rows of the last model."""
    c = (n - 1) / (n - ddof)
    error, rows = 1 / n, 1.0  # rows: the expected variance of the rows themselves, ddof 1
    errors, variances = [0.0, error], [1.0, c]
    for count in edits[: max(len(k) - 2, 0)]:
        q = count / n
        if 0 < count < n:
            error += rows * (q * (1 - q) + q * c) / n
            rows *= ((1 - q) * n - 1 + c * (q * n - 1) + q**2 + (1 - q) * c) / (n - 1)
        elif count:
            error += rows * c / n
            rows *= c
        errors.append(error)
        variances.append(rows * c)
    return Expected(np.array(errors)[: len(k)], np.array(variances)[: len(k)])


@form(
    "fresh-limit",
    source="Alemohammad et al. 2023 (arXiv 2307.01850), the effective size",
    standing=Standing.DERIVED,
    statement="n Var(mu)/sigma^2 = 1/(1 - (1-l)^2) with a share l of fresh real rows",
)
def fresh_limit(share: float) -> float:
    """N times the variance of the mean in the end, with fresh real rows; the variance taken as known."""
    return 1 / (1 - (1 - share) ** 2)


@form(
    "kept-limit",
    source="Alemohammad et al. 2023 (arXiv 2307.01850), the loop with fixed real data",
    standing=Standing.DERIVED,
    statement="n Var(mu)/sigma^2 = 1/l + (1-l)/(1 - (1-l)^2) with a share l of replayed real rows",
)
def kept_limit(share: float) -> float:
    """N times the variance of the mean in the end, with the same real rows each time; the variance taken as known."""
    return 1 / share + (1 - share) / (1 - (1 - share) ** 2)


@form(
    "golden-ratio",
    source="He, Xu & Cheng 2025 (arXiv 2502.18049)",
    standing=Standing.PUBLISHED,
    statement="n V(w)/sigma^2 = (w^2 + (1-w)^2)/(1 - (1-w)^2), least at w = (sqrt 5 - 1)/2, where it is .618",
)
def weighted_limit(weight: float) -> float:
    """N times the variance of the mean in the end, with weight w on fresh real data and 1 - w on the last synthetic."""
    return (weight**2 + (1 - weight) ** 2) / (1 - (1 - weight) ** 2)
