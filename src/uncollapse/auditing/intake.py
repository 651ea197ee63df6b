"""One reading of a corpus: a bounded sample of its documents, its copies, and what of it the reference has too.

Everything here is counted in parts that can be added in any order, and nothing grows with the corpus but some numbers
for each different document.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Bool, UInt64
from numpy import ndarray

from uncollapse.auditing.pool import Documents, Pool, contents
from uncollapse.duplicates import ExactDuplicates, Near, NearDuplicates, Same, Sameness
from uncollapse.duplicates.exact import document_keys, word_keys
from uncollapse.fingerprint import ID_BYTES
from uncollapse.ngrams import WORDS, Cutting, Mergeable, Tokens, TypeCounts, Types, cut

# A document is a copy of parts of the reference when so much of its runs of eight words is there.
RUN, CONTAINED, FEWEST_RUNS = 8, 0.5, 8
RUNS_HELD = 1 << 21
PARTS = 26  # bits of the table that says where any run lies: 64 MB
# Two documents are nearly the same at a Jaccard similarity of .55 of their runs of five words: one word in eighteen
# changed. Human documents of the corpora of docs/audit-calibration.md do not come near it.
NEARLY = 0.55
LISTED = 1000
_DIGITS = 16
_HASHES = 2.0**64


class Copied(NamedTuple):
    """A document that the reference has too, whole or in large part: its id, source, and the share that is there."""

    id: str
    source: str
    share: float
    declared: bool


@dataclass(frozen=True, eq=False)
class Known:
    """What a corpus is held against to find what it has copied: the reference's texts, word for word, and runs."""

    texts: UInt64[ndarray, "t"]
    words: UInt64[ndarray, "w"]
    runs: Types

    @cached_property
    def name(self) -> str:
        """A digest of all of it."""
        parts = (self.texts, self.words, self.runs.keys, self.runs.counts)
        return blake3(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest(length=ID_BYTES)

    @cached_property
    def marked(self) -> Bool[ndarray, "p"]:
        """Whether any run lies in each part of the range of numbers: most that are not there need no search."""
        marked = np.zeros(1 << PARTS, dtype=bool)
        marked[self.runs.keys >> np.uint64(64 - PARTS)] = True
        return marked

    def has(self, keys: UInt64[ndarray, "k"]) -> Bool[ndarray, "k"]:
        """Which of these runs the reference has."""
        found = self.marked[keys >> np.uint64(64 - PARTS)]
        found[found] = self.runs.of(keys[found]) > 0
        return found


@dataclass(frozen=True, eq=False)
class Read:
    """What was found in one reading."""

    rows: int
    empty: int
    tokens: int
    unspaced: int
    documents: Documents
    same: Same
    near: Near
    lineage: int
    """Documents that say they were made from a text of the reference."""
    copied: tuple[Copied, ...]
    """All that the reference has too and that do not say so, in the order of their ids."""
    known: Known


class Intake(Mergeable):
    """The reading of a corpus; with `known`, also a search for what it has in common with the reference."""

    def __init__(self, *, tokens: int, known: Known | None = None, cutting: Cutting = WORDS) -> None:
        self.cutting, self._known = cutting, known
        self._against = None if known is None else known.name
        self._pool = Pool(tokens=tokens, cutting=cutting)
        self._texts = ExactDuplicates(sameness=Sameness.TEXT)
        self._same = ExactDuplicates(sameness=Sameness.WORDS, cutting=cutting)
        self._near = NearDuplicates(threshold=NEARLY, most=LISTED, cutting=cutting)
        self._runs = TypeCounts(order=RUN, limit=RUNS_HELD, cutting=cutting)
        self._counts = np.zeros(4, dtype=np.int64)
        self._lineage = 0
        self._copied: list[Copied] = []

    def settings(self) -> tuple[Any, ...]:
        """The sample's settings, and the runs of the reference that are looked for."""
        return *self._pool.settings(), self._against

    def without_reference(self) -> Self:
        """The same to be added to others: what it is held against stays behind, and it takes nothing in any more."""
        other = copy(self)
        other._known = None
        return other

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        assert (self._known is None) == (self._against is None), "it has travelled without its reference"
        at = 0
        for tokens in cut(batch, self.cutting):
            part = batch.slice(at, tokens.documents)
            texts, words = document_keys(part, sameness=Sameness.TEXT), word_keys(tokens)
            self._pool.take(tokens, part)
            self._same.take(words)
            self._near.take(tokens)
            if self._known is None:
                self._texts.take(texts)
                self._runs.take(tokens)
            else:
                self._look(tokens, part, self._known, texts=texts, words=words)
            lengths = np.diff(tokens.offsets)
            self._counts += [len(lengths), int((lengths == 0).sum()), int(lengths.sum()), tokens.unspaced]
            at += tokens.documents

    def _look(
        self,
        tokens: Tokens,
        batch: pa.RecordBatch,
        known: Known,
        *,
        texts: UInt64[ndarray, "d"],
        words: UInt64[ndarray, "d"],
    ) -> None:
        whole = np.isin(words, known.words) & (np.diff(tokens.offsets) >= FEWEST_RUNS)
        share = np.where(whole, 1.0, contained(tokens, known))
        from_reference = _made_from(batch, known.texts)
        self._lineage += int(from_reference.sum())
        names, sources, declared = _columns(batch, texts)
        for document in np.flatnonzero((share >= CONTAINED) & ~from_reference).tolist():
            self._copied.append(Copied(names[document], sources[document], float(share[document]), declared[document]))

    def _add(self, other: Self) -> None:
        for own, theirs in (
            (self._pool, other._pool),
            (self._texts, other._texts),
            (self._same, other._same),
            (self._near, other._near),
            (self._runs, other._runs),
        ):
            own.merge(theirs)  # type: ignore[arg-type]
        self._counts += other._counts
        self._lineage += other._lineage
        self._copied += other._copied

    def result(self) -> Read:
        """What was found."""
        rows, empty, tokens, unspaced = self._counts.tolist()
        known = Known(self._texts.keys(), self._same.keys(), self._runs.result())
        return Read(
            rows=rows,
            empty=empty,
            tokens=tokens,
            unspaced=unspaced,
            documents=self._pool.result(),
            same=self._same.result(),
            near=self._near.result(),
            lineage=self._lineage,
            copied=tuple(sorted(self._copied)),
            known=known,
        )


def contained(tokens: Tokens, known: Known) -> ndarray:
    """For each document the share of its runs of eight words that the reference has; 0 where too few are looked up."""
    keys = tokens.ngrams(RUN)
    document = np.repeat(np.arange(tokens.documents), np.diff(tokens.ngram_offsets(RUN)))
    if not known.runs.exact:
        held = keys < np.uint64(known.runs.share * _HASHES)
        keys, document = keys[held], document[held]
    looked = np.bincount(document, minlength=tokens.documents)
    found = np.bincount(document, weights=known.has(keys), minlength=tokens.documents)
    share: ndarray = np.where(looked >= FEWEST_RUNS, found / np.maximum(looked, 1), 0.0)
    return share


def _made_from(batch: pa.RecordBatch, texts: UInt64[ndarray, "t"]) -> Bool[ndarray, "d"]:
    """Which documents name a text of the reference among their parents."""
    found = np.zeros(len(batch), dtype=bool)
    if "parents" in batch.schema.names:
        for row, parents in enumerate(batch.column("parents").to_pylist()):
            if parents:
                found[row] = bool(np.isin(_keys(parents), texts).any())
    return found


def _keys(names: Iterable[str | None]) -> UInt64[ndarray, "n"]:
    return np.array([int(name[:_DIGITS], 16) for name in contents(names)], dtype=np.uint64)


def _columns(batch: pa.RecordBatch, texts: UInt64[ndarray, "d"]) -> tuple[list[str], list[str], list[bool]]:
    names = batch.schema.names
    ids = batch.column("id").to_pylist() if "id" in names else [f"{key:016x}" for key in texts.tolist()]
    sources = batch.column("source").to_pylist() if "source" in names else [""] * len(batch)
    origins = batch.column("origin").to_pylist() if "origin" in names else ["unknown"] * len(batch)
    return ids, [source or "" for source in sources], [origin in ("human", "edited") for origin in origins]
