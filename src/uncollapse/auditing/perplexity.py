"""How surprised a language model is by each document: the U shape of its tokens, and the documents' means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from uncollapse.auditing.passages import first_passage
from uncollapse.auditing.pool import Documents
from uncollapse.language_models.model import LanguageModel
from uncollapse.step import Gather

# Source: Zhu et al., ICML 2025, section 4.1: the model is all too sure at 0.99; the other end of the U at 0.1.
SURE, HARD = 0.99, 0.1
_BATCH = 16


class Surprise(NamedTuple):
    """For each document the mean surprise in nats a token, and the shares of tokens that are sure and hard.

    NaN for documents that were not read. `tokens` has the probability of every token that was.
    """

    values: dict[str, Float64[ndarray, "d"]]
    tokens: Float32[ndarray, "t"]


@dataclass(frozen=True)
class Counted:
    """Some passages, of which it is asked how many tokens they have."""

    texts: Sequence[str]

    def read_by(self, model: LanguageModel) -> int:
        """The number of their tokens."""
        return len(model.vocabulary.encode(self.texts).ids)


@dataclass(frozen=True)
class Passages:
    """Some passages, of which it is asked how probable each token is; `first` is the number of the first."""

    first: int
    texts: Sequence[str]

    @property
    def name(self) -> str:
        """Which passages these are."""
        return f"passages {self.first + 1:,} to {self.first + len(self.texts):,}"

    def read_by(self, model: LanguageModel) -> list[Float32[ndarray, "_"]]:
        """For each passage the log-probability of each token that was scored."""
        cut = model.vocabulary.encode(self.texts)
        logprob = model.score(cut).logprob
        each = [logprob[first:last] for first, last in pairwise(cut.offsets.tolist())]
        return [one[~np.isnan(one)] for one in each]


def surprise_of(documents: Documents, gather: Gather, *, tokens: int, on_progress: Callable[[int], None]) -> Surprise:
    """The surprise of the first passages (250 words) of documents, in their order, until so many tokens are read.

    The model reads some passages at a time, wherever `gather` has it read them.
    """
    values = {name: np.full(len(documents), np.nan) for name in ("surprise", "sure", "hard")}
    probabilities = [np.zeros(0, dtype=np.float32)]
    wanted = _wanted(documents, gather, tokens=tokens)
    read = 0
    for (piece, size), found in zip(wanted, gather([piece for piece, _ in wanted]), strict=True):
        for number, logprob in enumerate(found, start=piece.first):
            if len(logprob):
                own = np.exp(logprob)
                probabilities.append(own)
                values["surprise"][number] = -float(logprob.mean())
                values["sure"][number] = float((own >= SURE).mean())
                values["hard"][number] = float((own <= HARD).mean())
        read += size
        on_progress(read)
    return Surprise(values, np.concatenate(probabilities))


def _wanted(documents: Documents, gather: Gather, *, tokens: int) -> list[tuple[Passages, int]]:
    """The passages that are read, some at a time, each with its number of tokens, until there are enough."""
    found: list[tuple[Passages, int]] = []
    read = begin = 0
    while read < tokens and begin < len(documents):
        # A word is a token or more: so many passages are looked at once as may be wanted, and seldom more.
        pieces: list[Passages] = []
        words = 0
        while words < tokens - read and begin < len(documents):
            texts = [first_passage(text) for text in documents.texts[begin : begin + _BATCH]]
            pieces.append(Passages(begin, texts))
            words += sum(len(text.split()) for text in texts)
            begin += _BATCH
        for piece, size in zip(pieces, gather([Counted(piece.texts) for piece in pieces]), strict=True):
            if read < tokens:
                found.append((piece, size))
                read += size
    return found
