"""What a run leaves behind: results.parquet, theory.parquet, summary.json and index.html in one folder."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.page import comparison_page
from uncollapse.collapse.results import Comparison
from uncollapse.collapse.summary import summary
from uncollapse.corpora.storage import fill_whole, refusals, write_whole

RESULTS_FILE, THEORY_FILE, SUMMARY_FILE, PAGE_FILE = "results.parquet", "theory.parquet", "summary.json", "index.html"


def write(comparison: Comparison, folder: Path, *, laboratory: Laboratory, asked: int) -> dict[str, Any]:
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
        write_whole(folder / PAGE_FILE, comparison_page(comparison, laboratory).encode())
    return told


def write_table(table: pa.Table, path: Path) -> None:
    """Nothing; the table lies at the path as Parquet, whole or not at all."""
    fill_whole(path, lambda sink: pq.write_table(table, sink, compression="zstd"))
