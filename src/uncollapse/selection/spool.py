"""Numbers that are laid down in a file without a name and read from there, so that memory does not grow with them."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from uncollapse.corpora.storage import refusals


class Spool:
    """Numbers of one type, added one array after the other; the file goes when `files` closes and nobody reads it."""

    def __init__(self, kind: Any, files: ExitStack) -> None:
        self._kind = np.dtype(kind)
        self._file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
        self._size = 0

    def add(self, values: ndarray) -> None:
        """Adds some numbers behind those that are there.

        Raises:
            OutputRefused: the folder for temporary files is full (TMPDIR names another).
        """
        with refusals(Path(tempfile.gettempdir())):
            self._file.write(values.astype(self._kind, copy=False).tobytes())
        self._size += len(values)

    def opened(self) -> ndarray:
        """All numbers, mapped into memory and not held there; they stay when the file is closed."""
        if not self._size:
            return np.zeros(0, self._kind)
        with refusals(Path(tempfile.gettempdir())):
            self._file.flush()
        # A plain view: what is cut out of a map by itself is slow to make.
        return np.memmap(self._file, self._kind, "r").view(np.ndarray)
