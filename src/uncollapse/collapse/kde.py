"""The kernel density laboratory: each generation smooths its data with a Gaussian kernel and draws anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field
from scipy.special import ndtr

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.pooled import anchor_of, moments
from uncollapse.collapse.regimes import REGIMES, Regime, Verify
from uncollapse.collapse.theory import Curve, Form, pools
from uncollapse.collapse.theory import kernel as forms
from uncollapse.collapse.verification import let_through

TAIL = 2.0  # original standard deviations beyond which the tail begins


@dataclass(frozen=True, eq=False)
class Kernels:
    """A density for each seed: rows, each under a normal kernel of this width."""

    rows: Rows
    width: float


class Kde(Laboratory):
    """A kernel density estimate of a standard normal law."""

    name: ClassVar[str] = "kde"
    regimes: ClassVar[tuple[str, ...]] = tuple(REGIMES)
    measures: ClassVar[Mapping[str, str]] = {
        "mean": "mean of the training data, in original standard deviations",
        "sample_variance": "variance (ddof 0) of the training data, over the original one",
        "variance": "variance of the model: that of the data and of the kernel",
        "log_variance": "logarithm of the model's variance, in nats",
        "tail_mass": "mass of the model beyond two original standard deviations",
        "kl": "divergence of the normal law with the model's mean and variance from the original one, in nats",
    }
    risk: ClassVar[str] = "kl"
    spread: ClassVar[str] = "variance"
    tail: ClassVar[str] = "tail_mass"

    samples: Annotated[int, Field(ge=2)] = 100
    bandwidth: Annotated[float, Field(gt=0)] = 0.5

    def original(self, seeds: int) -> Kernels:
        """The standard normal law: a kernel of width 1 around 0."""
        return Kernels(Rows(np.zeros((seeds, 1))), 1.0)

    def real(self, count: int, *, seeds: int, rng: Generator) -> Rows:
        """New rows from the standard normal law."""
        return Rows(rng.standard_normal((seeds, count)))

    def drawn(self, model: Kernels, count: int, *, like: object, rng: Generator) -> Rows:
        """New rows: an old one at random, by weight, and a step of the kernel's width."""
        values = model.rows.values
        seeds = len(values)
        if model.rows.weights is None:
            chosen = rng.integers(model.rows.size, size=(seeds, count))
        else:
            chosen = np.searchsorted(np.cumsum(model.rows.shares)[:-1], rng.random((seeds, count)), side="right")
        centres = np.take_along_axis(values, chosen, axis=1)
        return Rows(centres + model.width * rng.standard_normal((seeds, count)))

    def verified(self, model: Kernels, like: Any, *, regime: Verify, rng: Generator) -> Rows:
        """New rows from a model that a verifier has let through."""
        values, width = model.rows.values, model.width

        def propose() -> tuple[Float64[ndarray, "seed row"], Float64[ndarray, "seed row"]]:
            rows = self.drawn(model, like.size, like=like, rng=rng).values
            near = np.exp(-(((rows[:, :, None] - values[:, None]) / width) ** 2) / 2) @ model.rows.shares
            return rows, -(rows**2) / 2 - np.log(near) + np.log(width)

        return Rows(let_through(propose, regime=regime, rng=rng))

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes of one seed's rows; a verifier looks at each row from each kernel."""
        pairs = 24 * self.samples**2 if regime.name == "verify" else 0
        return super().footprint(regime, generations=generations) + pairs

    def fitted(self, material: Rows, *, before: object, rng: Generator) -> Kernels:
        """The rows under kernels."""
        return Kernels(material, self.bandwidth)

    def measured(self, model: Kernels) -> dict[str, Float[ndarray, "seed"]]:
        """The measures by name."""
        values, shares, width = model.rows.values, model.rows.shares, model.width
        mean = values @ shares
        sample_variance = (values - mean[:, None]) ** 2 @ shares
        # The one row of the original law has no variance; its kernel has it all.
        variance = sample_variance + width**2
        tail = (ndtr((-TAIL - values) / width) + ndtr((values - TAIL) / width)) @ shares
        return {
            "mean": mean,
            "sample_variance": sample_variance if values.shape[1] > 1 else variance,
            "variance": variance,
            "log_variance": np.log(variance),
            "tail_mass": tail,
            "kl": 0.5 * (variance + mean**2 - 1 - np.log(variance)),
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms for this regime."""
        n, h = self.samples, self.bandwidth
        form: Form[..., Any]
        if regime.name == "replace":
            held, form = forms.replace_variance(np.arange(float(generations)), n=n, bandwidth=h), forms.replace_variance
        elif regime.name == "accumulate":
            held, form = forms.accumulate_variance(generations, n=n, bandwidth=h), forms.accumulate_variance
        else:
            found = self._pooled(regime, generations)
            if found is None:
                return []
            form, held = found[0], found[1].variance[1:] - h**2
        return [
            Curve("sample_variance", form, held, start=1),
            Curve("variance", form, held + h**2, start=1),
        ]

    def _pooled(self, regime: Regime, generations: int) -> tuple[Form[..., Any], pools.Expected] | None:
        """The form where training sets mix rows of several laws; a model's variance is its rows' and the kernel's."""
        refit, anchor = pools.Refit(added=self.bandwidth**2), anchor_of(regime, samples=self.samples)
        if anchor is None:
            return moments(regime, generations=generations, samples=self.samples, refit=refit)
        k = np.arange(generations + 1.0)
        return pools.anchored_laws, pools.anchored_laws(k, anchor=anchor, first=self.samples, refit=refit)
