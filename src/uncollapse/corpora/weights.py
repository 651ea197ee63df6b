"""Weights of documents: a column of the corpus, or the table that `detect --weights` wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.corpora.corpus import Corpus
from uncollapse.errors import ColumnClash, InputError, MissingColumn, MissingInput

DETECTIONS = "detections.parquet"
Weighing: TypeAlias = Callable[[pa.RecordBatch], pa.Array]


def weighing(corpus: Corpus, given: str) -> Weighing:
    """What gives the weight of each row of a batch: a number, or null where there is none.

    Raises:
        MissingInput, InputError: there is no such table.
        MissingColumn, ColumnClash: there is no such column, or it does not hold numbers.
    """
    path = Path(given)
    if path.suffix == ".parquet" or path.is_dir():
        return _detected(path / DETECTIONS if path.is_dir() else path)
    _check_column(corpus, given)
    return lambda batch: _numbers(batch.column(given), given)


def _detected(path: Path) -> Weighing:
    try:
        table = pq.read_table(path, columns=["id", "weight"])
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: no such file", hint="uncollapse detect MADE ... --weights 10 -o FOLDER") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} holds no weights of documents by id: {error}", hint="uncollapse detect ... --weights 10 -o FOLDER"
        ) from error
    known = dict(zip(table.column("id").to_pylist(), table.column("weight").to_pylist(), strict=True))
    return lambda batch: pa.array([known.get(mark) for mark in batch.column("id").to_pylist()], pa.float64())


def _check_column(corpus: Corpus, column: str) -> None:
    schema = corpus.schema
    if column not in schema.names:
        there = ", ".join(repr(name) for name in corpus.plan.columns.names) or "none of your own"
        raise MissingColumn(
            f"no input has a column {column!r} of weights; there are {there}",
            hint="--weights COLUMN, or the folder that `uncollapse detect --weights` wrote",
        )
    kind = schema.field(column).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or isinstance(kind, pa.JsonType)):
        raise _no_numbers(column, f"has type {kind}")


def _numbers(told: pa.Array, column: str) -> pa.Array:
    """The values as numbers; where a file has whole and broken ones beside each other, they come as JSON."""
    if not isinstance(told.type, pa.JsonType):
        return told.cast(pa.float64())
    try:
        return told.storage.cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise _no_numbers(column, "has other things beside numbers") from error


def _no_numbers(column: str, said: str) -> ColumnClash:
    return ColumnClash(f"the column {column!r} {said}", hint="Weights are numbers, 0 or more, in every row.")
