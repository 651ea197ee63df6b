"""Which of several texts of one document is kept: the most typical one, one drawn among them, or all.

A text is typical where its surprise is what it should be, neither a loop (too likely) nor noise (too unlikely). What it
should be is known best from the model's own distributions; without those, or with a part of them, from the other texts
of the same document, which are draws from the same model; and without any probability a text is typical where it shares
its words with them. Of two texts only the distributions tell which is typical: either is as far from the other.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.generation.drafts import Made


class Ground(StrEnum):
    """What the choice rests on."""

    ENTROPY = "entropy"
    SIBLINGS = "surprise of the others"
    WORDS = "words of the others"


class Strangeness(NamedTuple):
    """How far each of several texts is from a typical one, and what that rests on.

    In nats a token; on words, the share of a text's words that the others have not.
    """

    values: Float64[ndarray, "n"]
    ground: Ground


def strangeness(texts: Sequence[Made]) -> Strangeness:
    """How strange each of several texts of one document is among them."""
    surprise = [_per_token(text, "logprob") for text in texts]
    if any(value is None for value in surprise):
        return Strangeness(_apart_in_words(texts), Ground.WORDS)
    own = np.array(surprise, np.float64) * -1
    entropy = [_per_token(text, "entropy") for text in texts]
    # The entropy of the likeliest tokens is less than the law's own: measured by it, the likeliest text were the best.
    if any(value is None for value in entropy) or any(stretch.partial for text in texts for stretch in text.stretches):
        return Strangeness(np.abs(own - own.mean()), Ground.SIBLINGS)
    return Strangeness(np.abs(own - np.array(entropy, np.float64)), Ground.ENTROPY)


def best(texts: Sequence[Made]) -> int:
    """The number of the most typical text; of several, the first."""
    return int(np.argmin(strangeness(texts).values))


def drawn(texts: Sequence[Made], *, uniform: float) -> int:
    """The number of a text drawn with probability proportional to exp(-strangeness)."""
    return pick(np.exp(-strangeness(texts).values), uniform=uniform)


def pick(weights: Float64[ndarray, "n"], *, uniform: float) -> int:
    """The number of the weight on which a uniform number falls."""
    ends = np.cumsum(weights)
    return min(int(np.searchsorted(ends, uniform * ends[-1], side="right")), len(weights) - 1)


def _per_token(text: Made, name: str) -> float | None:
    """The mean over a text's tokens; None where it is not known of every stretch, or there are none."""
    arrays = [getattr(stretch, name) for stretch in text.stretches]
    if not arrays or any(array is None for array in arrays):
        return None
    count = sum(map(len, arrays))
    return float(sum(array.sum(dtype=np.float64) for array in arrays)) / count if count else None


def _apart_in_words(texts: Sequence[Made]) -> Float64[ndarray, "n"]:
    counts = [Counter(text.text.split()) for text in texts]
    apart = [
        np.mean([1 - _shared(own, other) for place, other in enumerate(counts) if place != number] or [0.0])
        for number, own in enumerate(counts)
    ]
    return np.array(apart, np.float64)


def _shared(left: Counter[str], right: Counter[str]) -> float:
    """The words of both over the words of either.

    Source: Jaccard's index on multisets.
    """
    either = (left | right).total()
    return (left & right).total() / either if either else 1.0
