"""Two models over one text: what the first says of each token, and how the second would have written there.

Both must cut text alike, or token by token they would speak of different things.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.language_models.model import Block, LanguageModel, Moments, Tokens, Vocabulary


class PairMoments(NamedTuple):
    """What a scoring model p and a reference model q say of each token, in natural logarithms.

    In `moments` logprob and rank are those of p; mean and variance are those of log p(v) with v drawn from q, so that
    -mean is the cross-entropy of p under q. `reference` is log q of the token itself.
    """

    moments: Moments
    reference: Float32[ndarray, "n"]


class _Rows(NamedTuple):
    rows: Int64[ndarray, "r"]
    scorer: Float32[ndarray, "r v"]
    reference: Float32[ndarray, "r v"]


def refuse_unequal(scorer: LanguageModel, reference: LanguageModel) -> None:
    """Nothing, where both models cut text alike.

    Raises:
        UsageError: they do not.
    """
    difference = _difference(scorer.vocabulary, reference.vocabulary)
    if difference:
        raise UsageError(
            f"{reference.card.address} and {scorer.card.address} have unequal tokenizers: {difference}",
            hint="a pair is two models of one family, such as a base model and its instruct version",
        )


def _difference(one: Vocabulary, other: Vocabulary) -> str:
    if len(one.surfaces) != len(other.surfaces):
        return f"{len(other.surfaces):,} tokens and {len(one.surfaces):,}"
    apart = [at for at, (a, b) in enumerate(zip(one.surfaces, other.surfaces, strict=True)) if a != b]
    if apart:
        return f"{len(apart):,} tokens differ, the first is number {apart[0]:,}"
    starts = [getattr(each, "start", None) for each in (one, other)]
    return "" if starts[0] == starts[1] else "their texts begin after different tokens"


def moments_of_pair(scorer: LanguageModel, reference: LanguageModel, tokens: Tokens) -> PairMoments:
    """What both say of each token; where either says nothing, NaN and rank 0.

    Source: Bao et al., ICLR 2024 (Fast-DetectGPT), where p scores and q samples.
    """
    logprob, mean, variance, other = (np.full(len(tokens.ids), np.nan, np.float32) for _ in range(4))
    rank = np.zeros(len(tokens.ids), np.int32)
    for rows, log_p, log_q in _together(scorer.distributions(tokens), reference.distributions(tokens)):
        ids = tokens.ids[rows, None].astype(np.int64)
        own = np.take_along_axis(log_p, ids, axis=1)
        weight = np.exp(log_q)
        centre = np.einsum("rv,rv->r", weight, log_p)
        logprob[rows], mean[rows] = own[:, 0], centre
        variance[rows] = np.einsum("rv,rv->r", weight, (log_p - centre[:, None]) ** 2)
        rank[rows] = 1 + (log_p > own).sum(axis=1)
        other[rows] = np.take_along_axis(log_q, ids, axis=1)[:, 0]
    moments = Moments(logprob=logprob, mean=mean, variance=variance, rank=rank)
    return PairMoments(moments, other)


def _together(scorer: Iterator[Block], reference: Iterator[Block]) -> Iterator[_Rows]:
    """The blocks of two passes with the same rows on both sides, wherever either has cut them."""
    one, other = next(scorer, None), next(reference, None)
    while one is not None and other is not None:
        size = min(len(one.rows), len(other.rows))
        assert np.array_equal(one.rows[:size], other.rows[:size]), "both models score the same tokens"
        yield _Rows(one.rows[:size], one.logprob[:size], other.logprob[:size])
        one = _rest(one, size) or next(scorer, None)
        other = _rest(other, size) or next(reference, None)


def _rest(block: Block, size: int) -> Block | None:
    return None if size == len(block.rows) else Block(block.rows[size:], block.logprob[size:])
