"""Steps inside of other people's pipelines: Ray Data, Hugging Face datasets, datatrove.

They keep their reading, writing and scheduling; the step makes the same of each document as in a run of ours, since its
draws hang on seed, recipe and document, and not on batches. What a run alone can give is missing there: the account of
rows per shard, the commit and the ledger.

    dataset.map_batches(Mapped(uc.ToEdit()), batch_format="pyarrow")                # Ray Data
    dataset.with_format("arrow").map(Mapped(uc.ToEdit()), batched=True)             # datasets
    LocalPipelineExecutor([JsonlReader(...), datatrove_step(uc.ToEdit()), ...])     # datatrove
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from uncollapse.corpora import from_documents
from uncollapse.corpora.corpus import Worked
from uncollapse.corpora.faults import as_error
from uncollapse.document import OUR_COLUMNS, SCHEMA
from uncollapse.errors import InputError, MissingExtra
from uncollapse.fingerprint import content_id
from uncollapse.step import Fate, Reject, Step

if TYPE_CHECKING:
    from datatrove.pipeline.base import PipelineStep

REJECT = "reject"
ROW = "uncollapse_row"
OURS = "uncollapse"
AT_ONCE = 64  # documents of a stream that are put before the step together


class Mapped:
    """A step as a function from one Arrow table to another, with our columns first and the user's behind them.

    Tables with all columns of ours keep their provenance; of others `origin` is declared. With `rejects` as `raise`
    a row that fails raises, and rows that the step leaves out are not in the result. As `column`, every row comes back:
    one that stayed behind as it came, with the reason in a column `reject`, which is null elsewhere.
    """

    def __init__(
        self,
        step: Step,
        *,
        origin: str = "human",
        text_column: str = "text",
        rejects: Literal["raise", "column"] = "raise",
    ) -> None:
        self.step, self.origin, self.text_column, self.rejects = step, origin, text_column, rejects

    def __call__(self, table: pa.Table) -> pa.Table:
        """The documents after the step.

        Raises:
            InputError: the table has no texts.
            BrokenRow: a row failed, and rows that fail raise; names it by its number in the table.
        """
        if not table.num_rows:
            return table
        if self.rejects == "raise":
            return _plain(pa.Table.from_batches([done.batch for done in self._worked(table, strict=True)]))
        given = table.append_column(ROW, pa.array(range(table.num_rows), pa.int64()))
        worked = list(self._worked(given, strict=False))
        made = pa.Table.from_batches([done.batch for done in worked])
        stayed = [reject for done in worked for reject in done.rejects]
        return _plain(self._together(made, given, stayed))

    def _worked(self, table: pa.Table, *, strict: bool) -> Iterator[Worked]:
        corpus = from_documents(table, origin=self.origin, text_column=self.text_column).map(self.step)
        reader = corpus.reader()
        for shard in corpus.plan.shards:
            for done in corpus.work(shard, reader=reader):
                failed = [reject for reject in done.rejects if reject.fate is Fate.FAILED]
                if strict and failed:
                    raise as_error(failed[0])
                yield done

    def _together(self, made: pa.Table, given: pa.Table, stayed: list[Reject]) -> pa.Table:
        """What was made and what stayed behind, in the order of the rows that came in."""
        made = made.append_column(REJECT, pa.nulls(made.num_rows, pa.string()))
        if stayed:
            rows = [reject.row - 1 for reject in stayed]
            as_they_came = from_documents(given.take(rows), origin=self.origin, text_column=self.text_column)
            left = pa.Table.from_batches(list(as_they_came.batches()))
            made = pa.concat_tables(
                [made, left.append_column(REJECT, pa.array([reject.reason for reject in stayed], pa.string()))],
                promote_options="default",
            )
        return made.sort_by(ROW).drop_columns([ROW])


def _plain(table: pa.Table) -> pa.Table:
    """The table with types that every reader of Arrow knows: no dictionaries, no extensions."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
        elif isinstance(field.type, pa.BaseExtensionType):
            chunks = [chunk.storage for chunk in table.column(at).chunks]
            table = table.set_column(at, field.name, pa.chunked_array(chunks, field.type.storage_type))
    return table


def datatrove_step(step: Step, *, origin: str = "human") -> "PipelineStep":
    """The step as a block of a datatrove pipeline.

    Documents keep their id, media and metadata; `metadata["uncollapse"]` holds our columns, by which a later block of
    ours knows what was done before. Rows that fail raise; how many go in and out is in the block's statistics.

    Raises:
        MissingExtra: datatrove is not installed.
    """
    try:
        from datatrove.pipeline.base import PipelineStep  # noqa: PLC0415  (somebody else's package)
    except ImportError as error:
        raise MissingExtra("a block of a datatrove pipeline needs datatrove", hint="pip install datatrove") from error

    step_name = type(step).__name__

    class Block(PipelineStep):  # type: ignore[misc]
        """A step of ours."""

        type = OURS
        name = step_name

        def run(self, data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002
            """The documents after the step."""
            stream = iter(data)
            while some := list(islice(stream, AT_ONCE)):
                with self.track_time("batch"):
                    made = _documents(some, step, origin=origin)
                self.stat_update("documents in", value=len(some))
                self.stat_update("documents out", value=len(made))
                yield from made

    return Block()


def _documents(some: list[Any], step: Step, *, origin: str) -> list[Any]:
    """Documents of datatrove after the step."""
    rows = []
    for number, document in enumerate(some):
        known = document.metadata.get(OURS)
        if known is not None and known["id"] != content_id(document.text):
            raise InputError(
                f"the text of {document.id} was changed behind the back of its provenance",
                hint=f"Put blocks that change texts before ours, or remove metadata[{OURS!r}] there.",
            )
        rows.append({**(known or {}), "text": document.text, ROW: number})
    kinds = {len(row) for row in rows}
    if len(kinds) > 1:
        # Some have provenance and others have none: each kind by itself, in the order in which they came.
        groups = [[some[row[ROW]] for row in rows if len(row) == kind] for kind in sorted(kinds)]
        done = {one.id: one for group in groups for one in _documents(group, step, origin=origin)}
        return [done[one.id] for one in some if one.id in done]
    schema = pa.schema([*(SCHEMA if max(kinds) > 2 else [SCHEMA.field("text")]), pa.field(ROW, pa.int64())])
    made = Mapped(step, origin=origin)(pa.Table.from_pylist(rows, schema=schema))
    return [_with(some[row.pop(ROW)], row) for row in made.to_pylist()]


def _with(document: Any, row: dict[str, Any]) -> Any:
    ours = {name: row[name] for name in OUR_COLUMNS if name != "text"}
    return replace(document, text=row["text"], metadata={**document.metadata, OURS: ours})
