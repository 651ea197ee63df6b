"""Steps that cost nothing, for tests of what runs them; processes that are started find them here by name."""

import os
import signal
import time
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from uncollapse.document import SCHEMA, replace_columns
from uncollapse.fingerprint import content_id
from uncollapse.step import Fate, Outcome, Reject, StepModel


class Shout(StepModel):
    """Texts in capitals, each as often as asked."""

    times: int = 1

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with new texts and ids."""
        texts = [text.upper() * self.times for text in batch.column("text").to_pylist()]
        columns = {
            "text": pa.array(texts, SCHEMA.field("text").type),
            "id": pa.array([content_id(text) for text in texts]),
            "recipe": pa.array([self.fingerprint] * len(texts), pa.string()),
        }
        return Outcome(
            replace_columns(batch, columns), tally={"documents": {"shouted": len(texts)}, "sizes": [1, len(texts)]}
        )


class Sift(StepModel):
    """Texts but for those that hold a word: left out, or held to be broken."""

    word: str
    fate: Fate = Fate.DROPPED

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch without the rows that hold the word."""
        texts = batch.column("text").to_pylist()
        rejects = tuple(
            Reject("", row, self.fate, f"holds {self.word}", text)
            for row, text in enumerate(texts)
            if self.word in text
        )
        keep = pa.array([self.word not in text for text in texts], pa.bool_())
        return Outcome(batch.filter(keep), rejects, {"documents": {"sifted": len(rejects)}})


class Trouble(StepModel):
    """Texts as they are; but at the word `die` the process is killed, at `raise` there is an error, at `nap` a rest.

    What it does at `die` it does once for each file name that it can still make in `folder`, up to `times`.
    """

    folder: str = ""
    times: int = 1
    nap: float = 0.0

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch, if it comes to that."""
        time.sleep(self.nap)
        for text in batch.column("text").to_pylist():
            if "raise" in text:
                raise ValueError("a mistake in a step")
            if "die" in text and self._another_time():
                os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(batch)

    def _another_time(self) -> bool:
        marks = len(list(Path(self.folder).glob("died-*")))
        if marks < self.times:
            (Path(self.folder) / f"died-{marks}").touch()
        return marks < self.times


class Visit(StepModel):
    """Texts as they are; each process that works some leaves a file in `folder` that is named after its Ray node."""

    folder: str
    nap: float = 0.0

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch as it came."""
        import ray

        time.sleep(self.nap)
        name = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
        (Path(self.folder) / f"{name}-{os.getpid()}").touch()
        return Outcome(batch)


class Reads(StepModel):
    """Texts as they are, by a step that says what it would read with."""

    model: str

    def recipe(self):
        """The fields, and the card."""
        return {**super().recipe(), "model": "tiny", "resolved": self._card}

    @cached_property
    def _card(self):
        from uncollapse.language_models.addresses import recorded, resolve  # importing the room is slow

        return recorded(resolve(self.model))

    def apply(self, batch):
        """The batch."""
        return Outcome(batch)
