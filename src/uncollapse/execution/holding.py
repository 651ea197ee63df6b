"""An output in an object store, held against other runs by an object that changes as long as its holder lives.

No clock is compared with another: who finds the object waits for several beats, and takes it over where it has not
changed. Whoever comes back from a long sleep finds it changed, and stops; what it wrote meanwhile are the same bytes
under the same names.
"""

import json
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from uncollapse.corpora.objects import Objects
from uncollapse.corpora.storage import refusals
from uncollapse.errors import OutputBusy, OutputRefused

NAME = ".progress/held"
BEAT = 5.0  # seconds between two changes
PATIENCE = 4  # beats without a change, after which a holder is taken for dead


class Holding:
    """Holds the folder of objects from `with` to its end.

    Raises:
        OutputBusy: another run holds it, or has taken it over.
    """

    def __init__(self, store: Objects) -> None:
        self._store = store
        self._own = {"machine": _machine(), "process": os.getpid(), "holder": secrets.token_hex(8)}
        self._beats = 0
        self._mark = ""
        self._lost = False
        self._changing = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> "Holding":
        with refusals(self._store):
            mark = self._store.create(NAME, self._content()) or self._take_over()
        if mark is None:
            raise self._busy()
        self._mark = mark
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        try:
            with refusals(self._store):
                if not self._lost and self._store.mark(NAME) == self._mark:
                    self._store.remove([NAME])
        except OutputRefused:
            # What holds the folder changes no more, so the next run takes it over; the first error is the one to tell.
            if error is None:
                raise

    def check(self) -> None:
        """Nothing; raises where another run has taken the folder over.

        Raises:
            OutputBusy: so it is.
        """
        with self._changing, refusals(self._store):
            lost = self._lost or self._store.mark(NAME) != self._mark
        if lost:
            raise OutputBusy(f"another run has taken over {self._store}", hint="Let that one finish.")

    def _content(self) -> bytes:
        return json.dumps({**self._own, "beats": self._beats}).encode()

    def _take_over(self) -> str | None:
        """The new mark, where the holder is dead; None where it lives."""
        mark = self._store.mark(NAME)
        if mark is None:
            return self._store.create(NAME, self._content())
        if not _died_here(self._store.get(NAME)):
            for _ in range(PATIENCE):
                time.sleep(BEAT)
                if self._store.mark(NAME) != mark:
                    return None
        return self._store.swap(NAME, self._content(), mark=mark)

    def _go_on(self) -> None:
        while not self._end.wait(BEAT):
            self._beats += 1
            with self._changing:
                try:
                    mark = self._store.swap(NAME, self._content(), mark=self._mark)
                except OSError:
                    continue  # Out of reach for now; whether the folder is still held, the next beat says.
                if mark is None:
                    self._lost = True
                    return
                self._mark = mark

    def _busy(self) -> OutputBusy:
        return OutputBusy(
            f"another run is writing to {self._store}", hint="Wait for it, stop it, or choose another output."
        )


def is_held(store: Objects) -> bool:
    """Whether a run is at work in the folder: what holds it changes while one looks, for a beat and a half."""
    mark = store.mark(NAME)
    if mark is None or _died_here(store.get(NAME)):
        return False
    time.sleep(1.5 * BEAT)
    return store.mark(NAME) not in (mark, None)


def _machine() -> str | None:
    """What only processes that see one another's numbers have in common; None where the system does not say it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        numbers = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return None
    return f"{socket.gethostname()} {boot} {numbers}"


def _died_here(content: bytes | None) -> bool:
    """Whether the holder was a process of this machine and is no more."""
    try:
        held: dict[str, Any] = json.loads(content or b"{}")
        if held["machine"] is None or held["machine"] != _machine():
            return False
        os.kill(int(held["process"]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, KeyError, TypeError, PermissionError):
        return False
    return False
