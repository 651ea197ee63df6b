"""Normal mixtures of many seeds at once: densities, draws, distances, and expectation-maximisation."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from scipy.special import ndtr

# Added to the diagonal of every fitted covariance, so that a component on a single point keeps a density.
# Source: scikit-learn, GaussianMixture, reg_covar.
RIDGE = 1e-6
# Points of the line on which a distribution function is inverted, and quantiles at which two are compared.
_GRID, _QUANTILES = 1001, 1000


class Mixture(NamedTuple):
    """Weights, means and covariances of the components, for each seed."""

    weights: Float64[ndarray, "seed c"]
    means: Float64[ndarray, "seed c d"]
    covariances: Float64[ndarray, "seed c d d"]

    def of(self, seeds: ndarray) -> "Mixture":
        """The mixtures of some seeds."""
        return Mixture(self.weights[seeds], self.means[seeds], self.covariances[seeds])


class Fit(NamedTuple):
    """What expectation-maximisation ended with, and after how many rounds, for each seed."""

    mixture: Mixture
    rounds: Int64[ndarray, "seed"]


def log_density(mixture: Mixture, values: Float64[ndarray, "seed n d"]) -> Float64[ndarray, "seed n"]:
    """The natural logarithm of the mixture's density at each value."""
    return _log_sum(_log_densities(mixture, _gaps(mixture, values)))


def draw(mixture: Mixture, count: int, *, rng: Generator) -> Float64[ndarray, "seed n d"]:
    """So many draws from each seed's mixture."""
    edges = np.cumsum(mixture.weights, axis=1)
    uniform = rng.random((len(edges), count)) * edges[:, -1:]
    component = (uniform[:, :, None] >= edges[:, None, :-1]).sum(axis=2)
    seed = np.arange(len(edges))[:, None]
    noise = rng.standard_normal((*component.shape, mixture.means.shape[2]))
    lower = np.linalg.cholesky(mixture.covariances)[seed, component]
    return mixture.means[seed, component] + np.einsum("snij,snj->sni", lower, noise)


def fitted(
    values: Float64[ndarray, "seed n d"],
    *,
    start: Mixture,
    shares: Float64[ndarray, "n"],
    rounds: int,
    tolerance: float,
) -> Fit:
    """The mixtures that expectation-maximisation makes of the starts, each stopped by itself.

    A seed stops when a round has raised its mean log-likelihood by less than `tolerance`, or after `rounds`; `shares`
    are the weights of the rows and sum to 1. A component without weight stays as it is.

    Source: Dempster, Laird and Rubin, JRSS-B 1977, section 4.3.
    """
    weights, means, covariances = (part.copy() for part in start)
    before = np.full(len(values), -np.inf)
    taken = np.zeros(len(values), np.int64)
    running = np.arange(len(values))
    for _ in range(rounds):
        here = Mixture(weights[running], means[running], covariances[running])
        gap = _gaps(here, values[running])
        joint = _log_densities(here, gap)
        total = _log_sum(joint)
        likelihood = total @ shares
        going = ~(likelihood - before[running] < tolerance)
        before[running] = likelihood
        running = running[going]
        if not len(running):
            break
        part = np.exp(joint[going] - total[going][:, None]) * shares
        weights[running], means[running], covariances[running] = _maximised(gap[going], part, here.of(going))
        taken[running] += 1
    return Fit(Mixture(weights, means, covariances), taken)


def spread_start(values: Float64[ndarray, "seed n d"], *, components: int, rng: Generator) -> Mixture:
    """A start that knows nothing: centres far apart among the values, equal weights, the covariance of all values.

    Source: Arthur and Vassilvitskii, SODA 2007 (k-means++ seeding).
    """
    seeds, count, size = values.shape
    rows = np.arange(seeds)
    means = np.empty((seeds, components, size))
    nearest = np.ones((seeds, count))
    for index in range(components):
        edges = np.cumsum(nearest, axis=1)
        chosen = (rng.random((seeds, 1)) * edges[:, -1:] >= edges).sum(axis=1)
        means[:, index] = values[rows, np.minimum(chosen, count - 1)]
        gap = ((values - means[:, index][:, None]) ** 2).sum(axis=2)
        nearest = gap if index == 0 else np.minimum(nearest, gap)
    centred = values - values.mean(axis=1, keepdims=True)
    covariance = np.einsum("sni,snj->sij", centred, centred) / count + RIDGE * np.eye(size)
    weights = np.full((seeds, components), 1 / components)
    return Mixture(weights, means, np.repeat(covariance[:, None], components, axis=1))


def squared_l2(one: Mixture, other: Mixture) -> Float64[ndarray, "seed"]:
    """The integral of the squared difference of two densities, for each seed.

    Source: the product of two normal densities integrates to N(m1 - m2; 0, C1 + C2).
    """
    return _overlap(one, one) - 2 * _overlap(one, other) + _overlap(other, other)


def variance(mixture: Mixture) -> tuple[Float64[ndarray, "seed"], Float64[ndarray, "seed"]]:
    """The variance of the mixture, and the part of it that lies within components, both a mean over dimensions."""
    size = mixture.means.shape[2]
    within = np.einsum("sc,scii->s", mixture.weights, mixture.covariances) / size
    mean = np.einsum("sc,scd->sd", mixture.weights, mixture.means)
    gap = ((mixture.means - mean[:, None]) ** 2).sum(axis=2)
    return within + (mixture.weights * gap).sum(axis=1) / size, within


def mass_between(mixture: Mixture, edges: Float64[ndarray, "k"]) -> Float64[ndarray, "seed k+1"]:
    """The probability of each slab of the first coordinate that the edges part."""
    below = _distribution(mixture, edges)
    ends = np.zeros((len(below), 1))
    return np.diff(np.concatenate([ends, below, ends + 1], axis=1), axis=1)


def squared_w2(one: Mixture, other: Mixture) -> Float64[ndarray, "seed"]:
    """The squared Wasserstein-2 distance of the first coordinates: the mean squared gap of their quantiles.

    `other` may be a single mixture, which every seed is held against.

    A thousand quantiles of a distribution function on a thousand points, straight between them.
    """
    level = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return ((_quantiles(one, level) - _quantiles(other, level)) ** 2).mean(axis=1)


def _gaps(mixture: Mixture, values: Float64[ndarray, "seed n d"]) -> Float64[ndarray, "seed c d n"]:
    """How far each value is from each mean; the rows last, so that every sum over rows is a product of matrices."""
    return np.ascontiguousarray(np.swapaxes(values, 1, 2))[:, None] - mixture.means[:, :, :, None]


def _log_densities(mixture: Mixture, gap: Float64[ndarray, "seed c d n"]) -> Float64[ndarray, "seed c n"]:
    """The natural logarithm of weight times normal density, of each component at each value."""
    lower = np.linalg.cholesky(mixture.covariances)
    standard = np.linalg.inv(lower) @ gap
    half_log_determinant = np.log(np.einsum("scii->sci", lower)).sum(axis=2)
    with np.errstate(divide="ignore"):  # a component without weight has the log-density of nothing
        weight = np.log(mixture.weights)
    constant = weight - half_log_determinant - gap.shape[2] / 2 * np.log(2 * np.pi)
    return constant[:, :, None] - 0.5 * (standard**2).sum(axis=2)


def _log_sum(parts: Float64[ndarray, "seed c n"]) -> Float64[ndarray, "seed n"]:
    """The logarithm of the sum of exponentials over components, one of which at least is finite."""
    largest = parts.max(axis=1)
    return largest + np.log(np.exp(parts - largest[:, None]).sum(axis=1))


def _maximised(
    gap: Float64[ndarray, "seed c d n"], part: Float64[ndarray, "seed c n"], before: Mixture
) -> tuple[Float64[ndarray, "seed c"], Float64[ndarray, "seed c d"], Float64[ndarray, "seed c d d"]]:
    """Weights, means and covariances of the parts; those of before where a component has no part in anything."""
    weights = part.sum(axis=2)
    some = weights > np.finfo(float).tiny
    safe = np.where(some, weights, 1.0)[:, :, None]
    shift = (gap @ part[:, :, :, None])[:, :, :, 0] / safe
    second = (gap * part[:, :, None, :]) @ np.swapaxes(gap, 2, 3) / safe[:, :, :, None]
    spread = second - shift[:, :, :, None] * shift[:, :, None, :] + RIDGE * np.eye(gap.shape[2])
    means = np.where(some[:, :, None], before.means + shift, before.means)
    covariances = np.where(some[:, :, None, None], spread, before.covariances)
    return weights / weights.sum(axis=1, keepdims=True), means, covariances


def _overlap(one: Mixture, other: Mixture) -> Float64[ndarray, "seed"]:
    gap = one.means[:, :, None, :] - other.means[:, None, :, :]
    covariance = one.covariances[:, :, None] + other.covariances[:, None]
    size = gap.shape[3]
    quadratic = np.einsum("sabi,sabij,sabj->sab", gap, np.linalg.inv(covariance), gap)
    density = np.exp(-0.5 * quadratic) / np.sqrt((2 * np.pi) ** size * np.linalg.det(covariance))
    return np.einsum("sa,sb,sab->s", one.weights, other.weights, density)


def _distribution(mixture: Mixture, places: Float64[ndarray, "k"]) -> Float64[ndarray, "seed k"]:
    """The distribution function of the first coordinate at some places."""
    deviation = np.sqrt(mixture.covariances[:, :, 0, 0])
    standard = (places[None, :, None] - mixture.means[:, None, :, 0]) / deviation[:, None, :]
    return (mixture.weights[:, None, :] * ndtr(standard)).sum(axis=2)


def _quantiles(mixture: Mixture, level: Float64[ndarray, "q"]) -> Float64[ndarray, "seed q"]:
    found = np.empty((len(mixture.weights), len(level)))
    for seed in range(len(found)):
        own = mixture.of(np.array([seed]))
        middle, deviation = own.means[0, :, 0], np.sqrt(own.covariances[0, :, 0, 0])
        places = np.linspace((middle - 6 * deviation).min(), (middle + 6 * deviation).max(), _GRID)
        found[seed] = np.interp(level, _distribution(own, places)[0], places)
    return found
