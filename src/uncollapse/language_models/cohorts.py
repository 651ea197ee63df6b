"""Texts written through an architecture's own cache: those of equal length go together, without padding.

For every model that transformers knows and whose keys and values we do not keep ourselves. A cohort keeps its rows
until its last text is done, since not every kind of cache can give one up.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int32
from numpy import ndarray
from torch import Tensor

from uncollapse.language_models import precision
from uncollapse.language_models.transfer import to_device

# The last row (b, n) of each text, and the cache, from ids (b, t) and the cache so far.
Advance = Callable[[Tensor, Any], tuple[Tensor, Any]]


class Seat(NamedTuple):
    """Where a text stands: its cohort and its row there."""

    cohort: "Cohort"
    row: int


class Cohort:
    """Texts of equal length with one cache."""

    def __init__(self, advance: Advance, lines: ndarray) -> None:
        self._advance = advance
        self._size = len(lines)
        self.rows, self._cache = advance(_on_device(lines), None)

    def step(self, tokens: Sequence[tuple[int, int]]) -> None:
        """One more token in some rows; the others are filled."""
        ids = np.zeros((self._size, 1), np.int64)
        for row, token in tokens:
            ids[row] = token
        self.rows, self._cache = self._advance(_on_device(ids), self._cache)


class Cohorts:
    """A model that writes through a cache of its own."""

    def __init__(self, advance: Advance, *, least_rows: int) -> None:
        self._advance = advance
        self._least = least_rows
        self._seats: list[Seat] = []

    def __len__(self) -> int:
        return len(self._seats)

    def read(self, prompts: Sequence[Int32[ndarray, "_"]]) -> Tensor:
        """The last hidden states (m, n) of new texts."""
        by_length: dict[int, list[int]] = {}
        for number, prompt in enumerate(prompts):
            by_length.setdefault(len(prompt), []).append(number)
        seats: dict[int, Seat] = {}
        for numbers in by_length.values():
            # Filled up with the first line, so that few rows are summed up as many are.
            filled = numbers + numbers[:1] * max(0, self._least - len(numbers))
            cohort = Cohort(self._advance, np.stack([prompts[number] for number in filled]).astype(np.int64))
            seats |= {number: Seat(cohort, row) for row, number in enumerate(numbers)}
        new = [seats[number] for number in range(len(prompts))]
        self._seats += new
        return _rows(new)

    def step(self, tokens: Sequence[int]) -> Tensor:
        """The hidden states (m, n) after one more token of each text."""
        by_cohort: dict[int, tuple[Cohort, list[tuple[int, int]]]] = {}
        for seat, token in zip(self._seats, tokens, strict=True):
            by_cohort.setdefault(id(seat.cohort), (seat.cohort, []))[1].append((seat.row, token))
        for cohort, pairs in by_cohort.values():
            cohort.step(pairs)
        return _rows(self._seats)

    def drop(self, place: int) -> None:
        """Forget the text at a place; the last text takes it."""
        last = self._seats.pop()
        if place < len(self._seats):
            self._seats[place] = last


def _rows(seats: Sequence[Seat]) -> Tensor:
    return torch.stack([seat.cohort.rows[seat.row] for seat in seats])


def _on_device(array: ndarray) -> Tensor:
    return to_device(array, precision.device())
