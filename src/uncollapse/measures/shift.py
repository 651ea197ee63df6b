"""How far one distribution is from another, and where. All logarithms are natural: divergences are in nats.

Even fresh text of the same kind is not at distance 0 in a sample: .06 bits for words, .40 for bigrams, at 62,000
tokens. The corrections take off what is expected from chance to first order; what remains needs a control.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt64
from numpy import ndarray
from numpy.random import Generator
from scipy.spatial.distance import cdist

from uncollapse.errors import UsageError
from uncollapse.ngrams import bucket_of

# All pairs of 50,000 rows of 384 numbers take the better part of an hour, those of 2,000 some seconds.
ENERGY_ROWS = 2000
_ROWS = 512  # rows of one side whose distances to the other are held at once


class Divergence(NamedTuple):
    """A divergence in nats: as observed, and with the expected part of chance taken off (it can fall below 0)."""

    observed: float
    corrected: float


def jensen_shannon(corpus: Int64[ndarray, "b"], reference: Int64[ndarray, "b"]) -> Divergence:
    """The Jensen-Shannon divergence of two vectors of counts in nats, 0 to ln 2; no square root. NaN for an empty side.

    The correction is the difference of the entropies' first-order biases: for an observed distribution
    sum Var(p_i) / 2 p_i = (types seen - 1) / 2N, for the mixture sum (Var p_i + Var q_i) / 8 m_i.

    Source: Lin, IEEE Trans. Inf. Theory 1991, equation 4.1; Miller 1955 for the bias of an entropy.
    """
    if not corpus.sum() or not reference.sum():
        return Divergence(float("nan"), float("nan"))
    p, q = corpus / corpus.sum(), reference / reference.sum()
    middle = (p + q) / 2
    observed = float(bucket_shifts(corpus, reference).sum())
    spread = p * (1 - p) / corpus.sum() + q * (1 - q) / reference.sum()
    of_middle = float((spread[middle > 0] / (8 * middle[middle > 0])).sum())
    of_sides = sum(((side > 0).sum() - 1) / (2 * side.sum()) for side in (corpus, reference)) / 2
    return Divergence(observed, observed + of_middle - float(of_sides))


def kullback_leibler(
    corpus: Int64[ndarray, "b"], reference: Int64[ndarray, "b"], *, pseudo_count: float = 0.5
) -> Divergence:
    """KL(corpus || reference) in nats of two vectors of counts, `pseudo_count` added to each of the reference's.

    With a pseudo-count of 0 it is infinite where the corpus has what the reference has not. NaN for an empty corpus.
    The correction takes off (types seen - 1) / 2N for the corpus and sum p (1 - q) / 2Mq for the reference.

    Source: Kullback and Leibler, Annals of Mathematical Statistics 1951; the bias by the delta method to second order.
    """
    if pseudo_count < 0:
        raise UsageError(f"pseudo_count = {pseudo_count}", hint="A pseudo-count is 0 or more.")
    smoothed = reference + pseudo_count
    if not corpus.sum() or not smoothed.sum():
        return Divergence(float("nan"), float("nan"))
    held = corpus > 0
    p = corpus[held] / corpus.sum()
    q = (smoothed / smoothed.sum())[held]
    if (q == 0).any():
        return Divergence(float("inf"), float("inf"))
    observed = float((p * np.log(p / q)).sum())
    chance = (held.sum() - 1) / (2 * corpus.sum()) + float((p * (1 - q) / q).sum()) / (2 * smoothed.sum())
    return Divergence(observed, observed - float(chance))


def bucket_shifts(corpus: Int64[ndarray, "b"], reference: Int64[ndarray, "b"]) -> Float64[ndarray, "b"]:
    """What each bucket adds to the Jensen-Shannon divergence, in nats, none below 0.

    Source: Lin 1991, equation 4.1, term by term: (p ln(p/m) + q ln(q/m)) / 2.
    """
    p, q = corpus / corpus.sum(), reference / reference.sum()
    middle = (p + q) / 2
    return np.maximum(_part(p, middle) + _part(q, middle), 0.0) / 2


def _part(share: Float64[ndarray, "b"], middle: Float64[ndarray, "b"]) -> Float64[ndarray, "b"]:
    held = share > 0
    ratio = np.divide(share, middle, out=np.ones_like(share), where=held)
    return share * np.log(ratio)


class BucketShift(NamedTuple):
    """One bucket's part of the shift: its number, nats, share of the whole divergence, and its share on both sides."""

    bucket: int
    nats: float
    share: float
    corpus: float
    reference: float


def attribute(
    corpus: Int64[ndarray, "b"], reference: Int64[ndarray, "b"], *, most: int = 20
) -> tuple[BucketShift, ...]:
    """The buckets in which most of the shift sits, the largest part first; `ngrams.bucket_of` says what falls there."""
    if not corpus.sum() or not reference.sum():
        return ()
    nats = bucket_shifts(corpus, reference)
    order = np.argsort(-nats, kind="stable")[:most]
    whole = nats.sum() or 1.0
    p, q = corpus / corpus.sum(), reference / reference.sum()
    rows = zip(order, nats[order], nats[order] / whole, p[order], q[order], strict=True)
    return tuple(BucketShift(int(b), *(float(value) for value in rest)) for b, *rest in rows)


def hashed_vectors(rows: Sequence[UInt64[ndarray, "_"]], *, dimensions: int = 256) -> Float64[ndarray, "n d"]:
    """A vector of length 1 for each text, of its words' counts in hashed places with hashed signs; 0 for no words.

    Inner products are those of the bags of words in the mean, with a variance of about 1 / dimensions. Rows are the
    64-bit numbers of words, as in `ngrams.Sample.rows`.

    Source: Weinberger et al., ICML 2009, equation 2.
    """
    result = np.zeros((len(rows), dimensions))
    for vector, row in zip(result, rows, strict=True):
        sign = 1.0 - 2.0 * (row & np.uint64(1)).astype(np.float64)
        np.add.at(vector, bucket_of(row, dimensions), sign)
    size = np.linalg.norm(result, axis=1, keepdims=True)
    return result / np.where(size > 0, size, 1.0)


def energy_distance(x: Float64[ndarray, "n d"], y: Float64[ndarray, "m d"], *, unbiased: bool = False) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'| in the unit of the rows, Euclidean, without a square root.

    As a V-statistic (the default) a row is also paired with itself, and the result is never below 0; `unbiased` gives
    the U-statistic, which can be. Memory grows with n + m, time with n m.

    Raises:
        UsageError: a side is empty, or for the U-statistic has one row.

    Source: Szekely and Rizzo, J. Stat. Planning and Inference 2013, section 6.
    """
    least = 2 if unbiased else 1
    if min(len(x), len(y)) < least:
        raise UsageError(f"{len(x)} and {len(y)} rows", hint=f"The energy distance needs {least} or more on each side.")
    self_x, self_y = len(x) - unbiased, len(y) - unbiased
    across = _total_distance(x, y) / (len(x) * len(y))
    return 2 * across - _total_distance(x, x) / (len(x) * self_x) - _total_distance(y, y) / (len(y) * self_y)


def sampled_energy_distance(
    x: Float[ndarray, "n d"], y: Float[ndarray, "m d"], *, random: Generator, rows: int = ENERGY_ROWS
) -> float:
    """The U-statistic of the energy distance between at most `rows` rows of each side, drawn without replacement.

    Its expectation is that of the U-statistic of all rows: nothing has to be taken off, and it can fall below 0. The
    V-statistic of r rows would be too large by (E|x - x'| + E|y - y'|) / r. Its spread for equal distributions falls as
    1 / r, so compare with control rows at the same `rows`. Time grows with rows^2 d, whatever n and m are.

    Raises:
        UsageError: a side has one row or none, or `rows` is below two.
    """
    if rows < 2:
        raise UsageError(f"rows = {rows}", hint="The energy distance needs two rows or more of each side.")
    some = (
        side if len(side) <= rows else side[np.sort(random.choice(len(side), rows, replace=False))] for side in (x, y)
    )
    one, other = (side.astype(np.float64) for side in some)
    return energy_distance(one, other, unbiased=True)


def _total_distance(x: Float64[ndarray, "n d"], y: Float64[ndarray, "m d"]) -> float:
    # By differences, not by |x|^2 + |y|^2 - 2xy, which loses half the digits for rows that are close.
    return sum(float(cdist(x[at : at + _ROWS], y).sum()) for at in range(0, len(x), _ROWS))
