"""Whether texts are the same, or share a run of words: what a detector learned from must not be what it is tried on."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Bool, UInt64
from numpy import ndarray

from uncollapse.detection.normal import normalised
from uncollapse.ngrams.words import Tokens, cut

RUN = 10
_BATCH = 1024


def text_keys(texts: Sequence[str] | pa.LargeStringArray) -> UInt64[ndarray, "n"]:
    """A 64-bit number for each normalised text: equal where texts differ in case, spaces or quotation marks alone."""
    array = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())
    plain = normalised(array).to_pylist()
    return np.array([int.from_bytes(blake3(text.encode()).digest(length=8), "little") for text in plain], np.uint64)


def runs_of(texts: Sequence[str]) -> UInt64[ndarray, "k"]:
    """The numbers of all runs of ten words in some texts, rising; a shorter text is one run."""
    held = [np.concatenate(_runs(tokens)) for tokens in _cut(texts)]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *held]))


def sharing(texts: Sequence[str], runs: UInt64[ndarray, "k"]) -> Bool[ndarray, "n"]:
    """Which texts have any of these runs."""
    if not len(runs):
        return np.zeros(len(texts), dtype=bool)
    found = [_held(own, runs) for tokens in _cut(texts) for own in _runs(tokens)]
    return np.array(found, dtype=bool)


def _held(own: UInt64[ndarray, "m"], runs: UInt64[ndarray, "k"]) -> bool:
    """Whether any of these stands among the runs, which rise."""
    at = np.minimum(np.searchsorted(runs, own), len(runs) - 1)
    return bool((runs[at] == own).any())


def _cut(texts: Sequence[str]) -> Iterable[Tokens]:
    for at in range(0, len(texts), _BATCH):
        part = normalised(pa.array(texts[at : at + _BATCH], pa.large_string()))
        yield from cut(pa.RecordBatch.from_arrays([part], ["text"]))


def _runs(tokens: Tokens) -> list[UInt64[ndarray, "_"]]:
    """The runs of each document; all of a short one's words as one run, none for an empty one."""
    keys, offsets = tokens.ngrams(RUN), tokens.ngram_offsets(RUN)
    found = []
    for document, (begin, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        words = tokens.words[tokens.offsets[document] : tokens.offsets[document + 1]]
        short = [int.from_bytes(blake3(words.tobytes()).digest(length=8), "little")] if len(words) else []
        found.append(keys[begin:end] if end > begin else np.array(short, np.uint64))
    return found
