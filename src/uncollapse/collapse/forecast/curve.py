"""The loss on human text as a curve over the synthetic share.

One form holds a curve that is nearly flat at first and steep at 1: a synthetic token is worth as much as `worth` human
ones, and the loss falls as a power of the tokens that a model has read,

    loss(s) = a + b ((1 - s) + worth s)^-.28.

At worth 1 synthetic text is as good as human text, beyond it better; at worth .01 the last share that is all synthetic
is a hundredth of the text. Where means lie farther from the form than seeds scatter, the curve is none of this form,
and goes through the means instead.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.interpolate import PchipInterpolator
from scipy.stats import f as fisher

from uncollapse.collapse.forecast.draws import Estimate, bounds

POWER = 0.28
"""The exponent of data in the law of compute-optimal training. Source: Hoffmann et al. 2022, equation 10."""
WORTHS = np.geomspace(1e-4, 10, 600)
GRID = 1_001
PARAMETERS = 3
UNFIT = 0.05
"""The probability of a lack of fit, were the form true, below which the form is not taken."""
NEAR = 0.05
"""With one seed: the mean distance from the form, as a part of the range of the means, up to which it is taken."""

Kind = Literal["effective tokens", "through the means"]


class Fit(NamedTuple):
    """The form through some means: `worth`, level, height, and the root mean square of what it leaves."""

    worth: Float64[ndarray, "b"]
    level: Float64[ndarray, "b"]
    height: Float64[ndarray, "b"]
    left: Float64[ndarray, "b"]


class Tried(NamedTuple):
    """How the form fits: the worth of a synthetic token with its bounds, the root mean square of what it leaves, and
    the p value of that beside the scatter of seeds. NaN where there are too few shares, or seeds.
    """

    worth: tuple[float, float, float]
    left: float
    unfit: float


NEVER = Tried((float("nan"),) * 3, float("nan"), float("nan"))


class Curve(NamedTuple):
    """The curve at each of a thousand shares, and draws of it; `form` says how the form fits, taken or not."""

    kind: Kind
    grid: Float64[ndarray, "g"]
    values: Float64[ndarray, "g"]
    drawn: Float64[ndarray, "b g"]
    form: Tried


def curve(shares: Sequence[float], estimate: Estimate) -> Curve:
    """The curve through the means of an estimate."""
    at = np.asarray(shares, np.float64)
    grid = np.linspace(0, float(at[-1]), GRID)
    if len(at) <= PARAMETERS:
        return _through(at, grid, estimate, NEVER)
    best, drawn = fit(at, estimate.mean[None]), fit(at, estimate.drawn)
    low, high = bounds(drawn.worth)
    unfit = _unfit(best, estimate, count=len(at))
    form = Tried((float(best.worth[0]), float(low), float(high)), float(best.left[0]), unfit)
    taken = unfit >= UNFIT if estimate.freedom else form.left <= NEAR * np.ptp(estimate.mean)
    if not taken:
        return _through(at, grid, estimate, form)
    return Curve("effective tokens", grid, values(best, grid)[0], values(drawn, grid), form)


def fit(shares: Float64[ndarray, "s"], means: Float64[ndarray, "b s"]) -> Fit:
    """The form of least squares through each row of means; its height is 0 or more."""
    centred = means - means.mean(axis=1, keepdims=True)
    shapes = _shape(shares[None], WORTHS[:, None])
    middle = shapes.mean(axis=1)
    away = shapes - middle[:, None]
    norms = (away**2).sum(axis=1)
    heights = np.where(norms > 0, np.maximum(centred @ away.T, 0) / np.where(norms > 0, norms, 1), 0)
    squares = (centred**2).sum(axis=1)[:, None] - heights**2 * norms
    best = np.argmin(squares, axis=1)
    rows = np.arange(len(means))
    height = heights[rows, best]
    left = np.sqrt(np.maximum(squares[rows, best], 0) / len(shares))
    return Fit(WORTHS[best], means.mean(axis=1) - height * middle[best], height, left)


def values(form: Fit, shares: Float64[ndarray, "g"]) -> Float64[ndarray, "b g"]:
    """The form at some shares."""
    return np.asarray(form.level[:, None] + form.height[:, None] * _shape(shares[None], form.worth[:, None]))


def _shape(shares: Float64[ndarray, "1 s"], worth: Float64[ndarray, "w 1"]) -> Float64[ndarray, "w s"]:
    return np.asarray(((1 - shares) + worth * shares) ** -POWER)


def _unfit(best: Fit, estimate: Estimate, *, count: int) -> float:
    """The p value of what the form leaves, beside the scatter of seeds; NaN with one seed."""
    if not estimate.freedom:
        return float("nan")
    freedom = count - PARAMETERS
    squares = float(best.left[0]) ** 2 * count
    if not squares:
        return 1.0
    ratio = estimate.each.shape[1] * squares / freedom / max(estimate.scatter**2, np.finfo(float).tiny)
    return float(fisher(freedom, estimate.freedom).sf(ratio))


def _through(at: Float64[ndarray, "s"], grid: Float64[ndarray, "g"], estimate: Estimate, form: Tried) -> Curve:
    """The cubic through the means that has no bends of its own between them.

    Source: Fritsch and Carlson 1980.
    """
    middle = np.asarray(PchipInterpolator(at, estimate.mean)(grid))
    drawn = np.asarray(PchipInterpolator(at, estimate.drawn, axis=1)(grid))
    return Curve("through the means", grid, middle, drawn, form)
