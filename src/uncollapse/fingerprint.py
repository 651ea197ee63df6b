"""Same content and same recipe, same name: BLAKE3 over bytes and over canonical JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import rfc8785
from blake3 import blake3

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

ID_BYTES = 16


def content_id(text: str) -> str:
    """The 128-bit BLAKE3 digest of the text's UTF-8 bytes, as 32 hexadecimal digits."""
    return blake3(text.encode()).hexdigest(length=ID_BYTES)


def canonical_json(value: Json) -> bytes:
    """The one JSON text of a value: keys sorted, no spaces, numbers as ECMAScript prints them.

    Source: RFC 8785 (JSON Canonicalization Scheme).
    """
    return rfc8785.dumps(value)


def fingerprint(value: Json) -> str:
    """The 128-bit BLAKE3 digest of a value's canonical JSON, as 32 hexadecimal digits."""
    return blake3(canonical_json(value)).hexdigest(length=ID_BYTES)


def file_digest(path: Path) -> str:
    """The 256-bit BLAKE3 digest of a file's bytes, as 64 hexadecimal digits."""
    return blake3(max_threads=1).update_mmap(path).hexdigest()
