"""Texts without what copying changes: compatibility forms, capitals, white space."""

from collections.abc import Sequence
from unicodedata import normalize

from blake3 import blake3

from uncollapse.fingerprint import ID_BYTES

NORMALISER = "nfkc-lower-space/1"
"""Of the rule below; another rule gets another name, as hashes by two rules cannot be compared."""


def normal(text: str) -> str:
    """The text in compatibility form (NFKC) and lower case, with one blank wherever there was white space."""
    return " ".join(normalize("NFKC", text).lower().split())


def normal_hashes(texts: Sequence[str]) -> list[bytes]:
    """For each text the 128-bit BLAKE3 digest of its normal form, so that copies with other spacing are found."""
    return [blake3(normal(text).encode()).digest(length=ID_BYTES) for text in texts]
