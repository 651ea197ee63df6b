"""Stretches of text that editing leaves alone: figures, addresses, code, markup, names."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray


class Protect(StrEnum):
    """Kinds of text in which another word would be wrong rather than different."""

    NUMBERS = "numbers"
    URLS = "urls"
    EMAILS = "emails"
    CODE = "code"
    MARKUP = "markup"
    NAMES = "names"
    QUOTES = "quotes"
    CITATIONS = "citations"


PATTERNS: dict[Protect, re.Pattern[str]] = {
    # A figure with its unit or suffix: 3.5, 1,200, 2nd, 40%, $5, 10am.
    Protect.NUMBERS: re.compile(r"[$€£¥]?\b\d[\d.,:/\-]*\w*%?"),
    Protect.URLS: re.compile(
        r"\b(?:https?|ftp|file)://\S+|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io)\b\S*"
    ),
    Protect.EMAILS: re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+"),
    # Fenced blocks, inline code, lines indented like code, names with underscores, calls and paths.
    Protect.CODE: re.compile(
        r"(?s:```.*?(?:```|\Z))|`[^`\n]+`|^(?: {4}|\t)\S.*$|\b\w+_\w+\b|\b\w+(?:\.\w+)*\([^()\n]*\)"
        r"|(?<!\w)/(?:[\w.-]+/)+[\w.-]*",
        re.MULTILINE,
    ),
    Protect.MARKUP: re.compile(
        r"<[^<>\n]{1,200}>|&#?\w+;|\[[^\[\]\n]*\]\([^()\n]*\)|\\[A-Za-z]+(?:\{[^{}\n]*\})?|\$[^$\n]+\$"
    ),
    Protect.QUOTES: re.compile(r"“[^“”\n]{0,2000}”|\"[^\"\n]{0,2000}\""),
    Protect.CITATIONS: re.compile(
        r"\[\d+(?:[,–-]\s?\d+)*\]|\((?:[^()\n]{0,100}\b(?:1[5-9]|20)\d\d[a-z]?)\)|\b(?:doi|arXiv):\s?\S+", re.IGNORECASE
    ),
}


WORD = re.compile(r"[^\W\d_]\w*(?:['’]\w+)?")
# What stands before a word that would be written with a capital in any case.
OPENING = re.compile(r"(?:^|[.!?:…][\"'”’)\]]*\s+|[\n\r\t]\s*|[\"“‘'(\[•*#>|–—-]\s*)\Z")


def _names(text: str) -> Iterator[tuple[int, int]]:
    """Words with a capital that does not open a sentence; in scripts without capitals there are none to see."""
    for match in WORD.finditer(text):
        start = match.start()
        if match[0][0].isupper() and not OPENING.search(text[max(0, start - 8) : start]):
            yield match.span()


def protected_spans(text: str, kinds: Iterable[Protect]) -> Int64[ndarray, "s 2"]:
    """The stretches of a text to be left alone, in UTF-8 bytes, in the order of their patterns; they may overlap."""
    found = [span for kind in kinds for span in _stretches(text, kind)]
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    spans = np.array(found, dtype=np.int64)
    if text.isascii():
        return spans
    # Byte position of each character: UTF-8 takes 1 to 4 bytes by code point.
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    width = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    return np.concatenate([[0], np.cumsum(width)])[spans]


def _stretches(text: str, kind: Protect) -> Iterator[tuple[int, int]]:
    return _names(text) if kind is Protect.NAMES else (match.span() for match in PATTERNS[kind].finditer(text))


def inside(spans: Int64[ndarray, "s 2"], tokens: Int64[ndarray, "t 2"]) -> Bool[ndarray, "t"]:
    """Which tokens share at least one byte with a stretch; tokens in order, stretches in any."""
    starts, ends = tokens[:, 0], tokens[:, 1]
    edge = np.zeros(len(tokens) + 1, dtype=np.int64)
    first = np.searchsorted(ends, spans[:, 0], side="right")
    last = np.searchsorted(starts, spans[:, 1], side="left")
    occupied = last > first
    np.add.at(edge, first[occupied], 1)
    np.add.at(edge, last[occupied], -1)
    return np.cumsum(edge[:-1]) > 0
