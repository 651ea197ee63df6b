"""The mixture laboratory: modes in a row, refitted by expectation-maximisation, and lost one after the other.

With fewer components than modes it shows the error of a family that cannot hold the law: one Gaussian for two.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator

from uncollapse.collapse import mixture_model
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.mixture_model import Mixture
from uncollapse.collapse.regimes import REGIMES, Regime, Verify
from uncollapse.collapse.theory import Curve
from uncollapse.collapse.theory import discrete as forms
from uncollapse.collapse.verification import let_through

AS_MANY = 0  # components: one for each mode
# Original standard deviations beyond a mode at which its tail begins.
TAIL = 2.0
# Between neighbours so far apart fewer than 3 rows in 1,000 lie nearer to the wrong one, and modes are drawn as states.
APART = 6.0
# Numbers that are held for each row and component while a fit runs.
HELD = 6


class Mixtures(Laboratory):
    """Normal modes of covariance 1 and equal mass, at equal distances along the first coordinate."""

    name: ClassVar[str] = "mixture"
    regimes: ClassVar[tuple[str, ...]] = tuple(REGIMES)
    measures: ClassVar[Mapping[str, str]] = {
        "modes": "original modes around which the model has one row of a training set or more",
        "smallest_mode": "mass of the model around the original mode that has least of it",
        "heterozygosity": "chance that two rows of the model lie around different original modes",
        "variance": "variance of the model, a mean over dimensions",
        "within_variance": "variance within the model's components, a mean over dimensions; the original has 1",
        "log_variance": "logarithm of the variance within components, in nats",
        "tail_mass": f"twice the mass more than {TAIL:g} outside the outermost modes, on the side that has less",
        "between": "mass in the gaps between the original modes' tails, less what the original has there",
        "l2": "integral of the squared difference of the densities of model and original",
        "w2": "squared Wasserstein-2 distance of the first coordinate from the original's (a mode has variance 1)",
    }
    risk: ClassVar[str] = "w2"
    spread: ClassVar[str] = "within_variance"
    tail: ClassVar[str] = "tail_mass"
    modes: ClassVar[str] = "modes"
    invented: ClassVar[str] = "between"

    clusters: Annotated[int, Field(ge=1)] = 2
    components: Annotated[int, Field(ge=AS_MANY)] = AS_MANY
    dimension: Annotated[int, Field(ge=1)] = 1
    spacing: Annotated[float, Field(gt=0)] = 6.0
    start: Literal["warm", "cold"] = "warm"
    rounds: Annotated[int, Field(ge=1)] = 15

    @model_validator(mode="after")
    def _enough(self) -> Self:
        least = self.fitted_components * (self.dimension + 1)
        if self.samples < least:
            raise ValueError(
                f"{self.samples} samples are too few for {self.fitted_components} components in {self.dimension} "
                f"dimensions; at least {least} are needed"
            )
        return self

    @property
    def fitted_components(self) -> int:
        """How many components are fitted."""
        return self.components or self.clusters

    @cached_property
    def centres(self) -> Float64[ndarray, "m"]:
        """Where the original modes lie along the first coordinate."""
        return self.spacing * (np.arange(self.clusters) - (self.clusters - 1) / 2)

    def original(self, seeds: int) -> Mixture:
        """The modes."""
        means = np.zeros((seeds, self.clusters, self.dimension))
        means[:, :, 0] = self.centres
        weights = np.full((seeds, self.clusters), 1 / self.clusters)
        covariances = np.tile(np.eye(self.dimension), (seeds, self.clusters, 1, 1))
        return Mixture(weights, means, covariances)

    def real(self, count: int, *, seeds: int, rng: Generator) -> Rows:
        """New rows from the original law."""
        return Rows(mixture_model.draw(self.original(seeds), count, rng=rng))

    def drawn(self, model: Mixture, count: int, *, like: object, rng: Generator) -> Rows:
        """New rows from a model."""
        return Rows(mixture_model.draw(model, count, rng=rng))

    def verified(self, model: Mixture, like: Any, *, regime: Verify, rng: Generator) -> Rows:
        """New rows from a model that a verifier has let through."""
        original = self.original(len(model.weights))

        def propose() -> tuple[Float64[ndarray, "seed row d"], Float64[ndarray, "seed row"]]:
            rows = mixture_model.draw(model, like.size, rng=rng)
            return rows, mixture_model.log_density(original, rows) - mixture_model.log_density(model, rows)

        return Rows(let_through(propose, regime=regime, rng=rng))

    def fitted(self, material: Rows, *, before: Mixture, rng: Generator) -> Mixture:
        """The mixture that so many rounds come to: from the model before it (warm), or from rows far apart (cold).

        The first fit has the original modes for a warm start, where there are as many components as modes.
        """
        warm = self.start == "warm" and before.weights.shape[1] == self.fitted_components
        start = before if warm else self._cold(material, rng=rng)
        fit = mixture_model.fitted(
            material.values, start=start, shares=material.shares, rounds=self.rounds, tolerance=0.0
        )
        return fit.mixture

    def measured(self, model: Mixture) -> dict[str, Float64[ndarray, "seed"]]:
        """The measures by name."""
        original = self.original(len(model.weights))
        middles = (self.centres[1:] + self.centres[:-1]) / 2
        mass = mixture_model.mass_between(model, middles)
        total, within = mixture_model.variance(model)
        low, gaps, high = self._outside(model)
        with np.errstate(divide="ignore"):
            log_variance = np.log(within)
        return {
            "modes": (mass * self.samples >= 1).sum(axis=1).astype(np.float64),
            "smallest_mode": mass.min(axis=1),
            "heterozygosity": 1 - (mass**2).sum(axis=1),
            "variance": total,
            "within_variance": within,
            "log_variance": log_variance,
            "tail_mass": 2 * np.minimum(low, high),
            "between": gaps - self._outside(original)[1],
            "l2": mixture_model.squared_l2(model, original),
            "w2": mixture_model.squared_w2(model, self.original(1)),
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """Modes far apart are drawn like the states of a discrete law, while each has a component of its own."""
        k, h = np.arange(generations + 1.0), 1 - 1 / self.clusters
        if self.start == "cold" or self.fitted_components != self.clusters or self.spacing < APART:
            return []
        found = {"replace": forms.replace_heterozygosity, "accumulate": forms.accumulate_heterozygosity}
        if regime.name not in found:
            return []
        form = found[regime.name]
        return [Curve("heterozygosity", form, form(k, start=h, draws=self.samples))]

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes of one seed's rows, and of what a fit holds for each of them."""
        pool = generations if regime.name in {"accumulate", "subsample"} else 2
        return 8 * self.samples * self.dimension * (pool + HELD * self.fitted_components * max(pool - 1, 1))

    def _cold(self, material: Rows, *, rng: Generator) -> Mixture:
        return mixture_model.spread_start(material.values, components=self.fitted_components, rng=rng)

    def _outside(self, model: Mixture) -> tuple[Float64[ndarray, "seed"], ...]:
        """The mass before the first mode's tail begins, in the gaps between tails, and after the last one's begins."""
        # Tails of neighbours that overlap leave no gap.
        reach = min(TAIL, self.spacing / 2) if self.clusters > 1 else TAIL
        inner = np.stack([self.centres[:-1] + reach, self.centres[1:] - reach], axis=1).ravel()
        edges = np.concatenate([[self.centres[0] - TAIL], inner, [self.centres[-1] + TAIL]])
        mass = mixture_model.mass_between(model, edges)
        return mass[:, 0], mass[:, 2:-2:2].sum(axis=1), mass[:, -1]
