"""Folders that are made once and kept in the user's cache: models taken out of other formats.

A folder is built under a temporary name and renamed when it is whole, so that it is there complete or not at all; of
two processes that want the same one, the second waits and finds it made.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from filelock import FileLock

from uncollapse.errors import ModelError

VARIABLE = "UNCOLLAPSE_CACHE"


def cache_folder() -> Path:
    """Where converted models are kept: UNCOLLAPSE_CACHE, else the place that the system has for caches."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser()
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "uncollapse"
    if platform.system() == "Darwin":
        return Path("~/Library/Caches/uncollapse").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "uncollapse"


def made(name: str, make: Callable[[Path], None]) -> Path:
    """The cached folder of that name, made by `make(empty folder)` when it is not there yet.

    Raises:
        ModelError: the cache cannot be written.
    """
    folder = cache_folder() / "models" / name
    if folder.is_dir():
        return folder
    with _writable(folder.parent), FileLock(folder.parent / f".{name}.lock"):
        if folder.is_dir():
            return folder
        # Who holds the lock is alone: what else was begun was killed.
        for left in folder.parent.glob(f".{escape(name)}.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder.parent))
        try:
            make(building)
            building.chmod(0o755)
            building.rename(folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


@contextmanager
def _writable(parent: Path) -> Iterator[None]:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ModelError(
            f"the model cache {parent} cannot be written: {error.strerror or error}",
            hint=f"name a folder with a few hundred megabytes of room in {VARIABLE}",
        ) from error
