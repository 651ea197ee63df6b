"""The commit: a shard is in the output as a whole, with its receipt, or not at all.

Order for each shard: data to a temporary name, fsync; the rows' digests, their rows of the ledger and the rejects, then
the receipt that has the digests of all four, each by temporary name and rename; last the data gets its name, fsync of
the folder. A shard counts as done if its receipt is there and what lies beside it is what the receipt says; so the
papers need no fsync: one that a power cut has spoilt is recognised, and costs the work on its shard.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from uncollapse.corpora.claims import as_origins
from uncollapse.corpora.corpus import Worked
from uncollapse.corpora.formats import row_writer
from uncollapse.corpora.merkle import Digests
from uncollapse.corpora.objects import Objects
from uncollapse.corpora.plan import Format, Shard
from uncollapse.corpora.records import members, record_digests
from uncollapse.corpora.sidecar import part_bytes
from uncollapse.corpora.storage import Sink, refusals, sync_folder, temporary, write_whole
from uncollapse.fingerprint import content_id, file_digest
from uncollapse.step import Fate, Reject, Tally, add_tallies

PROGRESS = ".progress"
PLAN = "plan.json"
SESSION = "session"


@dataclass(frozen=True, slots=True)
class Account:
    """Rows in, rows out, and those that stayed behind, by reason; the sums must agree.

    `added` counts the rows beyond one for each that came in, where a step makes several of one.
    """

    rows_in: int = 0
    rows_out: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    added: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in + self.added == self.rows_out + sum(self.dropped.values()) + sum(self.failed.values())

    def __add__(self, other: "Account") -> "Account":
        return Account(
            self.rows_in + other.rows_in,
            self.rows_out + other.rows_out,
            _sum(self.dropped, other.dropped),
            _sum(self.failed, other.failed),
            self.added + other.added,
        )

    def as_json(self) -> dict[str, Any]:
        """The account as it stands in a manifest."""
        added = {"added": self.added} if self.added else {}
        stayed = {"dropped": dict(self.dropped), "failed": dict(self.failed)}
        return {"in": self.rows_in, **added, "out": self.rows_out, **stayed}


def _sum(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(left) + Counter(right)).items()))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a committed shard holds and how it came about; `digests`, `ledger` and `rejects` are digests of files."""

    shard: int
    name: str
    size: int
    blake3: str
    account: Account
    tally: Tally
    digests: str
    ledger: str
    rejects: str

    def to_bytes(self) -> bytes:
        """The receipt as it lies on the disk."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        """The receipt that `to_bytes` wrote."""
        content = json.loads(data)
        return cls(**{**content, "account": Account(**content["account"])})


@dataclass(frozen=True, slots=True)
class Room:
    """Where the shards of one run lie: their folder, their names, and the papers that go when the run is finished.

    Where they go to a `store` of objects, the folder is one of this machine through which they pass: of a shard that is
    handed over its rows are gone from there.
    """

    folder: Path
    run: str
    form: Format
    store: Objects | None = None

    @property
    def progress(self) -> Path:
        """The folder of plan, receipts, digests and rejects."""
        return self.folder / PROGRESS

    def name(self, shard: int) -> str:
        """The name of a shard's file, fixed by plan, recipe and number."""
        return f"part-{shard:05d}-{self.run[:12]}.{self.form}"

    def receipt(self, shard: int) -> Path:
        """Where a shard's receipt lies."""
        return self.progress / f"{shard:05d}.json"

    def digests(self, shard: int) -> Path:
        """Where the digests of a shard's rows lie."""
        return self.progress / f"{shard:05d}.digests"

    def ledger(self, shard: int) -> Path:
        """Where the rows of the ledger lie for a shard."""
        return self.progress / f"{shard:05d}.ledger"

    def rejects(self, shard: int) -> Path:
        """Where the rows lie that a shard left behind."""
        return self.progress / f"{shard:05d}.rejects.jsonl"

    def drafted(self, shard: int) -> tuple[Path, ...]:
        """The paths under whose names the drafts of a shard are written."""
        return (self.folder / f"{shard:05d}", *self.papers(shard))

    def may_pass(self, shard: int) -> bool:
        """Whether a committed shard has left rows behind for a reason that may be gone by now."""
        lines = self.rejects(shard).read_bytes().splitlines()
        return any(json.loads(line).get("passing", False) for line in lines)

    def committed(self, shard: int) -> Receipt | None:
        """The receipt of a shard that is done and undamaged."""
        try:
            receipt = Receipt.from_bytes(self.receipt(shard).read_bytes())
            whole = (
                receipt.name == self.name(shard)
                and self._has_rows(receipt)
                and file_digest(self.digests(shard)) == receipt.digests
                and file_digest(self.ledger(shard)) == receipt.ledger
                and file_digest(self.rejects(shard)) == receipt.rejects
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return receipt if whole else None

    def _has_rows(self, receipt: Receipt) -> bool:
        if self.store is not None:
            return self.store.holds(receipt.name, size=receipt.size, digest=receipt.blake3)
        return file_digest(self.folder / receipt.name) == receipt.blake3

    def papers(self, shard: int) -> tuple[Path, ...]:
        """The papers of a shard, the receipt last."""
        return (self.digests(shard), self.ledger(shard), self.rejects(shard), self.receipt(shard))

    def hand_over(self, receipt: Receipt) -> None:
        """Nothing; the store, if there is one, has the shard's rows and papers, and its receipt when it has the rest.

        Raises:
            OutputRefused: it does not take them.
        """
        if self.store is None:
            return
        path = self.folder / receipt.name
        self.store.put(receipt.name, path)
        for paper in self.papers(receipt.shard):
            self.store.put(f"{PROGRESS}/{paper.name}", paper)
        path.unlink()

    @contextmanager
    def rows_of(self, receipt: Receipt) -> Iterator[Path]:
        """The file of a committed shard's rows, which lies on this machine inside of the block."""
        path = self.folder / receipt.name
        if self.store is None:
            yield path
            return
        self.store.fetch(receipt.name, path)
        try:
            yield path
        finally:
            path.unlink()

    def write_paper(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Nothing; a paper of the whole run lies in the folder of progress, and in the store if there is one."""
        write_whole(self.progress / name, data, durable=durable)
        if self.store is not None:
            self.store.put(f"{PROGRESS}/{name}", data)

    @property
    def told(self) -> str:
        """Where the papers are, for whoever looks for them."""
        return f"{self.store or self.folder}/{PROGRESS}"

    def session(self) -> str:
        """The session that works here now, as its driver wrote it.

        Raises:
            OSError: nothing is there to be read.
        """
        if self.store is None:
            return (self.progress / SESSION).read_text()
        said = self.store.get(f"{PROGRESS}/{SESSION}")
        if said is None:
            raise FileNotFoundError(f"{self.store}/{PROGRESS}/{SESSION}")
        return said.decode()


def commit(room: Room, shard: Shard, *, work: Iterator[Worked], schema: pa.Schema) -> Iterator[Worked | Receipt]:
    """What is worked, batch by batch as it passes, and at the end the receipt of the committed shard.

    Raises:
        OutputRefused: the storage does not take it; no part of the shard stays.
    """
    path = room.folder / room.name(shard.index)
    draft = temporary(room.folder, f"{shard.index:05d}")
    try:
        with refusals(path):
            sink = Sink(draft)
        try:
            count = yield from _fill(room, sink, work=work, schema=schema)
            with refusals(path):
                digest = sink.sync()
        except BaseException:
            sink.discard()
            raise
        sink.close()
        with refusals(path):
            receipt = _receipt(room, shard, sink=sink, digest=digest, count=count)
            write_whole(room.receipt(shard.index), receipt.to_bytes(), durable=False)
            draft.replace(path)
            sync_folder(room.folder)
        room.hand_over(receipt)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    yield receipt


def _receipt(room: Room, shard: Shard, *, sink: Sink, digest: str, count: "_Count") -> Receipt:
    return Receipt(
        shard=shard.index,
        name=room.name(shard.index),
        size=sink.size,
        blake3=digest,
        account=count.account(shard.rows),
        tally=count.tally,
        digests=write_whole(room.digests(shard.index), count.digests.to_bytes(), durable=False),
        ledger=write_whole(room.ledger(shard.index), part_bytes(count.ledger), durable=False),
        rejects=write_whole(room.rejects(shard.index), bytes(count.rejects), durable=False),
    )


@dataclass(slots=True)
class _Count:
    """What is counted while a shard is written; packed, as a shard may have many rows."""

    rows_in: int = 0
    added: int = 0
    tally: Tally = field(default_factory=dict)
    digests: Digests = field(default_factory=Digests)
    ledger: list[pa.RecordBatch] = field(default_factory=list)
    rejects: bytearray = field(default_factory=bytearray)
    fates: dict[Fate, Counter[str]] = field(default_factory=lambda: {fate: Counter() for fate in Fate})

    def take(self, done: Worked) -> None:
        """Count a batch."""
        self.rows_in += done.rows_in
        self.added += done.added
        self.tally = add_tallies(self.tally, done.tally)
        assert done.ledger is not None, "rows are committed with their ledger"
        self.ledger.append(done.ledger)
        for reject in done.rejects:
            self.fates[reject.fate][reject.reason] += 1
            self.rejects += reject_line(reject)

    def account(self, planned: int) -> Account:
        """The account of the shard, which adds up."""
        dropped, failed = (dict(sorted(self.fates[fate].items())) for fate in (Fate.DROPPED, Fate.FAILED))
        account = Account(self.rows_in, len(self.digests), dropped, failed, self.added)
        assert account.adds_up, f"the account does not add up: {account}"
        assert self.rows_in == planned, f"{self.rows_in} rows were read, {planned} were planned"
        return account


def _fill(room: Room, sink: Sink, *, work: Iterator[Worked], schema: pa.Schema) -> Generator[Worked, None, _Count]:
    count = _Count()
    with refusals(room.folder):
        writer = row_writer(room.form, sink, schema)
    for done in work:
        batch = _settled(done.batch, schema)
        columns = members(batch)
        with refusals(room.folder):
            writer.write(batch, columns)
        count.take(done)
        count.digests.add(contents=_content_digests(batch), records=record_digests(columns, count=len(batch)))
        yield done
    with refusals(room.folder):
        writer.finish()
    return count


def _content_digests(batch: pa.RecordBatch) -> list[bytes]:
    ids = [content_id(text) for text in batch.column("text").to_pylist()]
    assert ids == batch.column("id").to_pylist(), "an id is not the digest of its text"
    return [bytes.fromhex(name) for name in ids]


def _settled(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the schema of the corpus, with the one dictionary of origins."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["origin"] = as_origins(batch.column("origin").dictionary_decode())
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def reject_line(reject: Reject) -> bytes:
    """A rejected row as a line of `rejects.jsonl`."""
    content = asdict(reject)
    if not reject.passing:
        del content["passing"]
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
