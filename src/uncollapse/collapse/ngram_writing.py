"""Writing with counted n-gram models: a thousand streams at a time, one word of each in a step."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, Field

from uncollapse.collapse.ngram_model import Counts, Level, followed
from uncollapse.errors import UsageError


class Smoothing(StrEnum):
    """What a model does with what it has not seen: back off only after an unseen context, or always mix."""

    BACK_OFF = "back-off"
    INTERPOLATED = "interpolated"


class Decoding(BaseModel):
    """How a next word is drawn: p^(1/temperature) over the k likeliest, or over the likeliest that reach p."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=1.0, ge=0)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)

    @property
    def plain(self) -> bool:
        """Whether words are drawn from the model's own probabilities."""
        return self.temperature == 1 and self.top_k is None and self.top_p in {None, 1.0}


class Table(NamedTuple):
    """What words are drawn from: `words` by context, rows from starts[c]; plain rows repeat words as often as counted.

    Where decoding is not plain, `cumulative` runs over the weights of all rows, each row's largest weight being 1, and
    row c has total[c] of it from base[c] on.
    """

    words: Int64[ndarray, "n"]
    starts: Int64[ndarray, "c"]
    sizes: Int64[ndarray, "c"]
    cumulative: Float64[ndarray, "m"]
    base: Float64[ndarray, "c"]
    total: Float64[ndarray, "c"]


def write(
    counts: Counts,
    *,
    shape: tuple[int, int],
    generator: Generator,
    decoding: Decoding | None = None,
    smoothing: Smoothing = Smoothing.BACK_OFF,
) -> Int64[ndarray, "s l"]:
    """Streams (how many, how long) of words that the model writes, each from the empty context on.

    With back-off a word is drawn after the longest context that was followed by anything; interpolated, each level is
    left for the next shorter one with probability different / (different + total), down to the words as they were
    counted: no word comes back that was lost.

    Source: Witten and Bell, IEEE Trans. Inf. Theory 1991, method C (interpolation, without a uniform last resort).

    Raises:
        UsageError: decoding that is not plain, for an interpolated model: its tempered law is no mixture of rows.
    """
    decoding = decoding or Decoding()
    if smoothing is Smoothing.INTERPOLATED and not decoding.plain:
        raise UsageError(
            "an interpolated model with temperature, top-k or top-p",
            hint="Give the decoding with --smoothing back-off, or draw from the interpolated model as it is.",
        )
    tables = [_table(level, decoding, types=counts.types) for level in counts.levels]
    mixed = smoothing is Smoothing.INTERPOLATED
    leaving = [_leaving(level) for level in counts.levels] if mixed else []
    many, length = shape
    written = np.empty((length, many), np.int64)
    contexts = [np.zeros(many, np.int64)]
    for step in range(length):
        draws = generator.random((1 + mixed, many))
        written[step] = _next(tables, leaving, contexts, draws)
        longer = [followed(counts, row, written[step], depth=depth) for depth, row in enumerate(contexts)]
        contexts = [contexts[0], *longer][: counts.order]
    return np.ascontiguousarray(written.T)


def _next(
    tables: list[Table],
    leaving: list[Float64[ndarray, "_"]],
    contexts: list[Int64[ndarray, "s"]],
    draws: Float64[ndarray, "_ s"],
) -> Int64[ndarray, "s"]:
    """The next word of each stream, from the longest context at which it is not left for a shorter one."""
    deepest = contexts[-1]
    if (
        not leaving
        and (len(contexts) < 3 or deepest.min() >= 0)
        and tables[len(contexts) - 1].sizes.take(deepest).all()
    ):
        return _draw(tables[len(contexts) - 1], deepest, draws[0])  # nearly always, and several times as fast
    words = np.empty(draws.shape[1], np.int64)
    rows: Int64[ndarray, r] = np.arange(draws.shape[1])
    for depth in range(len(contexts) - 1, -1, -1):
        where, uniform = contexts[depth][rows], draws[:, rows]
        here = tables[depth].sizes[where] > 0
        if depth > 1:
            here &= where >= 0
        if leaving and depth:
            here &= uniform[1] >= leaving[depth][where]
        if here.all():
            words[rows] = _draw(tables[depth], where, uniform[0])
            break
        words[rows[here]] = _draw(tables[depth], where[here], uniform[0, here])
        if leaving and depth:
            # Of a number below a threshold the part of the threshold is uniform again.
            seen = tables[depth].sizes[where] > 0
            part = np.where(seen & (where >= 0), leaving[depth][where], 1.0)
            draws[1, rows] = uniform[1] / part
        rows = rows[~here]
    return words


def _draw(table: Table, rows: Int64[ndarray, "r"], uniform: Float64[ndarray, "r"]) -> Int64[ndarray, "r"]:
    if not len(table.cumulative):
        return table.words.take(table.starts.take(rows) + (uniform * table.sizes.take(rows)).astype(np.int64))
    at = np.searchsorted(table.cumulative, table.base[rows] + uniform * table.total[rows], side="right")
    # Rounding can leave the number at the very end of its row.
    last = table.starts[rows] + table.sizes[rows] - 1
    return table.words[np.minimum(at, last)]


def _leaving(level: Level) -> Float64[ndarray, "c"]:
    """The probability with which each context is left for the next shorter one."""
    return level.different / np.maximum(level.different + level.totals, 1)


def _table(level: Level, decoding: Decoding, *, types: int) -> Table:
    nothing = np.zeros(0)
    if decoding.plain:
        return Table(level.occurrences, level.starts[:-1], level.totals, nothing, nothing, nothing)
    row = np.repeat(np.arange(len(level.different)), level.different)
    order = np.lexsort((-level.counts, row))
    counts = level.counts[order]
    largest = np.zeros(len(level.different))
    np.maximum.at(largest, row, counts)
    weight = _tempered(counts / largest[row], decoding.temperature)
    kept = _kept(counts, level.bounds, row, weight, decoding)
    words, row, weight = (level.grams % types)[order][kept], row[kept], weight[kept]
    sizes = np.bincount(row, minlength=len(level.different))
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    cumulative = np.cumsum(weight)
    edges = np.concatenate([np.zeros(1), cumulative])[starts]
    return Table(words, starts[:-1], sizes, cumulative, edges[:-1], np.diff(edges))


def _tempered(share: Float64[ndarray, "g"], temperature: float) -> Float64[ndarray, "g"]:
    """The shares of their row's largest, to the power 1/temperature; at 0 only the largest are left."""
    return (share == 1).astype(np.float64) if temperature == 0 else share ** (1 / temperature)


def _kept(
    counts: Int64[ndarray, "g"],
    bounds: Int64[ndarray, "e"],
    row: Int64[ndarray, "g"],
    weight: Float64[ndarray, "g"],
    decoding: Decoding,
) -> Bool[ndarray, "g"]:
    """Which n-grams may be drawn; rows stand from the likeliest down, and ties with the last one let in come in too.

    Temperature acts before top-p, as in `transformers`.
    """
    rank = np.arange(len(counts)) - bounds[row]
    kept = weight > 0
    if decoding.top_k is not None:
        last = np.minimum(bounds[:-1] + decoding.top_k, bounds[1:]) - 1
        kept &= counts >= counts[last][row]
    if decoding.top_p is not None:
        weight = np.where(kept, weight, 0.0)
        before = np.cumsum(weight) - weight
        mass = np.bincount(row, weights=weight, minlength=len(bounds) - 1)
        inside = kept & ((before - before[bounds[row]] < decoding.top_p * mass[row]) | (rank == 0))
        reached = np.bincount(row, weights=inside, minlength=len(bounds) - 1).astype(np.int64)
        kept &= counts >= counts[np.maximum(bounds[:-1] + reached - 1, 0)][row]
    return kept
