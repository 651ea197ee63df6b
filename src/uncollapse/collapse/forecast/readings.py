"""What the proxies read, as arrays; and the measures of it, each a sum over documents by another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.forecast.proxies import Proxy, account_of, sums_of
from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.evaluation.measures import BYTES, MEASURES, NATS, RARE_BYTES, RARE_NATS, RARE_TOKENS, TOKENS


class Ratio(NamedTuple):
    """A measure that is one sum over documents by another, times `unit`."""

    above: int
    below: int
    unit: float = 1.0


LOSS, BITS, TAIL, TAIL_BITS = "loss", "bits_per_byte", "tail_loss", "tail_bits_per_byte"
RATIOS: Mapping[str, Ratio] = {
    LOSS: Ratio(NATS, TOKENS),
    BITS: Ratio(NATS, BYTES, 1 / float(np.log(2))),
    TAIL: Ratio(RARE_NATS, RARE_TOKENS),
    TAIL_BITS: Ratio(RARE_NATS, RARE_BYTES, 1 / float(np.log(2))),
}
"""Losses are in nats a token; a perplexity is exp of one."""


@dataclass(frozen=True)
class Readings:
    """What the proxies of one size made of each held-out document: shares x seeds x documents x columns.

    `accounts` are those of the trainings, shares x seeds.
    """

    size: str
    shares: Sequence[float]
    seeds: Sequence[int]
    sums: Float64[ndarray, "s k d c"]
    accounts: Sequence[Sequence[Mapping[str, Any]]]

    def pair(self, measure: str) -> tuple[Float64[ndarray, "s k d"], Float64[ndarray, "s k d"]]:
        """The two sums of each document that make a measure."""
        ratio = RATIOS[measure]
        return self.sums[..., ratio.above] * ratio.unit, self.sums[..., ratio.below]

    def of_account(self, name: str) -> Float64[ndarray, "s k"]:
        """A number of each training."""
        return np.array([[account[name] for account in row] for row in self.accounts], np.float64)

    def whole(self, measure: str) -> Float64[ndarray, "s k"]:
        """A measure of `evaluate` over all held-out documents, of each proxy."""
        flat = self.sums.sum(axis=2).reshape(-1, self.sums.shape[-1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return MEASURES[measure](flat).reshape(self.sums.shape[:2])

    def rights(self, task: str, way: str) -> Float64[ndarray, "s k q"]:
        """Whether each question of a task was answered rightly, as 1 and 0."""
        return np.array([[account["tasks"][task][way] for account in row] for row in self.accounts], np.float64)


def readings(tables: Mapping[str, pa.Table], runs: Sequence[Proxy], settings: Forecast) -> dict[str, Readings]:
    """The readings of each size, out of the proxies' tables."""
    by = {(run.size, run.share, run.seed): tables[run.name] for run in runs}
    seeds = [settings.seed + at for at in range(settings.seeds)]
    found = {}
    for size in settings.sizes:
        own = [[by[size, share, seed] for seed in seeds] for share in settings.shares]
        sums = np.stack([np.stack([sums_of(table) for table in row]) for row in own])
        accounts = [[account_of(table) for table in row] for row in own]
        found[size] = Readings(size, settings.shares, seeds, sums, accounts)
    return found
