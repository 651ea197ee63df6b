"""Texts read by one model, or by two that cut alike: the arrays from which every zero-shot score follows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.detection.scores import Reading
from uncollapse.language_models import load
from uncollapse.language_models.model import LanguageModel, Moments, Tokens
from uncollapse.language_models.pairs import moments_of_pair, refuse_unequal

# Tokens of each text that are read. Source: Hans et al. 2024 (Binoculars) read 512; longer texts gain little.
MOST_TOKENS = 512
# A token of more characters than this on average is met in no text; it bounds what is cut into tokens.
_WIDEST = 24
_BATCH = 16


@dataclass(frozen=True)
class Reader:
    """Who reads: a model, and for a pair the reference model beside it."""

    model: LanguageModel
    reference: LanguageModel | None = None
    most_tokens: int = MOST_TOKENS

    @classmethod
    def of(cls, model: str, *, reference: str | None = None, most_tokens: int = MOST_TOKENS) -> "Reader":
        """The reader behind one address or two.

        Raises:
            ModelError: nothing answers to an address.
            UsageError: the two cut text in different ways.
        """
        loaded = load(model)
        other = None if reference is None else load(reference)
        if other is not None:
            refuse_unequal(loaded, other)
        return cls(loaded, other, most_tokens)

    def read(self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None) -> list[Reading]:
        """One reading for each text, of its first tokens; `on_progress` hears how many texts are done."""
        found: list[Reading] = []
        for begin in range(0, len(texts), _BATCH):
            batch = [text[: self.most_tokens * _WIDEST] for text in texts[begin : begin + _BATCH]]
            found += self._readings(_first(self.model.vocabulary.encode(batch), most=self.most_tokens))
            if on_progress is not None:
                on_progress(len(found))
        return found

    def _readings(self, tokens: Tokens) -> list[Reading]:
        reference = None
        if self.reference is None:
            moments = self.model.moments(tokens)
        else:
            moments, reference = moments_of_pair(self.model, self.reference, tokens)
        scored = ~np.isnan(moments.logprob)
        return [
            _reading(moments, reference, begin=begin, kept=scored[begin:end])
            for begin, end in zip(tokens.offsets[:-1].tolist(), tokens.offsets[1:].tolist(), strict=True)
        ]


def _reading(moments: Moments, reference: ndarray | None, *, begin: int, kept: Bool[ndarray, "n"]) -> Reading:
    own = slice(begin, begin + len(kept))
    logprob, mean, variance, rank = (each[own][kept] for each in moments)
    return Reading(logprob, mean, variance, rank, None if reference is None else reference[own][kept])


def _first(tokens: Tokens, *, most: int) -> Tokens:
    """The documents, each cut after so many tokens."""
    sizes = np.minimum(np.diff(tokens.offsets), most)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    rows = np.arange(offsets[-1]) + np.repeat(tokens.offsets[:-1] - offsets[:-1], sizes)
    return Tokens(ids=tokens.ids[rows], starts=offsets[:-1], offsets=offsets, spans=tokens.spans[rows])
