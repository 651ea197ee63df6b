"""Rows of two sides cut into heaps together: principal components, then k-means. All draws come from a given generator.

The heaps are found on a sample of bounded size, so the time grows with the rows only as one product with the centres
does; which heap each row is in is then asked of all rows.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.errors import UsageError

# Source: Pillutla et al., NeurIPS 2021, appendix C: a tenth as many clusters as rows, 500 for 5,000 rows, components
# that hold nine tenths of the variance.
ROWS_FOR_EACH = 10
MOST_CLUSTERS = 500
VARIANCE = 0.9
# More rows for each centre hardly move it.
_SAMPLE_FOR_EACH = 50
_ROUNDS = 100
_GAIN = 1e-4
_BLOCK = 4096


def joint_counts(
    *, real: Float[ndarray, "n d"], synthetic: Float[ndarray, "m d"], random: Generator, clusters: int | None = None
) -> tuple[Int64[ndarray, "c"], Int64[ndarray, "c"]]:
    """How many rows of each side are in each of the heaps, empty ones left out.

    Without `clusters` there is one for ten rows of the smaller side, 2 to 500. Rows are taken as they are: to compare
    directions alone, hand in unit rows.

    Raises:
        UsageError: a side has fewer than two rows, there are more clusters than rows, or a number is not finite.
    """
    fewest, every = min(len(real), len(synthetic)), len(real) + len(synthetic)
    asked = min(max(round(fewest / ROWS_FOR_EACH), 2), MOST_CLUSTERS) if clusters is None else clusters
    if fewest < 2 or not 1 <= asked <= every:
        raise UsageError(
            f"{len(real)} and {len(synthetic)} rows in {asked} clusters",
            hint="Each side needs two rows, and there cannot be more clusters than rows.",
        )
    rows = principal_rows(real, synthetic)
    sample = rows
    if every > asked * _SAMPLE_FOR_EACH:
        sample = rows[np.sort(random.choice(every, asked * _SAMPLE_FOR_EACH, replace=False))]
    labels = nearest_centre(rows, k_means(sample, clusters=asked, random=random))
    one, other = (np.bincount(part, minlength=asked) for part in (labels[: len(real)], labels[len(real) :]))
    held = one + other > 0
    return one[held], other[held]


def principal_rows(*sides: Float[ndarray, "_ d"], variance: float = VARIANCE) -> Float32[ndarray, "n c"]:
    """The rows of all sides, one under the other, on their first principal components; at least `variance` is kept."""
    every = sum(len(side) for side in sides)
    middle = sum(side.sum(axis=0, dtype=np.float64) for side in sides) / every
    if not np.isfinite(middle).all():
        raise UsageError("a row has a number that is not finite", hint="Leave out rows whose embedding failed.")
    spread = np.zeros((len(middle), len(middle)))
    for block in _blocks(*sides):
        apart = block - middle
        spread += apart.T @ apart
    values, vectors = np.linalg.eigh(spread)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    # The unit is that of the first component: 32-bit numbers then hold rows of any length.
    scale = np.sqrt(values[0] / every) or 1.0
    kept = int(np.searchsorted(np.cumsum(values), variance * values.sum())) + 1  # slicing forgives one too many
    turned = vectors[:, :kept] / scale
    return np.concatenate([((block - middle) @ turned).astype(np.float32) for block in _blocks(*sides)])


def _blocks(*sides: Float[ndarray, "_ d"]) -> Iterator[Float64[ndarray, "_ d"]]:
    return (side[at : at + _BLOCK].astype(np.float64) for side in sides for at in range(0, len(side), _BLOCK))


def k_means(rows: Float32[ndarray, "n d"], *, clusters: int, random: Generator) -> Float32[ndarray, "c d"]:
    """Centres from which the rows lie near; fewer than `clusters` where there are fewer different rows.

    Rounds end when one lowers the sum of squared distances by less than a ten-thousandth.

    Source: Lloyd, IEEE Trans. Inf. Theory 1982; the first centres by Arthur and Vassilvitskii, SODA 2007 (k-means++).
    """
    centres = _first_centres(rows, clusters, random)
    before = np.inf
    for _ in range(_ROUNDS):
        labels, apart = _assigned(rows, centres)
        left = float(apart.sum(dtype=np.float64))
        if left >= before * (1 - _GAIN):
            break
        before = left
        order = np.argsort(labels, kind="stable")
        seen, begin, count = np.unique(labels[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(rows[order].astype(np.float64), begin, axis=0)
        centres[seen] = sums / count[:, None]
    return centres


def nearest_centre(rows: Float32[ndarray, "n d"], centres: Float32[ndarray, "c d"]) -> Int64[ndarray, "n"]:
    """The number of the centre that each row is nearest to."""
    return _assigned(rows, centres)[0]


def _first_centres(rows: Float32[ndarray, "n d"], clusters: int, random: Generator) -> Float32[ndarray, "c d"]:
    chosen = [int(random.integers(len(rows)))]
    apart = _squared(rows, rows[chosen[0]])
    while len(chosen) < clusters and apart.any():
        reach = np.cumsum(apart, dtype=np.float64)
        # A draw of 0 or of the whole range must not end on a row that is a centre already.
        place = int(np.searchsorted(reach, random.random() * reach[-1], side="right"))
        chosen.append(min(place, int(np.flatnonzero(apart)[-1])))
        np.minimum(apart, _squared(rows, rows[chosen[-1]]), out=apart)
    return rows[chosen].copy()


def _squared(rows: Float32[ndarray, "n d"], centre: Float32[ndarray, "d"]) -> Float32[ndarray, "n"]:
    apart = rows - centre
    return np.einsum("ij,ij->i", apart, apart)


def _assigned(
    rows: Float32[ndarray, "n d"], centres: Float32[ndarray, "c d"]
) -> tuple[Int64[ndarray, "n"], Float32[ndarray, "n"]]:
    """The nearest centre of each row and its squared distance."""
    labels = np.empty(len(rows), dtype=np.int64)
    apart = np.empty(len(rows), dtype=np.float32)
    half = np.einsum("ij,ij->i", centres, centres) / 2
    for at in range(0, len(rows), _BLOCK):
        block = rows[at : at + _BLOCK]
        labels[at : at + _BLOCK] = np.argmin(half - block @ centres.T, axis=1)
        away = block - centres[labels[at : at + _BLOCK]]
        apart[at : at + _BLOCK] = np.einsum("ij,ij->i", away, away)
    return labels, apart
