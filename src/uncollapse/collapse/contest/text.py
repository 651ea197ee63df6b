"""The user's text, cut into pieces of equal length and parted: learned from, selected by, and never shown to anybody.

Human text becomes pieces of so many words, in plain form: lower case, one blank between two words, so that no student
writes in a form of its own. A document, or a piece, that is the same as one before it is left out first. Of the rest
some are to learn from, some are the reference that selectors may look at, and some are held out: neither a model, nor a
selector, nor an encoder is given one of them. The list of words is that of all pieces; counted models, which spread a
thousandth over it, so know how many words the held-out pieces add, and nothing else of them.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Int64, UInt64
from numpy import ndarray

from uncollapse.errors import InputError
from uncollapse.ngrams import Tokens, cut

TRAINING, REFERENCE, HELD_OUT = 0.4, 0.2, 0.4
"""Shares of the pieces. Source: the toy recursion that this contest is held beside."""
LEAST_PIECES = 50
OPENING = 2
"""Words that a text begins with, taken from a text of the generation before; they are written by nobody."""
LEAST_DOCUMENTS = 50
"""With so many documents a whole document goes to one side; of fewer, which are books, each piece by itself."""


class Piece(NamedTuple):
    """A stretch of a document in plain form, and the document's number."""

    text: str
    document: int


class Copies(NamedTuple):
    """How many were left out because the same text came before: whole documents, and pieces of the others."""

    documents: int = 0
    pieces: int = 0


NONE = Copies()


class Pieces:
    """All pieces of a corpus, and the name of each of its words; `copies` are those that are not among them."""

    def __init__(self, pieces: Sequence[Piece], *, words: int, corpus: str, copies: Copies = NONE) -> None:
        self.pieces, self.words, self.corpus, self.copies = pieces, words, corpus, copies

    @cached_property
    def digest(self) -> str:
        """A hash of the pieces in their order."""
        return blake3("\0".join(piece.text for piece in self.pieces).encode()).hexdigest(length=8)

    @cached_property
    def vocabulary(self) -> "Vocabulary":
        """The words of all pieces."""
        return Vocabulary.of([piece.text for piece in self.pieces])

    @cached_property
    def by(self) -> Literal["document", "stream"]:
        """Whether sides are made of whole documents or of pieces."""
        return "document" if len({piece.document for piece in self.pieces}) >= LEAST_DOCUMENTS else "stream"

    def parted(self, seed: int) -> "Sides":
        """The three sides for a seed; the same for every arm."""
        units = [piece.document if self.by == "document" else at for at, piece in enumerate(self.pieces)]
        names = sorted(set(units))
        order = sorted(names, key=lambda unit: blake3(f"{seed}\0contest\0{unit}".encode()).digest())
        place = {unit: rank for rank, unit in enumerate(order)}
        ends = (round(TRAINING * len(order)), round((TRAINING + REFERENCE) * len(order)))
        sides: tuple[list[str], list[str], list[str]] = ([], [], [])
        for unit, piece in zip(units, self.pieces, strict=True):
            sides[sum(place[unit] >= end for end in ends)].append(piece.text)
        if not all(sides):
            raise InputError("a side of the text has no piece", hint="Give more text, or shorter pieces.")
        return Sides(*sides)


class Sides(NamedTuple):
    """Pieces to learn from, to select by, and held out."""

    training: list[str]
    reference: list[str]
    held_out: list[str]


class Vocabulary:
    """Words by number: what a counted model reads and writes."""

    def __init__(self, names: UInt64[ndarray, "v"], spelling: Sequence[str]) -> None:
        self._names, self.spelling = names, spelling

    def __len__(self) -> int:
        return len(self.spelling)

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Vocabulary":
        """The words of some texts, in the order of their names."""
        known: dict[int, str] = {}
        for tokens in tokens_of(texts):
            names, first = np.unique(tokens.words, return_index=True)
            fresh = [at for at, name in enumerate(names.tolist()) if name not in known]
            spelt = tokens.spell(1, first[fresh])
            known |= dict(zip(names[fresh].tolist(), spelt, strict=True))
        order = sorted(known)
        return cls(np.array(order, np.uint64), [known[name] for name in order])

    def read(self, texts: Sequence[str], *, words: int) -> Int64[ndarray, "n l"]:
        """The numbers of the first `words` words of each text.

        Raises:
            InputError: a text is shorter, or has a word that is not among these.
        """
        rows = [row[:words] for tokens in tokens_of(texts) for row in rows_of(tokens)]
        short = next((at for at, row in enumerate(rows) if len(row) < words), None)
        if short is not None:
            raise InputError(f"text {short + 1:,} has fewer than {words} words", hint="A counted model reads no other.")
        names = np.stack(rows)
        ids = np.minimum(np.searchsorted(self._names, names), len(self._names) - 1)
        if (self._names[ids] != names).any():
            raise InputError("a text has a word that the vocabulary has not", hint="Read pieces of the same corpus.")
        return ids.astype(np.int64)

    def spell(self, streams: Int64[ndarray, "n l"]) -> list[str]:
        """The texts of some numbers, one blank between two words."""
        return [" ".join([self.spelling[word] for word in row]) for row in streams.tolist()]


def tokens_of(texts: Sequence[str]) -> Iterable[Tokens]:
    """The words of some texts."""
    return cut(batch_of(texts))


def rows_of(tokens: Tokens) -> list[UInt64[ndarray, "_"]]:
    """The words of each document."""
    return np.split(tokens.words, tokens.offsets[1:-1])


def batch_of(texts: Sequence[str]) -> pa.RecordBatch:
    """The texts as one batch."""
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def pieces_of(batches: Iterable[pa.RecordBatch], *, words: int, most: int | None, corpus: str) -> Pieces:
    """The pieces of a corpus, `words` long, each once; of more than `most` words, some pieces drawn out of all of it.

    Raises:
        InputError: there are too few.
    """
    found, copies = _once(batches, words=words)
    if len(found) < LEAST_PIECES:
        without = f" without {sum(copies):,} copies" if any(copies) else ""
        raise InputError(
            f"{corpus} has {len(found):,} pieces of {words} words{without}, and a contest needs {LEAST_PIECES}",
            hint=f"Give more text, or shorter pieces: --length {max(8, words // 2)}",
        )
    if most is not None and len(found) * words > most:
        count = max(most // words, LEAST_PIECES)
        marks = [blake3(f"{at}\0{piece.text}".encode()).digest() for at, piece in enumerate(found)]
        kept = sorted(sorted(range(len(found)), key=lambda at: marks[at])[:count])
        found = [found[at] for at in kept]
    return Pieces(found, words=words, corpus=corpus, copies=copies)


def _once(batches: Iterable[pa.RecordBatch], *, words: int) -> tuple[list[Piece], Copies]:
    """The pieces without those whose document or text came before; documents keep their numbers."""
    found: list[Piece] = []
    documents: set[bytes] = set()
    pieces: set[bytes] = set()
    texts = (text for batch in batches for text in batch.column("text").to_pylist())
    copied = dropped = 0
    for document, text in enumerate(texts):
        if not _fresh(" ".join(text.split()), documents):
            copied += 1
            continue
        for stretch in stretches(text, words=words):
            if _fresh(stretch, pieces):
                found.append(Piece(stretch, document))
            else:
                dropped += 1
    return found, Copies(copied, dropped)


def _fresh(text: str, seen: set[bytes]) -> bool:
    """Whether a text is not among those that were seen, where it is from now on."""
    before = len(seen)
    seen.add(blake3(text.encode()).digest())
    return len(seen) > before


def stretches(text: str, *, words: int) -> list[str]:
    """The text cut behind every `words` words, in plain form; a rest that is shorter is left out."""
    result: list[str] = []
    for tokens in tokens_of([text]):
        spelt = tokens.spell(1, np.arange(len(tokens.start)))
        result += [" ".join(spelt[at : at + words]) for at in range(0, len(spelt) - words + 1, words)]
    return result


def plain(texts: Sequence[str], *, words: int) -> list[str]:
    """The first words of each text in plain form: lower case, one blank between two words."""
    result: list[str] = []
    for tokens in tokens_of(texts):
        spelt = tokens.spell(1, np.arange(len(tokens.start)))
        result += [" ".join(spelt[first : min(first + words, end)]) for first, end in pairwise(tokens.offsets.tolist())]
    return result
