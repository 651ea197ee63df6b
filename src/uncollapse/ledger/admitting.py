"""An addition to the reserve: rows are looked at, those that are new are kept, and the manifest is replaced last."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import ge, gt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.corpora.claims import as_origins
from uncollapse.corpora.formats import ParquetWriter
from uncollapse.corpora.merkle import Digests, roots
from uncollapse.corpora.reading import Place
from uncollapse.corpora.records import members, record_digests
from uncollapse.corpora.storage import Sink, fill_whole, refusals, write_whole
from uncollapse.document import Origin
from uncollapse.duplicates.containment import Index
from uncollapse.duplicates.postings import SegmentWriter, names
from uncollapse.duplicates.sketch import sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.errors import InputError, MissingColumn, UsageError
from uncollapse.ledger.admissions import COLUMNS, DIGESTS, MANIFEST, TEXTS, Admission, Charter, Ground
from uncollapse.ledger.blocks import Block, Told, blocks, silent
from uncollapse.ledger.merging import merged, write_segment
from uncollapse.ledger.reserve import SCRATCH, Reserve, clear, held
from uncollapse.provenance.claiming import said_otherwise
from uncollapse.provenance.normal import normal_hashes

NEAR = 0.8  # a new text with this share of its word runs in one that is there is a near copy of it
NAMED = 20  # near copies that are listed one by one
_RULE = re.compile(r"(?P<column>.+?)\s*(?P<sign>>=|>)\s*(?P<value>[-+0-9.eE]+)")
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {">": gt, ">=": ge}


class Exclusion(NamedTuple):
    """A rule by which a score leaves texts out: the only thing that a detector may do to a reserve."""

    column: str
    sign: str
    value: float

    @classmethod
    def of(cls, text: str) -> "Exclusion":
        """The rule that `COLUMN>VALUE` or `COLUMN>=VALUE` says.

        Raises:
            UsageError: it says none.
        """
        found = _RULE.fullmatch(text.strip())
        try:
            return cls(found["column"], found["sign"], float(found["value"])) if found else cls("", "", float(""))
        except ValueError:
            raise UsageError(
                f"--exclude {text} is no rule", hint="COLUMN>VALUE, for example --exclude 'p_synthetic>0.9'"
            ) from None

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.value:g}"

    def hits(self, batch: pa.RecordBatch) -> tuple[Bool[ndarray, "d"], Bool[ndarray, "d"]]:
        """Which rows are left out, and which have no score: these stay."""
        if self.column not in batch.schema.names:
            raise MissingColumn(
                f"--exclude {self}: there is no column {self.column!r} among {', '.join(batch.schema.names)}",
                hint="Name the column of the score.",
            )
        try:
            scores = batch.column(self.column).cast(pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"--exclude {self}: the column {self.column!r} holds no numbers", hint="Name the column of a score."
            ) from error
        values = scores.fill_null(float("nan")).to_numpy(zero_copy_only=False)
        return np.asarray(_SIGNS[self.sign](values, self.value), dtype=bool), np.isnan(values)


class NearCopy(NamedTuple):
    """A new text that is nearly one that was there: its place and id, the id of the other, and the containment."""

    source: str
    row: int
    id: str
    of: str
    containment: float


@dataclass(frozen=True, slots=True)
class Admitted:
    """What an addition did: the admission, None where nothing was new, and the texts that were there or nearly."""

    admission: Admission | None
    reserve: Reserve | None
    read: int
    present: int
    excluded: dict[str, int]
    near: int
    near_copies: Sequence[NearCopy]
    unscored: dict[str, int]


@dataclass
class _Count:
    """What is counted while an addition is worked on."""

    read: int = 0
    rows: int = 0
    present: int = 0
    text_bytes: int = 0
    near: int = 0
    near_copies: list[NearCopy] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)
    digests: Digests = field(default_factory=Digests)


def admit(
    folder: Path,
    corpus: Corpus,
    *,
    ground: Ground,
    exclude: Sequence[Exclusion] = (),
    on_progress: Told = silent,
) -> Admitted:
    """What became of the rows of a corpus, of which those that are new are in the reserve now; all of them, or none.

    Raises:
        UsageError: the ground does not hold.
        InputError: a row is not human, or was made from another; the message names it.
        OutputBusy: another process adds to the reserve.
        OutputRefused: the storage does not take it, or the folder holds something else.
    """
    ground.check()
    with held(folder):
        before = Reserve.open(folder) if (folder / MANIFEST).exists() else None
        return _Adding(folder, before, ground, tuple(exclude), on_progress).run(corpus)


@dataclass
class _Adding:
    folder: Path
    before: Reserve | None
    ground: Ground
    exclude: tuple[Exclusion, ...]
    on_progress: Told
    count: _Count = field(default_factory=_Count)

    def run(self, corpus: Corpus) -> Admitted:
        charter = self.before.charter if self.before else Charter()
        stem = self.folder / f"{len(charter.admissions) + 1:05d}"
        scratch = self.folder / SCRATCH
        try:
            with refusals(self.folder):
                scratch.mkdir()
            writer = SegmentWriter(scratch)
            files = self._write(stem, corpus, writer)
            if not self.count.rows:
                clear(self.folder)
                return self._told(None, self.before)
            charter = merged(self.folder, self._with(charter, stem, corpus, files), scratch)
            with refusals(self.folder):
                write_whole(self.folder / MANIFEST, charter.to_bytes())
            clear(self.folder)
            return self._told(charter.admissions[-1], Reserve(self.folder, charter))
        except BaseException:
            # By the manifest that is there: it may have been replaced already.
            clear(self.folder)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _write(self, stem: Path, corpus: Corpus, writer: SegmentWriter) -> dict[str, dict[str, Any]]:
        writers: dict[str, Callable[[Sink], object]] = {
            TEXTS: lambda sink: self._texts(sink, corpus, writer),
            DIGESTS: lambda sink: sink.write(self.count.digests.to_bytes()),
        }
        files: dict[str, dict[str, Any]] = {}
        for ending, fill in writers.items():
            path = stem.with_name(stem.name + ending)
            with refusals(path):
                size, digest = fill_whole(path, fill)
            files[path.name] = {"bytes": size, "blake3": digest}
        return files | write_segment(writer, stem)

    def _texts(self, sink: Sink, corpus: Corpus, writer: SegmentWriter) -> None:
        parquet = ParquetWriter(sink, COLUMNS)
        index = self.before.index if self.before else Index([])
        for block in blocks(corpus):
            self.count.read += len(block.batch)
            new = self._new(block, index)
            if len(new.batch):
                rows = kept_rows(new.batch, self.ground)
                columns = members(rows)
                parquet.write(rows, columns)
                self._index(new, rows, index=index, writer=writer)
                self.count.digests.add(
                    contents=(bytes.fromhex(name) for name in rows.column("id").to_pylist()),
                    records=record_digests(columns, count=len(rows)),
                )
            self.on_progress("texts", self.count.read, corpus.rows)
        parquet.finish()

    def _new(self, block: Block, index: Index) -> Block:
        """The rows that are to be kept, and neither there already nor twice."""
        refuse_what_is_not_human(block)
        out = np.zeros(len(block.batch), dtype=bool)
        for rule in self.exclude:
            found, unscored = rule.hits(block.batch)
            hits = found & ~out
            self.count.unscored[str(rule)] += int((unscored & ~out).sum())
            self.count.excluded[str(rule)] += int(hits.sum())
            out |= hits
        ids = [bytes.fromhex(name) for name in block.batch.column("id").to_pylist()]
        there = index.by_id(names(ids)) >= 0
        for row in np.flatnonzero(~out).tolist():
            if there[row] or ids[row] in self.count.seen:
                out[row] = True
                self.count.present += 1
            self.count.seen.add(ids[row])
        return block.of(~out)

    def _index(self, new: Block, rows: pa.RecordBatch, *, index: Index, writer: SegmentWriter) -> None:
        sketched = sketches_of(smooth(rows.column("text")))
        ids = [bytes.fromhex(name) for name in rows.column("id").to_pylist()]
        normals = rows.column("norm_hash").to_pylist()
        self._report_near(new.places, ids, index.best(sketched, most=1), index.by_normal(names(normals)), index)
        writer.add(sketched, ids=ids, normals=normals)
        self.count.rows += len(rows)
        self.count.text_bytes += sum(len(text.as_buffer()) for text in rows.column("text"))

    def _report_near(
        self, places: Sequence[Place], ids: Sequence[bytes], matches: Any, normal: Any, index: Index
    ) -> None:
        close = matches.accepted(NEAR)
        near = {
            int(query): (name.tobytes().hex(), float(share))
            for query, name, share in zip(
                matches.query[close], matches.id[close], matches.containment[close], strict=True
            )
        }
        same = np.flatnonzero(normal >= 0)
        near |= {int(row): (name.tobytes().hex(), 1.0) for row, name in zip(same, index.ids(normal[same]), strict=True)}
        self.count.near += len(near)
        for row in sorted(near)[: NAMED - len(self.count.near_copies)]:
            self.count.near_copies.append(NearCopy(*places[row], ids[row].hex(), *near[row]))

    def _with(self, charter: Charter, stem: Path, corpus: Corpus, files: dict[str, dict[str, Any]]) -> Charter:
        every = [self.folder / f"{one.stem}{DIGESTS}" for one in charter.admissions]
        own = stem.with_name(stem.name + DIGESTS)
        admission = Admission(
            number=len(charter.admissions) + 1,
            previous=charter.head,
            ground=self.ground.as_json(),
            rows=self.count.rows,
            text_bytes=self.count.text_bytes,
            present=self.count.present,
            excluded=dict(self.count.excluded),
            sources=[entry.source for entry in corpus.plan.inputs],
            files=files,
            roots=roots([own]),
        )
        return Charter([*charter.admissions, admission], roots([*every, own]), merged=charter.merged)

    def _told(self, admission: Admission | None, reserve: Reserve | None) -> Admitted:
        count = self.count
        return Admitted(
            admission,
            reserve,
            count.read,
            count.present,
            dict(count.excluded),
            count.near,
            count.near_copies,
            dict(count.unscored),
        )


def kept_rows(batch: pa.RecordBatch, ground: Ground) -> pa.RecordBatch:
    """The rows as a reserve keeps them: our columns, and what it knows of each text; the user's own stay out."""
    count = len(batch)
    told = ground.as_json()
    own = {
        "origin": as_origins(batch.column("origin").dictionary_decode()),
        "norm_hash": pa.array(normal_hashes(batch.column("text")), COLUMNS.field("norm_hash").type),
        **{name: pa.array([told.get(name)] * count, pa.string()) for name in ("basis", "date", "domain")},
    }
    arrays = [own[name] if name in own else batch.column(name) for name in COLUMNS.names]
    return pa.RecordBatch.from_arrays(arrays, schema=COLUMNS)


def refuse_what_is_not_human(block: Block) -> None:
    """Nothing, where every row says that a person wrote it and that it was made from no other.

    Raises:
        InputError: names the first rows that do not.
    """
    columns = {
        name: block.batch.column(name).to_pylist() for name in ("origin", "generation", "parents", "edits", "recipe")
    }
    wrong = []
    said = said_otherwise(block.batch)
    for row, place in enumerate(block.places):
        reason = why_not_human({name: values[row] for name, values in columns.items()}) or said[row]
        if reason:
            wrong.append(f"{place.source}, row {place.row}: {reason}")
    if wrong:
        more = f" and {len(wrong) - 3:,} more" if len(wrong) > 3 else ""
        raise InputError(
            f"not for a reserve: {'; '.join(wrong[:3])}{more}",
            hint="Take these rows out. Nothing was admitted; no detector and no option can make such a row human.",
        )


def why_not_human(row: dict[str, Any]) -> str:
    """What of a row's own provenance says that it is no first text by a person; empty if nothing does."""
    if row["origin"] != Origin.HUMAN:
        return f"its origin is {row['origin']}"
    if row["parents"]:
        return f"it was made from {row['parents'][0]}"
    if row["edits"]:
        return f"it carries {len(row['edits']):,} edits"
    if row["recipe"]:
        return f"it was made by recipe {row['recipe']}"
    return f"its generation is {row['generation']}" if row["generation"] else ""
