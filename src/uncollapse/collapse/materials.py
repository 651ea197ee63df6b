"""Materials: the training data of all seeds at once, as rows, as counts, or as the moments that suffice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped
from numpy import ndarray
from numpy.random import Generator


@runtime_checkable
class Material(Protocol):
    """What a fit is given, for all seeds at once.

    A regime asks more of it (see `Regime.asks`), and a laboratory that has the regime gives it a kind that can do it:
    `joined(other)`, the rows of both; `thinned(count, rng=)`, so many of the rows without replacement;
    `swapped(new, mask)`, the rows but those of `new` where the mask is true; `weighed(weight)`, each row worth so much.
    """

    @property
    def size(self) -> int:
        """How many rows each seed has."""
        ...


def together(parts: Sequence[Any]) -> Any:
    """The rows of all parts that have any."""
    return reduce(lambda left, right: left.joined(right), [part for part in parts if part.size])


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows themselves: the axes are seed, row, and whatever a row has. `weights` has one number for each row."""

    values: Shaped[ndarray, "seed row *shape"]
    weights: Float64[ndarray, "row"] | None = None

    @property
    def size(self) -> int:
        """How many rows each seed has."""
        return self.values.shape[1]

    @property
    def shares(self) -> Float64[ndarray, "row"]:
        """The weight of each row; they sum to 1."""
        weights = np.ones(self.size) if self.weights is None else self.weights
        return weights / weights.sum()

    def joined(self, other: "Rows") -> "Rows":
        """The rows of both."""
        weights = None
        if self.weights is not None or other.weights is not None:
            weights = np.concatenate([_weights(self), _weights(other)])
        return Rows(np.concatenate([self.values, other.values], axis=1), weights)

    def thinned(self, count: int, *, rng: Generator) -> "Rows":
        """So many of the rows, drawn without replacement, for each seed by itself."""
        chosen = choose(self.size, count, seeds=len(self.values), rng=rng)
        return Rows(self.values[np.arange(len(chosen))[:, None], chosen])

    def swapped(self, new: "Rows", mask: Bool[ndarray, "seed row"]) -> "Rows":
        """The rows, but those of `new` where the mask is true."""
        wide = mask.reshape(mask.shape + (1,) * (self.values.ndim - 2))
        return Rows(np.where(wide, new.values, self.values))

    def weighed(self, weight: float) -> "Rows":
        """The same rows, each worth this much."""
        return replace(self, weights=_weights(self) * weight)


@dataclass(frozen=True, eq=False)
class Moments:
    """Weight, mean and covariance (ddof 0): all that a normal law is fitted from. Unweighed, the weight is the size."""

    weight: float
    mean: Float64[ndarray, "seed d"]
    covariance: Float64[ndarray, "seed d d"]
    root: Float64[ndarray, "seed d d"] | None = None  # lower triangular, where the covariance came from one

    @property
    def size(self) -> int:
        """How many rows each seed has, rounded up where they were weighed."""
        return int(np.ceil(self.weight))

    @classmethod
    def of(cls, rows: Rows) -> "Moments":
        """The moments of rows, which are vectors."""
        values, shares = rows.values.astype(np.float64), rows.shares
        weight = float(rows.size if rows.weights is None else rows.weights.sum())
        mean = np.einsum("snd,n->sd", values, shares)
        centred = values - mean[:, None]
        return cls(weight, mean, np.einsum("snd,sne,n->sde", centred, centred, shares))

    def joined(self, other: "Moments") -> "Moments":
        """The moments of both together.

        Source: Chan, Golub & LeVeque 1983, eq. 2.1.
        """
        weight = self.weight + other.weight
        mine, theirs = self.weight / weight, other.weight / weight
        gap = other.mean - self.mean
        covariance = mine * self.covariance + theirs * other.covariance
        covariance += mine * theirs * gap[:, :, None] * gap[:, None, :]
        return Moments(weight, self.mean + theirs * gap, covariance)

    def weighed(self, weight: float) -> "Moments":
        """The same rows, each worth this much."""
        return replace(self, weight=self.weight * weight)


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each state was seen."""

    counts: Float[ndarray, "seed state"] | Int[ndarray, "seed state"]
    rows: int

    @property
    def size(self) -> int:
        """How many rows each seed has."""
        return self.rows

    @classmethod
    def of(cls, rows: Rows, *, states: int) -> "Counts":
        """The counts of rows, each the number of a state."""
        seeds = len(rows.values)
        places = (rows.values + states * np.arange(seeds)[:, None]).ravel()
        counts = np.bincount(places, minlength=seeds * states).reshape(seeds, states)
        return cls(counts, rows.size)

    def joined(self, other: "Counts") -> "Counts":
        """The counts of both."""
        return Counts(self.counts + other.counts, self.rows + other.rows)

    def thinned(self, count: int, *, rng: Generator) -> "Counts":
        """So many of the rows, drawn without replacement."""
        drawn = [
            rng.multivariate_hypergeometric(row, count, method="marginals") for row in self.counts.astype(np.int64)
        ]
        return Counts(np.stack(drawn), count)

    def weighed(self, weight: float) -> "Counts":
        """The same rows, each worth this much."""
        return Counts(self.counts * weight, self.rows)


def choose(size: int, count: int, *, seeds: int, rng: Generator) -> Int[ndarray, "seed count"]:
    """Row numbers, `count` of `size` for each seed, none twice."""
    if count >= size:
        return np.broadcast_to(np.arange(size), (seeds, size))
    return np.argpartition(rng.random((seeds, size), dtype=np.float32), count - 1, axis=1)[:, :count]


def _weights(rows: Rows) -> Float64[ndarray, "row"]:
    return np.ones(rows.size) if rows.weights is None else rows.weights
