"""How far proxies can be trusted: whether models of another size put the shares in the same order."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.forecast.draws import Estimate


class Agreement(NamedTuple):
    """The rank correlations of two sizes over the shares, each with its interval."""

    sizes: tuple[str, str]
    spearman: tuple[float, float, float]
    kendall: tuple[float, float, float]
    shares: int


def agreements(losses: Mapping[str, Estimate]) -> list[Agreement]:
    """How each two sizes agree on the order of the shares by loss; draws of documents are the same for both."""
    found = []
    for one, other in combinations(losses, 2):
        mine, theirs = losses[one], losses[other]
        ways = []
        for way in (spearman, kendall):
            middle = float(way(mine.mean[None], theirs.mean[None])[0])
            low, high = np.quantile(way(mine.drawn, theirs.drawn), [0.025, 0.975], method="nearest")
            ways.append((middle, float(low), float(high)))
        found.append(Agreement((one, other), *ways, len(mine.mean)))
    return found


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
