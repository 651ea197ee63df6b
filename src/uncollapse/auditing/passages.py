"""Documents that can be compared: few long ones as many passages, and of one that outweighs the rest the beginning."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from uncollapse.auditing.pool import Documents, Row
from uncollapse.ngrams import WORDS, Cutting, cut
from uncollapse.ngrams.alphabet import UNSPACED

LENGTH = 250  # words, as white space parts them; of scripts without spaces, characters
FEWEST = 40  # documents, with fewer of which passages are compared
LARGEST = 0.1  # of all words in one document; what is more is left out
_ALONE = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSPACED.values())
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")


def few(documents: Documents) -> bool:
    """Whether there are too few documents to say how much they vary."""
    return len(documents) < FEWEST


def most_words(documents: Documents) -> int | None:
    """So many words of each document that none has more than a tenth of all, in whole passages; None if none has."""
    lengths = np.diff(documents.offsets)
    most = longest = int(lengths.max(initial=0))
    while most > max(LENGTH, LARGEST * (total := int(np.minimum(lengths, most).sum()))):
        most = min(int(LARGEST * total), most - 1)
    return None if most == longest else max(most // LENGTH, 1) * LENGTH


def shortened(documents: Documents, *, most: int, cutting: Cutting = WORDS) -> tuple[Documents, int]:
    """The documents, of those with more than `most` words only the first passages; and of how many that is true."""
    long = np.diff(documents.offsets) > most
    texts = [
        "".join(_pieces(text)[: max(most // LENGTH, 1)]) if cut_off else text
        for text, cut_off in zip(documents.texts, long.tolist(), strict=True)
    ]
    return _recut(documents.rows, texts, documents.copies.tolist(), cutting), int(long.sum())


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
    return _recut(rows, texts, copies, cutting)


def _recut(rows: Sequence[Row], texts: Sequence[str], copies: Sequence[int], cutting: Cutting) -> Documents:
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
