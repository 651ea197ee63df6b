"""What one proxy reads: so many tokens, a share of them synthetic, documents at random, whole but for the last."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.collapse.forecast.text import HUMAN, SYNTHETIC
from uncollapse.collapse.forecast.tokens import Counted


class Taken(NamedTuple):
    """The texts taken of one side, their tokens, and how often the side was read: 1 is all of it once."""

    texts: list[str]
    tokens: int
    epochs: float


class Composed(NamedTuple):
    """Both sides of what a proxy reads."""

    human: Taken
    synthetic: Taken

    @property
    def texts(self) -> list[str]:
        """All of it."""
        return [*self.human.texts, *self.synthetic.texts]


def composed(text: Counted, *, size: str, share: float, tokens: int, seed: int) -> Composed:
    """So many tokens of that size, a share of them synthetic.

    A seed's order of documents is the same for every share, so what a share reads of a side is the beginning of what a
    greater share of that side reads.
    """
    synthetic = round(share * tokens)
    sides = []
    for number, (part, wanted) in enumerate(((HUMAN, tokens - synthetic), (SYNTHETIC, synthetic))):
        order = np.random.default_rng((seed, number)).permutation(len(text.documents[part]))
        sides.append(taken(text.texts(part), text.tokens[size][part], order=order, wanted=wanted))
    return Composed(*sides)


def taken(texts: Sequence[str], tokens: Int64[ndarray, "n"], *, order: ndarray, wanted: int) -> Taken:
    """Documents in this order until there are so many tokens, again from the first where they are too few.

    The last document is cut at a blank, so that the sum is met to within a few tokens.
    """
    if not wanted:
        return Taken([], 0, 0.0)
    whole = int(tokens.sum())
    repeats, rest = divmod(wanted, whole)
    found = [texts[at] for _ in range(repeats) for at in order.tolist()]
    ends = np.cumsum(tokens[order])
    full = int(np.searchsorted(ends, rest, side="right"))
    found += [texts[at] for at in order[:full].tolist()]
    left = rest - (int(ends[full - 1]) if full else 0)
    if left > 1 and full < len(order):
        found.append(_beginning(texts[order[full]], share=(left - 1) / (int(tokens[order[full]]) - 1)))
    return Taken([text for text in found if text], wanted, wanted / whole)


def _beginning(text: str, *, share: float) -> str:
    """About this share of a text, cut where a blank is."""
    end = round(share * len(text))
    blank = text.rfind(" ", 0, end)
    return text[: blank if blank > 0 else end]
