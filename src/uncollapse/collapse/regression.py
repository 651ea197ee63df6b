"""The regression laboratory: least squares or ridge, each generation's answers with noise taken as the next labels.

With the same design every generation labels the rows that the first one had (as in the theory of token-level editing);
with a fresh one each generation has new rows. True weights have length `signal` along the first axis; noise has
variance 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator

from uncollapse.collapse.feeding import edited_so_far
from uncollapse.collapse.gaussian import bartlett
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import choose
from uncollapse.collapse.pooled import anchor_of, moments
from uncollapse.collapse.regimes import REGIMES, Edit, Regime, Verify
from uncollapse.collapse.theory import Curve, Form, pools
from uncollapse.collapse.theory import regression as forms
from uncollapse.collapse.verification import let_through_in_place

Weights = Float64[ndarray, "seed d"]


@dataclass(frozen=True, eq=False)
class Design:
    """X'X for each seed; its root, to draw labels, and the root's inverse, where there are rows enough for one."""

    gram: Float64[ndarray, "seed d d"]
    root: Float64[ndarray, "seed d d"] | None = None
    half: Float64[ndarray, "seed d d"] | None = None


@dataclass(frozen=True, eq=False)
class Normals:
    """What least squares needs of rows: a design, how many times it was labelled, and its solution or X'y of it all."""

    design: Design
    times: float
    rows: int
    solution: Float64[ndarray, "seed d"] | None = None
    labelled: Float64[ndarray, "seed d"] | None = None

    @property
    def size(self) -> int:
        """How many rows each seed has."""
        return self.rows

    @property
    def gram(self) -> Float64[ndarray, "seed d d"]:
        """X'X of all rows."""
        return self.design.gram * self.times

    @property
    def moment(self) -> Float64[ndarray, "seed d"]:
        """X'y of all rows."""
        if self.labelled is not None:
            return self.labelled
        assert self.solution is not None
        return applied(self.design.gram, self.solution) * self.times

    def joined(self, other: "Normals") -> "Normals":
        """The rows of both; those of one design stay with it."""
        rows, times = self.rows + other.rows, self.times + other.times
        if other.design is self.design and self.solution is not None and other.solution is not None:
            solution = (self.times * self.solution + other.times * other.solution) / times
            return Normals(self.design, times, rows, solution)
        return Normals(Design(self.gram + other.gram), 1.0, rows, labelled=self.moment + other.moment)

    def weighed(self, weight: float) -> "Normals":
        """The same rows, each worth this much."""
        labelled = None if self.labelled is None else self.labelled * weight
        return Normals(self.design, self.times * weight, self.rows, self.solution, labelled)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows with their labels."""

    inputs: Float64[ndarray, "seed row d"]
    labels: Float64[ndarray, "seed row"]

    @property
    def size(self) -> int:
        """How many rows each seed has."""
        return self.labels.shape[1]

    def joined(self, other: "Labelled") -> "Labelled":
        """The rows of both."""
        inputs = np.concatenate([self.inputs, other.inputs], axis=1)
        return Labelled(inputs, np.concatenate([self.labels, other.labels], axis=1))

    def thinned(self, count: int, *, rng: Generator) -> "Labelled":
        """So many of the rows, drawn without replacement, for each seed by itself."""
        chosen = choose(self.size, count, seeds=len(self.labels), rng=rng)
        seeds = np.arange(len(chosen))[:, None]
        return Labelled(self.inputs[seeds, chosen], self.labels[seeds, chosen])

    def swapped(self, new: "Labelled", mask: Bool[ndarray, "seed row"]) -> "Labelled":
        """The rows, but those of `new` where the mask is true."""
        inputs = self.inputs if new.inputs is self.inputs else np.where(mask[:, :, None], new.inputs, self.inputs)
        return Labelled(inputs, np.where(mask, new.labels, self.labels))

    @property
    def normals(self) -> Normals:
        """X'X and X'y."""
        across = np.swapaxes(self.inputs, 1, 2)
        moment = (across @ self.labels[:, :, None])[:, :, 0]
        return Normals(Design(across @ self.inputs), 1.0, self.size, labelled=moment)


class Regression(Laboratory):
    """Least squares or ridge on Gaussian rows, isotropic or with the eigenvalues of a real covariance."""

    name: ClassVar[str] = "regression"
    regimes: ClassVar[tuple[str, ...]] = tuple(REGIMES)
    measures: ClassVar[Mapping[str, str]] = {
        "error": "excess test error: squared distance of the weights in the rows' covariance, in units of sigma^2",
        "error_units": "the same in units of sigma^2 d/(T - d - 1), the expected error of one fit to real labels",
        "norm": "squared length of the weights",
        "bias": "the weight along the true direction, less the true one",
    }
    risk: ClassVar[str] = "error"
    spread: ClassVar[str] = "norm"

    samples: Annotated[int, Field(ge=2)] = 100
    dimension: Annotated[int, Field(ge=1)] = 10
    design: Literal["same", "fresh"] = "same"
    ridge: Annotated[float, Field(ge=0)] = 0.0
    signal: Annotated[float, Field(ge=0)] = 1.0
    eigenvalues: tuple[Annotated[float, Field(gt=0)], ...] = ()  # of the rows' covariance; none stand for all 1
    rows: bool = False  # draw rows one by one instead of X'X and X'y

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.samples <= self.dimension + 1:
            raise ValueError(
                f"{self.samples} samples in {self.dimension} dimensions have no expected error; "
                f"at least {self.dimension + 2} are needed"
            )
        if self.eigenvalues and len(self.eigenvalues) != self.dimension:
            raise ValueError(f"{len(self.eigenvalues)} eigenvalues are not those of {self.dimension} dimensions")
        return self

    @property
    def scales(self) -> Float64[ndarray, "d"]:
        """The standard deviation of each coordinate of the rows, along the axes of their covariance."""
        return np.sqrt(np.array(self.eigenvalues)) if self.eigenvalues else np.ones(self.dimension)

    @property
    def unit(self) -> float:
        """The expected error of one least-squares fit to real labels."""
        return forms.unit(rows=self.samples, d=self.dimension)

    def suited(self, regime: Regime) -> Self:
        """Rows where the regime asks for single rows, else what least squares needs of them."""
        return self.model_copy(update={"rows": True}) if regime.asks & {"thin", "swap", "verify"} else self

    def original(self, seeds: int) -> Weights:
        """The true weights."""
        weights = np.zeros((seeds, self.dimension))
        weights[:, 0] = self.signal
        return weights

    def real(self, count: int, *, seeds: int, rng: Generator) -> Normals | Labelled:
        """New rows with labels from the true weights."""
        return self._made(self.original(seeds), count, like=None, rng=rng)

    def drawn(self, model: Weights, count: int, *, like: Any, rng: Generator) -> Normals | Labelled:
        """New labels from a model: for the rows of `like` with the same design, else for new rows."""
        kept = self.design == "same" and like.size == count
        return self._made(model, count, like=like if kept else None, rng=rng)

    def verified(self, model: Weights, like: Any, *, regime: Verify, rng: Generator) -> Labelled:
        """Labels from a model that a verifier has let through: each row is labelled until a label of it is kept."""
        inputs = like.inputs
        if self.design == "fresh":
            inputs = rng.standard_normal(inputs.shape) * self.scales
        said = (inputs @ model[:, :, None])[:, :, 0]
        beside = said - inputs[:, :, 0] * self.signal

        def propose() -> tuple[Float64[ndarray, "seed row"], Float64[ndarray, "seed row"]]:
            noise = rng.standard_normal(said.shape)
            return said + noise, (noise**2 - (noise + beside) ** 2) / 2

        return Labelled(inputs, let_through_in_place(propose, regime=regime, rng=rng))

    def fitted(self, material: Normals | Labelled, *, before: object, rng: Generator) -> Weights:
        """Least squares, or ridge with the penalty T times `ridge`."""
        normals = material.normals if isinstance(material, Labelled) else material
        if normals.solution is not None and not self.ridge:
            return normals.solution
        penalty = self.ridge * normals.rows * np.eye(self.dimension)
        return np.linalg.solve(normals.gram + penalty, normals.moment[:, :, None])[:, :, 0]

    def measured(self, model: Weights) -> dict[str, Float[ndarray, "seed"]]:
        """The measures by name."""
        gap = (model - self.original(1)) * self.scales
        error = np.einsum("sd,sd->s", gap, gap)
        return {
            "error": error,
            "error_units": error / self.unit,
            "norm": np.einsum("sd,sd->s", model, model),
            "bias": model[:, 0] - self.signal,
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms for this regime; ridge has none here."""
        if self.ridge:
            return []
        k, rows, d = np.arange(generations + 1.0), self.samples, self.dimension
        if regime.name == "replace":
            return self._both(forms.replace_error, forms.replace_error(k, rows=rows, d=d))
        if regime.name == "accumulate":
            form = forms.accumulate_error if self.design == "same" else forms.accumulate_error_fresh
            return self._both(form, form(k, rows=rows, d=d))
        if isinstance(regime, Edit) and self.design == "same":
            return self._edited(regime, k)
        if isinstance(regime, Verify):
            verified = forms.verified_labels(k, phi=regime.phi, psi=regime.psi)
            return [Curve("error_units", forms.verified_labels, verified, statistic="leading order")]
        return self._pooled(regime, k)

    def _pooled(self, regime: Regime, k: Float64[ndarray, "generation"]) -> list[Curve]:
        """The forms where training sets mix labels of several weights: with many rows for each dimension, these are
        means, and their labels' noise is known.
        """
        refit, anchor = pools.Refit(known=True), anchor_of(regime, samples=self.samples)
        if isinstance(regime, Edit):
            return []  # with new designs the swapped rows bring inputs of their own
        if anchor is not None:
            expected = pools.anchored_laws(k, anchor=anchor, first=self.samples, refit=refit)
            found: tuple[Form[..., Any], pools.Expected] | None = (pools.anchored_laws, expected)
        else:
            found = moments(regime, generations=len(k) - 1, samples=self.samples, refit=refit)
        if found is None:
            return []
        form, path = found
        return [Curve("error_units", form, self.samples * path.mean, statistic="leading order")]

    def _edited(self, regime: Edit, k: Float64[ndarray, "generation"]) -> list[Curve]:
        """The leading-order form of these edits, and the exact error for the masks that were meant."""
        edits, q = k[:-1], regime.rate
        form: Form[..., Any]
        if regime.mask == "random":
            form, values = forms.edit_decaying, forms.edit_decaying(edits, q=q, eta=regime.decay)
            form = forms.edit_random if regime.decay == 1 else forms.edit_decaying
        elif regime.decay < 1:
            return []
        elif regime.mask == "same":
            form, values = forms.edit_same, forms.edit_same(edits, q=q)
        else:
            so_far = list(islice(edited_so_far(regime, self.samples), len(k) - 1))
            whole = sum(count <= self.samples for count in so_far)
            form, values = forms.edit_disjoint, forms.edit_disjoint(edits[:whole], q=q)
        return [Curve("error_units", form, values, statistic="leading order", start=1)]

    def _both(self, form: Any, values: Float64[ndarray, "generation"]) -> list[Curve]:
        return [Curve("error", form, values), Curve("error_units", form, values / self.unit)]

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes a seed takes: its design, or the squares of it."""
        rows = self.samples * (generations if regime.name == "subsample" else 2)
        held = rows if self.suited(regime).rows else max(self.samples, 4 * self.dimension)
        return 8 * self.dimension * held + 32 * self.dimension**2

    def _made(self, model: Weights, count: int, *, like: Any, rng: Generator) -> Normals | Labelled:
        seeds, d = model.shape
        if self.rows:
            inputs = rng.standard_normal((seeds, count, d)) * self.scales if like is None else like.inputs
            noise = rng.standard_normal((seeds, count))
            return Labelled(inputs, (inputs @ model[:, :, None])[:, :, 0] + noise)
        design = drawn_design(count, seeds=seeds, scales=self.scales, rng=rng) if like is None else like.design
        noise = rng.standard_normal((seeds, d))
        if design.half is not None:
            # The solution is the model and (X'X)^-1 R times noise, R the root, which is the inverse root transposed.
            return Normals(design, 1.0, count, model + np.einsum("sji,sj->si", design.half, noise))
        assert design.root is not None  # labels are drawn for a design that was drawn, not joined
        labelled = applied(design.gram, model) + applied(design.root, noise)
        return Normals(design, 1.0, count, labelled=labelled)


def drawn_design(count: int, *, seeds: int, scales: Float64[ndarray, "d"], rng: Generator) -> Design:
    """X'X of so many normal rows with these standard deviations, by Bartlett's decomposition."""
    root = scales[:, None] * bartlett(count, seeds=seeds, d=len(scales), rng=rng)
    return Design(root @ np.swapaxes(root, 1, 2), root, np.linalg.inv(root) if count >= len(scales) else None)


def applied(matrix: Float64[ndarray, "seed d d"], vector: Float64[ndarray, "seed d"]) -> Float64[ndarray, "seed d"]:
    """Each seed's matrix times its vector."""
    return np.einsum("sij,sj->si", matrix, vector)
