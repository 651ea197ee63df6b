"""What a run leaves behind: results.parquet, theory.parquet, summary.json and index.html in one folder."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.page import comparison_page
from uncollapse.collapse.results import RESULTS, Comparison, theory_table
from uncollapse.collapse.summary import Seeds, summary
from uncollapse.collapse.theory import Curve
from uncollapse.corpora.storage import Sink, fill_whole, refusals, write_whole
from uncollapse.report import Section

RESULTS_FILE, THEORY_FILE, SUMMARY_FILE, PAGE_FILE = "results.parquet", "theory.parquet", "summary.json", "index.html"
REMEMBERED = 64 * 2**20  # bytes of values, for summary and page; all of them lie in the results


def write(
    comparison: Comparison, folder: Path, *, laboratory: Laboratory, first: Sequence[Section] = ()
) -> dict[str, Any]:
    """The summary, after the folder holds the four files; each is there whole or not at all.

    Raises:
        OutputRefused: the folder cannot be written to.
    """
    number = comparison.parts[0].seeds
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_table(comparison.table(), folder / RESULTS_FILE)
    return write_told(comparison, folder, laboratory=laboratory, seeds=Seeds(number, number), first=first)


def write_told(
    comparison: Comparison, folder: Path, *, laboratory: Laboratory, seeds: Seeds, first: Sequence[Section] = ()
) -> dict[str, Any]:
    """The summary, after the folder holds it, the closed forms and the page, beside the results that are there."""
    told = summary(comparison, laboratory, seeds=seeds)
    with refusals(folder):
        write_table(comparison.theory_table(), folder / THEORY_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2) + "\n").encode())
        write_whole(folder / PAGE_FILE, comparison_page(comparison, laboratory, first=first).encode())
    return told


class Finished(NamedTuple):
    """What a run came to: the first seeds, for summary and page; how many are finished; whether it was stopped."""

    parts: tuple[Comparison, ...]
    seeds: int
    stopped: bool


def gathered(chunks: Iterable[Comparison], *, kept: Callable[[Comparison], object]) -> Finished:
    """The chunks that were finished when they ended or somebody pressed Ctrl-C; each of them is handed to `kept`.

    So many are remembered that they and what is made of them fit in memory.

    Raises:
        KeyboardInterrupt: it came before anything was finished.
    """
    parts: list[Comparison] = []
    seeds, held = 0, 0
    try:
        for part in chunks:
            kept(part)
            seeds += part.parts[0].seeds
            held += sum(each.values.nbytes for each in part)
            if not parts or held <= REMEMBERED:
                parts.append(part)
    except KeyboardInterrupt:
        if not parts:
            raise
        return Finished(tuple(parts), seeds, stopped=True)
    return Finished(tuple(parts), seeds, stopped=False)


def gathered_into(folder: Path, chunks: Iterable[Comparison], *, kept: Callable[[Comparison], object]) -> Finished:
    """The same, and the folder then holds the results of every chunk, written one after the other.

    Raises:
        OutputRefused: the folder cannot be written to.
    """
    done: list[Finished] = []

    def fill(sink: Sink) -> None:
        with pq.ParquetWriter(sink, RESULTS, compression="zstd") as writer:

            def put(part: Comparison) -> None:
                writer.write_table(part.table())
                kept(part)

            done.append(gathered(chunks, kept=put))

    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        fill_whole(folder / RESULTS_FILE, fill)
    return done[0]


def write_theory(name: str, curves: Sequence[tuple[str, Curve]], folder: Path) -> None:
    """Nothing; the closed forms of a laboratory, each under the label of its regime, lie in the folder."""
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tables = [theory_table(name, label, [curve]) for label, curve in curves]
        write_table(pa.concat_tables(tables), folder / THEORY_FILE)


def write_table(table: pa.Table, path: Path) -> None:
    """Nothing; the table lies at the path as Parquet, whole or not at all."""
    fill_whole(path, lambda sink: pq.write_table(table, sink, compression="zstd"))
