"""One digest over many, whatever their order: the root of a Merkle tree over sorted digests."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from blake3 import blake3
from jaxtyping import UInt8
from numpy import ndarray

from uncollapse.fingerprint import ID_BYTES

_AT_ONCE = 1 << 20


def root(leaves: Iterable[bytes]) -> str:
    """The root over digests in the order given, as 64 hexadecimal digits.

    Source: RFC 6962, section 2.1, with BLAKE3 in place of SHA-256.
    """
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        node = 0, blake3(b"\x00" + leaf).digest()
        while stack and stack[-1][0] == node[0]:
            node = node[0] + 1, _pair(stack.pop()[1], node[1])
        stack.append(node)
    if not stack:
        return blake3(b"").hexdigest()
    last = stack.pop()[1]
    while stack:
        last = _pair(stack.pop()[1], last)
    return last.hex()


def _pair(left: bytes, right: bytes) -> bytes:
    return blake3(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a shard's rows, end to end: of their texts (the ids), and of the whole records."""

    contents: bytearray = field(default_factory=bytearray)
    records: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.contents) // ID_BYTES

    def add(self, *, contents: Iterable[bytes], records: Iterable[bytes]) -> None:
        """Put the digests of some rows behind the others."""
        self.contents.extend(b"".join(contents))
        self.records.extend(b"".join(records))

    def to_bytes(self) -> bytes:
        """Contents, then records, each in ascending order."""
        return _sorted(self.contents) + _sorted(self.records)


def _sorted(digests: bytearray) -> bytes:
    halves = np.frombuffer(bytes(digests), ">u8").reshape(-1, 2)
    return halves[np.lexsort((halves[:, 1], halves[:, 0]))].tobytes()


def roots(files: Sequence[Path]) -> dict[str, str]:
    """The roots over the contents and over the records of all files that `Digests.to_bytes` filled.

    The number of rows may exceed what memory holds: they are sorted in slices of the range of digests.
    """
    return {"contents": root(_merged(files, second=False)), "records": root(_merged(files, second=True))}


def _merged(files: Sequence[Path], *, second: bool) -> Iterator[bytes]:
    """All digests of one kind in ascending order."""
    total = sum(path.stat().st_size for path in files) // (2 * ID_BYTES)
    slices = 1
    while total // slices > _AT_ONCE and slices < 256:
        slices *= 2
    width = 256 // slices
    for low in range(0, 256, width):
        parts = [_between(_half(path, second=second), low, low + width) for path in files]
        together = _sorted(bytearray(b"".join(part.tobytes() for part in parts)))
        yield from (together[at : at + ID_BYTES] for at in range(0, len(together), ID_BYTES))


def _half(path: Path, *, second: bool) -> UInt8[ndarray, "rows bytes"]:
    rows = path.stat().st_size // (2 * ID_BYTES)
    if not rows:
        return np.empty((0, ID_BYTES), np.uint8)
    return np.memmap(path, np.uint8, "r", offset=rows * ID_BYTES * second, shape=(rows, ID_BYTES))


def _between(digests: UInt8[ndarray, "rows bytes"], low: int, high: int) -> UInt8[ndarray, "some bytes"]:
    start, stop = np.searchsorted(digests[:, 0], [low, high])
    return digests[start:stop]
