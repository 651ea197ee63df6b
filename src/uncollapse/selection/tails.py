"""What a choice does to the tail: the rare words that it keeps, beside choices at random of as many words.

Everything that grows with the amount of text is taken of samples of equal size, in tokens. The judge is text that no
selector has seen (a part of the reference that was held out), or, without a reference, the pool itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt64
from numpy import ndarray

from uncollapse.measures.tails import RARE, TAIL_SHARE, rare_coverage, tail_mass
from uncollapse.ngrams import EqualTokens, Sample, TypeCounts, Types, mix, together
from uncollapse.selection.choosing import Pool
from uncollapse.selection.seen import Column

MOST_TOKENS = 400_000
"""Of longer choices a sample of so many tokens is measured, that of the lowest ids."""
LISTED = 40


class Tail(NamedTuple):
    """What a sample has of the tail: the shares of the judge's rare types and of its rare tokens that it knows.

    `tail_mass` is the share of its own tokens that are rare in the judge or not there, `distinct_n` that of its own
    n-grams that are different.
    """

    tokens: int
    rare_coverage: float
    rare_mass: float
    tail_mass: float
    distinct_1: float
    distinct_2: float


class Loss(NamedTuple):
    """The largest loss of rare words against chance, and of which measure it is; 0 where nothing is lost."""

    share: float
    of: str


def counted(pool: Pool) -> Types:
    """The words of a pool and how often each is there."""
    types = TypeCounts()
    for batch in pool:
        types.update(batch)
    return types.result()


def samples(pool: Pool, arms: Sequence[Int64[ndarray, "n"]]) -> list[Sample]:
    """A sample of each arm; an arm says how often each row of the pool is taken."""
    gathered = [EqualTokens(tokens=MOST_TOKENS) for _ in arms]
    first = 0
    for batch in pool:
        for arm, sample in zip(arms, gathered, strict=True):
            own = arm[first : first + len(batch)]
            taken = np.repeat(np.arange(len(batch)), own)
            if len(taken):
                sample.update(pa.record_batch({"text": batch.column("text").take(pa.array(taken))}))
        first += len(batch)
    return [sample.result() for sample in gathered]


def tails(found: Sequence[Sample], *, judge: Types) -> list[Tail]:
    """The tail of each sample, all cut to the size of the smallest."""
    size = min(sample.tokens for sample in found)
    return [_tail(sample.words[:size], sample.offsets, judge) for sample in found]


def _tail(words: UInt64[ndarray, "w"], offsets: Int64[ndarray, "d"], judge: Types) -> Tail:
    own = _types(words)
    within = np.ones(max(len(words) - 1, 0), bool)
    ends = offsets[(offsets > 0) & (offsets < len(words))]
    within[ends - 1] = False
    pairs = mix(words[:-1] + np.uint64(1)) ^ words[1:] if len(words) else words
    pairs = mix(pairs)[within]
    return Tail(
        tokens=len(words),
        rare_coverage=rare_coverage(corpus=own, reference=judge),
        rare_mass=_rare_mass(own, judge),
        tail_mass=tail_mass(corpus=own, reference=judge),
        distinct_1=len(own.keys) / len(words) if len(words) else float("nan"),
        distinct_2=len(np.unique(pairs)) / len(pairs) if len(pairs) else float("nan"),
    )


def _types(words: UInt64[ndarray, "w"]) -> Types:
    keys, counts = np.unique(words, return_counts=True)
    return Types(keys, counts.astype(np.int64), len(words), 1.0)


def _rare_mass(own: Types, judge: Types) -> float:
    """The share of the judge's rare tokens (below TAIL_SHARE, or seen RARE times) whose types the sample has."""
    _, here, there = together(own, judge)
    rare = (there > 0) & ((there <= RARE) | (there < TAIL_SHARE * judge.total))
    return float(there[rare & (here > 0)].sum() / there[rare].sum()) if rare.any() else float("nan")


def loss(chosen: Tail, controls: Sequence[Tail]) -> Loss:
    """What of the rare words is lost against the mean of the controls."""
    losses = []
    for name, said in (("rare_coverage", "rare words"), ("rare_mass", "mass of rare words")):
        chance = float(np.mean([getattr(control, name) for control in controls]))
        if chance > 0:
            losses.append(Loss(max(1 - getattr(chosen, name) / chance, 0.0), said))
    return max(losses, default=Loss(0.0, "rare words"))


def shares(column: Column, sizes: Int64[ndarray, "n"], arms: Mapping[str, Int64[ndarray, "n"]]) -> dict[str, Any]:
    """The share of each value of a column in the pool and in each arm, by words, and the values that an arm lost.

    A value is called lost where chance would be expected to keep three of its documents and more.
    """
    whole = {"pool": np.ones(len(sizes), np.int64), **arms}
    rows = {name: _summed(column, counts) for name, counts in whole.items()}
    words = {name: _summed(column, counts * sizes) for name, counts in whole.items()}
    kept = words["chosen"].sum() / max(words["pool"].sum(), 1)
    lost = (rows["chosen"] == 0) & (rows["pool"] * kept >= 3)
    order = np.lexsort((np.array(column.names), -words["pool"]))
    table: list[dict[str, Any]] = []
    for at in order[:LISTED].tolist():
        parts = {name: float(words[name][at] / max(words[name].sum(), 1)) for name in whole}
        table.append({"value": column.names[at], "rows": {name: int(rows[name][at]) for name in whole}, "share": parts})
    return {
        "values": len(column.names),
        "listed": table,
        "without a document": int((rows["chosen"] == 0).sum()),
        "lost": [column.names[at] for at in order.tolist() if lost[at]][:LISTED],
    }


def _summed(column: Column, weights: Int64[ndarray, "n"]) -> Int64[ndarray, "v"]:
    return np.bincount(column.of, weights=weights, minlength=len(column.names)).astype(np.int64)
