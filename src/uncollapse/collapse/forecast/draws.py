"""Intervals over seeds and held-out documents together: draws of what the means would be with others of both.

Documents are drawn with replacement, the same for every proxy. Seeds are few, and drawing among two or three would make
intervals too narrow; so what other seeds would change is drawn from Student's law. Seeds differ by an amount of their
own, which every share has in common, and by a scatter, which is taken for equal at all shares and so is known from all
of them: with 5 shares and 3 seeds by 8 degrees of freedom instead of 2.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator

DRAWS = 2_000
LEVEL = 0.95


class Estimate(NamedTuple):
    """Means over seeds at each share, those of each seed, and draws of the means; `freedom` is that of the scatter.

    `scatter` is the standard deviation of one proxy about the sum of its share's and its seed's means (ddof = freedom);
    both are NaN and 0 with one seed, and draws then only differ by documents.
    """

    mean: Float64[ndarray, "s"]
    each: Float64[ndarray, "s k"]
    drawn: Float64[ndarray, "b s"]
    scatter: float
    freedom: int

    def within(self, low: float = (1 - LEVEL) / 2, high: float = (1 + LEVEL) / 2) -> Float64[ndarray, "2 s"]:
        """Bounds of the mean at each share; NaN where nothing is known of them."""
        return bounds(self.drawn, low, high)

    def rise(self) -> "Estimate":
        """The same with the mean of the first share taken from all."""
        mean, each, drawn = (
            self.mean - self.mean[0],
            self.each - self.each[:1],
            self.drawn - self.drawn[:, :1],
        )
        return Estimate(mean, each, drawn, self.scatter, self.freedom)


def bounds(
    drawn: Float64[ndarray, "b ..."], low: float = (1 - LEVEL) / 2, high: float = (1 + LEVEL) / 2
) -> Float64[ndarray, "2 ..."]:
    """Quantiles of draws; NaN where the draws do not differ, since nothing was there to draw from."""
    found = np.nanquantile(drawn, [low, high], axis=0)
    return np.asarray(np.where(np.nanmax(drawn, axis=0) > np.nanmin(drawn, axis=0), found, np.nan))


def weights_of(documents: int, generator: Generator, *, draws: int = DRAWS) -> Float64[ndarray, "b d"]:
    """How often each document is in each draw."""
    return generator.multinomial(documents, np.full(documents, 1 / documents), size=draws).astype(np.float64)


def over_documents(
    above: Float64[ndarray, "s k d"],
    below: Float64[ndarray, "s k d"],
    weights: Float64[ndarray, "b d"],
    generator: Generator,
) -> Estimate:
    """The estimate of one sum over documents by another."""
    return _with_seeds(*_ratios(above, below, weights), generator)


def over_domains(
    above: Float64[ndarray, "s k d"],
    below: Float64[ndarray, "s k d"],
    weights: Float64[ndarray, "b d"],
    generator: Generator,
    *,
    domain: Int64[ndarray, "d"],
) -> Estimate:
    """The estimate of the mean over domains, each counting the same: the log of the geometric mean of perplexities."""
    parts = [
        _ratios(above[..., own], below[..., own], weights[:, own]) for own in (domain == at for at in np.unique(domain))
    ]
    each, drawn = (np.mean([part[at] for part in parts], axis=0) for at in (0, 1))
    return _with_seeds(each, drawn, generator)


def _ratios(
    above: Float64[ndarray, "s k d"], below: Float64[ndarray, "s k d"], weights: Float64[ndarray, "b d"]
) -> tuple[Float64[ndarray, "s k"], Float64[ndarray, "b s"]]:
    """The ratio of each proxy, and the mean over seeds of those over drawn documents; NaN where a draw has none."""
    flat = above.reshape(-1, above.shape[-1]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (weights @ flat) / (weights @ below.reshape(-1, below.shape[-1]).T)
        each = above.sum(axis=-1) / below.sum(axis=-1)
    return each, ratios.reshape(len(weights), *above.shape[:2]).mean(axis=2)


def over_seeds(each: Float64[ndarray, "s k"], generator: Generator, *, draws: int = DRAWS) -> Estimate:
    """The estimate of numbers that have no documents behind them."""
    return _with_seeds(each, np.broadcast_to(each.mean(axis=1), (draws, len(each))), generator)


def _with_seeds(each: Float64[ndarray, "s k"], drawn: Float64[ndarray, "b s"], generator: Generator) -> Estimate:
    """The draws with what other seeds would change added to them.

    Source: the additive two-way layout, Scheffé 1959, section 4.2: the mean square of its residuals is the scatter.
    """
    shares, seeds = each.shape
    freedom = (shares - 1) * (seeds - 1)
    mean = each.mean(axis=1)
    if not freedom:
        return Estimate(mean, each, drawn, float("nan"), 0)
    common = each.mean(axis=0)
    residuals = each - mean[:, None] - common + common.mean()
    scatter = float((residuals**2).sum() / freedom)
    own = max(float(common.var(ddof=1)) - scatter / shares, 0.0)
    noise = _student(generator, freedom, (len(drawn), shares)) * np.sqrt(scatter / seeds)
    noise = noise + _student(generator, seeds - 1, (len(drawn), 1)) * np.sqrt(own / seeds)
    return Estimate(mean, each, drawn + noise, float(np.sqrt(scatter)), freedom)


def _student(generator: Generator, freedom: int, shape: tuple[int, int]) -> Float64[ndarray, "b s"]:
    """Normal numbers over one root of a chi-square for each draw, so that every contrast of a draw is Student's."""
    root = np.sqrt(generator.chisquare(freedom, size=(shape[0], 1)) / freedom)
    return np.asarray(generator.standard_normal(shape) / root)
