"""Tails, verification and decoding: what a bent sampler does to a law, in finite sums that need no sampling."""

from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import gamma, ndtr

from uncollapse.collapse.theory.form import Number, Standing, form

Law: TypeAlias = Float64[ndarray, "state"]


@form(
    "tail-error",
    source="Dohmatob et al. 2024 (arXiv 2402.07043), Theorem 2.1 (Hutter's model)",
    standing=Standing.PUBLISHED,
    statement="E(T) = sum p_i (1 - q_i)^T ~ T^-((beta-1)/beta) for p_i ~ i^-beta; a law cut at k adds k^-(beta-1)",
)
def tail_error(samples: int, *, law: Law, training: Law | None = None) -> float:
    """The probability that a draw from the law was never seen among so many draws from the training law."""
    seen = law if training is None else training
    with np.errstate(divide="ignore"):
        unseen = np.exp(samples * np.log1p(-seen))
    return float(law @ unseen)


@form(
    "tail-exponent",
    source="Dohmatob et al. 2024 (arXiv 2402.07043), Theorem 2.1 and the narrowing of the tail",
    standing=Standing.PUBLISHED,
    statement="-(beta - 1)/beta', beta' the exponent of the training law",
)
def tail_exponent(*, beta: Number, training_beta: Number | None = None) -> float:
    """The slope of log error against log samples."""
    return -(beta - 1) / (beta if training_beta is None else training_beta)


def zipf(ranks: int, *, beta: Number) -> Law:
    """The law p_i ~ i^-beta over so many ranks."""
    weights = np.arange(1, ranks + 1, dtype=np.float64) ** -float(beta)
    return weights / weights.sum()


@form(
    "verifier-threshold",
    source="Feng et al. 2024 (arXiv 2406.07515)",
    standing=Standing.PUBLISHED,
    statement="learning from verified labels turns into its opposite at an error rate p* = 1/(1 + psi/phi)",
)
def verifier_threshold(*, phi: Number, psi: Number) -> float:
    """The label error rate above which what a verifier lets through teaches the wrong answer."""
    return phi / (phi + psi)


@form(
    "verified-accuracy",
    source="the setting of Feng et al. 2024: two Gaussian classes at +-m e, classifier = mean of label times x",
    standing=Standing.DERIVED,
    statement="after N labels of which kept ones are wrong at rate r: Phi(m c), c = the classifier's cosine with e, "
    "whose mean is (1 - 2r) m and whose noise has variance (1 + m^2 4r(1-r))/N along e and 1/N across",
)
def verified_accuracy(wrong: Number, *, distance: Number, d: int, kept: Number) -> float:
    """About the accuracy of the classifier that is the mean of label times x over so many kept rows."""
    along = (1 - 2 * wrong) * distance
    cosine = along / np.sqrt(along**2 + d / kept)
    return float(ndtr(distance * cosine))


@form(
    "tempered-cross-entropy",
    source="powers of a law; Marchi et al. 2024 (arXiv 2404.02325): the end is a point or a uniform law",
    standing=Standing.DERIVED,
    statement="p_t ~ p_0^a, a = tau^-t; CE(p_0, p_t) = a H(p_0) + ln sum p_0^a",
)
def tempered_cross_entropy(t: Number, *, law: Law, temperature: Number) -> float:
    """The cross entropy, in nats, of the original law against the law after t rounds, without sampling."""
    power = temperature ** -float(t)
    logs = np.log(law[law > 0])
    return float(-power * (law[law > 0] * logs).sum() + np.logaddexp.reduce(power * logs))


@form(
    "shrink-accumulate",
    source="Alemohammad et al. 2023 (arXiv 2307.01850), the biased sampler, with accumulation",
    standing=Standing.DERIVED,
    statement="A_1 = 1, A_t = A_{t-1} (1 - (1 - lambda^2)/t) ~ t^-(1-lambda^2)/Gamma(1 + lambda^2): not safe",
)
def shrink_accumulate(t: int, *, shrink: Number) -> float:
    """The variance left after t rounds of accumulation when each model's draws have `shrink` of its variance."""
    return float(np.prod(1 - (1 - shrink) / np.arange(2, t + 1)))


@form(
    "shrink-asymptote",
    source="the same product for large t",
    standing=Standing.DERIVED,
    statement="t^-(1-lambda^2)/Gamma(1 + lambda^2)",
)
def shrink_asymptote(t: Number, *, shrink: Number) -> float:
    """What the variance left after t rounds of accumulation comes to for large t."""
    return float(t ** -(1 - shrink) / gamma(1 + shrink))


@form(
    "shrink-anchor",
    source="the fixed point with a real share in every round",
    standing=Standing.DERIVED,
    statement="pi/(1 - (1-pi) lambda^2): a floor",
)
def shrink_anchor(*, share: Number, shrink: Number) -> float:
    """The variance in the end with a share of real data in every round and a sampler that shrinks."""
    return share / (1 - (1 - share) * shrink)


class Tempered(NamedTuple):
    """A law after each of some rounds of truncation: how many states are left."""

    support: tuple[int, ...]


@form(
    "truncated-support",
    source="nucleus sampling applied to its own output",
    standing=Standing.DERIVED,
    statement="the smallest prefix of sorted mass >= p, renormalised, round after round: not idempotent, unlike top-k",
)
def truncated_support(law: Law, *, top_p: Number, rounds: int) -> Tempered:
    """How many states are left after 1, 2, ... rounds of top-p, without sampling."""
    sorted_law = np.sort(law)[::-1]
    left = []
    for _ in range(rounds):
        before = np.cumsum(sorted_law) - sorted_law
        sorted_law = sorted_law[before < top_p - 1e-12]
        sorted_law = sorted_law / sorted_law.sum()
        left.append(len(sorted_law))
    return Tempered(tuple(left))
