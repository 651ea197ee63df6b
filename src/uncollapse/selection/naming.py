"""What pools are called: by the end of their paths, since where they lay on one machine says nothing on another."""

import os
from collections.abc import Sequence
from pathlib import Path

from uncollapse.corpora.addresses import without_credentials
from uncollapse.corpora.opening import is_remote


def names_of(addresses: Sequence[str]) -> dict[str, str]:
    """For each address the last part of its path, with as many parts before it as tell it from the others."""
    parts = {address: _parts(address) for address in addresses}
    return {address: "/".join(_end(own, set(parts.values()) - {own})) for address, own in parts.items()}


def portable(address: str) -> str:
    """The address; of an absolute path on this machine the last part alone."""
    local = not is_remote(address) and Path(address).expanduser().is_absolute()
    return _parts(address)[-1] if local or address.startswith("file://") else address


def _parts(address: str) -> tuple[str, ...]:
    address = address.removeprefix("file://")
    if is_remote(address):
        return tuple(part for part in without_credentials(address).split("/") if part)
    path = Path(os.path.normpath(Path(address).expanduser().absolute()))
    return path.parts[1:] or path.parts


def _end(own: tuple[str, ...], others: set[tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest end that no other path has."""
    lengths = range(1, len(own) + 1)
    return next((own[-size:] for size in lengths if all(own[-size:] != other[-size:] for other in others)), own)
