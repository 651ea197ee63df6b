"""The candidates at flagged rows, as far as a strategy can need them, and the draw among them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.editing.rules import Draw
from uncollapse.editing.words import Pieces, same_shape
from uncollapse.language_models.model import Candidates, Chooser, LanguageModel, Scores, Tokens
from uncollapse.sampling import Strategy, draw, draw_by_rejection, min_p_mask, tempered, top_k_mask, top_p_mask
from uncollapse.sampling.truncation import is_closed

# Columns asked beyond k, so that ties with the k-th are seen; and for strategies without a k. Rows that need more
# are scored once again over the whole vocabulary.
MARGIN = 8
COLUMNS = 64
# Numbers held at once when whole rows of the vocabulary are looked at (float32 and int32: 8 bytes each).
WIDE_BLOCK = 1 << 25
ALTERNATIVES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """How a replacement is drawn at a row."""

    strategy: Strategy
    top_k: int
    top_p: float
    min_p: float
    temperature: float
    exclude_original: bool
    words: bool
    tries: int
    table: Pieces

    def mask(self, logprob: ndarray) -> Bool[ndarray, "r k"]:
        """The candidates that the strategy lets in, over the model's own law."""
        match self.strategy:
            case Strategy.TOP_K | Strategy.REJECTION:
                return top_k_mask(logprob, k=self.top_k)
            case Strategy.TOP_P:
                return top_p_mask(logprob, p=self.top_p)
            case Strategy.MIN_P:
                return min_p_mask(logprob, p=self.min_p)
            case Strategy.FULL:
                return np.isfinite(logprob)

    def columns(self, vocabulary: int) -> int:
        """How many candidates to ask for at first."""
        wanted = {
            Strategy.TOP_K: self.top_k + MARGIN,
            Strategy.REJECTION: self.top_k + MARGIN,
            Strategy.FULL: vocabulary,
        }
        return min(wanted.get(self.strategy, COLUMNS), vocabulary)


class Drawn(NamedTuple):
    """What was drawn at each row: the tokens to be tried in turn (the original where there is no candidate, or no other
    one), the chance that the first draw changes the token, and the likeliest candidates with their probabilities.
    """

    rows: Int64[ndarray, "r"]
    ids: Int32[ndarray, "r t"]
    chance: Float64[ndarray, "r"]
    alternatives: Int32[ndarray, "r a"]
    probabilities: Float64[ndarray, "r a"]


RowUniforms: TypeAlias = Callable[[Int64[ndarray, "r"], int], Float64[ndarray, "r"]]


def draw_rows(found: Candidates, original: Int32[ndarray, "r"], *, sampler: Sampler, uniforms: RowUniforms) -> Drawn:
    """Replacements for each row of candidates; the tokens `original` stand there now."""
    mask = sampler.mask(found.logprob) & sampler.table.is_text[found.ids]
    if sampler.words:
        mask &= same_shape(sampler.table, original, found.ids)
    is_original = found.ids == original[:, None]
    if sampler.exclude_original:
        mask &= ~is_original
    law = tempered(found.logprob, mask, temperature=sampler.temperature)
    return Drawn(
        rows=found.rows,
        ids=_tries(found, original, mask, sampler=sampler, uniforms=uniforms),
        chance=np.where(mask.any(axis=1), 1.0 - (law * is_original).sum(axis=1), 0.0),
        alternatives=_padded(found.ids, -1),
        probabilities=_padded(np.exp(found.logprob.astype(np.float64)), 0.0),
    )


def _tries(
    found: Candidates,
    original: Int32[ndarray, "r"],
    mask: Bool[ndarray, "r k"],
    *,
    sampler: Sampler,
    uniforms: RowUniforms,
) -> Int32[ndarray, "r t"]:
    """The tokens to be tried at each row, in turn: the first by the strategy, each next one from what is left, without
    the original.
    """
    tries = []
    for turn in range(sampler.tries):
        if sampler.strategy is Strategy.REJECTION and turn == 0:
            column = draw_by_rejection(
                found.logprob,
                mask,
                temperature=sampler.temperature,
                uniforms=lambda number: uniforms(found.rows, Draw.REJECTION + number),
            )
        else:
            law = tempered(found.logprob, mask, temperature=sampler.temperature)
            draws = Draw.REPLACEMENT if turn == 0 else Draw.NEXT + turn
            column = draw(law, found.ids, uniforms(found.rows, draws))
        picked = np.take_along_axis(found.ids, np.maximum(column, 0)[:, None], axis=1)[:, 0]
        tries.append(np.where(column >= 0, picked, original))
        mask = mask & (found.ids != picked[:, None]) & (found.ids != original[:, None])
    return np.stack(tries, axis=1)


def draw_replacements(
    model: LanguageModel, tokens: Tokens, *, chooser: Chooser, sampler: Sampler, uniforms: RowUniforms
) -> tuple[Scores, Drawn]:
    """The scores of all tokens, and a replacement for each row that `chooser` picks.

    One pass of the model where the first candidates are enough; rows that need more, because of ties or a law with a
    long tail, are looked at again over the whole vocabulary, a bounded number at a time.
    """
    vocabulary = len(model.vocabulary.surfaces)
    columns = sampler.columns(vocabulary)
    if columns * len(tokens.ids) <= WIDE_BLOCK or columns < vocabulary:
        scores, found = model.score_and_choose(tokens, chooser=chooser, k=columns)
        closed = is_closed(found.logprob, sampler.mask(found.logprob), vocabulary=vocabulary)
        blocks = [Candidates(*(part[closed] for part in found))]
        wide = found.rows[~closed]
    else:
        scores = model.score(tokens)
        none = np.empty((0, 1))
        blocks = [Candidates(np.empty(0, np.int64), none.astype(np.int32), none.astype(np.float32))]
        wide = np.flatnonzero(chooser(np.arange(len(tokens.ids)), scores.logprob, scores.is_argmax))
    drawn = [
        draw_rows(block, tokens.ids[block.rows], sampler=sampler, uniforms=uniforms)
        for block in (*blocks, *_whole_rows(model, tokens, wide))
    ]
    joined = Drawn(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))
    order = np.argsort(joined.rows)
    return scores, Drawn(*(part[order] for part in joined))


def _whole_rows(model: LanguageModel, tokens: Tokens, rows: Int64[ndarray, "r"]) -> Iterator[Candidates]:
    """The whole vocabulary at some rows, in blocks that fit into memory; only the documents concerned are read."""
    vocabulary = len(model.vocabulary.surfaces)
    step = max(1, WIDE_BLOCK // vocabulary)
    document = tokens.document_of()
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        part, origin = tokens.take(np.unique(document[block]))
        wanted = np.isin(origin, block)
        _, found = model.score_and_choose(part, chooser=lambda at, *_, wanted=wanted: wanted[at], k=vocabulary)
        yield found._replace(rows=origin[found.rows])


def _padded(values: ndarray, fill: int | float) -> ndarray:
    """The first columns, filled up to the number that is shown."""
    shown = values[:, :ALTERNATIVES]
    return np.pad(shown, ((0, 0), (0, ALTERNATIVES - shown.shape[1])), constant_values=fill)
