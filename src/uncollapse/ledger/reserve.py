"""The human reserve: texts that are known to be human, kept so that there is always something to go back to.

A folder to which admissions are added and from which nothing is taken. Each admission has its texts in one Parquet
file and a segment of the containment index beside it; the manifest, which is replaced last and in one move, says what
counts. Whatever an addition that was stopped has left behind counts for nothing and is cleared away by the next one.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.corpora.storage import refusals, sweep
from uncollapse.duplicates.containment import Index
from uncollapse.duplicates.postings import Segment, names
from uncollapse.errors import InputError, OutputBusy, OutputRefused
from uncollapse.ledger.admissions import MANIFEST, PARTS, TEXTS, Charter, read_charter

LOCK = ".lock"
SCRATCH = ".adding"
_NUMBERED = re.compile(r"\d{5,}(-\d{5,})?\.[a-z]+")


@dataclass(frozen=True)
class Reserve:
    """A reserve as it stood when it was opened; additions since then are not in it."""

    folder: Path
    charter: Charter

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Reserve":
        """The reserve in a folder.

        Raises:
            MissingInput: there is none.
            InputError: its manifest does not hold, or a file is missing or cut off.
        """
        folder = Path(path).expanduser()
        read = read_charter(folder)
        if read.faults:
            raise InputError(
                f"the manifest of the reserve {folder} does not hold: {read.faults[0]}",
                hint=f"uncollapse reserve check {folder} names everything that is wrong; restore it from a copy",
            )
        reserve = cls(folder, read.charter)
        reserve._check_sizes()
        return reserve

    def _check_sizes(self) -> None:
        for name, told in self.charter.files.items():
            path = self.folder / name
            size = path.stat().st_size if path.is_file() else None
            if size != told["bytes"]:
                what = "is not there" if size is None else f"has {size:,} bytes, {told['bytes']:,} were admitted"
                raise InputError(
                    f"{path} {what}", hint=f"Restore it from a copy; uncollapse reserve check {self.folder}"
                )

    @property
    def rows(self) -> int:
        """How many texts there are."""
        return self.charter.rows

    @cached_property
    def index(self) -> Index:
        """The containment index over all texts, mapped from the disk.

        Raises:
            InputError: it was added to since it was opened, and segments became part of others.
        """
        try:
            return Index([Segment.open(self.folder / part.stem) for part in self.charter.segments])
        except InputError as error:
            if read_charter(self.folder).charter.segments == self.charter.segments:
                raise
            raise InputError(
                f"the reserve {self.folder} was added to meanwhile", hint="Give the same command again."
            ) from error

    def holds(self, ids: Sequence[str]) -> list[bool]:
        """For each content id whether its text is in the reserve."""
        found = self.index.by_id(names([bytes.fromhex(name) for name in ids]))
        return [bool(place >= 0) for place in found]

    def places(self, documents: Int64[ndarray, "m"]) -> list[tuple[str, int]]:
        """For each number of the index the file of its text and the row there, from 1."""
        first = np.cumsum([0, *(one.rows for one in self.charter.admissions)])
        admission = np.searchsorted(first, documents, side="right") - 1
        stems = [self.charter.admissions[number].stem + TEXTS for number in admission]
        rows = (documents - first[admission] + 1).tolist()
        return [(str(self.folder / stem), row) for stem, row in zip(stems, rows, strict=True)]


def is_reserve(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with the manifest of a reserve, sound or not."""
    manifest = Path(path).expanduser() / MANIFEST
    try:
        return b'"kind":"reserve"' in manifest.read_bytes()
    except OSError:
        return False


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a reserve, which is made if there is nothing, against other additions.

    What is left of additions that were stopped is removed; a folder that was made for nothing is removed as well.

    Raises:
        OutputBusy: another process adds to it.
        OutputRefused: the folder holds something else.
    """
    new = not folder.exists()
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(lock, folder)
        clear(folder)
        yield
    finally:
        if new and not (folder / MANIFEST).exists():
            clear(folder)
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        other = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "that is just starting"
        raise OutputBusy(
            f"process {other} is adding to the reserve {folder}",
            hint="Wait until it has finished; reading the reserve is possible meanwhile.",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _refuse_foreign(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        if not is_reserve(folder):
            raise OutputRefused(
                f"{folder} is an output of another kind", hint="Name a new folder, or one that is a reserve."
            )
        return
    foreign = [entry.name for entry in folder.iterdir() if entry.name not in (LOCK, SCRATCH) and not _ours(entry.name)]
    if foreign:
        raise OutputRefused(
            f"{folder} holds other things than a reserve: {foreign[0]}", hint="Name a new folder, or a reserve."
        )


def _ours(name: str) -> bool:
    return name.startswith(".tmp-") or _numbered(name)


def _numbered(name: str) -> bool:
    """Whether a file of this name would belong to an admission, or to several."""
    return _NUMBERED.fullmatch(name) is not None and f".{name.partition('.')[2]}" in PARTS


def clear(folder: Path) -> None:
    """Removes what additions that were stopped have left, and segments that became part of others."""
    charter = read_charter(folder).charter if (folder / MANIFEST).exists() else Charter()
    with refusals(folder):
        sweep(folder)
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)
        for path in leftovers(folder, charter):
            path.unlink()


def leftovers(folder: Path, charter: Charter) -> list[Path]:
    """Files of ours that count for nothing: of no admission, or of a segment that became part of another."""
    files = charter.files
    return sorted(path for path in folder.iterdir() if _numbered(path.name) and path.name not in files)
