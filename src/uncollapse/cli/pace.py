"""What a laboratory says while it works, on stderr: on a terminal a line that moves, else one every ten seconds."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

from uncollapse.collapse.results import Comparison

LINE_EVERY = 10.0  # seconds


class Pace:
    """What says from time to time how many seeds are done and how long the others will take."""

    def __init__(self, seeds: int) -> None:
        self._seeds, self._done = seeds, 0
        self._began = self._said = time.monotonic()

    def __call__(self, part: Comparison) -> None:
        """Another chunk is done."""
        self._done += part.parts[0].seeds
        now = time.monotonic()
        if self._done < self._seeds and now - self._said >= LINE_EVERY:
            self._said = now
            left = round((now - self._began) * (self._seeds - self._done) / self._done)
            sys.stderr.write(f"{self._done:,} of {self._seeds:,} seeds, about {left} s left\n")


class Steps:
    """What says how far something is that goes in steps, and how long it has taken."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._said = time.monotonic()
        self._console = Console(stderr=True)
        self._status: Status | None = None

    def __enter__(self) -> "Steps":
        if self._console.is_terminal:
            self._status = self._console.status(self._what)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, step: str) -> None:
        """Say that it has come to this step."""
        now = time.monotonic()
        line = f"{self._what}: {step}, {now - self._began:.0f} s so far"
        if self._status is not None:
            self._status.update(line)
        elif now - self._said >= LINE_EVERY:
            self._said = now
            sys.stderr.write(line + "\n")
