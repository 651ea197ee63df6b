"""Which tokens may be replaced: by the prior's probability, or at random as a control."""

from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray
from pydantic import Field, model_validator

from uncollapse.editing.protect import Protect
from uncollapse.editing.words import Pieces, whole_words
from uncollapse.errors import UsageError
from uncollapse.language_models.model import Tokens
from uncollapse.randomness import Stream
from uncollapse.sampling import Strategy
from uncollapse.step import StepModel

Share = Annotated[float, Field(ge=0, le=1)]
Nats = Annotated[float, Field(allow_inf_nan=False)]


class Positions(StrEnum):
    """Where to edit: tokens the prior finds easy, tokens it finds hard, or a random share of all."""

    EASY = "easy"
    HARD = "hard"
    RANDOM = "random"


class Replace(StrEnum):
    """What to do there: draw the token again, or leave it out."""

    RESAMPLE = "resample"
    DROP = "drop"


class UnitOf(StrEnum):
    """What one edit exchanges: any token, or a token that is a word by itself."""

    TOKEN = "token"  # noqa: S105 - a piece of text
    WORD = "word"


class Rules(StepModel):
    """What to edit and how; the fields of `ToEdit`.

    Args:
        model: address of the prior.
        threshold: probability at or above which a token is easy (at or below which it is hard).
        strict: leave out the threshold itself.
        positions: easy, hard, or random at `rate`.
        rate: share of the editable tokens that random positions take.
        replace: draw again or leave out.
        unit: any token, or only tokens that are whole words.
        strategy: which candidates may be drawn; `top_k`, `top_p`, `min_p` are its parameters.
        temperature: flattens (above 1) or sharpens the law of the candidates.
        exclude_original: never draw the token that stands there.
        spacing: least distance between two edits in tokens.
        max_edit_share: most edits in a document as a share of its tokens, earlier rounds included.
        protect: kinds of text to leave alone.
        recheck: read the edited text once more and take back edits after which the next `recheck_tokens` tokens lost
            more than `recheck_nats` nats; and, where `recheck_total_nats` is set, edits that together with those tokens
            lost more than that.
        recheck_rounds: how often, after edits were taken back, others are tried and read again.
        prompt_column: column that is read before the text as context.
        seed: of all draws.
        dtype: arithmetic of the model; `auto` takes bfloat16 where the processor computes in it.
        window: longest context in tokens; longer documents are read in overlapping windows.
    """

    model: str = "smollm2-135m"
    threshold: Share = 0.99
    strict: bool = False
    positions: Positions = Positions.EASY
    rate: Share = 0.01
    replace: Replace = Replace.RESAMPLE
    unit: UnitOf = UnitOf.TOKEN
    strategy: Strategy = Strategy.TOP_K
    top_k: Annotated[int, Field(ge=1)] = 8
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.99
    min_p: Annotated[float, Field(gt=0, le=1)] = 0.05
    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    exclude_original: bool = False
    spacing: Annotated[int, Field(ge=1)] = 1
    max_edit_share: Share = 1.0
    protect: tuple[Protect, ...] = ()
    recheck: bool = False
    recheck_tokens: Annotated[int, Field(ge=1)] = 6
    recheck_nats: Nats = 1.0
    recheck_total_nats: Nats | None = None
    recheck_rounds: Annotated[int, Field(ge=1, le=64)] = 1
    prompt_column: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    dtype: str = "auto"
    window: Annotated[int, Field(ge=16)] = 2048

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.recheck and self.replace is Replace.DROP:
            raise UsageError("recheck cannot follow deletions", hint="Leave out recheck, or resample instead of drop.")
        if self.recheck_rounds > 1 and not self.recheck:
            raise UsageError("recheck_rounds without recheck does nothing", hint="Ask for recheck, or leave it out.")
        if self.strategy is Strategy.REJECTION and self.temperature == 0:
            raise UsageError("rejection sampling needs a temperature above 0", hint="Use top-k at temperature 0.")
        return self


class Draw(IntEnum):
    """Draw numbers of a document's stream; each decision has one of its own."""

    REPLACEMENT = 0
    POSITION = 1
    PRIORITY = 2
    NEXT = 16
    REJECTION = 1024


def editable(tokens: Tokens, table: Pieces, *, unit: UnitOf) -> Bool[ndarray, "n"]:
    """Which tokens a rule may pick: text that has text before it, and whole words where words are the unit.

    The first token of a text is never picked, and neither are prompts, special tokens or pieces of a character.
    """
    able: ndarray = tokens.scored() & table.is_text[tokens.ids]
    able[tokens.starts[tokens.starts < tokens.offsets[1:]]] = False
    if unit is UnitOf.WORD:
        first = np.zeros(len(tokens.ids), dtype=bool)
        first[tokens.starts[tokens.starts < len(first)]] = True
        able &= whole_words(table, tokens.ids, first)
    return able


def flagged_by_probability(
    logprob: Float32[ndarray, "n"], *, easy: bool, threshold: float, strict: bool
) -> Bool[ndarray, "n"]:
    """Where the prior's probability of the token stands on the rule's side of the threshold.

    The comparison is made in float64 on exp(log-probability). `strict` leaves out the threshold itself.

    Source: Zhu et al., ICML 2025, section 4.1 (p >= threshold); the released script compares p > 0.99.
    """
    probability = np.exp(logprob.astype(np.float64))
    with np.errstate(invalid="ignore"):  # NaN where nothing was scored: never flagged
        if easy:
            return probability > threshold if strict else probability >= threshold
        return probability < threshold if strict else probability <= threshold


def uniforms(
    streams: list[Stream], documents: Int64[ndarray, "r"], positions: Int64[ndarray, "r"], *, draw: int
) -> Float64[ndarray, "r"]:
    """One uniform number for each row, out of its document's stream at its position."""
    numbers = np.empty(len(documents))
    edges = np.flatnonzero(np.diff(documents, prepend=-1, append=-1))
    for start, end in pairwise(edges):
        numbers[start:end] = streams[documents[start]].uniform(positions[start:end], draw=draw)
    return numbers
