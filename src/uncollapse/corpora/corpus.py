"""Documents to be read, and the steps that will be laid upon them."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from uncollapse.corpora.addresses import find, local_folders
from uncollapse.corpora.faults import as_error
from uncollapse.corpora.histories import Histories
from uncollapse.corpora.plan import Layout, Plan, Shard
from uncollapse.corpora.planning import make_plan
from uncollapse.corpora.reading import Part, Parts, Place, Reader
from uncollapse.corpora.values import is_json
from uncollapse.document import Document, Origin, to_documents
from uncollapse.errors import ColumnClash, UsageError
from uncollapse.fingerprint import Json
from uncollapse.provenance import History, joined, sidecar_rows
from uncollapse.step import Outcome, Reject, Step, StepModel, Tally, add_tallies


@dataclass(frozen=True)
class Corpus:
    """Documents, wherever they lie, with the steps that they go through when they are read.

    Nothing but the plan is held in memory (and `in_memory`, for documents that were in memory before). Iterating gives
    `Document`s, in which columns of JSON are values; `batches()` gives record batches, in which they are text.
    """

    plan: Plan
    steps: tuple[Step, ...] = ()
    max_rejects: int = 0
    in_memory: Mapping[int, pa.Table] = field(default_factory=dict, repr=False)

    def map(self, step: Step) -> "Corpus":
        """The same documents after one more step; nothing runs until they are read or written."""
        return replace(self, steps=(*self.steps, step))

    @property
    def rows(self) -> int:
        """The number of rows that go in."""
        return self.plan.rows

    @property
    def schema(self) -> pa.Schema:
        """Our columns, behind them the user's own, and behind those what the steps add.

        Raises:
            ColumnClash: a step adds a column that is there already.
        """
        schema = self.plan.schema
        for step in self.steps:
            for added in step.columns() if isinstance(step, StepModel) else ():
                if added.name in schema.names:
                    raise ColumnClash(
                        f"{type(step).__name__} writes a column {added.name!r}, and the documents have one",
                        hint=f"Give theirs another name: --rename {added.name}=my_{added.name}",
                    )
                schema = schema.append(added)
        return schema

    @cached_property
    def recipes(self) -> dict[str, Json]:
        """The recipes, by fingerprint, of the steps and of all that made the inputs."""
        return {**self.plan.recipes, **{step.fingerprint: dict(step.recipe()) for step in self.steps}}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The documents after all steps, batch by batch.

        Raises:
            BrokenRow: more rows than are allowed cannot be read or were rejected by a step.
        """
        for done in self._worked(histories=None):
            yield done.batch

    def known(self) -> Iterator[pa.RecordBatch]:
        """The documents after all steps with the columns of the ledger behind theirs, batch by batch.

        Raises:
            BrokenRow: more rows than are allowed cannot be read or were rejected by a step.
        """
        for done in self._worked(histories=Histories(self.plan)):
            assert done.ledger is not None
            yield joined(done.batch, done.ledger)

    def _worked(self, *, histories: Histories | None) -> Iterator["Worked"]:
        reader = self.reader()
        left = 0
        for shard in self.plan.shards:
            for done in self.work(shard, reader=reader, histories=histories):
                failed = [reject for reject in done.rejects if reject.fate == "failed"]
                left += len(failed)
                if left > self.max_rejects:
                    raise as_error(failed[0])
                yield done

    def made_ready(self, folder: Path) -> "Corpus":
        """The corpus as its shards are worked; what has to be put aside for that goes to the folder."""
        return replace(self, steps=steps_ready(self.steps, folder))

    def reader(self) -> Parts:
        """What gives the rows of its shards."""
        return Reader(self.plan, self.in_memory)

    def work(self, shard: Shard, *, reader: Parts, histories: Histories | None = None) -> Iterator["Worked"]:
        """What the steps make of a shard, batch by batch, with places for the rows that stayed behind.

        The rows of the ledger come with them where `histories` says what was known before the first step.
        """
        for part in reader.parts(shard):
            if histories is None:
                yield apply_steps(part, self.steps)[0]
                continue
            done, history = apply_steps(part, self.steps, history=histories.of(part))
            assert history is not None
            yield replace(done, ledger=sidecar_rows(done.batch, history, self.recipes))

    def __iter__(self) -> Iterator[Document]:
        as_json = [column.name for column in self.plan.columns if is_json(column.type)]
        for batch in self.batches():
            for document in to_documents(batch):
                for name in as_json:
                    if document.extra[name] is not None:
                        document.extra[name] = json.loads(document.extra[name])
                yield document

    def __len__(self) -> int:
        return self.rows


@dataclass(frozen=True, slots=True)
class Worked:
    """One batch after all steps: what goes on, what stayed behind, what was counted, and the ledger's rows."""

    batch: pa.RecordBatch
    rejects: tuple[Reject, ...]
    tally: Tally
    rows_in: int
    text_bytes: int
    ledger: pa.RecordBatch | None = None

    @property
    def added(self) -> int:
        """How many more rows there are, kept and rejected, than came in: where several were made of one."""
        return len(self.batch) + len(self.rejects) - self.rows_in


def steps_ready(steps: Iterable[Step], folder: Path) -> tuple[Step, ...]:
    """The steps as they work in one run, with a folder for what only that run needs."""
    return tuple(step.made_ready(folder) if isinstance(step, StepModel) else step for step in steps)


def apply_steps(part: Part, steps: Iterable[Step], *, history: History | None = None) -> tuple[Worked, History | None]:
    """What some steps, one after the other, make of a batch, and of its history where that is given."""
    batch, places = part.batch, part.places
    rejects = list(part.rejects)
    tally: Tally = {}
    for step in steps:
        outcome = step.apply(batch)
        _check(outcome, step, rows=len(batch))
        rejects += [_placed(reject, places) for reject in outcome.rejects]
        gone = {reject.row for reject in outcome.rejects}
        kept = [row for row in range(len(places)) if row not in gone] if outcome.rows is None else list(outcome.rows)
        places = tuple(places[row] for row in kept)
        if history is not None:
            history = history.after(step.recipe(), before=batch, after=outcome.batch, kept=kept)
        tally = add_tallies(tally, outcome.tally)
        batch = outcome.batch
    rejects.sort(key=lambda reject: reject.row)
    size = sum(len(text.as_buffer()) for text in part.batch.column("text"))
    return Worked(batch, tuple(rejects), tally, len(part.places) + len(part.rejects), size), history


def _check(outcome: Outcome, step: Step, *, rows: int) -> None:
    name = type(step).__name__
    gone = {reject.row for reject in outcome.rejects}
    assert len(gone) == len(outcome.rejects), f"{name} rejects a row twice"
    assert gone <= set(range(rows)), f"{name} rejects rows that it was not given"
    kept = set(range(rows)) - gone
    if outcome.rows is None:
        assert len(outcome.batch) == len(kept), f"{name} does not account for every row"
    else:
        assert len(outcome.batch) == len(outcome.rows), f"{name} does not say of every row what it was made from"
        assert set(outcome.rows) == kept, f"{name} does not account for every row"


def _placed(reject: Reject, places: tuple[Place, ...]) -> Reject:
    place = places[reject.row]
    return replace(reject, source=place.source, row=place.row)


def read(  # noqa: PLR0913  (the front door: inputs, and the rest by name)
    *addresses: str | os.PathLike[str],
    origin: str = "human",
    text_column: str = "text",
    prompt_column: str | None = None,
    rename: Mapping[str, str] | None = None,
    max_rejects: int = 0,
    shard_bytes: int | None = None,
) -> Corpus:
    """The documents of files, folders and remote addresses; every row has been tried when it returns.

    Read are JSON lines (plain, gz, zst), Parquet, plain text (one document in each file), and what this package wrote.
    `origin` is declared for texts that bring no provenance of their own. `rename` gives columns other names. Up to
    `max_rejects` rows that cannot be read are left behind; one more, and nothing is read at all.

    Raises:
        InputError: something that is asked for is not there or cannot be read.
        TooManyRejects: more than `max_rejects` rows cannot be read.
    """
    if not addresses:
        raise UsageError("there is no input", hint="Name files, folders or addresses.")
    layout = Layout(
        origin=as_origin(origin), text_column=text_column, prompt_column=prompt_column, rename=dict(rename or {})
    )
    files, notices = find(addresses)
    plan = make_plan(files, layout=layout, max_rejects=max_rejects, shard_bytes=shard_bytes, notices=notices)
    plan = replace(plan, folders=local_folders(addresses))
    return Corpus(plan, max_rejects=max_rejects)


def as_origin(name: Any) -> Origin:
    """The origin of this name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Origin(name)
    except ValueError:
        known = ", ".join(Origin)
        raise UsageError(f"there is no origin {name!r}", hint=f"Origins are {known}.") from None
