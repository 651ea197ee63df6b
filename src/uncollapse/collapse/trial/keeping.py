"""What a trial leaves behind beside its pieces: results.parquet, trial.json, trial.md and index.html."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import refusals, write_whole

RESULTS_FILE, SUMMARY_FILE, MARKDOWN_FILE, PAGE_FILE = "results.parquet", "trial.json", "trial.md", "index.html"


def write(table: pa.Table, told: Mapping[str, Any], *, markdown: str, page: str, folder: Path) -> None:
    """Nothing; the folder holds results, summary, tables and page, each whole."""
    with refusals(folder):
        write_table(table, folder / RESULTS_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / MARKDOWN_FILE, markdown.encode())
        write_whole(folder / PAGE_FILE, page.encode())
