"""Tampering with what a run has written: clumsily, in one place, or consistently, in every place that can be rewritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.corpora import sidecar
from uncollapse.corpora.formats import parquet_writer
from uncollapse.corpora.manifest import seal_of
from uncollapse.corpora.merkle import Digests, roots
from uncollapse.corpora.records import members, record_digests
from uncollapse.corpora.storage import fill_whole
from uncollapse.fingerprint import content_id, file_digest
from uncollapse.provenance import History, sidecar_rows

Rows = list[dict[str, Any]]


def shard_of(out: Path, number: int = 0) -> Path:
    """A shard's path, by the manifest."""
    return out / manifest_of(out)["shards"][number]["name"]


def manifest_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "manifest.json").read_bytes())


def write_manifest(out: Path, content: dict[str, Any], *, sealed: bool = False) -> None:
    """The manifest with other content; with a new seal where asked."""
    content = {**content, "seal": seal_of(content)} if sealed else content
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    (out / "manifest.json").write_text(text + "\n")


def change_rows(path: Path, change: Callable[[Rows], Rows | None]) -> None:
    """A Parquet shard with other rows, written as the commit writes it; nothing else is touched."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    changed = change(rows)
    rows = rows if changed is None else changed
    arrays = [pa.array([row[field.name] for row in rows], field.type) for field in table.schema]
    with parquet_writer(str(path), table.schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=table.schema))


def forge(out: Path, change: Callable[[Rows], Rows | None], *, number: int = 0) -> None:
    """Rows of a shard changed, and everything that follows from them made anew: ids, digests, ledger, roots, seal."""
    path = shard_of(out, number)

    def with_ids(rows: Rows) -> Rows:
        changed = change(rows)
        rows = rows if changed is None else changed
        return [{**row, "id": content_id(row["text"])} for row in rows]

    change_rows(path, with_ids)
    settle(out)


def settle(out: Path) -> None:
    """The manifest and the ledger as they would be had the shards been written as they are now."""
    manifest = manifest_of(out)
    (out / ".digests").mkdir()
    parts, digests = [], []
    for number, entry in enumerate(manifest["shards"]):
        path = out / entry["name"]
        batch = pq.read_table(path).combine_chunks().to_batches()[0]
        entry |= {"bytes": path.stat().st_size, "blake3": file_digest(path), "rows": len(batch)}
        own = Digests()
        own.add(
            contents=[bytes.fromhex(mark) for mark in batch.column("id").to_pylist()],
            records=record_digests(members(batch), count=len(batch)),
        )
        digests.append(out / ".digests" / str(number))
        digests[-1].write_bytes(own.to_bytes())
        parts.append(out / ".digests" / f"{number}.ledger")
        rows = sidecar_rows(batch, history_of(batch), manifest["recipes"])
        parts[-1].write_bytes(sidecar.part_bytes([rows]))
    size, digest = fill_whole(out / "ledger.parquet", lambda sink: sidecar.write_joined(parts, sink))
    manifest["ledger"] |= {"bytes": size, "blake3": digest}
    manifest["roots"] = roots(digests)
    for path in (out / ".digests").iterdir():
        path.unlink()
    (out / ".digests").rmdir()
    write_manifest(out, manifest, sealed=True)


def history_of(batch: pa.RecordBatch) -> History:
    """The history that a run would have written down: what has a recipe was generated here."""
    declared = History.declared(batch)
    made = batch.column("recipe").is_valid().to_numpy(zero_copy_only=False)
    basis = declared.basis.copy()
    basis[made] = 0
    return History(declared.depth, basis)
