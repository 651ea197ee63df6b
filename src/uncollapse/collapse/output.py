"""What a run leaves behind: results.parquet, theory.parquet, summary.json and index.html in one folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.page import comparison_page
from uncollapse.collapse.results import Comparison, theory_table
from uncollapse.collapse.summary import summary
from uncollapse.collapse.theory import Curve
from uncollapse.corpora.storage import fill_whole, refusals, write_whole
from uncollapse.report import Section

RESULTS_FILE, THEORY_FILE, SUMMARY_FILE, PAGE_FILE = "results.parquet", "theory.parquet", "summary.json", "index.html"


def write(
    comparison: Comparison, folder: Path, *, laboratory: Laboratory, asked: int, first: Sequence[Section] = ()
) -> dict[str, Any]:
    """The summary, after the folder holds the four files; each is there whole or not at all.

    Raises:
        OutputRefused: the folder cannot be written to.
    """
    told = summary(comparison, laboratory, asked=asked)
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_table(comparison.table(), folder / RESULTS_FILE)
        write_table(comparison.theory_table(), folder / THEORY_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2) + "\n").encode())
        write_whole(folder / PAGE_FILE, comparison_page(comparison, laboratory, first=first).encode())
    return told


def write_theory(name: str, curves: Sequence[tuple[str, Curve]], folder: Path) -> None:
    """Nothing; the closed forms of a laboratory, each under the label of its regime, lie in the folder."""
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tables = [theory_table(name, label, [curve]) for label, curve in curves]
        write_table(pa.concat_tables(tables), folder / THEORY_FILE)


def write_table(table: pa.Table, path: Path) -> None:
    """Nothing; the table lies at the path as Parquet, whole or not at all."""
    fill_whole(path, lambda sink: pq.write_table(table, sink, compression="zstd"))
