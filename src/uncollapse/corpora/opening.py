"""Files as bounded streams of bytes, wherever they lie and however they are packed."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora.plan import Packing
from uncollapse.errors import InputError

CHUNK = 1 << 18
"""Bytes that are read at a time."""

LONGEST_ROW = 64 << 20
"""Bytes of one line or one document; more is taken for an attack or a mistake."""

# A bomb's ratio is a thousand and more; log files packed by zstd seldom come above a hundred.
LARGEST_RATIO = 200
RATIO_COUNTS_FROM = 2 << 20

_CODECS = {Packing.GZIP: "gzip", Packing.ZSTD: "zstd"}


class Counted(io.RawIOBase):
    """A file that counts the bytes that are read through it and, if asked, digests them."""

    def __init__(self, file: BinaryIO, *, digest: bool = False) -> None:
        self._file = file
        self._digest = blake3() if digest else None
        self.count = 0

    def readable(self) -> bool:  # noqa: D102
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # noqa: D102
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        if self._digest is not None:
            self._digest.update(data)
        return len(data)

    def finish(self) -> str:
        """The digest of the whole file; reads what is left."""
        assert self._digest is not None
        while self.read(CHUNK):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:  # noqa: D102
        self._file.close()
        super().close()


class Unpacked(io.RawIOBase):
    """The bytes inside a compressed file, read with bounded memory and a bounded ratio."""

    def __init__(self, packed: Counted, *, packing: Packing, source: str) -> None:
        self._packed = packed
        self._source = source
        self._stream = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), _CODECS[packing])
        self._count = 0

    def readable(self) -> bool:  # noqa: D102
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # noqa: D102
        try:
            data = self._stream.read(min(len(buffer), CHUNK))
        except OSError as error:
            raise InputError(
                f"{self._source} cannot be unpacked after {self._count:,} bytes: {error}",
                hint="The file is cut short or damaged: fetch it again.",
            ) from error
        buffer[: len(data)] = data
        self._count += len(data)
        if self._count > RATIO_COUNTS_FROM and self._count > LARGEST_RATIO * self._packed.count:
            raise InputError(
                f"{self._source} unpacks to more than {LARGEST_RATIO} times its size",
                hint="If you trust the file, unpack it first and read the unpacked one.",
            )
        return len(data)

    def close(self) -> None:  # noqa: D102
        self._packed.close()
        super().close()


def is_remote(address: str) -> bool:
    """Whether an address is to be opened by fsspec."""
    return "://" in address or "::" in address


def open_address(address: str) -> BinaryIO:
    """The file at an address, local or remote, opened for reading bytes."""
    if not is_remote(address):
        return Path(address).open("rb")
    import fsspec  # noqa: PLC0415  (seldom needed, and slow to load)

    return fsspec.open(address, "rb").open()


def unpacked(file: Counted, *, packing: Packing, source: str) -> io.BufferedReader:
    """The bytes of a file without its packing, buffered."""
    raw = file if packing is Packing.NONE else Unpacked(file, packing=packing, source=source)
    return io.BufferedReader(raw, CHUNK)


class Line(NamedTuple):
    """One line: its number, where its first byte lies, how many bytes it has with its end; None if it is too long."""

    number: int
    start: int
    size: int
    data: bytes | None


def lines(stream: BinaryIO, *, start: int = 0, number: int = 1) -> Iterator[Line]:
    """The lines of a stream that stands at byte `start`, the beginning of line `number`; empty ones only count."""
    while data := stream.readline(LONGEST_ROW + 1):
        size = len(data)
        if data == b"\n":
            pass
        elif size <= LONGEST_ROW:
            yield Line(number, start, size, data)
        else:
            while not data.endswith(b"\n") and (data := stream.readline(CHUNK)):
                size += len(data)
            yield Line(number, start, size, None)
        start += size
        number += 1
