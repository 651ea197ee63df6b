"""What a contest leaves behind: units as they are finished, and results.parquet, summary.json and index.html of all."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.collapse.contest.run import Contest, Row, Unit, claim
from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import locked, refusals, sweep, write_whole
from uncollapse.errors import OutputRefused, RecipeDiffers

UNITS, CLAIM = "units", "claim.json"
RESULTS_FILE, SUMMARY_FILE, PAGE_FILE = "results.parquet", "summary.json", "index.html"
RESULTS = pa.schema(
    {
        "student": pa.dictionary(pa.int32(), pa.string()),
        "arm": pa.dictionary(pa.int32(), pa.string()),
        "seed": pa.int64(),
        "generation": pa.int32(),
        "measure": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float64(),
    }
)
Reached = Callable[[str], object]


def played(contest: Contest, units: Sequence[Unit], folder: Path | None, *, reached: Reached) -> list[Row]:
    """The rows of all units; those that the folder holds are not run again, and each is there once it is finished.

    Raises:
        RecipeDiffers: the folder holds units of another text or other settings.
        OutputRefused: it holds something else, or cannot be written to.
        OutputBusy: another contest is writing there.
    """
    if folder is None:
        return [
            row
            for number, unit in enumerate(units, start=1)
            for row in _run(contest, unit, _at(number, units), reached)
        ]
    _check(folder)
    with refusals(folder):
        (folder / UNITS).mkdir(parents=True, exist_ok=True)
    with locked(folder, what=folder):
        claims(contest, units, folder)
        rows: list[Row] = []
        for number, unit in enumerate(units, start=1):
            path = folder / UNITS / unit.student.name / f"{unit.arm.name}-{unit.seed}.parquet"
            if not path.exists():
                found = _run(contest, unit, _at(number, units), reached)
                with refusals(folder):
                    write_table(table(found), path)
            rows += rows_of(path)
        return rows


def _at(number: int, units: Sequence[Unit]) -> str:
    return f"{number} of {len(units)}"


def _run(contest: Contest, unit: Unit, at: str, reached: Reached) -> list[Row]:
    reached(f"{at}, {unit.name}")
    return contest(unit, lambda generation: reached(f"{at}, {unit.name}, generation {generation}"))


def _check(folder: Path) -> None:
    if folder.is_file():
        raise OutputRefused(f"{folder} is a file", hint="Name a folder: -o contest/")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / UNITS).is_dir():
        raise OutputRefused(f"{folder} holds files that no contest has written", hint="Choose another folder.")


def claims(contest: Contest, units: Sequence[Unit], folder: Path) -> None:
    """Nothing; for each student the folder says what its units depend on, and it is what they are to depend on now."""
    for student in {unit.student.name: unit.student for unit in units}.values():
        path = folder / UNITS / student.name / CLAIM
        now = json.loads(json.dumps(claim(contest.pieces, contest.settings, student)))
        if path.exists():
            old = json.loads(path.read_bytes())
            if old != now:
                differ = ", ".join(name for name in now if old.get(name) != now[name])
                raise RecipeDiffers(
                    f"{folder} holds units of another contest: other {differ}",
                    hint="Choose another folder, or give the same text and settings; arms and seeds may be added.",
                )
        with refusals(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            write_whole(path, (json.dumps(now, indent=2) + "\n").encode())


def table(rows: Sequence[Row]) -> pa.Table:
    """The rows as a long table: student, arm, seed, generation, measure, value."""
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column) for column in columns], names=RESULTS.names).cast(RESULTS)


def rows_of(path: Path) -> list[Row]:
    """The rows of a unit's file."""
    return [Row(**row) for row in pq.read_table(path).to_pylist()]


def write(rows: Sequence[Row], told: Mapping[str, Any], page: str, *, folder: Path) -> None:
    """Nothing; the folder holds results, summary and page, each whole."""
    with refusals(folder):
        write_table(table(rows), folder / RESULTS_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / PAGE_FILE, page.encode())
