"""How many words a text has, without a tokenizer: what every share and every floor is counted in.

A word is a run of letters, marks and digits; in scripts that put no spaces between words each character, with its
combining marks, is one; a punctuation mark or symbol is one. `don't` is three. The classes are those of RE2.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.document import Edit

COUNTING = "re2-words/1"
"""Of the rule below; counts by two rules cannot be added."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_OF_A_RUN = rf"[^\p{{Z}}\p{{C}}\p{{P}}\p{{S}}{_UNSPACED}]"
WORD = rf"{_OF_A_RUN}+|[{_UNSPACED}]\p{{M}}*|[\p{{P}}\p{{S}}]"

# Two code points that are no characters and never will be: one stands where an edit put text, the other in its place
# where a text holds it by itself. To RE2 both could stand in a run.
_MARK, _OTHER = "\ufdd0", "\ufdd1"
_TOUCHED = rf"{_OF_A_RUN}*{_MARK}{_OF_A_RUN}*"


def words(texts: pa.Array) -> Int64[ndarray, "rows"]:
    """The number of words of each text; a missing text has none."""
    counts = pc.fill_null(pc.count_substring_regex(texts, pattern=WORD), 0)
    return counts.to_numpy(zero_copy_only=False).astype(np.int64)


def kept_words(texts: Sequence[str], edits: Sequence[Sequence[Edit]]) -> Int64[ndarray, "rows"]:
    """For each text how many of its words have no byte that one of its edits put there."""
    ends = _ends([edit.after for each in edits for edit in each])
    marked, at = [], 0
    for text, own in zip(texts, edits, strict=True):
        marked.append(_marked(text.encode(), own, ends[at : at + len(own)]))
        at += len(own)
    left = pc.replace_substring_regex(pa.array(marked, pa.large_string()), pattern=_TOUCHED, replacement=" ")
    return words(left)


def _ends(afters: Sequence[str]) -> list[tuple[bool, bool]]:
    """For each stretch that an edit put there whether it begins, and whether it ends, with a character of a run."""
    column = pa.array(afters, pa.string())
    first = pc.match_substring_regex(column, pattern=rf"^{_OF_A_RUN}").to_pylist()
    last = pc.match_substring_regex(column, pattern=rf"{_OF_A_RUN}$").to_pylist()
    return list(zip(first, last, strict=True))


def _marked(text: bytes, edits: Sequence[Edit], ends: Sequence[tuple[bool, bool]]) -> str:
    """The text with a mark for each edited stretch, parted by a blank from a word that it does not belong to."""
    parts: list[str] = []
    done = shift = 0
    for edit, (first, last) in zip(edits, ends, strict=True):
        size = len(edit.after.encode())
        start = edit.position + shift
        shift += size - len(edit.before.encode())
        if size:
            parts += [_plain(text[done:start]), "" if first else " ", _MARK, "" if last else " "]
            done = start + size
    return "".join([*parts, _plain(text[done:])])


def _plain(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace(_MARK, _OTHER)
