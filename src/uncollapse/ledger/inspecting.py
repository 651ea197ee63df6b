"""Everything that a reserve says of itself, worked out again from its texts: nothing is believed, faults are named."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from uncollapse.corpora.merkle import Digests, roots
from uncollapse.corpora.records import members, record_digests
from uncollapse.duplicates.containment import Index
from uncollapse.duplicates.postings import DOCUMENTS, HASHES, POSTINGS, Segment, SegmentWriter, names
from uncollapse.duplicates.sketch import sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.errors import InputError
from uncollapse.fingerprint import content_id, file_digest
from uncollapse.ledger.admissions import COLUMNS, DIGESTS, TEXTS, Admission, Basis, Charter, Merged, read_charter
from uncollapse.ledger.admitting import why_not_human
from uncollapse.ledger.blocks import Told, silent
from uncollapse.ledger.reserve import leftovers
from uncollapse.provenance.normal import normal_hashes

RESTORE = "restore it from a copy of the reserve"
TAKE_OUT = "make a new reserve without it: nothing is taken out of this one"
_ROWS = 512
_LISTED = 100  # findings of one kind in one admission that are listed one by one


class Finding(NamedTuple):
    """Something that is not as it should be: where, what, and the remedy."""

    where: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was looked at and what was found; `notices` are no faults."""

    rows: int
    admissions: int
    head: str
    findings: Sequence[Finding]
    notices: Sequence[str]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def inspect(folder: Path, *, head: str | None = None, on_progress: Told | None = None) -> Inspection:
    """The inspection of a reserve; held are some two hundred bytes for each of its texts, and not the texts.

    `head` is a digest that was noted before: the reserve must be that one, or have grown out of it. Without it, a
    manifest that somebody has rewritten with everything that it vouches for cannot be told from a true one.

    Raises:
        MissingInput: there is no reserve.
        InputError: its manifest cannot be read at all.
    """
    read = read_charter(folder)
    charter = read.charter
    findings = [Finding(f"{folder / 'manifest.json'}", fault, RESTORE) for fault in read.faults]
    if head is not None and head not in [one.digest for one in charter.admissions]:
        findings.append(
            Finding(f"{folder}", f"no admission has the digest {head}: this is not what was noted", RESTORE)
        )
    work = _Inspecting(folder, charter, on_progress or silent)
    findings += work.run()
    if not any(finding.where == f"{folder}" for finding in findings):
        findings += _roots(folder, charter)
    left = [path.name for path in leftovers(folder, charter)]
    notices = [f"of no admission, removed by the next addition: {', '.join(left)}"] if left else []
    return Inspection(charter.rows, len(charter.admissions), charter.head, findings, notices)


def _roots(folder: Path, charter: Charter) -> Iterator[Finding]:
    try:
        found = roots([folder / (one.stem + DIGESTS) for one in charter.admissions])
    except (OSError, ValueError):
        return  # the file was named before
    for kind, root in found.items():
        if charter.roots.get(kind) != root:
            where = f"{folder / 'manifest.json'}"
            yield Finding(where, f"the root over all {kind} is {root[:16]}..., not the one it names", RESTORE)


@dataclass
class _Inspecting:
    folder: Path
    charter: Charter
    on_progress: Told
    earlier: list[Segment] = field(default_factory=list)
    done: int = 0

    def run(self) -> Iterator[Finding]:
        with tempfile.TemporaryDirectory() as made:
            yield from self._admissions(Path(made))

    def _admissions(self, made: Path) -> Iterator[Finding]:
        ends = {whole.last: whole for whole in self.charter.merged}
        for admission in self.charter.admissions:
            yield from self._files(admission.files)
            ground = admission.ground.get("basis")
            if ground not in set(Basis):
                yield Finding(
                    f"{self.folder / 'manifest.json'}, admission {admission.number}",
                    f"its basis is {ground!r}; a text is admitted by date, publisher or declaration alone",
                    TAKE_OUT,
                )
            yield from self._admission(admission, made)
            if admission.number in ends:
                yield from self._merged(ends[admission.number], made)

    def _files(self, files: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
        counting = self.charter.files
        for name, told in files.items():
            if name not in counting:
                continue  # it became part of another
            path = self.folder / name
            if not path.is_file():
                yield Finding(f"{path}", "it is not there", RESTORE)
            elif path.stat().st_size != told["bytes"]:
                yield Finding(f"{path}", f"it has {path.stat().st_size:,} bytes, not {told['bytes']:,}", RESTORE)
            elif file_digest(path) != told["blake3"]:
                yield Finding(f"{path}", "its bytes were changed", RESTORE)

    def _merged(self, whole: Merged, made: Path) -> Iterator[Finding]:
        """A segment that stands for several is made again of those that were made again of the texts."""
        yield from self._files(whole.files)
        try:
            parts = [Segment.open(made / f"{number:05d}") for number in range(whole.first, whole.last + 1)]
        except InputError:
            return  # texts that cannot be read were named before
        with tempfile.TemporaryDirectory() as scratch:
            yield from self._index(whole.stem, whole.files, SegmentWriter.joining(parts, Path(scratch)))

    def _admission(self, admission: Admission, made: Path) -> Iterator[Finding]:
        path = self.folder / (admission.stem + TEXTS)
        if not path.is_file():
            return
        with tempfile.TemporaryDirectory() as scratch:
            rows = _Rows(path, admission, SegmentWriter(Path(scratch)), Index(list(self.earlier)))
            try:
                for finding in rows.findings():
                    yield finding
                    self.on_progress("texts", self.done + rows.seen, self.charter.rows)
            except (pa.ArrowException, OSError, InputError) as error:
                yield Finding(f"{path}, after row {rows.seen}", f"it cannot be read on: {_short(error)}", RESTORE)
                return
            self.done += rows.seen
            self.on_progress("texts", self.done, self.charter.rows)
            yield from rows.totals()
            yield from self._index(admission.stem, admission.files, rows.writer, made=made)
        self.earlier.append(Segment.open(made / admission.stem))

    def _index(
        self, stem: str, files: Mapping[str, Mapping[str, Any]], writer: SegmentWriter, *, made: Path | None = None
    ) -> Iterator[Finding]:
        """Whether the segment of a writer is the one on record; with `made` it is kept there."""
        for ending, fill in (
            (HASHES, writer.write_hashes),
            (POSTINGS, writer.write_postings),
            (DOCUMENTS, writer.write_documents),
        ):
            name = stem + ending
            with ExitStack() as stack:
                digest = _Digest(stack.enter_context((made / name).open("wb")) if made else None)
                fill(digest)
            if digest.hex() != files.get(name, {}).get("blake3"):
                yield Finding(f"{self.folder / name}", "the index that is admitted is not that of the texts", RESTORE)


class _Digest:
    """A sink that takes the digest of what it hands on, if to anything."""

    def __init__(self, onto: BinaryIO | None) -> None:
        self._digest = blake3()
        self._onto = onto

    def write(self, data: bytes, /) -> None:
        self._digest.update(data)
        if self._onto is not None:
            self._onto.write(data)

    def hex(self) -> str:
        return self._digest.hexdigest()


@dataclass
class _Rows:
    """The texts of one admission, row by row."""

    path: Path
    admission: Admission
    writer: SegmentWriter
    earlier: Index
    seen: int = 0
    digests: Digests = field(default_factory=Digests)
    ids: set[bytes] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)

    def findings(self) -> Iterator[Finding]:
        with pq.ParquetFile(self.path) as file:
            if not file.schema_arrow.equals(COLUMNS):
                yield Finding(f"{self.path}", "its columns are not those of a reserve", RESTORE)
                return
            for batch in file.iter_batches(_ROWS):
                for row, what, remedy in self._batch(batch):
                    self.kinds[remedy] += 1
                    if self.kinds[remedy] <= _LISTED:
                        yield Finding(f"{self.path}, row {self.seen + row + 1}", what, remedy)
                self.seen += len(batch)

    def _batch(self, batch: pa.RecordBatch) -> list[tuple[int, str, str]]:
        texts = batch.column("text").to_pylist()
        ids = [content_id(text) for text in texts]
        normals = normal_hashes(batch.column("text"))
        raw = [bytes.fromhex(name) for name in ids]
        there = self.earlier.by_id(names(raw))
        found = []
        for row, told in enumerate(batch.drop_columns(["text"]).to_pylist()):
            reason = why_not_human(told)
            if reason:
                found.append((row, reason, TAKE_OUT))
            if told["id"] != ids[row]:
                found.append((row, f"its id is {told['id']}, its text has {ids[row]}", RESTORE))
            if told["norm_hash"] != normals[row]:
                found.append((row, "its normalised text has another hash", RESTORE))
            found += [(row, what, RESTORE) for what in self._ground(told)]
            if there[row] >= 0 or raw[row] in self.ids:
                found.append((row, f"its text {ids[row]} was admitted before", RESTORE))
            self.ids.add(raw[row])
        self._take(batch, raw, normals)
        return found

    def _ground(self, told: dict[str, object]) -> Iterator[str]:
        for name in ("basis", "date", "domain"):
            if told[name] != self.admission.ground.get(name):
                yield f"its {name} is {told[name]!r}, that of the admission {self.admission.ground.get(name)!r}"

    def _take(self, batch: pa.RecordBatch, ids: list[bytes], normals: list[bytes]) -> None:
        self.digests.add(contents=ids, records=record_digests(members(batch), count=len(batch)))
        self.writer.add(sketches_of(smooth(batch.column("text"))), ids=ids, normals=normals)

    def totals(self) -> Iterator[Finding]:
        if self.seen != self.admission.rows:
            yield Finding(f"{self.path}", f"it has {self.seen:,} rows, {self.admission.rows:,} were admitted", RESTORE)
        own = self.path.with_suffix(DIGESTS)
        if own.is_file() and own.read_bytes() != self.digests.to_bytes():
            yield Finding(f"{own}", "these are not the digests of the texts", RESTORE)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "digests"
            file.write_bytes(self.digests.to_bytes())
            for kind, root in roots([file]).items():
                if self.admission.roots.get(kind) != root:
                    yield Finding(f"{self.path}", f"the root over its {kind} is not the one that was admitted", RESTORE)
        for remedy, count in self.kinds.items():
            if count > _LISTED:
                yield Finding(f"{self.path}", f"{count - _LISTED:,} more rows like these", remedy)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
