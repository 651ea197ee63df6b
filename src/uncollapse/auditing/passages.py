"""Few long documents as many passages, where there are too few documents to say how much documents vary."""

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa

from uncollapse.auditing.pool import Documents, Row
from uncollapse.ngrams import WORDS, Cutting, cut

LENGTH = 250  # words, as white space parts them
FEWEST = 40  # documents, with fewer of which passages are compared
LARGEST = 0.1  # of all words in one document, above which passages are compared
_WORD = re.compile(r"\S+")


def few(documents: Documents) -> bool:
    """Whether there are too few documents, or one outweighs the rest."""
    lengths = np.diff(documents.offsets)
    return len(documents) < FEWEST or bool(lengths.max() > LARGEST * documents.tokens)


def passages(documents: Documents, *, cutting: Cutting = WORDS) -> Documents:
    """The documents cut into passages of some 250 words, no byte left out; passages know their number."""
    rows: list[Row] = []
    texts: list[str] = []
    copies: list[int] = []
    for row, text, times in zip(documents.rows, documents.texts, documents.copies.tolist(), strict=True):
        pieces = _pieces(text)
        rows += [row._replace(passage=number) for number in range(len(pieces))]
        texts += pieces
        copies += [times] * len(pieces)
    batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.large_string())], ["text"])
    parts = list(cut(batch, cutting))
    lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(part.offsets) for part in parts)])
    words = np.concatenate([np.zeros(0, dtype=np.uint64), *(part.words for part in parts)])
    return Documents(tuple(rows), tuple(texts), words, np.cumsum(lengths), np.array(copies, dtype=np.int64))


def first_passage(text: str) -> str:
    """The first 250 words of a text."""
    return _pieces(text)[0]


def _pieces(text: str) -> list[str]:
    begins = [match.start() for match in _WORD.finditer(text)][::LENGTH]
    ends = [0, *begins[1:], len(text)]
    return [text[a:b] for a, b in pairwise(ends)]
