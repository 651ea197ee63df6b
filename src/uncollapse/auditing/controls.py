"""The controls: human text against human text, the same way and as often as the corpus is held against it.

In each split the reference's documents are dealt into two halves of equal size. One is what everything is held
against; the other is the control, fresh human text of the same size. A half of the corpus goes the same way. Each
statistic is taken of both, so it comes with what human text would have given, and with how much that varies.

Halves of a sample, drawn without replacement, vary about their mean exactly as means of whole samples vary about the
truth: Var = s^2 / (n / 2) (1 - 1 / 2) = s^2 / n. So the spread over the splits is the standard error, also for numbers
(types, copies) that a bootstrap with replacement would spoil by making copies of its own.

Source: McCarthy, Review of the International Statistical Institute 1969 (half-samples); Politis, Romano and Wolf,
Subsampling, 1999, section 2.3 (the factor for drawing without replacement).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.auditing.encoded import Encoded, Part

SPLITS = 24


class Split(NamedTuple):
    """One way to hold them against each other: equal parts of the corpus and of both halves of the reference."""

    corpus: Part
    control: Part
    reference: Part


class _Halves(NamedTuple):
    corpus: Int64[ndarray, "c"]
    control: Int64[ndarray, "b"]
    reference: Int64[ndarray, "a"]


def splits(
    corpus: Encoded,
    reference: Encoded,
    *,
    kin: Int64[ndarray, "c"],
    random: Generator,
    count: int = SPLITS,
) -> list[Split]:
    """Ways to hold a corpus against the reference, all of the same number of words.

    `kin` has for each document of the corpus the document of the reference that it was made from, or -1. A document
    never meets its own source: where that lies in the half that all is held against, the document stays out.
    """
    dealt = [_deal(corpus, reference, kin, random) for _ in range(count)]
    sizes = [int(corpus.lengths[halves.corpus].sum()) for halves in dealt]
    sizes += [int(reference.lengths[half].sum()) for halves in dealt for half in (halves.control, halves.reference)]
    tokens = min(sizes)
    return [
        Split(
            Part.of(corpus, halves.corpus, tokens=tokens),
            Part.of(reference, halves.control, tokens=tokens),
            Part.of(reference, halves.reference, tokens=tokens),
        )
        for halves in dealt
    ]


def half(sample: Encoded, *, random: Generator) -> Int64[ndarray, "k"]:
    """Half of the documents, in a random order."""
    return random.permutation(np.flatnonzero(_sides(sample.lengths, random) == 0))


def _deal(corpus: Encoded, reference: Encoded, kin: Int64[ndarray, "c"], random: Generator) -> _Halves:
    side = _sides(reference.lengths, random)
    control, against = (random.permutation(np.flatnonzero(side == each)) for each in (0, 1))
    related = kin >= 0
    side_of_kin = np.where(related, side[np.maximum(kin, 0)], -1)
    # Of the documents without kin a half goes along, so that they vary as the halves of the reference do.
    free = np.flatnonzero(~related)
    half = free[_sides(corpus.lengths[free], random) == 0]
    return _Halves(random.permutation(np.concatenate([np.flatnonzero(side_of_kin == 0), half])), control, against)


def _sides(lengths: Int64[ndarray, "d"], random: Generator) -> Int64[ndarray, "d"]:
    """For each document the half that it goes to: in a random order, each to the half that has fewer words so far."""
    side = np.zeros(len(lengths), dtype=np.int64)
    sums = [0, 0]
    flip = int(random.integers(2))
    for document in random.permutation(len(lengths)).tolist():
        lesser = flip if sums[0] == sums[1] else int(sums[1] < sums[0])
        side[document] = lesser
        sums[lesser] += int(lengths[document])
    return side
