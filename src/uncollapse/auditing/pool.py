"""A bounded sample of a corpus's different documents, with what is known of each; the same in any order of reading.

Documents stand in the order of a digest that is as good as shuffled: that of the text they were made from where the
ledger names one, else their own. So a document and what was edited out of it are sampled together, from whichever
corpus they are read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt64
from numpy import ndarray

from uncollapse.document import Origin
from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id
from uncollapse.ngrams import WORDS, Cutting, Mergeable, Tokens, cut

_DIGEST = re.compile("[0-9a-f]{32}")
_BEHIND = ("g", "")  # stands behind every hexadecimal digest
# Origins that say openly that a text is human, or was made from human text by edits on record.
_DECLARED = (Origin.HUMAN, Origin.EDITED)


class Row(NamedTuple):
    """What is known of a document beside its text: the root of its lineage, where it was read, which passage it is."""

    id: str
    root: str
    source: str
    declared: bool
    passage: int = 0


@dataclass(slots=True)
class _Held:
    row: Row
    text: str
    words: UInt64[ndarray, "w"]
    copies: int


@dataclass(frozen=True, eq=False)
class Documents:
    """Different documents in the order of their roots; the words of document d are words[offsets[d] : offsets[d + 1]].

    `copies` says how many documents of the corpus have each text. Texts without words are left out.
    """

    rows: tuple[Row, ...]
    texts: tuple[str, ...]
    words: UInt64[ndarray, "n"]
    offsets: Int64[ndarray, "e"]
    copies: Int64[ndarray, "d"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tokens(self) -> int:
        """How many words these are, each text once."""
        return len(self.words)

    def take(self, which: Int64[ndarray, "k"]) -> "Documents":
        """These documents alone, in the given order."""
        pieces = [self.words[self.offsets[at] : self.offsets[at + 1]] for at in which.tolist()]
        return Documents(
            rows=tuple(self.rows[at] for at in which.tolist()),
            texts=tuple(self.texts[at] for at in which.tolist()),
            words=np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.uint64),
            offsets=np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64),
            copies=self.copies[which],
        )


class Pool(Mergeable):
    """The first documents in the order of their roots, until they have `tokens` words."""

    def __init__(self, *, tokens: int, cutting: Cutting = WORDS) -> None:
        if tokens < 1:
            raise UsageError(f"a sample of {tokens} tokens", hint="A sample has one token or more.")
        self.tokens, self.cutting = tokens, cutting
        self._held: dict[tuple[str, str], _Held] = {}
        self._end = _BEHIND
        self._size = 0

    def settings(self) -> tuple[Any, ...]:
        """Number of tokens and cutting."""
        return self.tokens, self.cutting

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        at = 0
        for tokens in cut(batch, self.cutting):
            self.take(tokens, batch.slice(at, tokens.documents))
            at += tokens.documents

    def take(self, tokens: Tokens, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch, cut already, into account."""
        for document, (row, text) in enumerate(_rows(batch)):
            begin, end = tokens.offsets[document], tokens.offsets[document + 1]
            if begin < end and (row.root, row.id) < self._end:
                self._take(_Held(row, text, tokens.words[begin:end], 1))
        self._shrink(slack=2 * self.tokens)

    def _take(self, new: _Held) -> None:
        held = self._held.get((new.row.root, new.row.id))
        if held is None:
            self._held[(new.row.root, new.row.id)] = _Held(new.row, new.text, new.words.copy(), new.copies)
            self._size += len(new.words)
            return
        held.copies += new.copies
        declared = held.row.declared and new.row.declared
        held.row = min(held.row, new.row)._replace(declared=declared)

    def _shrink(self, *, slack: int) -> None:
        """Lets go of what stands behind the last document that is needed."""
        if self._size <= slack:
            return
        kept: dict[tuple[str, str], _Held] = {}
        size = 0
        for name in sorted(self._held):
            if size >= self.tokens:
                self._end = name
                break
            kept[name] = self._held[name]
            size += len(kept[name].words)
        self._held, self._size = kept, size

    def _add(self, other: Self) -> None:
        self._end = min(self._end, other._end)
        for held in other._held.values():
            self._take(held)
        self._held = {name: held for name, held in self._held.items() if name < self._end}
        self._size = sum(len(held.words) for held in self._held.values())
        self._shrink(slack=self.tokens)

    def result(self) -> Documents:
        """The sample: whole documents, the last of them the one that reaches the number of tokens."""
        self._shrink(slack=self.tokens)
        held = [self._held[name] for name in sorted(self._held)]
        return Documents(
            rows=tuple(one.row for one in held),
            texts=tuple(one.text for one in held),
            words=np.concatenate([np.zeros(0, dtype=np.uint64), *(one.words for one in held)]),
            offsets=np.cumsum([0, *(len(one.words) for one in held)]).astype(np.int64),
            copies=np.array([one.copies for one in held], dtype=np.int64),
        )


def contents(names: Iterable[str | None]) -> list[str]:
    """Those of the names that are content ids: a column of this name may have come from anywhere."""
    return [name for name in names if name is not None and _DIGEST.fullmatch(name)]


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Row, str]]:
    """Each document's row and text; columns that are not there are taken as unknown."""
    names = batch.schema.names
    texts = batch.column("text").to_pylist()
    empty = [None] * len(texts)
    ids, parents, origins, sources = (
        batch.column(name).to_pylist() if name in names else empty for name in ("id", "parents", "origin", "source")
    )
    for read, known, made_from, origin, source in zip(texts, ids, parents, origins, sources, strict=True):
        text = read or ""
        name = known or content_id(text)
        own = name if _DIGEST.fullmatch(name) else content_id(text)
        root = min(contents(made_from or ()), default=own)
        yield Row(name, root, source or "", origin in _DECLARED), text
