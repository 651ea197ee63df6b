"""Texts without what copying changes: compatibility forms, capitals, white space."""

from functools import cache
from unicodedata import category, is_normalized, normalize

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Int64, UInt8
from numpy import ndarray

from uncollapse.fingerprint import ID_BYTES
from uncollapse.provenance.characters import Laid, beyond_ascii, whole

NORMALISER = "nfkc-lower-space/1"
"""Of the rule below; another rule gets another name, as hashes by two rules cannot be compared."""

_SPACES = bytes(point for point in range(0x80) if chr(point).isspace())
_BLANK = ord(" ")
_LOWER_AND_SPACED = bytes.maketrans(
    _SPACES + bytes(range(ord("A"), ord("Z") + 1)), b" " * len(_SPACES) + bytes(range(ord("a"), ord("z") + 1))
)


def normal(text: str) -> str:
    """The text in compatibility form (NFKC) and lower case, with one blank wherever there was white space."""
    return " ".join(normalize("NFKC", text).lower().split())


def normal_hashes(texts: pa.Array) -> list[bytes]:
    """For each text the 128-bit BLAKE3 digest of its normal form, so that copies with other spacing are found.

    A missing text is an empty one. Where no character beyond ASCII changes, as in most texts, the form is made by
    table, of all texts at once.
    """
    texts = whole(texts)
    laid = Laid.of(texts)
    offsets, data = _spaced(laid)
    view = data.data
    found = [
        blake3(view[begin:end]).digest(length=ID_BYTES)
        for begin, end in zip(offsets[:-1].tolist(), _ends(offsets, data).tolist(), strict=True)
    ]
    for row in _changing(laid).tolist():
        found[row] = blake3(normal(texts[row].as_py()).encode()).digest(length=ID_BYTES)
    return found


def _spaced(laid: Laid) -> tuple[Int64[ndarray, "bounds"], UInt8[ndarray, "bytes"]]:
    """The texts with small letters and one blank for white space of ASCII, none at a beginning; and their bounds."""
    data = np.frombuffer(bytes(laid.data).translate(_LOWER_AND_SPACED), np.uint8)
    blank = data == _BLANK
    more = blank.copy()
    more[1:] &= blank[:-1]
    begins = laid.offsets[:-1][np.diff(laid.offsets) > 0]
    more[begins] = blank[begins]
    gone = np.flatnonzero(more)
    if not len(gone):
        return laid.offsets, data
    return laid.offsets - np.searchsorted(gone, laid.offsets), data[~more]


def _ends(offsets: Int64[ndarray, "bounds"], data: UInt8[ndarray, "bytes"]) -> Int64[ndarray, "rows"]:
    """Where each text ends, the blank left out with which it may."""
    ends = offsets[1:].copy()
    held = np.flatnonzero(ends > offsets[:-1])
    ends[held] -= data[ends[held] - 1] == _BLANK
    return ends


def _changing(laid: Laid) -> Int64[ndarray, "rows"]:
    """The texts with characters that may be others in the normal form."""
    place, _, code = beyond_ascii(laid.data)
    codes, which = np.unique(code, return_inverse=True)
    changes = np.array([not _stays(chr(point)) for point in codes.tolist()], dtype=bool)
    return np.unique(laid.row_of(place[changes[which]])) if changes.any() else place[:0]


@cache
def _stays(sign: str) -> bool:
    """Whether a character is the same in the normal form whatever stands around it.

    Marks and the letters of Hangul may join what stands before them; nothing else that is composed does.

    Source: Unicode Standard Annex 15, section 9 (characters of which the quick check says "maybe").
    """
    joins = category(sign)[0] == "M" or "\u1100" <= sign <= "\u11ff"
    return not joins and not sign.isspace() and sign.lower() == sign and is_normalized("NFKC", sign)
