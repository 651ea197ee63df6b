"""How far proxies can be trusted: whether models of another size put the shares in the same order."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.forecast.draws import LEVEL, Estimate

Interval: TypeAlias = tuple[float, float, float]


class Agreement(NamedTuple):
    """The rank correlations of two sizes over the shares, each with its interval."""

    sizes: tuple[str, str]
    spearman: Interval
    kendall: Interval
    shares: int


def agreements(losses: Mapping[str, Estimate]) -> list[Agreement]:
    """How each two sizes agree on the order of the shares by loss; draws of documents are the same for both."""
    found = []
    for one, other in combinations(losses, 2):
        mine, theirs = losses[one], losses[other]
        ways = [_with_interval(way, mine, theirs) for way in (spearman, kendall)]
        found.append(Agreement((one, other), ways[0], ways[1], len(mine.mean)))
    return found


def _with_interval(way: Callable[[ndarray, ndarray], ndarray], one: Estimate, other: Estimate) -> Interval:
    low, high = np.quantile(way(one.drawn, other.drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return float(way(one.mean[None], other.mean[None])[0]), float(low), float(high)


def spearman(one: Float64[ndarray, "b s"], other: Float64[ndarray, "b s"]) -> Float64[ndarray, "b"]:
    """Spearman's rank correlation of each two rows; without ties."""
    ranks = [np.argsort(np.argsort(rows, axis=1), axis=1) for rows in (one, other)]
    count = one.shape[1]
    return np.asarray(1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum(axis=1) / (count * (count**2 - 1)), np.float64)


def kendall(one: Float64[ndarray, "b s"], other: Float64[ndarray, "b s"]) -> Float64[ndarray, "b"]:
    """Kendall's rank correlation of each two rows; without ties."""
    upper = np.triu_indices(one.shape[1], 1)
    signs = [np.sign(rows[:, upper[0]] - rows[:, upper[1]]) for rows in (one, other)]
    return np.asarray((signs[0] * signs[1]).mean(axis=1), np.float64)
