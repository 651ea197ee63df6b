"""The end of a run: rows accounted for, rejects gathered, the one file joined, the manifest written last."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.corpora import sidecar
from uncollapse.corpora.commit import Account, Receipt, Room
from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.formats import ParquetWriter
from uncollapse.corpora.manifest import VERSION, sealed
from uncollapse.corpora.merkle import roots
from uncollapse.corpora.opening import CHUNK
from uncollapse.corpora.plan import Format, schema_as_text
from uncollapse.corpora.storage import Sink, fill_whole, refusals, sweep, write_whole
from uncollapse.errors import OutputRefused
from uncollapse.execution import away
from uncollapse.execution.target import Target
from uncollapse.fingerprint import file_digest
from uncollapse.provenance import UNKNOWN_GENERATOR_DEPTH, model_table
from uncollapse.provenance.counting import COUNTING
from uncollapse.provenance.normal import NORMALISER
from uncollapse.step import Tally, add_tallies


def finish(
    corpus: Corpus, place: Target, room: Room, *, receipts: Mapping[int, Receipt], claim: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest, which is written when everything else is; then the papers of the run are removed."""
    ordered = [receipts[shard.index] for shard in corpus.plan.shards]
    away.check_rows(room, ordered)
    away.bring_papers(room, ordered)
    account = sum((receipt.account for receipt in ordered), start=Account())
    assert account.adds_up, f"the account does not add up: {account}"
    assert account.rows_in == corpus.plan.rows, f"{account.rows_in} rows of {corpus.plan.rows} were read"
    with refusals(place.asked):
        sweep(room.folder)
        rejects = _gather_rejects(place, room, ordered)
        shards = [_joined(corpus, place, room, ordered)] if place.single else [_entry(receipt) for receipt in ordered]
        content = {
            "uncollapse": claim["uncollapse"],
            "format": VERSION,
            "run": room.run,
            "output": claim["output"],
            "rows as": claim["rows as"],
            "steps": [step.fingerprint for step in corpus.steps],
            "recipes": corpus.recipes,
            "models": model_table(corpus.recipes),
            "plan": claim["plan"],
            "rows": account.as_json(),
            "tally": _sum(ordered),
            "shards": shards,
            **({} if rejects is None else {"rejects": rejects}),
            "ledger": _ledger(place, room, ordered),
            "roots": roots([room.digests(receipt.shard) for receipt in ordered]),
            "schema": schema_as_text(corpus.schema),
        }
        text = json.dumps(sealed(content), indent=1, ensure_ascii=False, sort_keys=True)
        write_whole(place.paper("manifest.json"), text.encode() + b"\n")
        away.take_away(place, [*([] if rejects is None else ["rejects.jsonl"]), sidecar.NAME, "manifest.json"])
        clear(place, room)
    # As it will be read back, so that a first and a later start say the same.
    return json.loads(text)


def _ledger(place: Target, room: Room, receipts: Sequence[Receipt]) -> dict[str, Any]:
    """The rows of the ledger of all shards, now one file, and by which rules they were made."""
    path = place.paper(sidecar.NAME)
    parts = [room.ledger(receipt.shard) for receipt in receipts]
    size, digest = fill_whole(path, lambda sink: sidecar.write_joined(parts, sink))
    return {
        "name": path.name,
        "rows": sum(receipt.account.rows_out for receipt in receipts),
        "bytes": size,
        "blake3": digest,
        "normal form": NORMALISER,
        "words": COUNTING,
        "unknown generators": UNKNOWN_GENERATOR_DEPTH,
    }


def is_left(place: Target, room: Room) -> bool:
    """Whether something is there that only an unfinished run needs."""
    return _only_for_the_run(place, room).exists() if place.store is None else away.is_left(place.store)


def _only_for_the_run(place: Target, room: Room) -> Path:
    return place.shards if place.single else room.progress


def clear(place: Target, room: Room) -> None:
    """Remove what only an unfinished run needs."""
    if place.store is not None:
        away.clear(place)
    elif is_left(place, room):
        shutil.rmtree(_only_for_the_run(place, room))


def _entry(receipt: Receipt) -> dict[str, Any]:
    account = receipt.account
    return {
        "name": receipt.name,
        "rows": account.rows_out,
        "rows_in": account.rows_in,
        "bytes": receipt.size,
        "blake3": receipt.blake3,
    }


def _sum(receipts: Sequence[Receipt]) -> Tally:
    total: Tally = {}
    for receipt in receipts:
        total = add_tallies(total, receipt.tally)
    return total


def _gather_rejects(place: Target, room: Room, receipts: Sequence[Receipt]) -> dict[str, Any] | None:
    """The rows that stayed behind, now one file: its name and digest; None where there are none."""
    path = place.paper("rejects.jsonl")
    parts = [room.rejects(receipt.shard) for receipt in receipts]
    if not any(part.stat().st_size for part in parts):
        return None
    return {"name": path.name, "blake3": _concatenate(parts, path)[1]}


def _concatenate(parts: Sequence[Path], path: Path) -> tuple[int, str]:
    """The number of bytes and the digest of one file out of several."""

    def fill(sink: Sink) -> None:
        for part in parts:
            with part.open("rb") as file:
                while data := file.read(CHUNK):
                    sink.write(data)

    return fill_whole(path, fill)


def _joined(corpus: Corpus, place: Target, room: Room, receipts: Sequence[Receipt]) -> dict[str, Any]:
    parts = [room.folder / receipt.name for receipt in receipts]
    if place.form is Format.PARQUET:
        size, digest = fill_whole(place.asked, lambda sink: _join_parquet(parts, sink, schema=corpus.schema))
    else:
        size, digest = _concatenate(parts, place.asked)
    account = sum((receipt.account for receipt in receipts), start=Account())
    return {
        "name": place.asked.name,
        "rows": account.rows_out,
        "rows_in": account.rows_in,
        "bytes": size,
        "blake3": digest,
    }


def _join_parquet(parts: Sequence[Path], sink: Sink, *, schema: pa.Schema) -> None:
    writer = ParquetWriter(sink, schema)
    for part in parts:
        for batch in _batches(part):
            writer.write(pa.RecordBatch.from_arrays(batch.columns, schema=schema), [])
    writer.finish()


def _batches(part: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(part, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, use_threads=False).to_batches()


def check_finished(place: Target, manifest: Mapping[str, Any]) -> None:
    """Nothing; raises where a finished output is not what its manifest says.

    Raises:
        OutputRefused: names the file.
    """
    folder = place.asked.parent if place.single else place.asked
    ledger = [manifest["ledger"]] if "ledger" in manifest else []
    for shard in [*manifest["shards"], *ledger]:
        if place.store is not None:
            if not place.store.holds(shard["name"], size=shard["bytes"], digest=shard["blake3"]):
                raise _gone(place, shard["name"], "damaged or missing")
            continue
        path = folder / shard["name"]
        if not path.is_file() or file_digest(path) != shard["blake3"]:
            raise _gone(place, shard["name"], "damaged" if path.is_file() else "missing")


def _gone(place: Target, name: str, how: str) -> OutputRefused:
    where = f"{place.store}/{name}" if place.store is not None else place.folder / name
    return OutputRefused(
        f"{where} is {how}, though the run that made it was finished",
        hint=f"Restore it, or remove {place.address('manifest.json')} and what it lists and run again.",
    )
