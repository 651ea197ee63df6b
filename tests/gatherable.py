"""Work on pieces for tests of what gathers it; processes that are started find it here by name."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Piece:
    """A number that is squared after a nap, and not before so many processes have begun to work."""

    number: int
    nap: float = 0.0
    company: int = 0

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"number {self.number}"


@dataclass(frozen=True)
class Square:
    """Squares numbers; each process that does leaves a file in `folder` for every time that it opened something.

    Of `deadly` numbers each kills its process, as often as there is no file that says so yet, up to `times`.
    """

    folder: str
    deadly: tuple[int, ...] = ()
    times: int = 1
    wrong: int = -1
    _opened: list[str] = field(default_factory=list, compare=False)

    def __call__(self, piece: Piece) -> tuple[int, int]:
        """The square, and the process that made it."""
        if not self._opened:
            self._opened.append(f"{os.getpid()}-{time.monotonic_ns()}")
            (Path(self.folder) / f"opened-{self._opened[0]}").touch()
        time.sleep(piece.nap)
        end = time.monotonic() + 60
        while len(list(Path(self.folder).glob("opened-*"))) < piece.company:
            assert time.monotonic() < end, f"{piece.company} processes have not come in a minute"
            time.sleep(0.01)
        if piece.number == self.wrong:
            raise ValueError(f"no square of {piece.number}")
        if piece.number in self.deadly:
            marks = len(list(Path(self.folder).glob("died-*")))
            if marks < self.times:
                (Path(self.folder) / f"died-{marks}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return piece.number**2, os.getpid()


def zeros(count: int) -> np.ndarray:
    """So many zeros."""
    return np.zeros(count)
