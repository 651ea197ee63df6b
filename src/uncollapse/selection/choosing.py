"""What it takes to choose from a pool: a budget, the pool in batches, and how often each of its rows is taken.

A selector passes over the pool as often as it has to and keeps some numbers for each row, never a text. Its draws are
keyed by (seed, selector, document id), and rows of one text are told apart by what else is said of them, so no order of
rows, batches or files shows in what is chosen.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3
from jaxtyping import Float64, Int64, UInt64
from numpy import ndarray
from pydantic import Field

from uncollapse.corpora.records import members, record_digests
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.fingerprint import Json
from uncollapse.ngrams import mix
from uncollapse.provenance import words
from uncollapse.selection.drawing import nothing_more
from uncollapse.step import Configured, Spread

Unit: TypeAlias = Literal["documents", "words", "bytes"]
Pool: TypeAlias = Iterable[pa.RecordBatch]
"""Documents in batches, with our columns and the user's own; can be passed over again, and each pass gives the same."""


class Budget(NamedTuple):
    """How much is chosen: so many documents, words (as the ledger counts them) or bytes of text, and never more."""

    amount: int
    unit: Unit = "documents"

    def __str__(self) -> str:
        return f"{self.amount:,} {self.unit}"


class Reasons(NamedTuple):
    """Why rows were not taken: for each row the number of its reason among `names`, and what there is to say of it."""

    names: tuple[str, ...]
    of: Int64[ndarray, "n"]
    detail: Callable[[int], str] = nothing_more


class Choice(NamedTuple):
    """How often each row of the pool is taken, in its order, and what was measured on the way, in plain values.

    Rows without one of the `reasons` that are not taken were not chosen, and that is all.
    """

    counts: Int64[ndarray, "n"]
    account: Mapping[str, Json]
    reasons: Reasons | None = None


class Selector(Configured):
    """A way of choosing. `caps` are the largest shares of the budget that one value of a column may have."""

    seed: int = 0
    caps: Mapping[str, Annotated[float, Field(gt=0, le=1)]] = {}

    def recipe(self) -> Mapping[str, Json]:
        """The selector's name and every field; what is resolved at run time is added here."""
        return {"selector": type(self).__name__, **self.model_dump(mode="json")}

    def worked_by(self, spread: Spread) -> Self:  # noqa: ARG002  (most look at texts by themselves)
        """The same, with what a model has to read done by others."""
        return self

    @abstractmethod
    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:
        """Which rows are taken.

        Raises:
            UsageError: the budget cannot be met (says what can), or a reference is needed and is not there.
        """


@dataclass(frozen=True, eq=False)
class Rows:
    """What is known of each row of a pool, in its order.

    `draw` is a random number of 64 bits out of seed, selector and id, another one for each copy of a text; rows that
    are equal in all are interchangeable. `sizes` are in the budget's unit. `strata` has, for each cap, the number of
    the row's value among those of its column.
    """

    draw: UInt64[ndarray, "n"]
    sizes: Int64[ndarray, "n"]
    words: Int64[ndarray, "n"]
    budget: Budget
    caps: Sequence[tuple[str, float]]
    strata: Sequence[Int64[ndarray, "n"]]

    def __len__(self) -> int:
        return len(self.draw)

    @property
    def uniform(self) -> Float64[ndarray, "n"]:
        """The draws as numbers between 0 and 1, both excluded."""
        return ((self.draw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    @property
    def gumbel(self) -> Float64[ndarray, "n"]:
        """The draws with the standard Gumbel distribution."""
        return -np.log(-np.log(self.uniform))

    def order(self, keys: Float64[ndarray, "n"] | None = None) -> Int64[ndarray, "n"]:
        """The rows from the highest key to the lowest, those of equal keys in the order of their draws."""
        return np.argsort(self.draw, kind="stable") if keys is None else np.lexsort((self.draw, -keys))


class Looking:
    """Gathers what is known of the rows of a pool, batch by batch."""

    def __init__(self, selector: Selector, budget: Budget, *, repeats: int = 1) -> None:
        self._budget, self._repeats, self._caps = budget, repeats, sorted(selector.caps.items())
        self._key = f"{selector.seed}\0{selector.fingerprint}\0"
        self._found: list[tuple[ndarray, ...]] = []
        self._strata: list[list[ndarray]] = [[] for _ in self._caps]
        self._values: list[dict[str, int]] = [{} for _ in self._caps]

    def take(self, batch: pa.RecordBatch) -> None:
        """Takes the rows of a batch, behind those that are there.

        Raises:
            MissingColumn: a cap is on a column that is not there.
        """
        text = batch.column("text")
        count = words(text)
        sizes = {"documents": np.ones(len(batch), np.int64), "words": count}.get(self._budget.unit)
        if sizes is None:
            sizes = pc.fill_null(pc.binary_length(text), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        draws = [_number(f"{self._key}{mark}".encode()) for mark in batch.column("id").to_pylist()]
        self._found.append((np.array(draws, np.uint64), ties(batch), sizes, count))
        for held, values, (column, _) in zip(self._strata, self._values, self._caps, strict=True):
            held.append(numbered(values_of(batch, column), values))

    def rows(self) -> Rows:
        """What is known of all rows.

        Raises:
            UsageError: there are none, or the budget is larger than they are.
        """
        if not sum(len(part[0]) for part in self._found):
            raise UsageError("the pool has no documents", hint="Name files or folders that hold some.")
        draws, ties, sizes, count = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        strata = [np.concatenate(parts) for parts in self._strata]
        _check(self._budget, sizes, repeats=self._repeats)
        return Rows(_told_apart(draws, ties), sizes, count, self._budget, self._caps, strata)


def looked_through(pool: Pool, selector: Selector, budget: Budget, *, repeats: int = 1) -> Rows:
    """What is known of the rows of a pool, in one pass; each may be taken `repeats` times."""
    looking = Looking(selector, budget, repeats=repeats)
    for batch in pool:
        looking.take(batch)
    return looking.rows()


def needed(reference: Pool | None, *, what: str) -> Pool:
    """The reference.

    Raises:
        UsageError: there is none.
    """
    if reference is None:
        raise UsageError(f"{what} is measured against a reference, and there is none", hint="--reference human.jsonl")
    return reference


def values_of(batch: pa.RecordBatch, column: str) -> list[str]:
    """The values of a column as words; a missing one is "none".

    Raises:
        MissingColumn: there is no such column.
    """
    if column not in batch.schema.names:
        there = ", ".join(name for name in batch.schema.names if name not in ("id", "text"))
        raise MissingColumn(f"there is no column {column!r}", hint=f"There are {there}.")
    return ["none" if value is None else str(value) for value in batch.column(column).to_pylist()]


def numbered(values: Iterable[str], known: dict[str, int]) -> Int64[ndarray, "n"]:
    """The number of each value; new ones are added to those that are known."""
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def _number(content: bytes) -> int:
    return int.from_bytes(blake3(content).digest(length=8), "little")


def ties(batch: pa.RecordBatch, *, but: Collection[str] = ()) -> UInt64[ndarray, "n"]:
    """What tells rows of one text apart, whichever was read first: all that is said of them, but for some columns."""
    others = batch.select([name for name in batch.schema.names if name not in ("id", "text", *but)])
    digests = record_digests(members(others), count=len(batch))
    return np.array([int.from_bytes(digest[:8], "little") for digest in digests], np.uint64)


def _told_apart(draws: UInt64[ndarray, "n"], ties: UInt64[ndarray, "n"]) -> UInt64[ndarray, "n"]:
    """The draws, with one of its own for each of several rows of one text."""
    order = np.lexsort((ties, draws))
    at = np.arange(len(draws))
    new = np.ones(len(draws), bool)
    new[1:] = draws[order][1:] != draws[order][:-1]
    number = at - np.maximum.accumulate(np.where(new, at, 0))
    result = draws.copy()
    copies = order[number > 0]
    result[copies] = mix(draws[copies] ^ mix(number[number > 0].astype(np.uint64)))
    return result


def _check(budget: Budget, sizes: Int64[ndarray, "n"], *, repeats: int) -> None:
    there = int(sizes.sum()) * repeats
    if budget.amount < 1:
        raise UsageError(f"a budget of {budget} is none", hint="--budget 1000")
    if budget.amount > there:
        again = f" with every document {repeats} times" if repeats > 1 else ""
        raise UsageError(
            f"the budget is {budget}, and the pool holds {there:,}{again}", hint=f"Ask for --budget {there} or less."
        )
    if budget.amount < sizes.min():
        raise UsageError(
            f"no document fits into {budget}: the shortest has {int(sizes.min()):,}", hint="Ask for a larger --budget."
        )
