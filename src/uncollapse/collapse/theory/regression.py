"""Regression loops: least squares on T rows in d dimensions, its answers taken as the next labels.

The unit of error is u = sigma^2 d/(T - d - 1), the test error of one fit to real labels; sigma = 1. For editing, n
counts edits, so that n = 0 is the first fit, and q is the share of rows that is edited in a round.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy import ndarray

from uncollapse.collapse.theory.form import Number, Standing, form

Fits: TypeAlias = Float64[ndarray, "generation"]


@form(
    "unit",
    source="Zhu et al. 2025 (arXiv 2412.14689), Lemma: E (X'X)^-1 = Sigma^-1/(T - d - 1)",
    standing=Standing.PUBLISHED,
    statement="u = sigma^2 d/(T - d - 1)",
)
def unit(*, rows: int, d: int) -> float:
    """The expected test error of one least-squares fit, noise variance 1."""
    return d / (rows - d - 1)


@form(
    "replace-error",
    source="Gerstgrasser et al. 2024 (arXiv 2404.01413); Dohmatob et al. 2024 (arXiv 2402.07712)",
    standing=Standing.PUBLISHED,
    statement="E error_k = k u, with the same design or a fresh one",
)
def replace_error(k: Fits, *, rows: int, d: int) -> Fits:
    """The expected test error after k fits when data are replaced."""
    return k * unit(rows=rows, d=d)


@form(
    "accumulate-error",
    source="Gerstgrasser et al. 2024 (arXiv 2404.01413); the reading with one design",
    standing=Standing.EXACT,
    statement="E error_k = u sum_{i<=k} 1/i^2 <= u pi^2/6, every generation at the same design",
)
def accumulate_error(k: Fits, *, rows: int, d: int) -> Fits:
    """The expected test error when data accumulate over one design; k runs 0, 1, 2, ... without gaps."""
    return unit(rows=rows, d=d) * np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(k)) ** 2)])


@form(
    "accumulate-error-fresh",
    source="the recursion of Gerstgrasser et al. 2024 with a new design each generation",
    standing=Standing.DERIVED,
    statement="E error_k = sum_{i<=k} d/(i (i T - d - 1)), less than with one design",
)
def accumulate_error_fresh(k: Fits, *, rows: int, d: int) -> Fits:
    """The expected test error when data accumulate, each generation at a new design; k runs 0, 1, 2, ..."""
    fits = np.arange(1, len(k))
    return np.concatenate([[0.0], np.cumsum(d / (fits * (fits * rows - d - 1)))])


@form(
    "theorem-1",
    source="Zhu et al. 2025 (arXiv 2412.14689), Theorem 1 with eqs 25-26",
    standing=Standing.REFUTED,
    statement="error/u = 1 + s with a cumulative edited share s; the residual that edited rows lose is left out",
)
def theorem_1(share: Number) -> float:
    """The error over u that Theorem 1 gives; it holds only where T = d."""
    return 1.0 + share


@form(
    "theorem-2",
    source="Zhu et al. 2025 (arXiv 2412.14689), Theorem 2",
    standing=Standing.REFUTED,
    statement="error <= 2 u however often one edits; but 2 e^s - 1 = 4.44 for disjoint edits, no bound for random ones",
)
def theorem_2() -> float:
    """The printed bound on the error over u."""
    return 2.0


@form(
    "edit-once",
    source="Theorem 2 of Zhu et al. 2025 with the lost residual",
    standing=Standing.DERIVED,
    statement="error/u = 1 + 2q - q^2 after one edit of a share q",
)
def edit_once(q: Number) -> float:
    """The error over u after one edit, leading order in d/T."""
    return 1 + 2 * q - q**2


@form(
    "edit-disjoint",
    source="the recursion of Zhu et al. 2025, its eqs 16-17",
    standing=Standing.DERIVED,
    statement="error/u = 2 (1+q)^n - 2/(2+q) - (q/(2+q)) (1+q)^(2n), n <= 1/q, no row edited twice",
)
def edit_disjoint(n: Fits, *, q: Number) -> Fits:
    """The error over u after n edits of different rows, leading order in d/T."""
    return 2 * (1 + q) ** n - 2 / (2 + q) - q / (2 + q) * (1 + q) ** (2 * n)


@form(
    "edit-disjoint-small",
    source="the limit of many small disjoint edits",
    standing=Standing.DERIVED,
    statement="error/u = 2 e^s - 1 with a cumulative share s; 4.44 when every row was edited once",
)
def edit_disjoint_small(share: Number) -> float:
    """The error over u after many small edits of different rows, leading order in d/T."""
    return float(2 * np.exp(share) - 1)


@form(
    "edit-random",
    source="the recursion of Zhu et al. 2025 with a fresh random mask each round",
    standing=Standing.DERIVED,
    statement="error/u = 1 + n (2q - q^2), without bound",
)
def edit_random(n: Fits, *, q: Number) -> Fits:
    """The error over u after n rounds of random edits, leading order in d/T."""
    return 1 + n * (2 * q - q**2)


@form(
    "edit-decaying",
    source="the recursion of Zhu et al. 2025 with rates q eta^i",
    standing=Standing.DERIVED,
    statement="error/u = 1 + 2q (1 - eta^n)/(1 - eta) - q^2 (1 - eta^(2n))/(1 - eta^2), bounded",
)
def edit_decaying(n: Fits, *, q: Number, eta: Number) -> Fits:
    """The error over u after n rounds of random edits at rates that decay, leading order in d/T."""
    if eta == 1:
        return edit_random(n, q=q)
    return 1 + 2 * q * (1 - eta**n) / (1 - eta) - q**2 * (1 - eta ** (2 * n)) / (1 - eta**2)


@form(
    "edit-same",
    source="the recursion of Zhu et al. 2025 with the same mask every round: a share 1 - q of human rows is kept",
    standing=Standing.DERIVED,
    statement="error/u = (1-q) [q^n + (1-q^n)/(1-q)]^2 + q^(2n+1) + q (1-q^(2n))/(1-q^2)",
)
def edit_same(n: Fits, *, q: Number) -> Fits:
    """The error over u after n edits of the same rows, leading order in d/T."""
    if q == 1:
        return 1 + n
    return (1 - q) * (q**n + (1 - q**n) / (1 - q)) ** 2 + q ** (2 * n + 1) + q * (1 - q ** (2 * n)) / (1 - q**2)


@form(
    "edit-same-limit",
    source="the limit of edits of the same rows",
    standing=Standing.DERIVED,
    statement="error/u -> (1 + 2q)/(1 - q^2): bounded while a share 1 - q of human rows is never touched",
)
def edit_same_limit(q: Number) -> float:
    """The error over u in the end when a share 1 - q of the rows is never edited, leading order in d/T."""
    return (1 + 2 * q) / (1 - q**2)


@form(
    "edit-exact",
    source="the noise covariance of the recursion of Zhu et al. 2025, for any design and any masks",
    standing=Standing.DERIVED,
    statement="A_1 = I; B_n = I - M_n (I - P); A_{n+1} = B_n A_n B_n' + M_n; error/sigma^2 = tr(X+ A_n X+')",
)
def edit_exact(design: Float[ndarray, "T d"], masks: Sequence[Bool[ndarray, "T"]]) -> Float64[ndarray, "fit"]:
    """The expected test error (Sigma = I, noise variance 1) of fit 1, 2, ... for one design and these masks."""
    inverse = np.linalg.pinv(design)
    residual = np.eye(len(design)) - design @ inverse
    noise = np.eye(len(design))
    errors = [np.einsum("dt,tu,du->", inverse, noise, inverse)]
    for mask in masks:
        edit = np.eye(len(design)) - mask[:, None] * residual
        noise = edit @ noise @ edit.T + np.diag(mask.astype(float))
        errors.append(np.einsum("dt,tu,du->", inverse, noise, inverse))
    return np.array(errors)


@form(
    "strong-collapse",
    source="Dohmatob et al. 2025 (arXiv 2410.04840), isotropic least squares",
    standing=Standing.DERIVED,
    statement="error = p2^2 c^2 + (sigma^2 + p2 (1-p2) c^2) d/n: a floor p2^2 c^2 that no n lowers",
)
def strong_collapse(*, share: Number, distance: Number, d: int, n: int, noise: Number = 1.0) -> float:
    """The test error of one fit to n rows, a share of which has labels from weights this far from the true ones."""
    bias = (share * distance) ** 2
    return bias + (noise**2 + share * (1 - share) * distance**2) * d / n


@form(
    "verified-labels",
    source="a verifier that keeps right labels at rate phi and wrong ones at psi (Feng et al. 2024, arXiv 2406.07515), "
    "a label being right with probability min(1, p0/p)",
    standing=Standing.DERIVED,
    statement="error_k/u = (1 - c^(2k))/(1 - c^2), c = (phi + psi)/(2 phi): half of what a model is beside the truth "
    "is in labels beyond it; bounded while psi < phi",
)
def verified_labels(k: Fits, *, phi: Number, psi: Number) -> Fits:
    """The error over u after k fits to verified labels, while models are near the truth (d much less than T)."""
    c = (phi + psi) / (2 * phi)
    return k if c == 1 else (1 - c ** (2 * k)) / (1 - c**2)
