"""What `find` does once it is known what is asked: an index, a search, a file and a table."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli.failures import visible
from uncollapse.cli.outputs import made_folder
from uncollapse.cli.progress import Stages, waiting
from uncollapse.cli.reserve_settings import FindJob
from uncollapse.corpora.formats import row_writer
from uncollapse.corpora.plan import Format
from uncollapse.corpora.records import members
from uncollapse.corpora.storage import Sink, fill_whole, refusals, write_whole
from uncollapse.errors import OutputRefused, UsageError
from uncollapse.ledger.libraries import library
from uncollapse.ledger.searching import FOUND, Search

SHOWN = 10  # documents in the terminal
_FILES = {".parquet": Format.PARQUET, ".jsonl": Format.JSONL}
_OTHERS = (".json", ".csv", ".txt", ".gz", ".zst")


@dataclass
class _First:
    """The best candidates of the first documents that have any, for the terminal."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def take(self, batch: pa.RecordBatch) -> None:
        """Look for more of them."""
        if len(self.rows) < SHOWN:
            found = (row for row in batch.to_pylist() if row["rank"] == 1)
            self.rows += [row for _, row in zip(range(SHOWN - len(self.rows)), found, strict=False)]


def perform(job: FindJob, *, as_json: bool = False) -> int:
    """The exit code 0; what was found is told and written."""
    asked = None if job.output is None else Path(job.output).expanduser()
    place = None if asked is None else _place(asked)
    with waiting("the input is looked through"):
        corpus = corpora.read(*job.inputs, origin="unknown", text_column=job.text_column)
    first = _First()
    with Stages("find") as shown, library(job.among, what="--in", text_column=job.text_column, told=shown) as held:
        search = Search(held, threshold=job.threshold, top=job.top, on_progress=shown)
        _write(search.over(corpus), place, first)
        report = {
            "in": list(job.among),
            "documents_in": held.index.documents,
            "threshold": job.threshold,
            "top": job.top,
            **search.tally.as_json(),
        }
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if asked is not None and place != asked:
        with refusals(asked):
            write_whole(asked / "report.json", text.encode())
    if as_json:
        sys.stdout.write(text)
    else:
        _print(report, first, place)
    return 0


def _place(path: Path) -> Path:
    """The file that the candidates go to; its folder is there when this returns."""
    if path.suffix in _OTHERS:
        raise UsageError(f"files that end in {path.suffix} are not written", hint="name a folder, *.parquet or *.jsonl")
    if path.suffix not in _FILES:
        return made_folder(path, mark="found.parquet", what="what find found", ours=_ours) / "found.parquet"
    if path.is_file() and not _ours(path):
        raise OutputRefused(f"{path} is there already and is no output of find", hint="choose another name")
    with refusals(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _ours(path: Path) -> bool:
    """Whether a file holds what an earlier search found."""
    try:
        if path.suffix == ".parquet":
            return bool(pq.read_schema(path).names == FOUND.names)
        with path.open(encoding="utf-8") as file:
            return list(json.loads(file.readline())) == FOUND.names
    except (OSError, ValueError, TypeError):
        return False


def _write(found: Iterator[pa.RecordBatch], place: Path | None, first: _First) -> None:
    if place is None:
        for batch in found:
            first.take(batch)
        return

    def fill(sink: Sink) -> None:
        writer = row_writer(_FILES[place.suffix], sink, FOUND)
        for batch in found:
            first.take(batch)
            writer.write(batch, members(batch))
        writer.finish()

    with refusals(place):
        fill_whole(place, fill)


def _print(report: dict[str, Any], first: _First, place: Path | None) -> None:
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    table.add_row("documents", f"{report['documents']:,}", "")
    table.add_row("with a human parent", f"{report['with_a_parent']:,}", _share(report))
    for kind in ("exact", "normalised", "containment"):
        median = report["median_containment"]
        told = f"median of all {median:.2f}" if kind == "containment" and median is not None else ""
        table.add_row(f"  {kind}", f"{report['evidence'][kind]:,}", told)
    table.add_row("without", f"{report['evidence']['none']:,}", f"of {report['documents_in']:,} looked among")
    console.print(table)
    if first.rows:
        console.print(_examples(first))
    if report["frequent_runs"]:
        console.print(
            Text(f"· {report['frequent_runs']:,} word runs stand in too many documents to name one", "bright_black")
        )
    if place is not None:
        console.print(Text(f"found: {visible(str(place))}"), soft_wrap=True)


def _share(report: dict[str, Any]) -> str:
    if report["share"] is None:
        return ""
    return f"{report['share']:.1%} (95 % interval {report['share_low']:.1%} to {report['share_high']:.1%})"


def _examples(first: _First) -> Table:
    table = Table(box=None, pad_edge=False, title="the first of them", title_justify="left")
    for column in ("document", "parent", "containment"):
        table.add_column(column, overflow="fold")
    for row in first.rows:
        interval = f" ({row['low']:.2f} to {row['high']:.2f})" if row["high"] > row["low"] else ""
        told = row["evidence"] if row["evidence"] != "containment" else f"{row['containment']:.2f}{interval}"
        where = (f"{row['source']}:{row['row']}", f"{row['parent_source']}:{row['parent_row']}")
        table.add_row(*(Text(visible(cell)) for cell in (*where, told)))
    return table
