"""What a corpus holds by origin, in rows and in words: what a policy is held against and a card is written from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.document import Origin
from uncollapse.errors import UsageError


@runtime_checkable
class Reserved(Protocol):
    """What knows which texts stand in a reserve."""

    def holds(self, ids: Sequence[str]) -> list[bool]:
        """For each content id whether its text is there."""
        ...


class Amount(NamedTuple):
    """So many rows and so many words."""

    rows: int = 0
    words: int = 0


@dataclass(frozen=True)
class Totals:
    """What was counted.

    `by` is keyed by origin and basis; `depth` gives rows by depth, None where nobody knows it; `generators` rows by
    model. `written` are the words that a person wrote, edited text included; `unknown` those of which nobody knows it;
    `reserve` those of rows that stand in the reserve, None where no reserve was given. `edits_of_a_position` is the
    greatest number of rounds that changed one place. `deepest_by` gives the greatest depth of the rows that each model
    wrote last, None for those that no model on record wrote.
    """

    rows: int
    words: int
    by: Mapping[tuple[str, str], Amount]
    depth: Mapping[int | None, int]
    generators: Mapping[str, int]
    written: int
    unknown: int
    reserve: int | None
    edits_of_a_position: int
    deepest_by: Mapping[str | None, int] = field(default_factory=dict)

    def of(self, origin: Origin) -> Amount:
        """Rows and words of one origin, whatever that rests on."""
        found = [amount for (name, _), amount in self.by.items() if name == origin]
        return Amount(sum(one.rows for one in found), sum(one.words for one in found))

    @property
    def human_share(self) -> float:
        """The share of words in rows of origin `human` alone; NaN without words."""
        return self._share(self.of(Origin.HUMAN).words)

    @property
    def written_share(self) -> float:
        """The share of words that a person wrote, those left in edited text included; NaN without words."""
        return self._share(self.written)

    @property
    def unknown_share(self) -> float:
        """The share of words of which nobody knows who wrote them; NaN without words."""
        return self._share(self.unknown)

    @property
    def reserve_share(self) -> float | None:
        """The share of words in rows that stand in the reserve; None where no reserve was given."""
        return None if self.reserve is None else self._share(self.reserve)

    @property
    def deepest(self) -> int | None:
        """The greatest depth that is known."""
        return max((depth for depth in self.depth if depth is not None), default=None)

    def as_json(self) -> dict[str, Any]:
        """The totals as plain values; a share of nothing is null."""
        shares = {
            name: getattr(self, name) for name in ("human_share", "written_share", "unknown_share", "reserve_share")
        }
        return {
            "rows": self.rows,
            "words": self.words,
            "by": [{"origin": pair[0], "basis": pair[1], **amount._asdict()} for pair, amount in self.by.items()],
            "depth": [{"depth": depth, "rows": rows} for depth, rows in self.depth.items()],
            "generators": dict(self.generators),
            **{name: None if share is None or isnan(share) else share for name, share in shares.items()},
            "edits_of_a_position": self.edits_of_a_position,
        }

    def _share(self, part: int) -> float:
        return part / self.words if self.words else float("nan")


class Holdings:
    """Counts what batches hold that have the columns of the ledger behind their own (`provenance.joined`).

    `reserve` knows which texts are in the reserve. Everything is counted in whole words, so any parting of the rows
    gives the same numbers.
    """

    def __init__(self, *, reserve: Reserved | None = None) -> None:
        self.reserve = reserve
        self._rows: Counter[tuple[str, str]] = Counter()
        self._words: Counter[tuple[str, str]] = Counter()
        self._depth: Counter[int | None] = Counter()
        self._generators: Counter[str] = Counter()
        self._deepest: dict[str | None, int] = {}
        self._written = self._unknown = self._reserved = self._rounds = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take a batch into account."""
        words = batch.column("words").to_numpy(zero_copy_only=False).astype(np.int64)
        share = batch.column("human_share").to_numpy(zero_copy_only=False).astype(np.float64)
        known = ~np.isnan(share)
        # A share is a quotient of words, so the words come back exactly.
        self._written += int(np.rint(share[known] * words[known]).sum())
        self._unknown += int(words[~known].sum())
        self._count(batch, words)
        depths, writers = batch.column("depth").to_pylist(), _names(batch, "generator")
        self._depth.update(depths)
        self._generators.update(name for name in writers if name is not None)
        for name, depth in set(zip(writers, depths, strict=True)):
            self._deepest[name] = max(self._deepest.get(name, 0), depth or 0)
        rounds = batch.column("edits").flatten().field("rounds")
        self._rounds = max(self._rounds, pc.max(rounds).as_py() or 0)
        if self.reserve is not None:
            here = np.array(self.reserve.holds(batch.column("id").to_pylist()), bool)
            self._reserved += int(words[here].sum())

    def _count(self, batch: pa.RecordBatch, words: Int64[ndarray, "rows"]) -> None:
        pairs = zip(_names(batch, "origin"), _names(batch, "origin_basis"), strict=True)
        for pair, count in zip(pairs, words.tolist(), strict=True):
            self._rows[pair] += 1
            self._words[pair] += count

    def merge(self, other: Self) -> None:
        """Take what another has counted into account.

        Raises:
            UsageError: only one of the two has looked into a reserve.
        """
        if (self.reserve is None) != (other.reserve is None):
            raise UsageError(
                "holdings with and without a reserve cannot be added", hint="Count both with the same reserve."
            )
        self._rows += other._rows
        # Adding counters would drop the pairs whose texts have no words.
        for pair, count in other._words.items():
            self._words[pair] += count
        self._depth += other._depth
        self._generators += other._generators
        for name, depth in other._deepest.items():
            self._deepest[name] = max(self._deepest.get(name, 0), depth)
        self._written += other._written
        self._unknown += other._unknown
        self._reserved += other._reserved
        self._rounds = max(self._rounds, other._rounds)

    def result(self) -> Totals:
        """The counts, over everything that was taken in."""
        by = {pair: Amount(self._rows[pair], self._words[pair]) for pair in sorted(self._rows)}
        depths = sorted(self._depth.items(), key=lambda item: (item[0] is None, item[0] or 0))
        return Totals(
            rows=sum(amount.rows for amount in by.values()),
            words=sum(amount.words for amount in by.values()),
            by=by,
            depth=dict(depths),
            generators=dict(sorted(self._generators.items())),
            written=self._written,
            unknown=self._unknown,
            reserve=None if self.reserve is None else self._reserved,
            edits_of_a_position=self._rounds,
            deepest_by=dict(sorted(self._deepest.items(), key=lambda item: item[0] or "")),
        )


def _names(batch: pa.RecordBatch, name: str) -> list[Any]:
    return batch.column(name).to_pylist()
