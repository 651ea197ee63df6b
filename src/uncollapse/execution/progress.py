"""How far a run is, and what came of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.corpora.commit import Account, Receipt
from uncollapse.corpora.corpus import Worked
from uncollapse.corpora.plan import Plan, Shard
from uncollapse.corpora.reading import BATCH_ROWS
from uncollapse.step import Tally, add_tallies


class Advance(NamedTuple):
    """One more batch of a shard is worked."""

    shard: int
    rows: int
    text_bytes: int
    tally: Tally

    @classmethod
    def of(cls, shard: int, worked: Worked) -> "Advance":
        """The advance that a worked batch is; the batch itself stays where it is."""
        return cls(shard, worked.rows_in, worked.text_bytes, worked.tally)


class Retried(NamedTuple):
    """A worker died; what it had done of a shard is void and the shard is tried again."""

    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is.

    `rows` and `text_bytes` count the whole run, `rows_done` and `text_bytes_done` what is worked of it, shards of
    earlier sessions included. `session_*`, `tally` and `seconds` count this session alone, so that speeds are true
    after a resume.
    """

    shards: int
    shards_done: int
    rows: int
    rows_done: int
    text_bytes: int
    text_bytes_done: int
    session_rows: int
    session_text_bytes: int
    tally: Tally
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What came of a run.

    `account` and `tally` count the whole run, shards of earlier sessions included; `session_*` and `seconds` this
    session alone. `paths` are the files with rows, `already_done` says that there was nothing left to do.
    """

    manifest: Mapping[str, Any]
    tally: Tally
    account: Account
    already_done: bool
    shards_done_before: int
    seconds: float
    session_rows: int
    session_text_bytes: int
    session_tally: Tally
    folder: Path | str
    paths: tuple[Path | str, ...]

    @property
    def rows(self) -> dict[str, Any]:
        """Rows in, out, dropped and failed by reason."""
        return self.account.as_json()


@dataclass
class _UnderWay:
    """What is done of a shard that is not committed yet."""

    rows: int = 0
    text_bytes: int = 0
    tally: Tally = field(default_factory=dict)

    def take(self, advance: Advance) -> None:
        """Take one more batch into account."""
        self.rows += advance.rows
        self.text_bytes += advance.text_bytes
        self.tally = add_tallies(self.tally, advance.tally)


@dataclass
class Course:
    """A run on its way: what is committed, and what is worked of the shards that are under way.

    All sums are kept as they grow, so that an event costs the same with ten shards and with ten thousand.
    """

    plan: Plan
    before: Mapping[int, Receipt]
    receipts: dict[int, Receipt] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)
    _passed: dict[int, int] = field(default_factory=dict)
    _under_way: dict[int, _UnderWay] = field(default_factory=dict)
    _text_bytes_done: int = 0
    _session: _UnderWay = field(default_factory=_UnderWay)

    def __post_init__(self) -> None:
        self._shards = {shard.index: shard for shard in self.plan.shards}
        self._rows, self._text_bytes = self.plan.rows, self.plan.text_bytes
        for receipt in self.before.values():
            self._commit(receipt)

    def _commit(self, receipt: Receipt) -> None:
        self.receipts[receipt.shard] = receipt
        self.account += receipt.account
        self._text_bytes_done += self._shards[receipt.shard].text_bytes

    def take(self, event: Advance | Retried | Receipt) -> None:
        """Take one event into account."""
        if isinstance(event, Advance):
            self._under_way.setdefault(event.shard, _UnderWay()).take(event)
            return
        done = self._under_way.pop(event.shard, _UnderWay())
        if isinstance(event, Retried):
            self.deaths[event.shard] += 1
            self._passed[event.shard] = done.rows
            return
        self._commit(event)
        self._session.take(Advance(event.shard, done.rows, done.text_bytes, event.tally))

    @property
    def under_way(self) -> list[int]:
        """The numbers of the shards of which batches are done, and which are not committed."""
        return sorted(self._under_way)

    def whereabouts(self) -> Iterator[str]:
        """For each shard that has cost workers and is not committed, the rows over which the last one ended."""
        for index in sorted(set(self.deaths) - set(self.receipts)):
            yield from rows_after(self._shards[index], self._passed[index], plan=self.plan)

    def progress(self, *, seconds: float) -> Progress:
        """How far the run is now."""
        pending = list(self._under_way.values())
        rows = sum(done.rows for done in pending)
        text_bytes = sum(done.text_bytes for done in pending)
        tally = self._session.tally
        for done in pending:
            tally = add_tallies(tally, done.tally)
        return Progress(
            shards=len(self._shards),
            shards_done=len(self.receipts),
            rows=self._rows,
            rows_done=rows + self.account.rows_in,
            text_bytes=self._text_bytes,
            text_bytes_done=text_bytes + self._text_bytes_done,
            session_rows=self._session.rows + rows,
            session_text_bytes=self._session.text_bytes + text_bytes,
            tally=tally,
            seconds=seconds,
        )


def rows_after(shard: Shard, passed: int, *, plan: Plan) -> Iterator[str]:
    """Where the rows of a shard stand, from the first one that was not passed to the end of its batch."""
    left = BATCH_ROWS
    for piece in shard.pieces:
        if passed >= piece.rows:
            passed -= piece.rows
            continue
        first, count = piece.row + passed, min(left, piece.rows - passed)
        yield f"{plan.inputs[piece.input].source}, rows {first:,} to {first + count - 1:,}"
        passed, left = 0, left - count
        if not left:
            return
