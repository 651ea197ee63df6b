"""Documents that are in memory already, as a corpus like any other."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora.columns import check_layout
from uncollapse.corpora.corpus import Corpus, as_origin
from uncollapse.corpora.cuts import Cuts
from uncollapse.corpora.plan import Format, Input, Layout, Packing, Plan
from uncollapse.corpora.planning import Draft
from uncollapse.corpora.surveys import Survey, look_at_table
from uncollapse.document import Document, to_batch
from uncollapse.errors import MissingInput, UsageError

SOURCE = "(memory)"


def from_documents(
    documents: Any,
    *,
    origin: str = "human",
    text_column: str = "text",
    prompt_column: str | None = None,
    rename: Mapping[str, str] | None = None,
) -> Corpus:
    """A corpus out of texts, rows as dictionaries, `Document`s, or anything that gives an Arrow table.

    That is a pyarrow table or record batch, a polars or pandas data frame, a Hugging Face data set. `Document`s keep
    their provenance; so do tables that have all columns of ours. For others `origin` is declared.

    Raises:
        UsageError: the objects are of none of these kinds.
        InputError: the table is not what a corpus can be made of.
    """
    layout = Layout(
        origin=as_origin(origin), text_column=text_column, prompt_column=prompt_column, rename=dict(rename or {})
    )
    check_layout(layout)
    table = _table(documents, layout=layout)
    return Corpus(_plan(table, layout=layout), in_memory={0: table})


def _plan(table: pa.Table, *, layout: Layout) -> Plan:
    if not table.num_rows:
        raise MissingInput("there is no document", hint="Give at least one.")
    draft = Draft(Survey(layout, Cuts(), max_rejects=0))
    look = look_at_table(draft.survey, table, source=SOURCE, number=0)
    entry = Input(
        source=SOURCE,
        format=Format.MEMORY,
        packing=Packing.NONE,
        bytes=table.nbytes,
        blake3=_digest(table),
        rows=look.rows,
        ours=look.ours,
        address="",
    )
    draft.add(entry, look)
    return draft.plan(notices=())


def _digest(table: pa.Table) -> str:
    """The digest of a table as an Arrow stream, so that the same rows have the same name."""
    digest = blake3()
    with pa.ipc.new_stream(_Digesting(digest), table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return digest.hexdigest()


class _Digesting:
    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: bytes | pa.Buffer) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def _table(documents: Any, *, layout: Layout) -> pa.Table:
    if isinstance(documents, str | bytes):
        raise UsageError("one text is no list of documents", hint="Put it into a list, or read a file with read().")
    if isinstance(documents, pa.Table):
        return documents
    if isinstance(documents, pa.RecordBatch):
        return pa.Table.from_batches([documents])
    if hasattr(documents, "__arrow_c_stream__"):
        return pa.table(documents)
    if not isinstance(documents, Iterable):
        raise UsageError(f"a {type(documents).__name__} is no list of documents", hint="Give texts, rows or a table.")
    return _from_rows(list(documents), text_column=layout.text_column)


def _from_rows(rows: list[Any], *, text_column: str) -> pa.Table:
    try:
        if all(isinstance(row, str) for row in rows):
            return pa.table({text_column: pa.array(rows, pa.large_string())})
        if all(isinstance(row, Document) for row in rows):
            return pa.Table.from_batches([to_batch(rows)])
        if all(isinstance(row, pa.RecordBatch) for row in rows):
            return pa.Table.from_batches(rows)
        if all(isinstance(row, Mapping) for row in rows):
            names = dict.fromkeys(name for row in rows for name in row)
            return pa.table({name: [row.get(name) for row in rows] for name in names})
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise UsageError(
            f"the rows do not make a table: {error}", hint="Values of one column must be of one type."
        ) from error
    kinds = ", ".join(sorted({type(row).__name__ for row in rows}))
    raise UsageError(
        f"documents of type {kinds} are not known", hint="Give texts, dictionaries, Documents or record batches."
    )
