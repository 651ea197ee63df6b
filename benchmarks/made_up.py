"""Text that a seed makes: words with the frequencies of Zipf and Mandelbrot, in sentences, with marks and capitals.

The same seed and size give the same documents everywhere; nothing of it is kept in the repository. A share of the words
can have letters beyond ASCII, as nearly all text from the web has somewhere in each megabyte.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

VOCABULARY = 100_000
# Source: Zipf-Mandelbrot with the exponent and shift of English prose.
EXPONENT, SHIFT = 1.07, 2.7
SYLLABLES = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "an",
    "en",
    "in",
    "on",
    "er",
    "or",
    "al",
    "el",
    "ar",
    "it",
    "is",
    "ra",
    "re",
    "ro",
    "ta",
    "te",
    "to",
    "la",
    "le",
    "li",
    "ma",
    "me",
    "mi",
    "na",
    "ne",
    "no",
    "sa",
    "se",
    "si",
    "ka",
    "ko",
]
ONSETS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "st",
    "tr",
    "pl",
    "gr",
    "th",
    "ch",
    "sh",
    "br",
]
PARTS = [onset + syllable for onset in [*ONSETS, *[""] * 10] for syllable in SYLLABLES]
ENDS = (" ", ", ", ". ")
END_SHARES = (0.885, 0.060, 0.055)  # a comma for 17 words, a sentence for 18
WORDS_AT_ONCE = 200_000
MEGABYTE = 1_000_000


def vocabulary(random: np.random.Generator, *, beyond_ascii: float) -> list[str]:
    """Different words, the frequent ones short; some with an apostrophe, some numbers, some with accents."""
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        drawn = len(words) + np.arange(10_000)
        counts = 1 + random.poisson(0.05 + 0.09 * np.log1p(drawn))
        parts = random.choice(PARTS, (len(drawn), counts.max()))
        for row, count, kind in zip(parts.tolist(), counts.tolist(), random.random(len(drawn)).tolist(), strict=True):
            word = "".join(row[:count])
            if kind < 0.01:
                word += "'s"
            elif kind < 0.02:
                word = str(int(kind * 1e6))
            elif kind < 0.02 + beyond_ascii:
                word = word.replace("e", "\u00e9").replace("o", "\u00f6")
            words[word] = None
    return list(words)[:VOCABULARY]


def documents(*, text_bytes: int, seed: int = 11, beyond_ascii: float = 0.0) -> Iterator[str]:
    """Documents of 1 to some thousands of words, until there are so many bytes of text."""
    random = np.random.default_rng(seed)
    words = vocabulary(random, beyond_ascii=beyond_ascii)
    capitals = [word[:1].upper() + word[1:] for word in words]
    forms = np.array([word + end for end in ENDS for case in (words, capitals) for word in case], dtype=object)
    reach = np.cumsum((np.arange(1, VOCABULARY + 1) + SHIFT) ** -EXPONENT)
    written = 0
    while written < text_bytes:
        which = np.searchsorted(reach, random.random(WORDS_AT_ONCE) * reach[-1])
        end = random.choice(len(ENDS), WORDS_AT_ONCE, p=END_SHARES)
        first = np.concatenate([[True], end[:-1] == 2])
        pieces = forms[(2 * end + first) * VOCABULARY + which]
        cuts = np.cumsum(random.lognormal(5.5, 1.0, 2000).astype(int) + 1)
        for part in np.split(pieces, cuts[cuts < WORDS_AT_ONCE]):
            text = "".join(part).rstrip()
            written += len(text.encode())
            yield text
            if written >= text_bytes:
                return


def write_parquet(path: Path, *, text_bytes: int, seed: int = 11, beyond_ascii: float = 0.0) -> int:
    """The bytes of text in a Parquet file of such documents, in groups of a thousand."""
    schema = pa.schema([("text", pa.large_string())])
    rows = documents(text_bytes=text_bytes, seed=seed, beyond_ascii=beyond_ascii)
    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while part := [row for row, _ in zip(rows, range(1000), strict=False)]:
            written += sum(len(row.encode()) for row in part)
            writer.write_table(pa.table({"text": pa.array(part, pa.large_string())}))
    return written
