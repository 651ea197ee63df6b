"""Proxies that count: n-grams of the same tokens, learned in seconds, beside those that are networks.

A counted proxy cannot generalise, but it has learned all that it can from the first token on, where a small network
needs some hundred thousand to know more than frequencies. So it is a second opinion, or the first in a small budget.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from blake3 import blake3
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.collapse.forecast.kinds import COUNTED_PIECES
from uncollapse.language_models.contexts import START, counted_ngrams, levels_of
from uncollapse.language_models.counted import CountedModel, counted_card
from uncollapse.language_models.model import ModelCard
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.training.tokenizer import fit_tokenizer

ORDER = 3
PSEUDO_COUNT = 40.0
"""How many times the shorter context is believed to have been seen; the loss on real text is flat around it."""


class PieceCounted(CountedModel):
    """The counted model over the pieces of a tokenizer, instead of over words."""

    def __init__(self, texts: Iterable[str], vocabulary: PieceVocabulary) -> None:
        self.vocabulary = vocabulary  # type: ignore[assignment]
        self.pseudo_count = PSEUDO_COUNT
        self._address = None
        lines = _lines(list(texts), vocabulary)
        self.tokens = sum(len(line) for line in lines)
        self._ngrams = tuple(counted_ngrams(lines, length=length) for length in range(1, ORDER + 1))
        self._levels = levels_of(self._ngrams, size=len(vocabulary))

    @property
    def card(self) -> ModelCard:
        """What a result of this model depends on."""
        whole = blake3()
        for ids, counts in self._ngrams:
            whole.update(ids.tobytes() + counts.tobytes())
        return counted_card(f"counted:{whole.hexdigest(length=6)}", revision=whole.hexdigest())

    @property
    def size(self) -> int:
        """How many different n-grams it knows."""
        return sum(len(counts) for _, counts in self._ngrams)


def _lines(texts: Sequence[str], vocabulary: PieceVocabulary) -> list[Int64[ndarray, "_"]]:
    """The tokens of each text behind the start token."""
    tokens = vocabulary.encode(texts)
    own = np.split(tokens.ids.astype(np.int64), tokens.offsets[1:-1])
    return [np.concatenate([np.array([START], np.int64), line]) for line in own]


class Pieces(PieceVocabulary):
    """The pieces of a tokenizer that has learned from human text, and its digest."""

    digest: str


def vocabulary_of(human: Iterable[str]) -> Pieces:
    """The pieces."""
    learner = fit_tokenizer(human, vocabulary=COUNTED_PIECES)
    content = learner.backend_tokenizer.to_str()
    found = Pieces(content, ends=(str(learner.bos_token), str(learner.eos_token)))
    found.digest = blake3(content.encode()).hexdigest()
    return found
