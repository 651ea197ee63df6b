"""The mixture of Shumailov et al. 2024: two components fitted to one round blob, two thousand times."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.random import default_rng
from scipy.stats import t

from uncollapse.collapse.mixture_model import Mixture, draw, fitted, spread_start, squared_l2
from uncollapse.collapse.reproductions.claims import Claim, Measured

NOTEBOOK = "released notebook (curse_recurse, commit b48c90a), one run"
POINTS, FITS, RUNS = 1_000, 2_000, 8
TOLERANCE, ROUNDS = 1e-5, 2_000  # the notebook's tol and max_iter
CONFIDENCE = 0.99  # as the intervals of the other claims


def claims() -> Iterator[Claim]:
    """The notebook's numbers at the first and the last fit, beside runs of ours."""
    first, last = _chain()
    note = "a single run there; ours is the interval in which one more run of ours would lie (99 %, logarithmic)"
    published = {"wider": (".902", ".0112"), "narrower": (".888", ".0100")}
    for at, which in ((1, "wider"), (0, "narrower")):
        for mixture, fit, place in ((first, "the first fit", 0), (last, f"{FITS:,} fits", 1)):
            yield Claim(
                what=f"standard deviation of the {which} component after {fit}",
                source=NOTEBOOK,
                published=published[which][place],
                ours=one_more(np.sort(_deviations(mixture), axis=1)[:, at]),
                note=note,
            )
    yield Claim(
        what=f"squared L2 distance of the densities of the first fit and of that after {FITS:,}",
        source=NOTEBOOK,
        published="536.28",
        ours=one_more(squared_l2(first, last)),
        note=note,
    )


def one_more(values: Float64[ndarray, "run"]) -> Measured:
    """The geometric mean of some runs, and where another one would lie, by Student's law of the logarithms."""
    logs = np.log(values)
    reach = t.ppf((1 + CONFIDENCE) / 2, len(logs) - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs))
    middle = float(logs.mean())
    return Measured(float(np.exp(middle)), float(np.exp(middle - reach)), float(np.exp(middle + reach)))


def _chain() -> tuple[Mixture, Mixture]:
    """The first and the last fit of some runs; each fit starts anew from rows far apart, as the notebook's does."""
    rng = default_rng(2024)
    shares = np.full(POINTS, 1 / POINTS)
    values = rng.standard_normal((RUNS, POINTS, 2))
    first: Mixture | None = None
    for _ in range(FITS + 1):
        start = spread_start(values, components=2, rng=rng)
        mixture = fitted(values, start=start, shares=shares, rounds=ROUNDS, tolerance=TOLERANCE).mixture
        first = first or mixture
        values = draw(mixture, POINTS, rng=rng)
    assert first is not None
    return first, mixture


def _deviations(mixture: Mixture) -> Float64[ndarray, "run c"]:
    """The root of half the trace of each component's covariance."""
    return np.sqrt(np.einsum("scii->sc", mixture.covariances) / 2)
