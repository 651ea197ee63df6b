"""The bytes of many texts at once, and which characters beyond ASCII stand in them where."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt8, UInt32
from numpy import ndarray


class Laid(NamedTuple):
    """Texts one behind the other: text t has the bytes from offsets[t] to offsets[t + 1] of `data`."""

    offsets: Int64[ndarray, "bounds"]
    data: UInt8[ndarray, "bytes"]

    @classmethod
    def of(cls, texts: pa.LargeStringArray) -> "Laid":
        """The bytes of texts none of which is missing; nothing is copied."""
        _, where, data = texts.buffers()
        if where is None or data is None or not len(texts):
            return cls(np.zeros(len(texts) + 1, np.int64), np.zeros(0, np.uint8))
        offsets = np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        return cls(offsets - offsets[0], np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]])

    def row_of(self, places: Int64[ndarray, "n"]) -> Int64[ndarray, "n"]:
        """The text in which each byte lies."""
        return np.searchsorted(self.offsets, places, side="right") - 1


class Beyond(NamedTuple):
    """The characters beyond ASCII: their first bytes, how many bytes each has, their code points."""

    place: Int64[ndarray, "n"]
    size: Int64[ndarray, "n"]
    code: UInt32[ndarray, "n"]


def whole(texts: pa.Array) -> pa.LargeStringArray:
    """The texts as large strings; a missing one is empty."""
    texts = texts.cast(pa.large_string())
    return texts.fill_null("") if texts.null_count else texts


def beyond_ascii(data: UInt8[ndarray, "bytes"]) -> Beyond:
    """The characters of two bytes and more in UTF-8."""
    place = np.flatnonzero(data >= 0xC0)
    if not len(place):
        return Beyond(place, place, np.zeros(0, np.uint32))
    # Three bytes more, so that a text that was cut off is not read past its end.
    padded = np.concatenate([data[place[0] :], np.zeros(3, np.uint8)])
    first = padded[place - place[0]]
    size = 2 + (first >= 0xE0).astype(np.int64) + (first >= 0xF0)
    code = first.astype(np.uint32) & (0x7F >> size).astype(np.uint32)
    for more in range(1, 4):
        longer = slice(None) if more == 1 else np.flatnonzero(size > more)
        code[longer] = code[longer] << 6 | padded[place[longer] - place[0] + more] & 0x3F
    return Beyond(place, size, code)
