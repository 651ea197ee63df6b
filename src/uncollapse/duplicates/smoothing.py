"""Texts without what copying changes and no reader sees: the form in which copies are looked for.

Marks without a shape of their own are taken out, and typographic apostrophes made straight.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64
from numpy import ndarray

# Soft hyphen, joiners, directions, fillers, variation selectors, tags and the byte order mark: all without a shape.
# Source: Unicode Character Database, Default_Ignorable_Code_Point, without the Hangul and Khmer fillers.
UNSEEN = (
    r"\x{00AD}\x{034F}\x{061C}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}"
    r"\x{FE00}-\x{FE0F}\x{FEFF}\x{E0000}-\x{E0FFF}"
)
_UNSEEN = f"[{UNSEEN}]+"
_APOSTROPHES = "[\u2018\u2019\u02bc\uff07]"
# The first bytes of those characters in UTF-8; a text without them needs no second look.
_LEADS = np.zeros(256, dtype=bool)
_LEADS[[0xC2, 0xCA, 0xCD, 0xD8, 0xE1, 0xE2, 0xEF, 0xF3]] = True
# Of dashes, quotes, dots and pounds, which nearly all text has, the first two bytes say that they are none of these.
_OFTEN = (0xC2, 0xE2)


def smooth(texts: pa.Array) -> pa.LargeStringArray:
    """The texts without unseen marks and with straight apostrophes; a missing text is an empty one."""
    texts = texts.cast(pa.large_string())
    if texts.null_count:
        texts = texts.fill_null("")
    rows = _rows_to_look_at(texts)
    if not len(rows):
        return texts
    some = texts.take(pa.array(rows))
    some = pc.replace_substring_regex(some, pattern=_UNSEEN, replacement="")
    some = pc.replace_substring_regex(some, pattern=_APOSTROPHES, replacement="'")
    if len(rows) == len(texts):
        return some
    here = np.zeros(len(texts), dtype=bool)
    here[rows] = True
    return pc.replace_with_mask(texts, here, some)


def _rows_to_look_at(texts: pa.LargeStringArray) -> Int64[ndarray, "r"]:
    """The texts that may hold one of those characters."""
    where, data = texts.buffers()[1:]
    if data is None or where is None or not len(texts):
        return np.zeros(0, dtype=np.int64)
    offsets = np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    lead = np.flatnonzero(held >= 0xC2)
    lead = lead[_LEADS[held[lead]]]
    first, second = held[lead], held[np.minimum(lead + 1, len(held) - 1)]
    third = held[np.minimum(lead + 2, len(held) - 1)]
    # U+00AD; U+2018 and U+2019, U+200B to U+200F, U+202A to U+202E; U+2060 to U+206F.
    two = (first == 0xC2) & (second == 0xAD)
    low = (third >= 0x8B) & (third <= 0x8F) | (third >= 0x98) & (third <= 0x99) | (third >= 0xAA) & (third <= 0xAE)
    three = (first == 0xE2) & ((second == 0x80) & low | (second == 0x81) & (third >= 0xA0))
    other = ~np.isin(first, _OFTEN)
    return np.unique(np.searchsorted(offsets - offsets[0], lead[two | three | other], side="right") - 1)
