"""The Gaussian laboratory: each generation fits mean and covariance, in one dimension or many.

Theorem 3.1 of the Nature paper divides by n - 1 and its notebook by n: `ddof` is 1 or 0, and the two end differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator
from scipy.special import ndtr, ndtri

from uncollapse.collapse.feeding import edited_so_far
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Moments, Rows
from uncollapse.collapse.pooled import anchor_of, moments
from uncollapse.collapse.regimes import REGIMES, Edit, Regime, Verify
from uncollapse.collapse.rounding import Precision, rounded
from uncollapse.collapse.theory import Curve, Form, pools
from uncollapse.collapse.theory import gaussian as forms
from uncollapse.collapse.verification import let_through
from uncollapse.errors import UsageError

START_MEAN, START_VARIANCE = 1.0, 2.0  # where an optimiser begins, every generation anew
STEP = 0.5  # of the way to the fit, in each of its steps
TAIL = 2.0  # original standard deviations beyond which the tail of a coordinate begins


@dataclass(frozen=True, eq=False)
class Normal:
    """A normal law for each seed: its mean, and a lower triangular root of its covariance."""

    mean: Float64[ndarray, "seed d"]
    root: Float64[ndarray, "seed d d"]


class Gaussian(Laboratory):
    """A normal law in d dimensions, original mean 0 and covariance 1.

    Each source of error can be switched by itself: `sampling` off is as many samples as one likes; `peaks` above 0
    makes the original two normal laws that far apart (in one dimension, total variance still 1), which one cannot
    express; `steps` above 0 fits by so many steps of an optimiser; `precision` rounds rows and parameters.
    """

    name: ClassVar[str] = "gaussian"
    regimes: ClassVar[tuple[str, ...]] = tuple(REGIMES)
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
    sampling: bool = True
    peaks: Annotated[float, Field(ge=0, lt=2)] = 0.0
    steps: Annotated[int, Field(ge=0)] = 0
    precision: Precision = "float64"
    rows: bool = False  # draw rows one by one instead of the moments that suffice

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.samples <= self.dimension:
            raise ValueError(
                f"{self.samples} samples give no covariance in {self.dimension} dimensions that is not singular; "
                f"at least {self.dimension + 1} are needed"
            )
        if self.dimension > 1 and (self.peaks or self.steps or self.precision != "float64"):
            raise ValueError("peaks, steps and precision are for one dimension")
        return self

    @property
    def plain(self) -> bool:
        """Whether sampling is the only source of error, as the closed forms have it."""
        return self.sampling and not self.peaks and not self.steps and self.precision == "float64"

    def suited(self, regime: Regime) -> Self:
        """Rows where the regime asks for single rows, else moments."""
        asked = bool(regime.asks & {"thin", "swap"}) or (self.sampling and self.precision != "float64")
        return self.model_copy(update={"rows": True}) if asked else self

    def original(self, seeds: int) -> Normal:
        """Mean 0 and covariance 1."""
        root = np.broadcast_to(np.eye(self.dimension), (seeds, self.dimension, self.dimension))
        return Normal(np.zeros((seeds, self.dimension)), root)

    def real(self, count: int, *, seeds: int, rng: Generator) -> Moments | Rows:
        """New rows from the original law, or their moments."""
        if not self.peaks or not self.sampling:
            return self._made(self.original(seeds), count, rng)
        centre = self.peaks / 2
        noise = np.sqrt(1 - centre**2) * rng.standard_normal((seeds, count, 1))
        rows = Rows(rounded(noise + centre * rng.choice([-1.0, 1.0], size=(seeds, count, 1)), self.precision))
        return rows if self.rows or count == 0 else Moments.of(rows)

    def drawn(self, model: Normal, count: int, *, like: object, rng: Generator) -> Moments | Rows:
        """New rows from a model, or their moments."""
        return self._made(model, count, rng)

    def verified(self, model: Normal, like: Any, *, regime: Verify, rng: Generator) -> Rows:
        """New rows from a model that a verifier has let through."""
        seeds, d = model.mean.shape

        def propose() -> tuple[Float64[ndarray, "seed row d"], Float64[ndarray, "seed row"]]:
            noise = rng.standard_normal((seeds, like.size, d))
            rows = model.mean[:, None] + noise @ np.swapaxes(model.root, 1, 2)
            with np.errstate(divide="ignore"):
                scale = np.log(np.abs(np.diagonal(model.root, axis1=1, axis2=2))).sum(axis=1)
            return rows, self._log_original(rows) + (noise**2).sum(axis=2) / 2 + scale[:, None]

        return Rows(rounded(let_through(propose, regime=regime, rng=rng), self.precision))

    def _log_original(self, rows: Float64[ndarray, "seed row d"]) -> Float64[ndarray, "seed row"]:
        """The logarithm of the original density, but for the constant that every normal density has."""
        if not self.peaks:
            return -(rows**2).sum(axis=2) / 2
        centre, at = self.peaks / 2, rows[:, :, 0]
        variance = 1 - centre**2
        both = np.logaddexp(-((at - centre) ** 2) / (2 * variance), -((at + centre) ** 2) / (2 * variance))
        return both - np.log(2) - np.log(variance) / 2

    def refuse(self, regime: Regime) -> None:
        """Nothing, where this laboratory can have the regime.

        Raises:
            UsageError: a verifier is asked for and there are no rows that it could judge.
        """
        super().refuse(regime)
        if regime.name == "verify" and not self.sampling:
            raise UsageError(
                "verify judges rows, and samples = inf has none", hint="give --samples a number, 100 for example"
            )

    def fitted(self, material: Moments | Rows, *, before: object, rng: Generator) -> Normal:
        """Mean and covariance, divided by the number of rows less `ddof`."""
        moments = Moments.of(material) if isinstance(material, Rows) else material
        root = rooted(moments.covariance) if moments.root is None else moments.root
        if self.sampling:
            root = root * np.sqrt(moments.weight / (moments.weight - self.ddof))
        mean = moments.mean
        if self.steps:
            left = (1 - STEP) ** self.steps
            mean = mean + left * (START_MEAN - mean)
            root = np.sqrt(root**2 + left * (START_VARIANCE - root**2))
        return Normal(rounded(mean, self.precision), rounded(root, self.precision))

    def measured(self, model: Normal) -> dict[str, Float[ndarray, "seed"]]:
        """The measures by name."""
        with np.errstate(divide="ignore"):
            log_variance = 2 * np.log(np.abs(np.diagonal(model.root, axis1=1, axis2=2))).sum(axis=1)
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
            "w2": self.dimension * (mean_error + variance + 1 - 2 * across * self._likeness),
            "tail_mass": _beyond(mean, std),
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms for this regime."""
        if not self.plain:
            return []
        k, n, ddof = np.arange(generations + 1.0), self.samples, self.ddof
        if regime.name == "replace":
            return self._replaced(k)
        if regime.name == "accumulate":
            return [
                Curve("variance", forms.accumulate_variance, forms.accumulate_variance(k, n=n, ddof=ddof)),
                Curve("mean_error", forms.accumulate_mean, forms.accumulate_mean(k, n=n, ddof=ddof)),
            ]
        form: Form[..., Any]
        if isinstance(regime, Edit) and regime.mask == "random":
            edits = np.diff(list(islice(edited_so_far(regime, n), generations + 1))).tolist()
            expected, form = forms.edited(k, n=n, edits=edits, ddof=ddof), forms.edited
        else:
            anchor = anchor_of(regime, samples=n)
            if anchor is None:
                return self._pooled(regime, k)
            expected, form = forms.anchored(k, anchor=anchor, first=n, ddof=ddof), forms.anchored
        return [Curve("mean_error", form, expected.mean), Curve("variance", form, expected.variance)]

    def _pooled(self, regime: Regime, k: Float64[ndarray, "generation"]) -> list[Curve]:
        found = moments(regime, generations=len(k) - 1, samples=self.samples, refit=pools.Refit(ddof=self.ddof))
        if found is None:
            return []
        form, expected = found
        return [Curve("mean_error", form, expected.mean), Curve("variance", form, expected.variance)]

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

    @property
    def _likeness(self) -> float:
        """The integral of the original's quantile function times the normal one: 1 for a normal law, else less."""
        return _likeness(self.peaks) if self.peaks else 1.0

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes a seed takes: a few matrices, and its rows where there are rows."""
        drawn = self.peaks > 0 or self.suited(regime).rows or regime.name == "verify"
        rows = super().footprint(regime, generations=generations) if drawn else 0
        return 80 * self.dimension**2 + rows * self.dimension

    def _made(self, law: Normal, count: int, rng: Generator) -> Moments | Rows:
        seeds, d = law.mean.shape
        if not self.sampling:
            return Moments(float(count), law.mean, law.root @ np.swapaxes(law.root, 1, 2))
        if self.rows:
            noise = rng.standard_normal((seeds, count, d))
            return Rows(rounded(law.mean[:, None] + noise @ np.swapaxes(law.root, 1, 2), self.precision))
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
    root = law.root @ bartlett(count - 1, seeds=seeds, d=d, rng=rng) / np.sqrt(count)
    return Moments(float(count), mean, root @ np.swapaxes(root, 1, 2), root)


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
    """Lower triangular roots of covariances, also of those that have become singular to rounding."""
    if covariance.shape[1] == 1:
        return np.sqrt(covariance)
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
        return np.swapaxes(np.linalg.qr(np.swapaxes(root, 1, 2), mode="r"), 1, 2)


@cache
def _likeness(peaks: float) -> float:
    """The same, for two normal laws this far apart with total variance 1, by the midpoint rule over their mass."""
    centre = peaks / 2
    width = np.sqrt(1 - centre**2)
    places = np.linspace(-6, 6, 200_001)
    below = (ndtr((places - centre) / width) + ndtr((places + centre) / width)) / 2
    inside = (below[1:] + below[:-1]) / 2
    middle = (places[1:] + places[:-1]) / 2
    finite = np.clip(inside, np.finfo(float).tiny, 1 - np.finfo(float).eps)
    return float((np.diff(below) * middle * ndtri(finite)).sum())


def _nuclear(root: Float64[ndarray, "seed d d"]) -> Float64[ndarray, "seed"]:
    """The trace of the symmetric root of each covariance: the sum of the singular values of any root."""
    return np.linalg.svd(root, compute_uv=False).sum(axis=1)


def _beyond(mean: Float64[ndarray, "seed"], std: Float64[ndarray, "seed"]) -> Any:
    """Twice the mass beyond the tail's beginning on the side that has less, of normal laws."""
    safe = np.where(std > 0, std, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        return 2 * ndtr((-TAIL - np.abs(mean)) / safe)
