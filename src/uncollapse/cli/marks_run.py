"""What `marks` does once it is known what is asked: one pass to read them, and a run to take them out."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora, execution
from uncollapse.cli.failures import visible
from uncollapse.cli.progress import Display, Stages, waiting
from uncollapse.cli.reserve_settings import MarksJob
from uncollapse.corpora import Corpus
from uncollapse.corpora.formats import ParquetWriter
from uncollapse.corpora.storage import Sink
from uncollapse.execution.target import target
from uncollapse.fingerprint import content_id
from uncollapse.ledger.blocks import Block, blocks
from uncollapse.provenance.marks import marks_in, stripped
from uncollapse.provenance.stripping import PATTERN, StripMarks

SHOWN = 5
MARKS_FILE = "marks.parquet"
# One row for each mark: where it stood, the ids of the text with and without its marks, and what it is.
MARKS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("marked_id", pa.string()),
        pa.field("id", pa.string()),
        pa.field("position", pa.int64()),
        pa.field("mark", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("payload", pa.string()),
    ]
)


@dataclass
class _Account:
    """What was seen: documents, those with marks, and for each kind its characters, documents and what it spelt."""

    documents: int = 0
    marked: int = 0
    left: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    payloads: dict[str, list[str]] = field(default_factory=dict)

    def take(self, rows: list[dict[str, Any]]) -> None:
        """Count the marks of one document."""
        for row in rows:
            self.characters[row["kind"]] += len(row["mark"])
            told = self.payloads.setdefault(row["kind"], [])
            if row["payload"] and len(told) < SHOWN and row["payload"] not in told:
                told.append(row["payload"])
        self.texts.update({row["kind"] for row in rows})
        self.marked += bool(rows)

    def as_json(self) -> dict[str, Any]:
        """The account."""
        kinds = {
            kind: {"documents": self.texts[kind], "characters": count, "payloads": self.payloads[kind]}
            for kind, count in self.characters.most_common()
        }
        return {"documents": self.documents, "marked": self.marked, "left_for_their_edits": self.left, "kinds": kinds}


def perform(job: MarksJob, *, as_json: bool = False) -> int:
    """The exit code 0; the marks were told, and taken out where an output was named."""
    with waiting("the input is looked through"):
        corpus = corpora.read(*job.inputs, origin=job.origin, text_column=job.text_column)
    account = _Account()
    if job.output is None:
        with Stages("marks") as shown:
            for block in blocks(corpus):
                list(_rows(block, account))
                shown("texts", account.documents, corpus.rows)
    else:
        with Display(what="marks") as display:
            execution.run(StripMarks()(corpus), job.output, on_progress=display)
        _keep(corpus, job.output, account)
    if as_json:
        sys.stdout.write(json.dumps(account.as_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        _print(account, job)
    return 0


def _rows(block: Block, account: _Account) -> Iterator[dict[str, Any]]:
    """Each mark of some documents; those that carry edits are only counted, as they keep theirs."""
    account.documents += len(block.batch)
    texts = block.batch.column("text")
    for row in pc.indices_nonzero(pc.match_substring_regex(texts, PATTERN)).to_pylist():
        text = texts[row].as_py()
        marks = marks_in(text)
        if marks and len(block.batch.column("edits")[row]):
            account.left += 1
            continue
        ids = {"marked_id": content_id(text), "id": content_id(stripped(text, marks))}
        place = block.places[row]._asdict()
        rows = [{**place, **ids, **mark._asdict(), "kind": str(mark.kind)} for mark in marks]
        account.take(rows)
        yield from rows


def _keep(corpus: Corpus, output: str, account: _Account) -> None:
    """Writes the marks beside the output: with them every text can be given back as it came."""

    def fill(sink: Sink) -> None:
        writer = ParquetWriter(sink, MARKS)
        for block in blocks(corpus):
            rows = list(_rows(block, account))
            if rows:
                writer.write(pa.RecordBatch.from_pylist(rows, MARKS), [])
        writer.finish()

    target(output, form=None).fill(MARKS_FILE, fill)


def _print(account: _Account, job: MarksJob) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for column, justify in (("mark", "left"), ("documents", "right"), ("characters", "right"), ("it says", "left")):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for kind, told in account.as_json()["kinds"].items():
        said = Text(visible("; ".join(told["payloads"])))
        table.add_row(kind, f"{told['documents']:,}", f"{told['characters']:,}", said)
    console.print(f"{account.marked:,} of {account.documents:,} documents carry marks")
    if account.characters:
        console.print(table)
    if account.left:
        console.print(f"· {account.left:,} documents carry edits and keep their marks: revert them first")
    if job.output is not None:
        place = target(job.output, form=None)
        console.print(Text(f"clean: {visible(str(place))}"), soft_wrap=True)
        console.print(Text(f"marks: {visible(place.address(MARKS_FILE))}"), soft_wrap=True)
