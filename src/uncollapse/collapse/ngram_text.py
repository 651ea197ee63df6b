"""A text as numbers: its words coded from the commonest down, cut into streams, a tenth of it held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.corpora import read
from uncollapse.errors import InputError
from uncollapse.ngrams import cut

# Words in one block; blocks are dealt out between what is learned from and what is held out, so that neither is one
# half of a document whose other half is in the other.
BLOCK = 500
EVERY = 10
BUILT_IN = "the documentation that comes with Python"


@dataclass(frozen=True, eq=False)
class CodedText:
    """The words of a text in their order, as numbers from 0 for the commonest; `types` numbers are in use.

    Among words that are equally common the one seen first has the smaller number.
    """

    name: str
    ids: Int64[ndarray, "n"]
    types: int


@dataclass(frozen=True, eq=False)
class Parted:
    """A text as blocks of words (b, w): those that models learn from, and those that are held out."""

    learned: Int64[ndarray, "b w"]
    held_out: Int64[ndarray, "h w"]
    types: int

    def streams(self, length: int) -> Int64[ndarray, "s l"]:
        """What is learned from, as streams of so many words; words left over at the end are left out."""
        line = self.learned.ravel()
        whole = len(line) // length
        return line[: whole * length].reshape(whole, length)


def built_in() -> CodedText:
    """The coded text that is always at hand: the topics of Python's own help, some hundred thousand words."""
    texts = [topics.topics[name] for name in sorted(topics.topics)]
    return coded(texts, name=BUILT_IN)


def coded(texts: Sequence[str], *, name: str) -> CodedText:
    """The coded text of some documents, one behind the other."""
    return _coded([pa.record_batch({"text": pa.array(texts, pa.large_string())})], name=name)


def read_coded(path: str | Path) -> CodedText:
    """The coded text of a file or folder: plain text, JSON lines or Parquet.

    Raises:
        InputError: it is not there or cannot be read.
    """
    return _coded(list(read(path).batches()), name=str(path))


def parted(text: CodedText, *, order: int) -> Parted:
    """The text cut into blocks of 500 words, or shorter ones where there would not be twenty; every tenth is held out.

    Raises:
        InputError: the text is too short for n-grams of this order.
    """
    least = 2 * EVERY * 2 * order
    if len(text.ids) < least:
        raise InputError(
            f"{text.name} has {len(text.ids)} words, too few for n-grams of order {order}",
            hint=f"Give a text of at least {least} words, or a lower order.",
        )
    width = min(BLOCK, len(text.ids) // (2 * EVERY))
    whole = len(text.ids) // width
    blocks = text.ids[: whole * width].reshape(whole, width)
    held = np.arange(whole) % EVERY == EVERY - 1
    return Parted(blocks[~held], blocks[held], text.types)


def _coded(batches: Sequence[pa.RecordBatch], *, name: str) -> CodedText:
    words = [tokens.words for batch in batches for tokens in cut(batch)]
    line = np.concatenate([np.zeros(0, np.uint64), *words])
    _, first, ids, counts = np.unique(line, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(len(first))
    return CodedText(name, rank[ids], len(first))
