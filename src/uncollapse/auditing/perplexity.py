"""How surprised a language model is by each document: the U shape of its tokens, and the documents' means."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from uncollapse.auditing.passages import first_passage
from uncollapse.auditing.pool import Documents
from uncollapse.language_models.model import LanguageModel

# Source: Zhu et al., ICML 2025, section 4.1: the model is all too sure at 0.99; the other end of the U at 0.1.
SURE, HARD = 0.99, 0.1
_BATCH = 16


class Surprise(NamedTuple):
    """For each document the mean surprise in nats a token, and the shares of tokens that are sure and hard.

    NaN for documents that were not read. `tokens` has the probability of every token that was.
    """

    values: dict[str, Float64[ndarray, "d"]]
    tokens: Float32[ndarray, "t"]


def surprise_of(
    documents: Documents, model: LanguageModel, *, tokens: int, on_progress: Callable[[int], None]
) -> Surprise:
    """The surprise of the first passages (250 words) of documents, in their order, until so many tokens are read."""
    values = {name: np.full(len(documents), np.nan) for name in ("surprise", "sure", "hard")}
    probabilities = [np.zeros(0, dtype=np.float32)]
    read = 0
    for begin in range(0, len(documents), _BATCH):
        if read >= tokens:
            break
        texts = [first_passage(text) for text in documents.texts[begin : begin + _BATCH]]
        cut = model.vocabulary.encode(texts)
        scores = model.score(cut)
        for number, (first, last) in enumerate(zip(cut.offsets, cut.offsets[1:], strict=False)):
            logprob = scores.logprob[first:last]
            logprob = logprob[~np.isnan(logprob)]
            if len(logprob):
                own = np.exp(logprob)
                probabilities.append(own)
                values["surprise"][begin + number] = -float(logprob.mean())
                values["sure"][begin + number] = float((own >= SURE).mean())
                values["hard"][begin + number] = float((own <= HARD).mean())
        read += len(cut.ids)
        on_progress(read)
    return Surprise(values, np.concatenate(probabilities))
