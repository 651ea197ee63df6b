"""How two histograms differ, in both directions at once: what one has and the other has not, and the reverse.

Between P and Q lies the line of mixtures R = a P + (1 - a) Q. KL(Q || R) says what R lacks of Q, KL(P || R) what it
lacks of P; along the line the pairs draw a frontier. Its area is the score in the manner of MAUVE, and its mean height
the frontier integral, which needs no points and no scale. All logarithms are natural.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.errors import UsageError
from uncollapse.measures.quantisation import joint_counts

# Source: Pillutla et al., NeurIPS 2021, section 3.1 and appendix C.
SCALE = 5.0
POINTS = 25
_EDGE = 1e-6
# Source: Pillutla et al., JMLR 2023 (MAUVE scores), the Krichevsky-Trofimov estimator ("MAUVE*").
STARRED = 0.5

Histogram = Int64[ndarray, "b"] | Float64[ndarray, "b"]


class Frontier(NamedTuple):
    """The frontier between two clouds of rows in `clusters` heaps.

    `score` and `starred` are areas from 0 (nothing in common) to 1 (equal), the second with half a row more in each
    heap of each side; `integral` is from 0 (equal) to 1.
    """

    score: float
    starred: float
    integral: float
    clusters: int


def divergence_frontier(
    *, real: Float[ndarray, "n d"], synthetic: Float[ndarray, "m d"], random: Generator, clusters: int | None = None
) -> Frontier:
    """The frontier between two clouds of rows, cut into heaps together; see `quantisation.joint_counts`.

    It is optimistic for few rows and changes with the draw of the first centres (sd .005 to .01 of the score): compare
    at equal numbers of rows, with a control, and best of all with several draws.

    Raises:
        UsageError: a side has fewer than two rows, there are more clusters than rows, or a number is not finite.
    """
    one, other = joint_counts(real=real, synthetic=synthetic, random=random, clusters=clusters)
    return Frontier(
        score=frontier_area(one, other),
        starred=frontier_area(one, other, pseudo_count=STARRED),
        integral=frontier_integral(one, other),
        clusters=len(one),
    )


def frontier_area(one: Histogram, other: Histogram, *, points: int = POINTS, pseudo_count: float = 0.0) -> float:
    """The mean of the area under the frontier over either axis, 0 to 1; the same when the sides are swapped.

    Source: Pillutla et al., NeurIPS 2021, equations 2 and 3; the mean of both areas makes it symmetric.
    """
    x, y = frontier_curve(one, other, points=points, pseudo_count=pseudo_count).T
    # Points that share one coordinate must come in the order of the curve: equal histograms put all of them at (1, 1).
    over_x, over_y = np.lexsort((-y, x)), np.lexsort((-x, y))
    return float(np.trapezoid(y[over_x], x[over_x]) + np.trapezoid(x[over_y], y[over_y])) / 2


def frontier_curve(
    one: Histogram, other: Histogram, *, points: int = POINTS, pseudo_count: float = 0.0
) -> Float64[ndarray, "p 2"]:
    """The points (exp(-c KL(Q || R)), exp(-c KL(P || R))) from (1, 0) to (0, 1), with c = 5; the ends are added."""
    p, q = _shares(one, pseudo_count), _shares(other, pseudo_count)
    weights = np.linspace(_EDGE, 1 - _EDGE, points)
    inner = [
        (_divergence(q, weight * p + (1 - weight) * q), _divergence(p, weight * p + (1 - weight) * q))
        for weight in weights
    ]
    return np.vstack([[1.0, 0.0], np.exp(-SCALE * np.array(inner).reshape(-1, 2)), [0.0, 1.0]])


def frontier_integral(one: Histogram, other: Histogram, *, pseudo_count: float = 0.0) -> float:
    """Twice the mean over the line of mixtures of a KL(P || R) + (1 - a) KL(Q || R); 0 for equal sides, 1 for disjoint.

    Source: Liu et al., NeurIPS 2021, definition 2 and its closed form.
    """
    p, q = _shares(one, pseudo_count), _shares(other, pseudo_count)
    larger, smaller = np.maximum(p, q), np.minimum(p, q)
    # q ln(p/q) / (p - q) = ln(1 + t) / t with t = (p - q) / q: 1 where they are equal, 0 where q is.
    ratio = np.divide(larger - smaller, smaller, out=np.zeros_like(p), where=smaller > 0)
    factor = np.divide(np.log1p(ratio), ratio, out=np.ones_like(p), where=ratio > 0)
    parts = (p + q) / 2 - np.where(smaller > 0, larger * factor, 0.0)
    return float(np.maximum(parts, 0.0).sum())


def _shares(counts: Histogram, pseudo_count: float) -> Float64[ndarray, "b"]:
    smoothed = counts + pseudo_count
    total = smoothed.sum()
    if pseudo_count < 0 or not np.isfinite(total) or (smoothed < 0).any() or not total > 0:
        raise UsageError("a histogram without counts, or with one below 0", hint="Each side needs one row or more.")
    return smoothed / total


def _divergence(share: Float64[ndarray, "b"], mixture: Float64[ndarray, "b"]) -> float:
    held = share > 0
    # Rounding can put the divergence of equal shares below 0, and the point outside the unit square.
    return max(float((share[held] * np.log(share[held] / mixture[held])).sum()), 0.0)
