"""What one reading of a text says of who wrote it: every zero-shot score, as a function of the arrays that were kept.

Arrays have one entry for each scored token, in the order of the text; a token that the model did not score (a prompt,
or the first token under a model without a start token) is in none of them, so that every sum runs over the same
tokens whether texts are read alone or together. Logarithms are natural.

| name | formula | unit | a machine's text | source |
|---|---|---|---|---|
| likelihood | mean log p(x_t) | nats a token | higher | Solaiman et al. 2019 |
| rank | -mean r_t | ranks | higher | Gehrmann et al. 2019 (GLTR) |
| log_rank | -mean log r_t | nats | higher | Mitchell et al. 2023 |
| entropy | -mean mu_t, of p (a pair: p under q) | nats a token | lower | Gehrmann et al. 2019 |
| lrr | -mean log p(x_t) / mean log r_t | ratio | higher | Su et al. 2023 (DetectLLM) |
| curvature | (sum log p(x_t) - sum mu_t) / sqrt(sum var_t) | sd | higher | Bao et al. 2024 (analytic) |
| binoculars | mean -log p(x_t) / mean -mu_t, p performs, q observes | ratio | lower | Hans et al. 2024 |
| ratio | mean log p(x_t) - mean log q(x_t), p tuned, q its base | nats a token | higher | arXiv 2604.16923, abstract |

with r_t the rank of x_t (1 for the likeliest) and mu_t, var_t mean and variance of log p(v), v drawn from the model
itself, or from the reference model q of a pair. Bao et al. call the curvature Fast-DetectGPT. The published code of
binoculars averages the expected surprise over one position more than the surprise; here both have the same tokens.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray


class Reading(NamedTuple):
    """The scored tokens of one text: see the head of this file. `reference` is log q(x_t) for a pair, else None."""

    logprob: Float32[ndarray, "n"]
    mean: Float32[ndarray, "n"]
    variance: Float32[ndarray, "n"]
    rank: Int32[ndarray, "n"]
    reference: Float32[ndarray, "n"] | None = None


class Score(NamedTuple):
    """A number, or NaN and why there is none."""

    value: float
    reason: str = ""


class Points(StrEnum):
    """Which way a score points for a text that a machine wrote."""

    UP = "higher"
    DOWN = "lower"


class Kind(NamedTuple):
    """A score by name: how it is taken, where it points, and whether it takes two models."""

    take: Callable[[Reading], Score]
    points: Points = Points.UP
    pair: bool = False

    def upwards(self, value: float) -> float:
        """The score turned so that higher is a machine's."""
        return value if self.points is Points.UP else -value


NO_TOKENS = "no token was scored"


def likelihood(reading: Reading) -> Score:
    """Mean log-probability of the tokens, in nats."""
    return _mean(reading.logprob)


def rank(reading: Reading) -> Score:
    """Minus the mean rank."""
    return _negative(_mean(reading.rank))


def log_rank(reading: Reading) -> Score:
    """Minus the mean of the natural logarithm of the rank."""
    return _negative(_mean(np.log(reading.rank)))


def entropy(reading: Reading) -> Score:
    """Mean entropy of what the model expected, in nats; of a pair, the mean cross-entropy."""
    return _negative(_mean(reading.mean))


def lrr(reading: Reading) -> Score:
    """Log-likelihood over log-rank, both as means of positive numbers."""
    top, bottom = likelihood(reading), log_rank(reading)
    if top.reason:
        return top
    if bottom.value == 0:
        return Score(np.nan, "every token was the likeliest, so that the mean log-rank is 0")
    return Score(top.value / bottom.value)


def curvature(reading: Reading) -> Score:
    """How many standard deviations the log-likelihood lies above that of texts drawn token by token from the model."""
    if not len(reading.logprob):
        return Score(np.nan, NO_TOKENS)
    spread = float(reading.variance.sum(dtype=np.float64))
    if spread <= 0:
        return Score(np.nan, "the model holds all tokens for equally likely, or one for certain: the variance is 0")
    above = reading.logprob.sum(dtype=np.float64) - reading.mean.sum(dtype=np.float64)
    return Score(float(above / np.sqrt(spread)))


def binoculars(reading: Reading) -> Score:
    """Surprise at the text over the surprise that is to be expected; both over the same tokens."""
    own, expected = _mean(reading.logprob), _mean(reading.mean)
    if own.reason:
        return own
    if expected.value == 0:
        return Score(np.nan, "no surprise is to be expected: the cross-entropy is 0")
    return Score(own.value / expected.value)


def ratio(reading: Reading) -> Score:
    """Mean log-probability under the aligned model less that under its base."""
    assert reading.reference is not None, "a ratio takes two models"
    own, other = _mean(reading.logprob), _mean(reading.reference)
    return Score(own.value - other.value, own.reason)


SCORES: Mapping[str, Kind] = {
    "likelihood": Kind(likelihood),
    "rank": Kind(rank),
    "log_rank": Kind(log_rank),
    "entropy": Kind(entropy, Points.DOWN),
    "lrr": Kind(lrr),
    "curvature": Kind(curvature),
    "binoculars": Kind(binoculars, Points.DOWN, pair=True),
    "ratio": Kind(ratio, pair=True),
}


def scores_of(reading: Reading) -> dict[str, Score]:
    """Every score that this reading allows: those of a pair only where there are two models."""
    return {name: kind.take(reading) for name, kind in SCORES.items() if reading.reference is not None or not kind.pair}


def _mean(values: Float32[ndarray, "n"] | Int32[ndarray, "n"] | ndarray) -> Score:
    return Score(float(values.mean(dtype=np.float64))) if len(values) else Score(np.nan, NO_TOKENS)


def _negative(score: Score) -> Score:
    return Score(-score.value, score.reason)
