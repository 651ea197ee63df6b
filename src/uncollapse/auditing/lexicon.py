"""The words behind their numbers, for people to read."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import UInt64
from numpy import ndarray

from uncollapse.auditing.encoded import Encoded
from uncollapse.auditing.pool import Documents
from uncollapse.ngrams import WORDS, Cutting, cut


class Lexicon:
    """The spelling of every word of some samples, in the form in which words are counted."""

    def __init__(self, *samples: Documents, cutting: Cutting = WORDS) -> None:
        self._spelt: dict[int, str] = {}
        for sample in samples:
            batch = pa.RecordBatch.from_arrays([pa.array(sample.texts, pa.large_string())], ["text"])
            for tokens in cut(batch, cutting):
                keys, first = np.unique(tokens.words, return_index=True)
                self._spelt.update(zip(keys.tolist(), tokens.spell(1, first), strict=True))

    def spell(self, words: UInt64[ndarray, "k"]) -> str:
        """The words, one blank between two."""
        return " ".join(self._spelt[word] for word in words.tolist())

    def ngrams(self, names: Sequence[int], *, sample: Encoded, documents: Documents, order: int) -> list[str]:
        """The n-grams of these names, each of which `sample`, made of `documents`, has."""
        found = []
        for name in names:
            at = int(np.flatnonzero(sample.names[order] == name)[0])
            found.append(self.spell(documents.words[at : at + order]))
        return found
