"""Where a verb puts what it found: a new folder, or one with its own earlier result, which it says that it replaces."""

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.cli.failures import visible
from uncollapse.corpora.storage import refusals
from uncollapse.errors import OutputRefused


def made_folder(folder: Path, *, mark: str, what: str, ours: Callable[[Path], bool] | None = None) -> Path:
    """The folder, which is there now and holds nothing but an earlier result, known by a file of the name `mark`.

    `ours` says whether such a file is what the verb writes; that it will be replaced is said in a line on stderr.

    Raises:
        OutputRefused: it is a file, holds other things, or cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputRefused(f"{folder} is a file", hint="-o takes a folder")
    path = folder / mark
    earlier = path.is_file() and (ours is None or ours(path))
    if folder.is_dir() and any(folder.iterdir()) and not earlier:
        raise OutputRefused(
            f"{folder} holds other things than {what}", hint=f"name a new folder, or one with {what} in it"
        )
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if earlier:
        sys.stderr.write(f"{visible(str(folder))} holds {what} of an earlier start, which is replaced\n")
    return folder


def is_table(*names: str) -> Callable[[Path], bool]:
    """What says whether a file is a Parquet table whose first columns bear these names."""

    def of(path: Path) -> bool:
        try:
            return bool(pq.read_schema(path).names[: len(names)] == list(names))
        except (OSError, pa.ArrowException):
            return False

    return of
