"""Scores that stand in a column: numbers, one for each document, none of them missing."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.errors import ColumnClash, InputError, MissingColumn


class ScoreColumn:
    """Gathers the scores of a pool, batch by batch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found = [np.zeros(0)]
        self._seen: Counter[str] = Counter()

    def take(self, batch: pa.RecordBatch) -> None:
        """Takes the scores of a batch, behind those that are there.

        Raises:
            MissingColumn: there is no such column.
            ColumnClash: it holds no numbers.
            InputError: a score is missing or is not finite; says in which file and row, and what to do.
        """
        if self.name not in batch.schema.names:
            there = ", ".join(name for name in batch.schema.names if name not in ("id", "text"))
            raise MissingColumn(f"there is no column {self.name!r} of scores", hint=f"There are {there}.")
        column = batch.column(self.name)
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise ColumnClash(
                f"the column {self.name!r} has type {column.type} and not of numbers alone",
                hint="Scores are finite numbers, one for each row.",
            )
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise self._no_score(batch, int(wrong[0]), column[int(wrong[0])].as_py())
        self._found.append(values)
        self._seen.update(_sources(batch))

    def values(self) -> Float64[ndarray, "n"]:
        """The scores of all rows."""
        return np.concatenate(self._found)

    def _no_score(self, batch: pa.RecordBatch, row: int, value: Any) -> InputError:
        sources = _sources(batch)
        place = sources[row]
        number = self._seen[place] + sources[: row + 1].count(place)
        return InputError(
            f"{place}, row {number:,} of those that can be read: {value!r} in {self.name!r} is no score",
            hint="Scores are finite numbers. Give the row one, or leave the row out.",
        )


def _sources(batch: pa.RecordBatch) -> list[str]:
    return batch.column("source").to_pylist() if "source" in batch.schema.names else [""] * len(batch)
