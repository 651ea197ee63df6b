"""Kernel density loops: resampling with a Gaussian kernel of bandwidth h; variances have ddof 0."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.theory.form import Number, Standing, form

Fits: TypeAlias = Float64[ndarray, "generation"]


@form(
    "kernel-replace",
    source="the setting of Kazdan et al. 2024 (arXiv 2410.16713)",
    standing=Standing.DERIVED,
    statement="E S_t = (1-1/n)^(t+1) S + h^2 sum_{k=1..t} (1-1/n)^k after t resamplings: a plateau near n h^2",
)
def replace_variance(t: Fits, *, n: int, bandwidth: Number, start: Number = 1.0) -> Fits:
    """The expected variance of the training data after t resamplings."""
    keep = 1 - 1 / n
    return keep ** (t + 1) * start + bandwidth**2 * (n - 1) * (1 - keep**t)


@form(
    "kernel-accumulate",
    source="the setting of Kazdan et al. 2024 (arXiv 2410.16713)",
    standing=Standing.DERIVED,
    statement="S_t = S_{t-1} (1 - 1/(t^2 n)) + (h^2/t)(1 - 1/(t n)), S_1 = (1 - 1/n) S: logarithmic growth",
)
def accumulate_variance(fits: int, *, n: int, bandwidth: Number, start: Number = 1.0) -> Fits:
    """The expected variance of the training data of fit 1, 2, ..., when data accumulate."""
    values = [(1 - 1 / n) * start]
    for t in range(2, fits + 1):
        values.append(values[-1] * (1 - 1 / (t**2 * n)) + bandwidth**2 / t * (1 - 1 / (t * n)))
    return np.array(values[:fits])
