"""Texts made comparable before a detector learns from them: what tells a file from another must not tell who wrote it.

Quotation marks made by an editor, capitals and spaces; a prompt that the machine's text repeats; a length that one side
always has. Each fakes accuracy that is gone on the next corpus.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

_WORD = re.compile(r"\S+")
# Single and double quotation marks and primes, dashes, and the ellipsis, as typewriters have them.
_PLAIN = (("[‘’‚‛′`´]", "'"), ("[“”„‟″«»]", '"'), ("[‐‑‒–—―]", "-"), ("…", "..."))


def normalised(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """The texts with plain quotation marks and dashes, in lower case, white space as single blanks."""
    for pattern, plain in _PLAIN:
        texts = pc.replace_substring_regex(texts, pattern, plain)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(texts), r"\s+", " "))


def first_words(text: str, words: int) -> str:
    """The text up to its so-manieth word, as white space parts them; nothing else is changed."""
    end = 0
    for number, match in enumerate(_WORD.finditer(text)):
        if number == words:
            break
        end = match.end()
    return text[:end]


def without_common_prefix(one: str, other: str) -> tuple[str, str]:
    """Both texts less the words with which both begin, whatever their case and quotation marks."""
    words, others = _WORD.findall(one), _WORD.findall(other)
    plain, plain_other = (normalised(pa.array(each, pa.large_string())).to_pylist() for each in (words, others))
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(plain, plain_other, strict=False)))
    return _after(one, shared), _after(other, shared)


def _after(text: str, words: int) -> str:
    starts = [match.start() for match in _WORD.finditer(text)]
    return text[starts[words] :] if words < len(starts) else ""


def length_matched(human: Sequence[str], machine: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both sides, every text cut so that lengths in words are distributed alike.

    A text at some quantile of its side's lengths is cut to the shorter of both sides' lengths at that quantile; no text
    is left out.
    """
    lengths = [np.array([len(_WORD.findall(text)) for text in side]) for side in (human, machine)]
    if not all(map(len, lengths)):
        return list(human), list(machine)
    matched = []
    for side, own in zip((human, machine), lengths, strict=True):
        # Texts of one length have one place, so that the order of the texts decides nothing.
        places = (rankdata(own) - 0.5) / len(own)
        wanted = np.min([np.quantile(each, places, method="inverted_cdf") for each in lengths], axis=0)
        matched.append([first_words(text, int(most)) for text, most in zip(side, wanted, strict=True)])
    return matched[0], matched[1]
