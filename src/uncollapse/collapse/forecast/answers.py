"""What the curve says: where the loss has risen by so much, whether any share helps, and which can be recommended."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.forecast.curve import Curve
from uncollapse.collapse.forecast.draws import LEVEL, Estimate, bounds

RISES = (0.01, 0.05, 0.1)


class Reached(NamedTuple):
    """The share at which a measure has risen by a part of what it is at share 0, and its interval.

    NaN stands where a share is beyond the greatest one that was tried.
    """

    measure: str
    rise: float
    share: float
    low: float
    high: float


class Best(NamedTuple):
    """The share with the least loss of those tried, what it gains in nats a token, and whether the interval says so.

    The interval is widened for having chosen among several shares (Bonferroni).
    """

    share: float
    gain: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        """Whether synthetic text helps beyond doubt."""
        return self.low > 0


class Recommended(NamedTuple):
    """The largest share up to which the upper bound of the loss's rise stays under the tolerance.

    `rise`, `low` and `high` are the rise there, as a part of the loss at share 0; `bounded_by` says what ends it.
    """

    share: float
    tolerance: float
    rise: float
    low: float
    high: float
    bounded_by: str


def rises(curve: Curve) -> list[Reached]:
    """Where loss and perplexity have risen by 1, 5 and 10 %."""
    found = []
    for measure in ("loss", "perplexity"):
        middle, drawn = risen(curve.values[None], measure), risen(curve.drawn, measure)
        for rise in RISES:
            share = float(first_above(middle, rise, curve.grid)[0])
            low, high = np.quantile(
                first_above(drawn, rise, curve.grid), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest"
            )
            found.append(Reached(measure, rise, *(_known(value) for value in (share, float(low), float(high)))))
    return found


def risen(curves: Float64[ndarray, "b g"], measure: str) -> Float64[ndarray, "b g"]:
    """How far a measure has risen, as a part of what it is at share 0, along curves of the loss."""
    away = curves - curves[:, :1]
    return np.expm1(away) if measure == "perplexity" else away / curves[:, :1]


def first_above(rises: Float64[ndarray, "b g"], rise: float, grid: Float64[ndarray, "g"]) -> Float64[ndarray, "b"]:
    """The first share from which on a curve has risen by so much and more; infinite where it has not.

    Between two shares of the grid the curve is taken for straight.
    """
    above = rises >= rise
    at = np.argmax(above, axis=1)
    rows = np.arange(len(rises))
    before = np.maximum(at - 1, 0)
    left, right = rises[rows, before], rises[rows, at]
    part = np.where(at > before, (rise - left) / np.where(right > left, right - left, 1), 0)
    share = grid[before] + part * (grid[at] - grid[before])
    return np.where(above.any(axis=1), share, np.inf)


def _known(value: float) -> float:
    return value if np.isfinite(value) else float("nan")


def best(shares: Sequence[float], loss: Estimate) -> Best:
    """The share with the least loss."""
    at = int(np.argmin(loss.mean))
    gain = -loss.rise().mean[at]
    tail = (1 - LEVEL) / 2 / max(len(shares) - 1, 1)
    low, high = bounds(-loss.rise().drawn[:, at], tail, 1 - tail)
    return Best(float(shares[at]), float(gain), float(low), float(high))


def recommended(curve: Curve, *, tolerance: float) -> Recommended:
    """The share that can be recommended."""
    middle, drawn = risen(curve.values[None], "loss")[0], risen(curve.drawn, "loss")
    low, high = bounds(drawn)
    low[0] = high[0] = 0.0
    over = np.flatnonzero(~(high <= tolerance))
    at = int(over[0]) - 1 if len(over) else len(curve.grid) - 1
    why = "the upper bound of the rise" if len(over) else "the greatest share that was tried"
    share = float(curve.grid[at])
    return Recommended(share, tolerance, float(middle[at]), float(low[at]), float(high[at]), why)
