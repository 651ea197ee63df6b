"""Of each document, which human document it is a copy of: by its bytes, by its normal text, by its runs of words."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int64
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.corpora.reading import Place
from uncollapse.duplicates.containment import Index, Matches
from uncollapse.duplicates.foremost import wilson
from uncollapse.duplicates.postings import ENDINGS, Segment, SegmentWriter, names
from uncollapse.duplicates.sketch import sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.errors import UsageError
from uncollapse.ledger.blocks import Block, Told, blocks, silent
from uncollapse.provenance.normal import normal_hashes

THRESHOLD = 0.1
TOP = 3
# What `find` says of each candidate; documents without any have one row with nulls.
FOUND = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("rank", pa.int32()),
        pa.field("parent", pa.string()),
        pa.field("containment", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("shared", pa.int64()),
        pa.field("evidence", pa.string()),
        pa.field("parent_source", pa.string()),
        pa.field("parent_row", pa.int64()),
    ]
)


class Evidence(StrEnum):
    """Why a document is taken for a copy, the strongest first."""

    EXACT = "exact"
    NORMALISED = "normalised"
    CONTAINMENT = "containment"
    NONE = "none"


@runtime_checkable
class Library(Protocol):
    """Documents among which is searched: a reserve, or any corpus."""

    @property
    def index(self) -> Index:
        """The index over all of them."""
        ...

    def places(self, documents: Int64[ndarray, "m"]) -> list[tuple[str, int]]:
        """For each number of the index the file and the row there."""
        ...


@dataclass(frozen=True)
class Shelf:
    """A corpus with an index that was made for one search and goes with it."""

    folder: Path
    sources: Sequence[str]
    where: Sequence[Int64[ndarray, "b 2"]]

    @cached_property
    def index(self) -> Index:
        """The index over all documents."""
        return Index([Segment.open(self.folder / "shelf")])

    @cached_property
    def _where(self) -> Int64[ndarray, "d 2"]:
        return np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.where])

    def places(self, documents: Int64[ndarray, "m"]) -> list[tuple[str, int]]:
        """For each number of the index the file and the row there."""
        return [(self.sources[source], row) for source, row in self._where[documents].tolist()]


Keep = Callable[[pa.RecordBatch], Bool[ndarray, "d"]]


@contextmanager
def shelved(corpus: Corpus, *, keep: Keep | None = None, on_progress: Told = silent) -> Iterator[Shelf]:
    """The documents of a corpus, or those to `keep`, with an index in a temporary folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="uncollapse-") as name:
        folder = Path(name)
        writer = SegmentWriter(folder)
        numbers: dict[str, int] = {}
        where = []
        for block in blocks(corpus):
            kept = block if keep is None else block.of(keep(block.batch))
            _index(kept.batch, writer)
            places = [(numbers.setdefault(place.source, len(numbers)), place.row) for place in kept.places]
            where.append(np.array(places, dtype=np.int64).reshape(-1, 2))
            on_progress("the texts to search in", sum(map(len, where)), corpus.rows)
        writers = (writer.write_hashes, writer.write_postings, writer.write_documents)
        for ending, write in zip(ENDINGS, writers, strict=True):
            with (folder / f"shelf{ending}").open("wb") as file:
                write(file)
        yield Shelf(folder, list(numbers), where)


def _index(batch: pa.RecordBatch, writer: SegmentWriter) -> None:
    ids = [bytes.fromhex(name) for name in batch.column("id").to_pylist()]
    normals = normal_hashes(batch.column("text"))
    writer.add(sketches_of(smooth(batch.column("text"))), ids=ids, normals=normals)


class Candidate(NamedTuple):
    """A document that another may be a copy of."""

    document: int
    id: str
    containment: float
    low: float
    high: float
    shared: int | None
    evidence: Evidence


@dataclass
class Tally:
    """What was found so far: documents by their best evidence, and the containment of those that were copies."""

    documents: int = 0
    evidence: Counter[Evidence] = field(default_factory=Counter)
    shares: list[float] = field(default_factory=list)
    frequent: int = 0
    spared: int = 0

    @property
    def found(self) -> int:
        """The documents that are copies."""
        return self.documents - self.evidence[Evidence.NONE]

    def as_json(self) -> dict[str, Any]:
        """Counts, the share of copies with its interval at 95 %, and the median of their containments."""
        low, high = wilson(np.array([self.found]), np.array([max(self.documents, 1)]))
        share = self.found / self.documents if self.documents else None
        return {
            "documents": self.documents,
            "with_a_parent": self.found,
            "share": share,
            "share_low": None if share is None else float(low[0]),
            "share_high": None if share is None else float(high[0]),
            "evidence": {str(kind): self.evidence[kind] for kind in Evidence},
            "median_containment": float(np.median(self.shares)) if self.shares else None,
            "frequent_runs": self.frequent,
            "documents_not_followed": self.spared,
        }


@dataclass
class Search:
    """A search for the `top` best candidates with a containment of `threshold` and more; `tally` counts along.

    Raises:
        UsageError: a threshold or a number that cannot be.
    """

    library: Library
    threshold: float = THRESHOLD
    top: int = TOP
    on_progress: Told = silent
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1 or self.top < 1:
            raise UsageError(
                f"threshold = {self.threshold}, top = {self.top}",
                hint="A threshold is above 0 and at most 1; top is 1 or more.",
            )

    def over(self, corpus: Corpus) -> Iterator[pa.RecordBatch]:
        """For each document of a corpus, in order, a row of FOUND for each candidate, or one row without any."""
        for block in blocks(corpus):
            yield self._found(block)
            self.on_progress("the documents", self.tally.documents, corpus.rows)

    def _found(self, block: Block) -> pa.RecordBatch:
        ids = block.batch.column("id").to_pylist()
        rows: list[_Row] = []
        for place, name, own in zip(block.places, ids, self.candidates(block.batch), strict=True):
            self.tally.documents += 1
            self.tally.evidence[own[0].evidence if own else Evidence.NONE] += 1
            self.tally.shares += [one.containment for one in own[:1]]
            rows += [_Row(place, name, rank, one) for rank, one in enumerate(own, start=1)]
            rows += [] if own else [_Row(place, name, None, None)]
        return _batch(rows, self.library)

    def candidates(self, batch: pa.RecordBatch) -> list[list[Candidate]]:
        """For each document its candidates: the same bytes, the same normal text, then by containment; none twice."""
        found = self.same(batch)
        matches = self.library.index.best(sketches_of(smooth(batch.column("text"))), most=self.top)
        self.tally.frequent += matches.frequent
        self.tally.spared += matches.spared
        for row, candidate in _contained(matches, self.threshold):
            found[row].append(candidate)
        return [_once(own)[: self.top] for own in found]

    def same(self, batch: pa.RecordBatch) -> list[list[Candidate]]:
        """For each document those with the same bytes, and those with the same normal text."""
        index = self.library.index
        by_id = index.by_id(names([bytes.fromhex(name) for name in batch.column("id").to_pylist()]))
        by_normal = index.by_normal(names(normal_hashes(batch.column("text"))))
        found: list[list[Candidate]] = [[] for _ in range(len(batch))]
        for places, evidence in ((by_id, Evidence.EXACT), (by_normal, Evidence.NORMALISED)):
            rows = np.flatnonzero(places >= 0)
            named = zip(rows.tolist(), places[rows].tolist(), index.ids(places[rows]), strict=True)
            for row, document, name in named:
                found[row].append(Candidate(document, name.tobytes().hex(), 1.0, 1.0, 1.0, None, evidence))
        return found


def _contained(matches: Matches, threshold: float) -> Iterator[tuple[int, Candidate]]:
    share = matches.containment
    for at in np.flatnonzero(matches.accepted(threshold)).tolist():
        yield (
            int(matches.query[at]),
            Candidate(
                int(matches.document[at]),
                matches.id[at].tobytes().hex(),
                float(share[at]),
                float(matches.low[at]),
                float(matches.high[at]),
                int(matches.shared[at]),
                Evidence.CONTAINMENT,
            ),
        )


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each document by its strongest evidence."""
    first: dict[str, Candidate] = {}
    for one in candidates:
        first.setdefault(one.id, one)
    return list(first.values())


class _Row(NamedTuple):
    """A document and one of its candidates, by rank; None where it has none."""

    place: Place
    id: str
    rank: int | None
    candidate: Candidate | None


def _batch(rows: Sequence[_Row], library: Library) -> pa.RecordBatch:
    found = [row.candidate for row in rows if row.candidate is not None]
    where = iter(library.places(np.array([one.document for one in found], dtype=np.int64)))
    cells: list[tuple[Any, ...]] = []
    for place, name, rank, one in rows:
        if one is None:
            cells.append((place.source, place.row, name, *(None,) * 6, str(Evidence.NONE), None, None))
            continue
        share = (one.id, one.containment, one.low, one.high, one.shared, str(one.evidence))
        cells.append((place.source, place.row, name, rank, *share, *next(where)))
    columns: Any = zip(*cells, strict=True) if cells else [()] * len(FOUND)
    arrays = [pa.array(values, column.type) for values, column in zip(columns, FOUND, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=FOUND)
