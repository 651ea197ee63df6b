"""The notes of a running driver: how far it is, for whoever asks from outside. No run ever reads them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from uncollapse.corpora.commit import Room
from uncollapse.errors import OutputBusy, OutputRefused, UncollapseError
from uncollapse.execution.progress import Course

NOTES = "progress.json"
EVERY, FAR = 2.0, 15.0  # seconds; the second for a store of objects, where each note is a request


@dataclass
class Notes:
    """Writes down how far a run is, not more often than every other second, or every fifteen in a store."""

    room: Room
    course: Course
    elapsed: Callable[[], float]
    _written: float = 0.0

    def look(self) -> None:
        """Nothing; how far the run is stands in the notes, if it is time for that."""
        if self.elapsed() - self._written >= (EVERY if self.room.store is None else FAR):
            self.write()
            self._written = self.elapsed()

    def write(self, *, ended: str | None = None) -> None:
        """Nothing; how far the run is stands in the notes, where the storage takes them."""
        content: dict[str, Any] = {
            **asdict(self.course.progress(seconds=self.elapsed())),
            "under_way": self.course.under_way,
            "lost": dict(self.course.deaths),
            "at": time.time(),
            "ended": ended,
        }
        # A run does not fail for want of its notes: what refuses them will refuse a shard, which is told.
        with suppress(OSError, OutputRefused):
            self.room.write_paper(NOTES, json.dumps(content).encode(), durable=False)


@contextmanager
def taken(room: Room, course: Course, *, elapsed: Callable[[], float]) -> Iterator[Notes]:
    """Notes that are taken while a run works, and say why it ended where it was not by being finished."""
    notes = Notes(room, course, elapsed)
    try:
        yield notes
    except OutputBusy:
        raise  # the folder is another run's by now, and so are its notes
    except UncollapseError as error:
        notes.write(ended=f"{type(error).__name__}: {error.message}")
        raise
    except KeyboardInterrupt:
        notes.write(ended="interrupted")
        raise
