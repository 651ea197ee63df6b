"""Files that are there as a whole or not at all, and what a storage that refuses them says."""

import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from uncollapse.errors import OutputBusy, OutputRefused

TEMPORARY = ".tmp-"
# What `temporary` makes, and nothing that another program might have left: for which name, of which process.
_OURS = re.compile(re.escape(TEMPORARY) + r"(?P<name>.+)-(?P<process>\d+)-[0-9a-f]{8}", re.DOTALL)

_REASONS = {
    errno.ENOSPC: ("there is no space left", "Free some space"),
    errno.EDQUOT: ("the quota is used up", "Free some space"),
    errno.EFBIG: ("the file would be larger than is allowed here", "Raise the limit"),
    errno.EACCES: ("writing is not permitted", "Check the permissions"),
    errno.EPERM: ("writing is not permitted", "Check the permissions"),
    errno.EROFS: ("it lies on a read-only file system", "Choose another place"),
    errno.ENOTDIR: ("a part of the path is a file", "Choose another place"),
}


@contextmanager
def refusals(path: object) -> Iterator[None]:
    """Turns what a storage says of a file that it will not take into one error with a remedy."""
    try:
        yield
    except OSError as error:
        reason, remedy = _REASONS.get(error.errno or 0, (error.strerror or str(error), "Look into it"))
        raise OutputRefused(
            f"{path} cannot be written: {reason}",
            hint=f"{remedy}, then run the same command again: what is committed stays.",
        ) from error


class Sink:
    """A new file that digests and counts what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")
        self._digest = blake3()
        self._void = False
        self.size = 0

    def write(self, data: bytes) -> int:  # noqa: D102
        if self._void:
            return len(data)
        self._digest.update(data)
        self._file.write(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:  # noqa: D102
        return self.size

    def flush(self) -> None:  # noqa: D102
        if not self._void:
            self._file.flush()

    def sync(self, *, durable: bool = True) -> str:
        """The digest of the file, all of which the system has when this returns, and the disk if it is `durable`."""
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Give the file up; a Parquet writer still writes its footer when it is collected, and that goes nowhere."""
        self._void = True
        # What was not written yet is not wanted any more, and a full disk would refuse it once again.
        with suppress(OSError):
            self._file.close()

    def close(self) -> None:  # noqa: D102
        self._file.close()

    @property
    def closed(self) -> bool:  # noqa: D102
        return self._file.closed and not self._void

    readable = staticmethod(lambda: False)
    writable = staticmethod(lambda: True)
    seekable = staticmethod(lambda: False)


def temporary(folder: Path, name: str) -> Path:
    """A name in a folder that nothing else bears, with the process that uses it."""
    return folder / f"{TEMPORARY}{name}-{os.getpid()}-{secrets.token_hex(4)}"


def sweep(folder: Path, *, name: str | None = None, process: int | None = None) -> None:
    """Remove temporary files of ours: those for one name or of one process, or all where nobody else can be writing."""
    for path in folder.glob(f"{TEMPORARY}*"):
        ours = _OURS.fullmatch(path.name)
        if ours and name in (None, ours["name"]) and process in (None, int(ours["process"])):
            path.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> str:
    """The digest of the file at `path`, which holds `data`, or is not there at all.

    It outlives a power cut if it is to be `durable`; a killed process it outlives in any case.
    """
    return fill_whole(path, lambda sink: sink.write(data), durable=durable)[1]


def fill_whole(path: Path, fill: Callable[[Sink], object], *, durable: bool = True) -> tuple[int, str]:
    """The size in bytes and the digest of a file that `fill` writes: it is there whole, or not at all."""
    draft = temporary(path.parent, path.name)
    try:
        sink = Sink(draft)
        try:
            fill(sink)
            digest = sink.sync(durable=durable)
        except BaseException:
            sink.discard()
            raise
        sink.close()
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)
    return sink.size, digest


def sync_folder(folder: Path) -> None:
    """Nothing; what was renamed in the folder is on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path, *, what: object) -> Iterator[None]:
    """Holds the folder, which must exist, against other runs.

    Raises:
        OutputBusy: another run holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        if not _had(handle):
            raise OutputBusy(
                f"another run is writing to {what}", hint="Wait for it, stop it, or choose another output."
            )
        yield
    finally:
        os.close(handle)


def _had(handle: int) -> bool:
    """Whether the lock could be had; tried twice, as who only looks whether a run is at work holds it for a moment."""
    for wait in (0.1, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
        else:
            return True
    return False
