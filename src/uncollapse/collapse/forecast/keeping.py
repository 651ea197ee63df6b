"""What a forecast leaves behind: forecast.json, results.parquet and index.html, beside the pieces of the study."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from uncollapse.collapse.forecast.analysis import Analysis
from uncollapse.collapse.forecast.readings import LOSS, Readings
from uncollapse.collapse.forecast.telling import Told
from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.evaluation.measures import MEASURES

SUMMARY_FILE, RESULTS_FILE, PAGE_FILE = "forecast.json", "results.parquet", "index.html"
ALL = "all"
OF_TRAINING = ("training_loss", "tokens", "human_epochs", "synthetic_epochs", "seconds", "tokens_per_second")
RESULTS = pa.schema(
    {
        "share": pa.float64(),
        "seed": pa.int64(),
        "size": pa.dictionary(pa.int32(), pa.string()),
        "measure": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float64(),
        "on": pa.dictionary(pa.int32(), pa.string()),
    }
)


class Row(NamedTuple):
    """A number of one proxy; `on` is a domain, a task, or all held-out text."""

    share: float
    seed: int
    size: str
    measure: str
    value: float
    on: str


def write(done: Told, told: Mapping[str, Any], page: str, *, folder: Path) -> None:
    """Nothing; the folder holds results, summary and page, each whole."""
    with refusals(folder):
        write_table(table(done), folder / RESULTS_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / PAGE_FILE, page.encode())


def table(done: Told) -> pa.Table:
    """Every number of every proxy as a long table."""
    rows = [row for each in done.analyses.values() for row in _rows(each)]
    return pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=RESULTS.names).cast(RESULTS)


def _rows(each: Analysis) -> Iterator[Row]:
    own = each.readings
    columns = {name: (own.whole(name), ALL) for name in MEASURES}
    columns |= {LOSS: (each.measures[LOSS].each, ALL)}
    columns |= {name: (own.of_account(name), ALL) for name in OF_TRAINING}
    for name, (values, on) in columns.items():
        yield from _of(own, name, values, on)
    for domain, estimate in each.domains.items():
        yield from _of(own, "perplexity", np.exp(estimate.each), domain)
    for task, estimate in each.tasks.items():
        name, way = task.rsplit(" ", 1)
        yield from _of(own, way, estimate.each, name)


def _of(own: Readings, measure: str, values: np.ndarray, on: str) -> Iterator[Row]:
    for share, row in zip(own.shares, values.tolist(), strict=True):
        for seed, value in zip(own.seeds, row, strict=True):
            yield Row(share, seed, own.size, measure, value, on)
