"""Choosing by importance: documents whose hashed n-grams are more frequent in the reference than in the pool.

`corrected`, per document d with m(d) n-grams in B buckets, T and R their counts in the reference and in the pool:

    r(d) = (1 / m(d)) sum over its n-grams g of [ln((T(g) + a) / (sum T + a B)) - ln((R(g) + a) / (sum R + a B))]
    key(d) = r(d) / temperature + Gumbel(seed, id)

with the lowest temperature at which the weights exp(r / temperature) are worth a stated number of equal ones.
`published` is the estimator as its package has it: the sum in place of the mean, so that length decides, a floor of
1e-8, no temperature, and no document of fewer than 100 tokens.

Source: Xie et al. 2023, arXiv 2302.03169 (hashed n-gram importance resampling); Kish 1965, section 11.7 (how many equal
weights some weights are worth); Kool et al. 2019, arXiv 1903.06059 (Gumbel keys draw without replacement).
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from pydantic import Field

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.ngrams import WORDS, Cutting, Tokens, bucket_of, cut
from uncollapse.selection import published
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Reasons, Rows, Selector, needed
from uncollapse.selection.features import summed
from uncollapse.selection.filling import filled
from uncollapse.selection.spool import Spool

_HALVINGS = 60


class Importance(Selector):
    """Documents drawn by how much more likely the reference makes their n-grams than the pool does.

    `least_effective` is the least number of equal weights that the weights are to be worth, as a share of the pool's
    documents; None is the geometric mean of what is chosen and what is there: at a budget of a quarter, half.
    """

    scoring: Literal["corrected", "published"] = "corrected"
    orders: Annotated[tuple[Annotated[int, Field(ge=1, le=5)], ...], Field(min_length=1)] = (1, 2)
    buckets: Annotated[int, Field(ge=2, le=2**28)] = 10_000
    pseudo_count: Annotated[float, Field(gt=0)] = 1.0
    least_effective: Annotated[float, Field(gt=0, le=1)] | None = None

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:
        """Documents in the order of their keys, each taken if it still fits.

        Raises:
            UsageError: there is no reference, it has no n-gram, or the published scoring leaves too few.
        """
        hashed = _hashed(self)
        target = np.zeros(self.buckets, np.int64)
        for batch in needed(reference, what="importance"):
            for tokens in cut(batch, hashed.cutting):
                for order in self.orders:
                    target += np.bincount(hashed.buckets(tokens, order), minlength=self.buckets)
        with ExitStack() as files:
            looking, counted = Looking(self, budget), _Counted(self, files)
            for batch in pool:
                looking.take(batch)
                for tokens in cut(batch, hashed.cutting):
                    counted.take(tokens, hashed)
            rows = looking.rows()
            _refuse_strangers(target, counted.raw)
            if self.scoring == "published":
                return _published(rows, counted, target)
            return self._corrected(rows, counted, target)

    def _corrected(self, rows: Rows, counted: "_Counted", target: Int64[ndarray, "b"]) -> Choice:
        ratio = smoothed_ratio(target, counted.raw, pseudo_count=self.pseudo_count)
        grams = counted.ngrams
        score = counted.sums(ratio) / np.maximum(grams, 1)
        there = grams > 0
        least = self._least(rows) * int(there.sum())
        temperature = coldest(score[there], least=least)
        weight = np.zeros(len(rows)) if temperature is None else score / temperature
        counts = filled(rows, rows.order(np.where(there, weight + rows.gumbel, -np.inf)))
        account: dict[str, Json] = {
            "scoring": "corrected",
            "temperature": temperature,
            "effective documents": effective(weight[there]),
            "at least": least,
            **_of_lengths(score, counted.tokens, counts, rows.order()[there[rows.order()]]),
        }
        return Choice(counts, account)

    def _least(self, rows: Rows) -> float:
        if self.least_effective is not None:
            return self.least_effective
        return float(np.sqrt(rows.budget.amount / int(rows.sizes.sum())))


@dataclass(frozen=True)
class _Hashing:
    """How texts are cut, and into which buckets their n-grams fall."""

    cutting: Cutting
    buckets: Callable[[Tokens, int], ndarray]


def _hashed(selector: Importance) -> _Hashing:
    if selector.scoring == "published":
        return _Hashing(published.CUTTING, published.Sha256Buckets(selector.buckets).of)
    return _Hashing(WORDS, lambda tokens, order: bucket_of(tokens.ngrams(order), selector.buckets))


class _Counted:
    """The n-grams of a pool by bucket: of all together, and of each document, on the disk."""

    def __init__(self, selector: Importance, files: ExitStack) -> None:
        self.raw = np.zeros(selector.buckets, np.int64)
        kind = np.uint16 if selector.buckets <= 1 << 16 else np.uint32
        self._spools = {order: Spool(kind, files) for order in selector.orders}
        self._sizes: dict[int, list[ndarray]] = {order: [np.zeros(0, np.int64)] for order in selector.orders}
        self._tokens = [np.zeros(0, np.int64)]

    def take(self, tokens: Tokens, hashed: _Hashing) -> None:
        """Takes some documents, behind those that are there."""
        self._tokens.append(np.diff(tokens.offsets))
        for order, spool in self._spools.items():
            found = hashed.buckets(tokens, order)
            self.raw += np.bincount(found, minlength=len(self.raw))
            spool.add(found)
            self._sizes[order].append(np.diff(tokens.ngram_offsets(order)))

    @property
    def tokens(self) -> Int64[ndarray, "n"]:
        """The number of tokens of each document."""
        return np.concatenate(self._tokens)

    @property
    def ngrams(self) -> Int64[ndarray, "n"]:
        """The number of n-grams of each document, of all orders."""
        return np.sum([np.concatenate(sizes) for sizes in self._sizes.values()], axis=0)

    def sums(self, value: Float64[ndarray, "b"], *, at_once: int = 1 << 14) -> Float64[ndarray, "n"]:
        """For each document the sum of the values of its buckets."""
        total = np.zeros(len(self.tokens))
        for order, spool in self._spools.items():
            sizes, found = np.concatenate(self._sizes[order]), spool.opened()
            offsets = np.concatenate([[0], np.cumsum(sizes)])
            for first in range(0, len(sizes), at_once):
                some = sizes[first : first + at_once]
                here = found[offsets[first] : offsets[first + len(some)]]
                total[first : first + len(some)] += summed(value[here], some)
        return total

    def dots(self, value: Float64[ndarray, "b"]) -> Float64[ndarray, "n"]:
        """The same, in the order of additions of the published package: a product with all buckets of a document."""
        parts = [(spool.opened(), np.concatenate([[0], *self._sizes[order]])) for order, spool in self._spools.items()]
        cuts = [(found, np.cumsum(sizes)) for found, sizes in parts]
        result = np.empty(len(self.tokens))
        for row in range(len(result)):
            own = np.concatenate([found[offsets[row] : offsets[row + 1]] for found, offsets in cuts])
            result[row] = np.dot(value, np.bincount(own, minlength=len(value)))
        return result


def smoothed_ratio(
    target: Int64[ndarray, "b"], raw: Int64[ndarray, "b"], *, pseudo_count: float
) -> Float64[ndarray, "b"]:
    """The logarithm of the smoothed share of each bucket in the target over that in the pool, in nats."""
    shares = [(counts + pseudo_count) / (counts.sum() + pseudo_count * len(counts)) for counts in (target, raw)]
    return np.log(shares[0]) - np.log(shares[1])


def effective(weights: Float64[ndarray, "n"]) -> float:
    """How many equal weights exp(`weights`) are worth: (sum w)^2 / sum w^2."""
    # In their own order, so that the order of documents does not show in the last bit.
    likely = np.sort(np.exp(weights - weights.max()))
    return float(likely.sum() ** 2 / (likely**2).sum())


def coldest(scores: Float64[ndarray, "n"], *, least: float) -> float | None:
    """The lowest temperature at which exp(scores / temperature) are worth `least` equal weights; None for no limit.

    Found by bisection: the warmer, the more they are worth. None is where only equal weights are worth so many.
    """
    spread = float(np.ptp(scores))
    if spread == 0 or least >= len(scores) * (1 - 1e-9):
        return None
    low, high = np.log(spread) - 20, np.log(spread) + 20
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if effective(scores / np.exp(middle)) < least:
            low = middle
        else:
            high = middle
    return float(np.exp(high))


def _published(rows: Rows, counted: _Counted, target: Int64[ndarray, "b"]) -> Choice:
    score = counted.dots(published.log_ratio(target, counted.raw))
    long = counted.tokens >= published.SHORTEST
    there = int(rows.sizes[long].sum())
    if rows.budget.amount > there:
        raise UsageError(
            f"the published scoring leaves out documents of fewer than {published.SHORTEST} tokens: of {len(rows):,} "
            f"documents {int((~long).sum()):,} are, and the others hold {there:,} {rows.budget.unit}, "
            f"not {rows.budget.amount:,}",
            hint=f"Ask for --budget {there} or less, or take --scoring corrected, which knows no shortest length.",
        )
    order = rows.order(score + rows.gumbel)
    counts = filled(rows, order[long[order]])
    account: dict[str, Json] = {
        "scoring": "published",
        "temperature": 1.0,
        "effective documents": effective(score[long]),
        "left out as shorter than 100 tokens": int((~long).sum()),
        **_of_lengths(score, counted.tokens, counts, rows.order()[long[rows.order()]]),
    }
    short = Reasons((f"fewer than {published.SHORTEST} tokens",), np.where(long, -1, 0))
    return Choice(counts, account, short)


def _of_lengths(
    score: Float64[ndarray, "n"], tokens: Int64[ndarray, "n"], counts: Int64[ndarray, "n"], open_: Int64[ndarray, "m"]
) -> dict[str, Json]:
    """What the scores of some rows do to lengths, and how far the draw is from taking the best alone."""
    own, lengths = score[open_], tokens[open_].astype(np.float64)
    taken = int((counts > 0).sum())
    best = open_[np.argsort(-own, kind="stable")[:taken]]
    varied = len(own) > 1 and np.ptp(own) > 0 and np.ptp(lengths) > 0
    return {
        "correlation of score and length": float(np.corrcoef(own, lengths)[0, 1]) if varied else None,
        "mean length of the pool": float(tokens.mean()),
        "mean length of the choice": float(tokens[counts > 0].mean()),
        "share of the choice among the highest scores": float((counts[best] > 0).mean()),
    }


def _refuse_strangers(target: Int64[ndarray, "b"], raw: Int64[ndarray, "b"]) -> None:
    if not ((target > 0) & (raw > 0)).any():
        raise UsageError(
            "the reference and the pool have no n-gram in common",
            hint="Is it in the pool's language, and do both hold text?",
        )
