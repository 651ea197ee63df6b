"""Texts without what copying changes and no reader sees: the form in which copies are looked for.

Marks without a shape of their own are taken out, and typographic apostrophes made straight.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PIECE = 1 << 20  # bytes that are looked at at once: they stay in the processor's cache

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


def smooth(texts: pa.Array) -> pa.LargeStringArray:
    """The texts without unseen marks and with straight apostrophes; a missing text is an empty one."""
    texts = texts.cast(pa.large_string())
    if texts.null_count:
        texts = texts.fill_null("")
    if not _may_hold(texts):
        return texts
    texts = pc.replace_substring_regex(texts, pattern=_UNSEEN, replacement="")
    return pc.replace_substring_regex(texts, pattern=_APOSTROPHES, replacement="'")


def _may_hold(texts: pa.LargeStringArray) -> bool:
    where, data = texts.buffers()[1:]
    if data is None or where is None or not len(texts):
        return False
    offsets = np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    pieces = (held[at : at + _PIECE] for at in range(0, len(held), _PIECE))
    return any(piece.max() >= 0x80 and bool(_LEADS[piece].any()) for piece in pieces)
