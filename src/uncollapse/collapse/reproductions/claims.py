"""Claims: what was published, what came out here, and whether the two meet."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

Z = 2.576  # standard errors on either side of ours: 99 of 100 intervals hold what is true


class Measured(NamedTuple):
    """A number of ours with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published number or relation (`< 2`, `> 0`) with its source, and ours with its interval.

    A number is met when it lies in the interval, its own last printed digit taken into account; `<` and `>` when the
    whole interval obeys them, `<=` and `>=` (bounds that may be tight) when the interval does not contradict them.
    `note` says what was reduced and why the two differ where they do.
    """

    what: str
    source: str
    published: str
    ours: Measured
    note: str = ""

    @property
    def inside(self) -> bool:
        """Whether ours and theirs meet."""
        relation = re.match(r"[<>]=?", self.published)
        if relation:
            bound = float(self.published[relation.end() :])
            low, high = self.ours.low, self.ours.high
            held = {"<": high < bound, ">": low > bound, "<=": low <= bound, ">=": high >= bound}
            return bool(held[relation[0]])
        value = float(self.published)
        half_digit = 0.5 * 10.0 ** -len(self.published.partition(".")[2])
        return bool(self.ours.low - half_digit <= value <= self.ours.high + half_digit)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a reproduction came to: the paper, what was run, and its claims in order."""

    name: str
    paper: str
    protocol: str
    claims: Sequence[Claim]
    missing: str = ""  # what of the paper is not here, and why

    @property
    def met(self) -> int:
        """How many claims are met."""
        return sum(claim.inside for claim in self.claims)


Reached: TypeAlias = Callable[[str], object]  # is told how far a study is


def settled(*parts: Iterable[Claim], reached: Reached) -> list[Claim]:
    """The claims of all parts in order; `reached` is told after each how many there are."""
    claims: list[Claim] = []
    for claim in chain.from_iterable(parts):
        claims.append(claim)
        reached(f"{len(claims)} claims settled, the last one: {claim.what}")
    return claims


def sampled(values: Float[ndarray, "seed"], *, error: float = 0.0) -> Measured:
    """A mean over seeds; `error` is the standard error of the published number, where that is known."""
    both = float(np.hypot(values.std(ddof=1) / np.sqrt(len(values)), error))
    middle = float(values.mean())
    return Measured(middle, middle - Z * both, middle + Z * both)


def spread(values: Float[ndarray, "seed"], *, repetitions: int) -> Measured:
    """A standard deviation over seeds, set against one that was printed after so many repetitions.

    Both have the relative error sqrt((kurtosis - 1)/(4 n)) of a standard deviation.
    """
    centred = values - values.mean()
    middle = float(values.std(ddof=1))
    kurtosis = float((centred**4).mean() / (centred**2).mean() ** 2)
    error = middle * np.sqrt((kurtosis - 1) / 4 * (1 / len(values) + 1 / repetitions))
    return Measured(middle, float(middle - Z * error), float(middle + Z * error))


def counted(hits: Bool[ndarray, "seed"]) -> Measured:
    """A share of the seeds, with Wilson's interval."""
    share, n = float(hits.mean()), len(hits)
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    width = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return Measured(share, float(centre - width), float(centre + width))


def exact(value: float, *, within: float = 0.0) -> Measured:
    """A number that is computed and not sampled; `within` is how far the setting lets it be off."""
    return Measured(value, value - within, value + within)
