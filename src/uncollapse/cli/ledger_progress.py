"""How far a verification is: a bar on a terminal, else a line every half minute; on stderr."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from uncollapse.cli.progress import LINE_EVERY
from uncollapse.ledger.verify import Reached


class Watch:
    """Shows how many rows are checked."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._due = time.monotonic() + LINE_EVERY

    def __enter__(self) -> "Watch":
        if self._console.is_terminal:
            columns = (TextColumn(self._what), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, reached: Reached) -> None:
        """Show that the verification has come this far."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=reached.done, total=reached.of)
        elif time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_EVERY
            sys.stderr.write(f"{self._what}: {reached.done:,} of {reached.of:,} rows\n")
