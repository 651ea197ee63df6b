"""The Gaussian laboratory: each generation fits mean and covariance, in one dimension or many.

Theorem 3.1 of the Nature paper divides by n - 1 and its notebook by n: `ddof` is 1 or 0, and the two end differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator
from scipy.special import ndtr

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Moments, Rows
from uncollapse.collapse.regimes import Regime
from uncollapse.collapse.theory import Curve
from uncollapse.collapse.theory import gaussian as forms

TAIL = 2.0  # original standard deviations beyond which the tail of a coordinate begins


@dataclass(frozen=True, eq=False)
class Normal:
    """A normal law for each seed: its mean, and a lower triangular root of its covariance."""

    mean: Float64[ndarray, "seed d"]
    root: Float64[ndarray, "seed d d"]


class Gaussian(Laboratory):
    """A normal law in d dimensions, original mean 0 and covariance 1."""

    name: ClassVar[str] = "gaussian"
    regimes: ClassVar[tuple[str, ...]] = (
        "replace",
        "accumulate",
        "subsample",
        "preserve",
        "fresh",
        "edit",
        "weighted",
        "mixed",
    )
    measures: ClassVar[Mapping[str, str]] = {
        "mean": "the mean of the first coordinate, in original standard deviations",
        "mean_error": "squared distance of the mean from the original one, over the original total variance",
        "variance": "total variance, over the original one",
        "log_variance": "logarithm of the determinant of the covariance, in nats; the original has 0",
        "std": "standard deviation of the first coordinate",
        "w2": "squared Wasserstein-2 distance to the original law, in units of its variance",
        "tail_mass": "twice the mass beyond two original standard deviations, on the side that has less",
    }
    risk: ClassVar[str] = "w2"
    spread: ClassVar[str] = "variance"
    tail: ClassVar[str] = "tail_mass"

    samples: Annotated[int, Field(ge=2)] = 100
    dimension: Annotated[int, Field(ge=1)] = 1
    ddof: Literal[0, 1] = 1
    rows: bool = False  # draw rows one by one instead of the moments that suffice

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.samples <= self.dimension:
            raise ValueError(
                f"{self.samples} samples give no covariance in {self.dimension} dimensions that is not singular; "
                f"at least {self.dimension + 1} are needed"
            )
        return self

    def suited(self, regime: Regime) -> Self:
        """Rows where the regime asks for single rows, else moments."""
        asked = bool(regime.asks & {"thin", "swap"})
        return self.model_copy(update={"rows": True}) if asked else self

    def original(self, seeds: int) -> Normal:
        """Mean 0 and covariance 1."""
        root = np.broadcast_to(np.eye(self.dimension), (seeds, self.dimension, self.dimension))
        return Normal(np.zeros((seeds, self.dimension)), root)

    def real(self, count: int, *, seeds: int, rng: Generator) -> Moments | Rows:
        """New rows from the original law, or their moments."""
        return self._made(self.original(seeds), count, rng)

    def drawn(self, model: Normal, count: int, *, like: object, rng: Generator) -> Moments | Rows:
        """New rows from a model, or their moments."""
        return self._made(model, count, rng)

    def fitted(self, material: Moments | Rows, *, before: object, rng: Generator) -> Normal:
        """Mean and covariance, divided by the number of rows less `ddof`."""
        moments = Moments.of(material) if isinstance(material, Rows) else material
        covariance = moments.covariance * (moments.weight / (moments.weight - self.ddof))
        return Normal(moments.mean, rooted(covariance))

    def measured(self, model: Normal) -> dict[str, Float[ndarray, "seed"]]:
        """The measures by name."""
        with np.errstate(divide="ignore"):
            log_variance = 2 * np.log(np.diagonal(model.root, axis1=1, axis2=2)).sum(axis=1)
        mean_error = (model.mean**2).mean(axis=1)
        variance = (model.root**2).sum(axis=(1, 2)) / self.dimension
        std = np.sqrt((model.root[:, 0] ** 2).sum(axis=1))
        across = (np.abs(model.root[:, 0, 0]) if self.dimension == 1 else _nuclear(model.root)) / self.dimension
        mean = model.mean[:, 0]
        return {
            "mean": mean,
            "mean_error": mean_error,
            "variance": variance,
            "log_variance": log_variance,
            "std": std,
            "w2": self.dimension * (mean_error + variance + 1 - 2 * across),
            "tail_mass": _beyond(mean, std),
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms for this regime."""
        k, n, ddof = np.arange(generations + 1.0), self.samples, self.ddof
        if regime.name == "replace":
            return self._replaced(k)
        if regime.name == "accumulate":
            return [
                Curve("variance", forms.accumulate_variance, forms.accumulate_variance(k, n=n, ddof=ddof)),
                Curve("mean_error", forms.accumulate_mean, forms.accumulate_mean(k, n=n, ddof=ddof)),
            ]
        return []

    def _replaced(self, k: Float64[ndarray, "generation"]) -> list[Curve]:
        n, d, ddof = self.samples, self.dimension, self.ddof
        curves = [
            Curve("variance", forms.replace_variance, forms.replace_variance(k, n=n, ddof=ddof)),
            Curve("mean_error", forms.replace_mean, forms.replace_mean(k, n=n, ddof=ddof)),
            Curve("log_variance", forms.log_determinant, forms.log_determinant(k, n=n, d=d, ddof=ddof)),
        ]
        if d == 1:
            curves += [
                Curve("std", forms.replace_std, forms.replace_std(k, n=n, ddof=ddof)),
                Curve("w2", forms.replace_w2, forms.replace_w2(k, n=n, ddof=ddof)),
            ]
        return curves

    def _made(self, law: Normal, count: int, rng: Generator) -> Moments | Rows:
        seeds, d = law.mean.shape
        if self.rows:
            noise = rng.standard_normal((seeds, count, d))
            return Rows(law.mean[:, None] + noise @ np.swapaxes(law.root, 1, 2))
        return sampled_moments(law, count, rng=rng)


def sampled_moments(law: Normal, count: int, *, rng: Generator) -> Moments:
    """The moments of so many normal rows: the mean is normal, the scatter is Wishart (Bartlett's decomposition)."""
    seeds, d = law.mean.shape
    if count == 0:
        return Moments(0.0, law.mean, np.zeros_like(law.root))
    mean = law.mean + (law.root @ rng.standard_normal((seeds, d, 1)))[:, :, 0] / np.sqrt(count)
    if d == 1:
        scatter = rng.chisquare(count - 1, size=(seeds, 1, 1)) if count > 1 else np.zeros((seeds, 1, 1))
        return Moments(float(count), mean, law.root**2 * scatter / count)
    triangle = law.root @ bartlett(count - 1, seeds=seeds, d=d, rng=rng)
    return Moments(float(count), mean, triangle @ np.swapaxes(triangle, 1, 2) / count)


def bartlett(freedom: int, *, seeds: int, d: int, rng: Generator) -> Float64[ndarray, "seed d d"]:
    """A root of a standard Wishart matrix for each seed, lower triangular where there is freedom enough.

    Source: Bartlett 1933; with fewer degrees of freedom than dimensions the normal rows themselves are a root.
    """
    if freedom < d:
        rows = np.zeros((seeds, d, d))
        rows[:, :, :freedom] = rng.standard_normal((seeds, d, freedom))
        return rows
    triangle = np.tril(rng.standard_normal((seeds, d, d)), k=-1)
    at = np.arange(d)
    triangle[:, at, at] = np.sqrt(rng.chisquare(freedom - at, size=(seeds, d)))
    return triangle


def rooted(covariance: Float64[ndarray, "seed d d"]) -> Float64[ndarray, "seed d d"]:
    """Lower triangular roots of covariances."""
    return np.sqrt(covariance) if covariance.shape[1] == 1 else np.linalg.cholesky(covariance)


def _nuclear(root: Float64[ndarray, "seed d d"]) -> Float64[ndarray, "seed"]:
    """The trace of the symmetric root of each covariance: the sum of the singular values of any root."""
    return np.linalg.svd(root, compute_uv=False).sum(axis=1)


def _beyond(mean: Float64[ndarray, "seed"], std: Float64[ndarray, "seed"]) -> Any:
    """Twice the mass beyond the tail's beginning on the side that has less, of normal laws."""
    safe = np.where(std > 0, std, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        return 2 * ndtr((-TAIL - np.abs(mean)) / safe)
