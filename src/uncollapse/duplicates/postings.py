"""A segment of an index on disk: which documents have which run of words, in the order of the runs' numbers.

Three files of plain little-endian numbers, which are mapped into memory and never changed: `.hashes` (8 bytes for each
run of each document), `.postings` (4 bytes: the document), `.documents` (37 bytes: two names of 16 bytes, how many runs
it has, its scale). They depend on the texts and their order alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt8, UInt32, UInt64
from numpy import ndarray

from uncollapse.duplicates.sketch import Sketches
from uncollapse.errors import InputError

HASHES, POSTINGS, DOCUMENTS = ".hashes", ".postings", ".documents"
ENDINGS = (HASHES, POSTINGS, DOCUMENTS)
ID_BYTES = 16
ROW = np.dtype([("id", f"S{ID_BYTES}"), ("normal", f"S{ID_BYTES}"), ("runs", "<u4"), ("shift", "u1")])
_HASH, _POSTING = np.dtype("<u8"), np.dtype("<u4")
# What is sorted at once, 12 bytes each; and the slices of the range of numbers in which sorted parts are merged.
GATHERED = 1 << 22
_MERGED = 1 << 22
MOST_DOCUMENTS = 2**32 - 1


@runtime_checkable
class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""
        ...


@dataclass(frozen=True, eq=False)
class Segment:
    """The documents of one segment and, in the order of the numbers of their runs, which of them have each."""

    hashes: UInt64[ndarray, "p"]
    postings: UInt32[ndarray, "p"]
    rows: ndarray

    @classmethod
    def open(cls, stem: Path) -> "Segment":
        """The segment of three files that differ in their ending.

        Raises:
            InputError: one is not there or not of the size that the others ask for.
        """
        paths = [stem.with_name(stem.name + ending) for ending in ENDINGS]
        hashes, postings, rows = _mapped(paths[0], _HASH), _mapped(paths[1], _POSTING), _mapped(paths[2], ROW)
        if len(hashes) != len(postings):
            raise _damaged(paths[1], "it has not as many entries as the file of hashes")
        return cls(hashes, postings, rows)

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return len(self.rows)

    @cached_property
    def ids(self) -> UInt8[ndarray, "d 16"]:
        """The id of each document."""
        return np.frombuffer(np.ascontiguousarray(self.rows["id"]).tobytes(), np.uint8).reshape(-1, ID_BYTES)

    @cached_property
    def runs(self) -> Int64[ndarray, "d"]:
        """How many different runs each document has."""
        return self.rows["runs"].astype(np.int64)

    @cached_property
    def shifts(self) -> UInt8[ndarray, "d"]:
        """The scale of each document as a power of two."""
        return np.ascontiguousarray(self.rows["shift"])

    @cached_property
    def by_id(self) -> "Names":
        """The documents by their ids."""
        return Names.of(self.rows["id"])

    @cached_property
    def by_normal(self) -> "Names":
        """The documents by the digests of their normal texts."""
        return Names.of(self.rows["normal"])


@dataclass(frozen=True, eq=False)
class Names:
    """128-bit names in ascending order, and which document bears each."""

    names: ndarray
    document: Int64[ndarray, "d"]

    @classmethod
    def of(cls, names: ndarray) -> "Names":
        """The names of documents 0, 1, 2 and so on; of several with one name the first is found."""
        order = np.argsort(names, kind="stable")
        return cls(names[order], order)

    def find(self, wanted: ndarray) -> Int64[ndarray, "w"]:
        """For each name its document, -1 for none."""
        if not len(self.names):
            return np.full(len(wanted), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.names, wanted), len(self.names) - 1)
        return np.where(self.names[place] == wanted, self.document[place], -1)


def names(values: Sequence[bytes]) -> ndarray:
    """128-bit names as an array that can be looked up."""
    return np.frombuffer(b"".join(values), f"S{ID_BYTES}")


def _mapped(path: Path, kind: np.dtype) -> ndarray:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _damaged(path, error.strerror or "it cannot be read") from error
    if size % kind.itemsize:
        raise _damaged(path, "it was cut off")
    # An empty file cannot be mapped.
    return np.memmap(path, kind, "r") if size else np.zeros(0, dtype=kind)


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path} is no part of an index: {why}", hint="Make the index again from its texts.")


class SegmentWriter:
    """Gathers documents into a segment: sorted parts in a folder for scratch, merged at the end in bounded memory."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._rows: list[ndarray] = []
        self._held: list[tuple[ndarray, ndarray]] = []
        self._holds = 0
        self._parts = 0
        self._segments: list[tuple[ndarray, ndarray, int]] = []
        self.documents = 0

    @classmethod
    def joining(cls, segments: Sequence[Segment], scratch: Path) -> "SegmentWriter":
        """A writer of the segment that all documents of some others would be, in their order."""
        writer = cls(scratch)
        for segment in segments:
            writer._segments.append((segment.hashes, segment.postings, writer.documents))
            writer._rows.append(segment.rows)
            writer.documents += segment.documents
        assert writer.documents <= MOST_DOCUMENTS, "too many documents for one segment"
        return writer

    def add(self, sketched: Sketches, *, ids: Sequence[bytes], normals: Sequence[bytes]) -> None:
        """Takes documents, with their names, behind those that are there."""
        kept = sketched.cut()
        rows = np.zeros(kept.documents, dtype=ROW)
        rows["id"], rows["normal"] = names(ids), names(normals)
        rows["runs"], rows["shift"] = kept.runs, kept.shifts
        assert self.documents + len(rows) <= MOST_DOCUMENTS, "too many documents for one segment"
        self._held.append((kept.hashes, (kept.document + self.documents).astype(_POSTING)))
        self._rows.append(rows)
        self.documents += len(rows)
        self._holds += len(kept.hashes)
        if self._holds >= GATHERED:
            self._lay_down()

    def _lay_down(self) -> None:
        if self._parts + len(self._segments) and not self._held:
            return
        hashes = np.concatenate([np.zeros(0, _HASH), *(part for part, _ in self._held)])
        postings = np.concatenate([np.zeros(0, _POSTING), *(part for _, part in self._held)])
        order = np.argsort(hashes, kind="stable")
        hashes[order].tofile(self._scratch / f"{self._parts}{HASHES}")
        postings[order].tofile(self._scratch / f"{self._parts}{POSTINGS}")
        self._held, self._holds = [], 0
        self._parts += 1

    def write_hashes(self, sink: Sink) -> None:
        """Writes the numbers, and keeps the documents in their order for `write_postings`."""
        self._lay_down()
        with ExitStack() as stack:
            aside = stack.enter_context((self._scratch / f"merged{POSTINGS}").open("wb"))
            for hashes, postings in self._merged():
                sink.write(hashes.tobytes())
                postings.tofile(aside)

    def write_postings(self, sink: Sink) -> None:
        """Writes the documents of the numbers that were written before."""
        with (self._scratch / f"merged{POSTINGS}").open("rb") as file:
            for piece in _pieces(file):
                sink.write(piece)

    def write_documents(self, sink: Sink) -> None:
        """Writes what is known of each document."""
        for rows in self._rows:
            sink.write(rows.tobytes())

    def _merged(self) -> Iterator[tuple[ndarray, ndarray]]:
        parts = [
            *self._segments,
            *(
                (_mapped(self._scratch / f"{n}{HASHES}", _HASH), _mapped(self._scratch / f"{n}{POSTINGS}", _POSTING), 0)
                for n in range(self._parts)
            ),
        ]
        for bounds in _slices([hashes for hashes, _, _ in parts]):
            pairs = list(zip(parts, bounds, strict=True))
            hashes = np.concatenate([part[0][low:high] for part, (low, high) in pairs])
            postings = np.concatenate([part[1][low:high] + _POSTING.type(part[2]) for part, (low, high) in pairs])
            # Stable: within a number the parts, and so the documents, are in order.
            order = np.argsort(hashes, kind="stable")
            yield hashes[order], postings[order]


def _slices(parts: Sequence[ndarray]) -> Iterator[list[tuple[int, int]]]:
    """Where each slice of the range of numbers lies in each part; a slice holds about `_MERGED` numbers of all.

    Numbers of runs are evenly spread at each scale, and the low ones the densest, so the borders are taken from the
    numbers themselves.
    """
    sample = np.sort(np.concatenate([part[:: max(_MERGED // (8 * len(parts)), 1)] for part in parts]))
    total = sum(len(part) for part in parts)
    count = max(total // _MERGED, 1)
    borders = np.unique(sample[np.arange(1, count) * len(sample) // count]) if len(sample) else sample
    places = [np.concatenate([[0], np.searchsorted(part, borders), [len(part)]]).tolist() for part in parts]
    for at in range(len(borders) + 1):
        yield [(place[at], place[at + 1]) for place in places]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(1 << 20):
        yield piece
