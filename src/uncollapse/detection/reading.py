"""Texts read by one model, or by two that cut alike: the arrays from which every zero-shot score follows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.detection.scores import SCORES, Reading, scores_of
from uncollapse.language_models import load
from uncollapse.language_models.lent import Lent
from uncollapse.language_models.model import LanguageModel, Moments, Tokens
from uncollapse.language_models.pairs import moments_of_pair, refuse_unequal

# Tokens of each text that are read. Source: Hans et al. 2024 (Binoculars) read 512; longer texts gain little.
MOST_TOKENS = 512
# A token of more characters than this on average is met in no text; it bounds what is cut into tokens.
_WIDEST = 24
_BATCH = 16
_SHOWN = 30


class Scored(NamedTuple):
    """For each text how many tokens (words where no language model reads) were looked at, and each score by name."""

    tokens: Int64[ndarray, "n"]
    values: dict[str, Float64[ndarray, "n"]]


@dataclass(frozen=True)
class Texts:
    """Some texts that are read together."""

    texts: Sequence[str]

    @property
    def name(self) -> str:
        """What these are."""
        return f"{len(self.texts)} texts, the first {self.texts[0][:_SHOWN]!r}"


def together(texts: Sequence[str]) -> Iterator[Texts]:
    """The texts, so many at a time as are read together wherever they are read."""
    for begin in range(0, len(texts), _BATCH):
        yield Texts(texts[begin : begin + _BATCH])


@dataclass(frozen=True)
class Reader:
    """Who reads: a model, and for a pair the reference model beside it; one that is to travel has them by address."""

    model: LanguageModel | Lent
    reference: LanguageModel | Lent | None = None
    most_tokens: int = MOST_TOKENS

    @classmethod
    def of(
        cls, model: str, *, reference: str | None = None, most_tokens: int = MOST_TOKENS, dtype: str = "auto"
    ) -> "Reader":
        """The reader behind one address or two.

        Raises:
            ModelError: nothing answers to an address.
            UsageError: the two cut text in different ways.
        """
        loaded = load(model, dtype=dtype)
        other = None if reference is None else load(reference, dtype=dtype)
        if other is not None:
            refuse_unequal(loaded, other)
        return cls(loaded, other, most_tokens)

    @classmethod
    def lent(
        cls, model: str, *, reference: str | None = None, most_tokens: int = MOST_TOKENS, dtype: str = "auto"
    ) -> "Reader":
        """The reader behind one address or two, which opens them where it first reads.

        Raises:
            ModelError: nothing answers to an address.
        """
        other = None if reference is None else Lent.of(reference, dtype=dtype)
        return cls(Lent.of(model, dtype=dtype), other, most_tokens)

    @property
    def scores(self) -> list[str]:
        """The names of the scores that it gives."""
        return [name for name, kind in SCORES.items() if self.reference is not None or not kind.pair]

    def __call__(self, piece: Texts) -> Scored:
        """The scores of some texts.

        Raises:
            UsageError: two models that were not open before cut text in different ways.
        """
        return self.opened.scored(piece.texts)

    @cached_property
    def opened(self) -> "Reader":
        """The reader with its models open; what was opened stays here.

        Raises:
            UsageError: the two cut text in different ways.
        """
        model, other = (each.model if isinstance(each, Lent) else each for each in (self.model, self.reference))
        assert model is not None
        if other is not None:
            refuse_unequal(model, other)
        return Reader(model, other, self.most_tokens)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("model", "reference", "most_tokens")}

    def scored(self, texts: Sequence[str]) -> Scored:
        """The scores of some texts; NaN where one cannot be taken."""
        readings = self.read(texts)
        found = [scores_of(reading) for reading in readings]
        return Scored(
            np.array([len(reading.logprob) for reading in readings], np.int64),
            {name: np.array([scores[name].value for scores in found], np.float64) for name in self.scores},
        )

    def read(self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None) -> list[Reading]:
        """One reading for each text, of its first tokens; `on_progress` hears how many texts are done."""
        assert not isinstance(self.model, Lent), "it is opened first"
        found: list[Reading] = []
        for begin in range(0, len(texts), _BATCH):
            batch = [text[: self.most_tokens * _WIDEST] for text in texts[begin : begin + _BATCH]]
            found += self._readings(_first(self.model.vocabulary.encode(batch), most=self.most_tokens))
            if on_progress is not None:
                on_progress(len(found))
        return found

    def _readings(self, tokens: Tokens) -> list[Reading]:
        assert not isinstance(self.model, Lent)
        assert not isinstance(self.reference, Lent)
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
