"""What the theory room says beside the curve: the floor of strong collapse, held against the means."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uncollapse.collapse.forecast.draws import Estimate, bounds
from uncollapse.collapse.theory.regression import strong_collapse


class Floor(NamedTuple):
    """The floor share^2 c^2 through the rise of the loss: c^2 with its interval in nats a token, the rise that it gives
    at each share, and the part of the rises' variance that it holds (1 - residual over total sum of squares).
    """

    distance: tuple[float, float, float]
    rises: list[float]
    held: float


def floor(shares: Sequence[float], loss: Estimate) -> Floor:
    """The floor of least squares through the rises over share 0.

    Regression on rows of which a share p has labels from weights at a distance c ends p^2 c^2 above where it would end,
    however many rows there are. A language model is no such regression: its loss is in nats and not squared, and what
    it loses first is tokens. So this says whether the rise looks like it, and no more.
    """
    at = np.asarray(shares, np.float64)
    rise = loss.rise()
    weight = at**2 / (at**4).sum()
    squared = float(max(rise.mean @ weight, 0.0))
    low, high = bounds(rise.drawn @ weight)
    expected = [strong_collapse(share=share, distance=squared**0.5, d=0, n=1) for share in shares]
    total = float(((rise.mean - rise.mean.mean()) ** 2).sum())
    held = 1 - float(((rise.mean - np.array(expected)) ** 2).sum()) / total if total else float("nan")
    return Floor((squared, float(low), float(high)), expected, held)
