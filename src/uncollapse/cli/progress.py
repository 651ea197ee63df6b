"""How far a run is: a bar on a terminal, else one plain line every half minute; both on stderr."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.status import Status

from uncollapse.step import Tally

if TYPE_CHECKING:
    from uncollapse.execution import Progress as Reached

LINE_EVERY = 30.0  # seconds
FIRST = "at the first ones"


class Display:
    """What shows how far a run is, and remembers it for whoever interrupts."""

    def __init__(self, *, what: str, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.reached: Reached | None = None
        self._what = what
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._line_due = time.monotonic() + LINE_EVERY

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn(self._what),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("documents"),
                TextColumn("{task.fields[detail]}"),
                console=self.console,
                transient=True,
            )
            self._bar.start()
            # Nobody is to wait before an empty screen while the model is loaded and the first documents are read.
            self._task = self._bar.add_task(self._what, total=None, detail=FIRST)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, reached: "Reached") -> None:
        """Show that the run has come this far."""
        self.reached = reached
        if self._bar is not None:
            self._draw(self._bar, reached)
        elif time.monotonic() >= self._line_due:
            self._line_due = time.monotonic() + LINE_EVERY
            sys.stderr.write(line(reached, what=self._what) + "\n")

    def say_interrupted(self, *, kept: bool) -> None:
        """Say how far the run came, whether some of it is kept, and how it goes on."""
        reached = self.reached
        far = f"after {reached.rows_done:,} of {reached.rows:,} documents" if reached else "before the first document"
        if kept:
            stays = "what is committed stays, and the same command goes on from there"
        else:
            stays = "nothing was kept, as the first part was not finished; the same command begins anew"
        sys.stderr.write(f"stopped {far}: {stays}\n")

    def _draw(self, bar: Progress, reached: "Reached") -> None:
        assert self._task is not None
        detail = ", ".join(part for part in (_rate(reached), _left(reached)) if part)
        bar.update(self._task, completed=reached.rows_done, total=reached.rows, detail=detail)


def line(reached: "Reached", *, what: str) -> str:
    """How far the run is, in one line."""
    parts = [f"{reached.rows_done:,} of {reached.rows:,} documents", _rate(reached), _left(reached)]
    return f"{what}: " + ", ".join(part for part in parts if part)


def tokens_read(tally: Tally) -> int:
    """How many tokens a step says it has read, or written where it writes; 0 for a step that does neither."""
    counts: Any = tally.get("tokens", {})
    return int(counts.get("written", counts.get("read", 0)))


def _rate(reached: "Reached") -> str:
    tokens = tokens_read(reached.tally)
    return f"{tokens / reached.seconds:,.0f} tokens/s" if tokens and reached.seconds else ""


def _left(reached: "Reached") -> str:
    """The time left at the pace of this session, by bytes of text."""
    left = reached.text_bytes - reached.text_bytes_done
    if left <= 0 or not reached.session_text_bytes:
        return ""
    seconds = round(reached.seconds * left / reached.session_text_bytes)
    return f"about {seconds // 60} min left" if seconds >= 120 else f"about {seconds} s left"


class Stages:
    """What shows how far something is that reads in several stages: a bar for each, else a line every half minute."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._line_due = time.monotonic() + LINE_EVERY

    def __enter__(self) -> "Stages":
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, doing: str, done: int, rows: int) -> None:
        """Show that so many rows are done."""
        if self._bar is not None:
            if doing not in self._tasks:
                self._tasks[doing] = self._bar.add_task(doing, total=rows)
            self._bar.update(self._tasks[doing], completed=done)
        elif time.monotonic() >= self._line_due:
            self._line_due = time.monotonic() + LINE_EVERY
            sys.stderr.write(f"{self._what}: {doing}, {done:,} of {rows:,}\n")


def waiting(what: str) -> Status:
    """Shown on a terminal, and nowhere else, while something takes its time."""
    return Console(stderr=True).status(what)
