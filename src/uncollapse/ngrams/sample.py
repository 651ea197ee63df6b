"""A bounded sample of a corpus that does not depend on the order of its documents or on how they were parted.

Documents stand in the order of their content's BLAKE3 digest, which is as good as shuffled, and are kept until the
sample has enough tokens. Whoever keeps one keeps all its copies: copies in the corpus are copies in the sample. Texts
without words are left out.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id
from uncollapse.ngrams.mergeable import Mergeable
from uncollapse.ngrams.words import WORDS, Cutting, Tokens, cut


@dataclass(frozen=True, eq=False)
class Sample:
    """Texts in the order of their digests, copies side by side, with at most as many words as were asked for.

    `words` has the 64-bit number of each word and `offsets` where the words of each text begin: the last text is cut
    off where the number of tokens is reached. `enough` says whether that many were there.
    """

    texts: tuple[str, ...]
    words: UInt64[ndarray, "n"]
    offsets: Int64[ndarray, "d"]
    enough: bool

    @property
    def tokens(self) -> int:
        """How many words these are."""
        return len(self.words)

    def rows(self) -> list[UInt64[ndarray, "w"]]:
        """The words of each text."""
        return np.split(self.words, self.offsets[1:-1]) if len(self.texts) else []


class _Held:
    """One text that may stay: its words' numbers and how many copies were seen."""

    __slots__ = ("copies", "text", "words")

    def __init__(self, text: str, words: UInt64[ndarray, "w"], copies: int) -> None:
        self.text, self.words, self.copies = text, words, copies


class EqualTokens(Mergeable):
    """A sample of `tokens` words, to compare corpora at equal size; memory grows with `tokens` alone."""

    def __init__(self, *, tokens: int = 1_000_000, cutting: Cutting = WORDS) -> None:
        if tokens < 1:
            raise UsageError(f"tokens = {tokens}", hint="A sample has one token or more.")
        self.tokens, self.cutting = tokens, cutting
        self._held: dict[str, _Held] = {}
        self._end = "g"  # behind every hexadecimal digest
        self._size = 0

    def settings(self) -> tuple[Any, ...]:
        """Number of tokens and cutting."""
        return self.tokens, self.cutting

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        texts = iter(batch.column("text") if "text" in batch.schema.names else ())
        for tokens in cut(batch, self.cutting):
            for document in range(tokens.documents):
                self._take(next(texts).as_py() or "", tokens, document)
            self._shrink(slack=2 * self.tokens)

    def _take(self, text: str, tokens: Tokens, document: int) -> None:
        name = content_id(text)
        if name >= self._end or tokens.offsets[document] == tokens.offsets[document + 1]:
            return
        held = self._held.get(name)
        if held is None:
            words = tokens.words[tokens.offsets[document] : tokens.offsets[document + 1]][: self.tokens].copy()
            held = self._held[name] = _Held(text, words, 0)
        held.copies += 1
        self._size += len(held.words)

    def _shrink(self, *, slack: int) -> None:
        """Lets go of what stands behind the last token that is needed; more documents can only push it further back."""
        if self._size <= slack:
            return
        kept: dict[str, _Held] = {}
        size = 0
        for name in sorted(self._held):
            if size >= self.tokens:
                self._end = name
                break
            kept[name] = self._held[name]
            size += len(kept[name].words) * kept[name].copies
        self._held, self._size = kept, size

    def _add(self, other: Self) -> None:
        self._end = min(self._end, other._end)
        for name, theirs in other._held.items():
            ours = self._held.get(name)
            copies = theirs.copies + (ours.copies if ours else 0)
            self._held[name] = _Held(theirs.text, theirs.words, copies)
        self._held = {name: held for name, held in self._held.items() if name < self._end}
        self._size = sum(len(held.words) * held.copies for held in self._held.values())
        self._shrink(slack=self.tokens)

    def result(self) -> Sample:
        """The sample."""
        texts: list[str] = []
        rows: list[UInt64[ndarray, w]] = []
        left = self.tokens
        for name in sorted(self._held):
            held = self._held[name]
            for _ in range(held.copies):
                if left <= 0:
                    break
                texts.append(held.text)
                rows.append(held.words[:left])
                left -= len(rows[-1])
        offsets = np.cumsum([0, *(len(row) for row in rows)])
        words = np.concatenate(rows) if rows else np.zeros(0, dtype=np.uint64)
        return Sample(tuple(texts), words, offsets, left <= 0)


class OverSample(Mergeable):
    """A number that is taken of a sample of a fixed number of tokens, which makes corpora of any size comparable."""

    def __init__(self, *, tokens: int, cutting: Cutting) -> None:
        self._sample = EqualTokens(tokens=tokens, cutting=cutting)

    def settings(self) -> tuple[Any, ...]:
        """Number of tokens and cutting."""
        return self._sample.settings()

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        self._sample.update(batch)

    def _add(self, other: Self) -> None:
        self._sample.merge(other._sample)
