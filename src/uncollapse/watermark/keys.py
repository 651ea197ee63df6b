"""One secret, and out of it the keys of each group of documents.

A mark with one set of keys for everything favours the same tokens everywhere, which narrows a corpus; so documents fall
into groups by their ids, each with keys of its own. Whoever looks for the mark without knowing the group tries all.
"""

from pathlib import Path

import numpy as np
from blake3 import blake3
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.errors import MissingInput, UsageError
from uncollapse.watermark.tournament import DEPTH, TABLE_SIZE

GROUPS = 8
LEAST_BYTES = 16
HINT = 'make one with: python -c "import secrets; print(secrets.token_hex(32))" > mark.key'
# Names of what is derived, so that one secret never gives the same bytes for two purposes.
FOR_NAME = "uncollapse 2026 watermark: name of a key"
FOR_KEYS = "uncollapse 2026 watermark: keys of a group"
FOR_GROUP = "uncollapse 2026 watermark: group of a document"


def read_key(path: Path) -> str:
    """The secret in a key file: its text without blanks around it.

    Raises:
        MissingInput: there is no such file.
        UsageError: it holds next to nothing, or no text.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MissingInput(f"the key file {path}: {error.strerror}", hint=HINT) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the key file {path} holds no text", hint=HINT) from error
    check_secret(secret)
    return secret


def check_secret(secret: str) -> None:
    """Nothing, where a secret is long enough that it cannot be guessed.

    Raises:
        UsageError: it is not.
    """
    if len(secret.encode()) < LEAST_BYTES:
        raise UsageError(f"a key of {len(secret.encode())} bytes; at least {LEAST_BYTES} are wanted", hint=HINT)


def key_name(secret: str) -> str:
    """By what a secret is called in manifests; it says nothing of the secret."""
    return blake3(secret.encode(), derive_key_context=FOR_NAME).hexdigest(length=8)


def group_of(document: str) -> int:
    """The group of a document by its id."""
    return blake3(document.encode(), derive_key_context=FOR_GROUP).digest(length=1)[0] % GROUPS


def keys_of(secret: str, group: int) -> Int64[ndarray, "l"]:
    """The keys of a group, one for each layer of the tournament.

    Two keys that agree modulo the size of the table of coins would toss the same coin twice, so none do.
    """
    material = blake3(f"{group}\0{secret}".encode(), derive_key_context=FOR_KEYS).digest(length=8 * 4 * DEPTH)
    words = np.frombuffer(material, dtype="<u8") >> np.uint64(1)
    _, first = np.unique(words % np.uint64(TABLE_SIZE), return_index=True)
    return words[np.sort(first)[:DEPTH]].astype(np.int64)
