"""The text of each arm, made once: by the steps that `edit` runs, in runs that go on where they were stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse import corpora, execution
from uncollapse.collapse.output import write_table
from uncollapse.collapse.trial import text
from uncollapse.collapse.trial.arms import DELETE, EDITED, HALF, MIRRORED, NONE, RANDOM
from uncollapse.collapse.trial.controls import COUNT, DeleteEdits, RandomEdits
from uncollapse.collapse.trial.text import QUESTION, ROW, Row
from uncollapse.editing import preset
from uncollapse.execution import Progress
from uncollapse.step import StepModel

SHARD_BYTES = 16 << 10  # of text: what is lost at most when an edit is stopped
MILLION = 1_000_000
Reached = Callable[[str], object]


class Edited(NamedTuple):
    """What an arm's edits came to, in the prior's tokens; `expected` is what the draws change in the mean, which is not
    known of edits that are taken back when they do not fit, nor of controls.
    """

    read: int
    flagged: int | None
    expected: float | None
    changed: int
    documents_changed: int


@dataclass(frozen=True)
class Editing:
    """How the text of one kind is edited: where it lies, by which prior, with which seed."""

    folder: Path
    prior: str
    seed: int
    conditioned: bool  # whether texts are answers, which are edited after their questions
    workers: int = 1

    def place(self, arm: str) -> Path:
        """Where the text of an arm lies."""
        return self.folder / (f"{arm}.parquet" if arm in (NONE, HALF) else arm)

    @property
    def _prompt(self) -> str | None:
        return QUESTION if self.conditioned else None

    def make(self, arms: Sequence[str], rows: Sequence[Row], *, reached: Reached) -> dict[str, Edited]:
        """What the edits of each arm came to; its text then lies in the folder."""
        text.write(rows, self.place(NONE))
        wanted = [name for name in EDITED if name in arms]
        if {RANDOM, DELETE} & set(arms) and MIRRORED not in wanted:
            wanted.append(MIRRORED)
        found = {name: self._edited(name, reached) for name in wanted}
        if RANDOM in arms:
            found[RANDOM] = self._random(reached)
        if DELETE in arms:
            # The prior's tokens are those of the text that the edits were made in.
            found[DELETE] = self._run(DeleteEdits(), self.place(MIRRORED), DELETE, reached)._replace(
                read=found[MIRRORED].read
            )
        return {name: each for name, each in found.items() if name in arms}

    def _edited(self, name: str, reached: Reached) -> Edited:
        step = preset(name, model=self.prior, seed=self.seed, prompt_column=self._prompt)
        done = self._run(step, self.place(NONE), name, reached)
        return done._replace(expected=None) if step.recheck else done

    def _random(self, reached: Reached) -> Edited:
        """The run of random edits, out of a file that says how many each document has."""
        rows = self._counted()
        path = self.folder / f"{RANDOM}-of-{MIRRORED}.parquet"
        if not path.exists():
            write_table(rows, path)
        step = RandomEdits(model=self.prior, seed=self.seed, prompt_column=self._prompt)
        return self._run(step, path, RANDOM, reached)._replace(flagged=None)

    def _counted(self) -> pa.Table:
        rows = pq.read_table(self.place(NONE))
        edits: dict[int, int] = {}
        for file in sorted(self.place(MIRRORED).glob("part-*.parquet")):
            table = pq.read_table(file, columns=[ROW, "edits"])
            counts = table.column("edits").combine_chunks().value_lengths().fill_null(0).to_pylist()
            edits |= dict(zip(table.column(ROW).to_pylist(), counts, strict=True))
        return rows.append_column(COUNT, pa.array([edits[row] for row in rows.column(ROW).to_pylist()], pa.int64()))

    def _run(self, step: StepModel, source: Path, arm: str, reached: Reached) -> Edited:
        def said(progress: Progress) -> None:
            reached(f"{arm}: {progress.rows_done:,} of {progress.rows:,} documents")

        corpus = corpora.read(source, prompt_column=self._prompt, shard_bytes=SHARD_BYTES)
        result = execution.run(step(corpus), self.place(arm), workers=self.workers, on_progress=said)
        tally: Any = result.tally
        tokens = tally["tokens"]
        expected = tokens.get("expected_changed_millionths")
        return Edited(
            read=tokens["read"],
            flagged=tokens["flagged"],
            expected=None if expected is None else expected / MILLION,
            changed=tokens["changed"],
            documents_changed=tally["documents"]["changed"],
        )
