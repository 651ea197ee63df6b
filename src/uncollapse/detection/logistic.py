"""Logistic regression: a dense or sparse table of features, two classes, a ridge; the same bits in every run."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray
from scipy.optimize import minimize
from scipy.special import expit, log_expit


class Fitted(NamedTuple):
    """The log-odds of the second class are features @ weights + bias, natural logarithm."""

    weights: Float64[ndarray, "f"]
    bias: float

    def log_odds(self, features: Any) -> Float64[ndarray, "n"]:
        """The log-odds for each row of features."""
        return np.asarray(features @ self.weights) + self.bias


def fit(features: Any, machine: Bool[ndarray, "n"], *, inverse_ridge: float) -> Fitted:
    """The fit that maximises inverse_ridge * sum of log-likelihoods - |weights|^2 / 2, both classes weighing the same.

    The weights of the two classes are set so that their sums are equal: log-odds are those at even prevalence. The
    bias bears no ridge. `features` is an array or a sparse matrix (n, f).

    Source: Hastie, Tibshirani and Friedman 2009, section 18.3.2.
    """
    count = len(machine)
    weight = inverse_ridge * np.where(machine, count / (2 * machine.sum()), count / (2 * (~machine).sum()))
    sign = np.where(machine, 1.0, -1.0)

    def loss(values: Float64[ndarray, "g"]) -> tuple[float, Float64[ndarray, "g"]]:
        weights, bias = values[:-1], values[-1]
        margin = sign * (np.asarray(features @ weights) + bias)
        slope = -weight * sign * expit(-margin)
        gradient = np.append(np.asarray(features.T @ slope) + weights, slope.sum())
        return float(-(weight * log_expit(margin)).sum() + weights @ weights / 2), gradient

    found = minimize(
        loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-9}
    )
    return Fitted(found.x[:-1], float(found.x[-1]))


class Platt(NamedTuple):
    """A score as log-odds of a machine's text at even prevalence: slope * score + intercept."""

    slope: float
    intercept: float

    def log_odds(self, score: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
        """The log-odds at even prevalence, natural logarithm."""
        return self.slope * score + self.intercept

    def probability(self, score: Float64[ndarray, "n"], *, prevalence: float) -> Float64[ndarray, "n"]:
        """The probability that a machine wrote each text, where this share of texts is a machine's."""
        if prevalence in (0.0, 1.0):
            return np.full(len(score), prevalence)
        return expit(self.log_odds(score) + np.log(prevalence / (1 - prevalence)))


def platt(human: Float64[ndarray, "h"], machine: Float64[ndarray, "m"]) -> Platt:
    """The map from scores of known texts, both classes weighing the same; targets are drawn in as Platt draws them.

    The slope is never negative: a higher score is never a smaller probability.

    Source: Platt 1999, section 2.2: targets (n + 1) / (n + 2) and 1 / (n + 2) in place of 1 and 0.
    """
    scores = np.concatenate([human, machine])
    centre, spread = scores.mean(), scores.std() or 1.0
    x = (scores - centre) / spread
    target = np.concatenate(
        [np.full(len(human), 1 / (len(human) + 2)), np.full(len(machine), (len(machine) + 1) / (len(machine) + 2))]
    )
    weight = np.concatenate([np.full(len(human), 0.5 / len(human)), np.full(len(machine), 0.5 / len(machine))])

    def loss(values: Float64[ndarray, "2"]) -> tuple[float, Float64[ndarray, "2"]]:
        margin = values[0] * x + values[1]
        slope = weight * (expit(margin) - target)
        value = -(weight * (target * log_expit(margin) + (1 - target) * log_expit(-margin))).sum()
        return float(value), np.array([slope @ x, slope.sum()])

    found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    slope = float(found.x[0] / spread)
    return Platt(slope, float(found.x[1]) - slope * float(centre))
