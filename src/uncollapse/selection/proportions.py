"""How much is taken of each side so that a share is met: whole documents, in the order in which they were drawn.

Sizes are words, documents or bytes. The human side is filled first and never below its share; the synthetic side then
gets no more than the human side carries, so what cannot be divided is at the expense of synthetic text.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from uncollapse.errors import UsageError

ENDLESS = 2**62


def golden_share(human: int, synthetic: int) -> Fraction:
    """The share of human text that estimates best, where there is so much of each; the golden ratio at as much.

    (sqrt(k^2 + 4 k) - k) / 2 with k = human / synthetic, to nine places; 1 without synthetic text, 0 without human.

    Source: He et al. 2025 (arXiv 2502.18049), the weight that minimises the variance of a mean which is estimated anew
    from fresh human text and the last estimate's own.
    """
    if not synthetic:
        return Fraction(1)
    k = human / synthetic
    return Fraction(round((sqrt(k * k + 4 * k) - k) / 2, 9)).limit_denominator(10**9)


@dataclass(frozen=True)
class Pool:
    """Documents of one side in the order of their draws: sizes, how often each may be taken, which must be."""

    sizes: Int64[ndarray, "rows"]
    allowed: Int64[ndarray, "rows"]
    must: Bool[ndarray, "rows"]

    @property
    def all(self) -> int:
        """The size of all documents, each as often as it may be taken."""
        return int((self.sizes * self.allowed).sum())

    @property
    def bound(self) -> int:
        """The size of the documents that must be taken."""
        return int(self.sizes[self.must].sum())


@dataclass(frozen=True)
class Asked:
    """What share of human text, of what total; `keep` keeps all human text and makes the share a floor."""

    share: Fraction
    total: int | None = None
    keep: bool = False
    unit: str = "words"


@dataclass(frozen=True)
class Taken:
    """How often each document of the two pools is taken, and what that comes to."""

    human: Int64[ndarray, "human"]
    synthetic: Int64[ndarray, "synthetic"]
    human_size: int
    synthetic_size: int

    @property
    def share(self) -> Fraction:
        """The share of human text that was reached."""
        return Fraction(self.human_size, max(self.human_size + self.synthetic_size, 1))


def take(human: Pool, synthetic: Pool, asked: Asked) -> Taken:
    """What is taken of each side.

    Raises:
        UsageError: the share or the total cannot be met; says what can.
    """
    target = _human_target(human, synthetic, asked)
    chosen = _covered(human, target, most=asked.total)
    size = int((human.sizes * chosen).sum())
    limit = _synthetic_limit(size, asked)
    if synthetic.bound > limit:
        share = float(Fraction(size, size + synthetic.bound))
        raise UsageError(
            f"what accumulates holds {synthetic.bound:,} {asked.unit} that are not human; the share allows {limit:,}",
            hint=f"Ask for a human share of at most {share:.4g}, or give more human text.",
        )
    others = np.flatnonzero(~synthetic.must & (synthetic.allowed > 0))
    counts = synthetic.must.astype(np.int64)
    counts[others[fitting(synthetic.sizes[others], limit - synthetic.bound)]] = 1
    taken = Taken(chosen, counts, size, int((synthetic.sizes * counts).sum()))
    _refuse_one_sided(taken, human, synthetic, asked)
    return taken


def _human_target(human: Pool, synthetic: Pool, asked: Asked) -> int:
    """How much human text is wanted."""
    share, total = asked.share, asked.total
    if asked.keep:
        wanted = int(human.sizes[human.allowed > 0].sum())
        if total is not None and wanted > total:
            raise UsageError(
                f"all human text is {wanted:,} {asked.unit}, more than the {total:,} that are wanted in all",
                hint="Leave out --total, or say which share of it is to be human: --human-share 0.6",
            )
        return wanted
    if total is None:
        total_share = _largest(human, synthetic, share)
        if total_share == 0:
            raise _nothing_there(human, asked)
        target = -((-share * total_share) // 1)
    else:
        target = -((-share * total) // 1)
        _refuse_too_little(human, synthetic, asked)
    if human.bound > target:
        raise UsageError(
            f"what accumulates holds {human.bound:,} {asked.unit} of human text, and the share wants {int(target):,}",
            hint="Ask for a larger share, for a larger --total, or for --human-share auto, which keeps all of it.",
        )
    return int(target)


def _largest(human: Pool, synthetic: Pool, share: Fraction) -> Fraction:
    """The largest total at which the share can be met."""
    limits = []
    if share > 0:
        limits.append(human.all / share)
    if share < 1:
        limits.append(synthetic.all / (1 - share))
    return Fraction(min(limits))


def _refuse_too_little(human: Pool, synthetic: Pool, asked: Asked) -> None:
    total, share, unit = asked.total, asked.share, asked.unit
    assert total is not None
    most = int(_largest(human, synthetic, share))
    lacking = [
        f"{int(-(-wanted // 1)):,} {unit} of {name} text are wanted and {there:,} are there"
        for name, wanted, there in (
            ("human", share * total, human.all),
            ("synthetic", (1 - share) * total // 1, synthetic.all),
        )
        if wanted > there
    ]
    if lacking:
        can = f"At this share --total {most} can be had" if most else "At this share nothing can be had"
        least, best = max(0.0, 1 - synthetic.all / total), min(1.0, human.all / total)
        other = f"; at this total a share from {least:.4g} to {best:.4g}" if least <= best else ""
        raise UsageError(" and ".join(lacking), hint=f"{can}{other}. Human text may be repeated: --repeat-cap N.")


def _nothing_there(human: Pool, asked: Asked) -> UsageError:
    side, other, share = ("human", "synthetic", 0) if human.all == 0 else ("synthetic", "human", 1)
    return UsageError(
        f"there is no {side} text, so a human share of {float(asked.share):g} cannot be met",
        hint=f"Give {side} text, or take the {other} text alone: --human-share {share}",
    )


def _synthetic_limit(human_size: int, asked: Asked) -> int:
    """How much synthetic text that much human text carries."""
    limit = ENDLESS if asked.share == 0 else int(human_size * (1 - asked.share) / asked.share)
    return limit if asked.total is None else min(limit, asked.total - human_size)


def _covered(pool: Pool, target: int, *, most: int | None) -> Int64[ndarray, "rows"]:
    """How often each document is taken so that together they are at least the target, and as little more as can be.

    No document is taken once more before all that may be were taken as often as it. `most` is never exceeded.
    """
    counts = pool.must.astype(np.int64)
    left = target - pool.bound
    for turn in range(int(pool.allowed.max(initial=0))):
        open_ = np.flatnonzero((pool.allowed > turn) & (counts <= turn))
        chosen = fitting(pool.sizes[open_], left)
        counts[open_[chosen]] += 1
        left -= int(pool.sizes[open_][chosen].sum())
        rest = open_[~chosen]
        rest = rest[pool.sizes[rest] > 0]
        if left > 0 and len(rest):
            last = rest[np.argmin(pool.sizes[rest])]
            if most is None or target - left + int(pool.sizes[last]) <= most:
                counts[last] += 1
                left -= int(pool.sizes[last])
            break
        if left <= 0:
            break
    return counts


def fitting(sizes: Int64[ndarray, "rows"], limit: int) -> Bool[ndarray, "rows"]:
    """Which documents are taken when each is, in their order, if it still fits into the limit."""
    taken = np.zeros(len(sizes), bool)
    left = np.arange(len(sizes))
    while len(left):
        sums = np.cumsum(sizes[left])
        count = int(np.searchsorted(sums, limit, side="right"))
        taken[left[:count]] = True
        limit -= int(sums[count - 1]) if count else 0
        left = left[count:]
        # A document without words would fit for ever; it is taken where it stands before the first that does not.
        left = left[(sizes[left] <= limit) & (sizes[left] > 0)]
    return taken


def _refuse_one_sided(taken: Taken, human: Pool, synthetic: Pool, asked: Asked) -> None:
    """Nothing; raises where a side that is wanted has no document that is short enough."""
    if asked.share > 0 and not taken.human.any():
        least = int(human.sizes[human.allowed > 0].min(initial=ENDLESS))
        raise UsageError(
            f"no human document is short enough: the shortest has {least:,} {asked.unit}",
            hint="Ask for a larger --total.",
        )
    if asked.share < 1 and not asked.keep and not taken.synthetic.any():
        least = int(synthetic.sizes[synthetic.allowed > 0].min(initial=ENDLESS))
        limit = _synthetic_limit(taken.human_size, asked)
        raise UsageError(
            f"no synthetic document is short enough: {limit:,} {asked.unit} are left, and the shortest has {least:,}",
            hint="Give more human text, ask for a larger --total or a smaller share, or cut the documents.",
        )
