"""Where the parents of rows are to be found: the ids of the corpora at hand, in 20 bytes for each row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.fingerprint import ID_BYTES
from uncollapse.ledger.findings import Findings

_FORM = np.dtype([("id", f"S{ID_BYTES}"), ("generation", np.int16), ("depth", np.int16)])
UNKNOWN = -1


class Relation(NamedTuple):
    """What a source knows of a text: generation and depth, -1 where nobody knows them."""

    generation: int
    depth: int


class Ids:
    """A set of ids, 16 bytes for each."""

    def __init__(self, ids: Iterable[str]) -> None:
        packed = b"".join(bytes.fromhex(mark) for mark in ids)
        self._sorted = np.unique(np.frombuffer(packed, f"V{ID_BYTES}").view(f"S{ID_BYTES}"))

    @classmethod
    def of(cls, corpus: Corpus) -> "Ids":
        """The ids of a corpus."""
        return cls(mark for batch in corpus.batches() for mark in batch.column("id").to_pylist())

    def __len__(self) -> int:
        return len(self._sorted)

    def holds(self, ids: Sequence[str]) -> list[bool]:
        """For each id whether it is in the set."""
        return [_find(self._sorted, mark) >= 0 for mark in ids]


@dataclass
class Kin:
    """The rows of some corpora by id, and how many of the parents that were asked for are among them."""

    rows: ndarray
    asked: int = 0
    found: int = field(default=0)

    @classmethod
    def of(cls, corpora: Iterable[Corpus]) -> "Kin":
        """The rows of these corpora; of a text that stands there more than once, the shallowest."""
        parts = [np.zeros(0, _FORM)]
        for corpus in corpora:
            parts += [_packed(batch) for batch in corpus.known()]
        rows = np.concatenate(parts)
        rows.sort(order=["id", "generation", "depth"])
        first = np.concatenate([[True], rows["id"][1:] != rows["id"][:-1]]) if len(rows) else np.zeros(0, bool)
        return cls(rows[first])

    def of_id(self, mark: str) -> Relation | None:
        """What the sources know of the text with this id."""
        at = _find(self.rows["id"], mark)
        return None if at < 0 else Relation(int(self.rows["generation"][at]), int(self.rows["depth"][at]))

    def check(self, batch: pa.RecordBatch, numbers: Sequence[int], *, file: str, findings: Findings) -> None:
        """Rows that were made in one step of a text of the sources are one generation, and at least one level, past it.

        A parent that is in none of them is counted and is no fault.
        """
        columns = [batch.column(name).to_pylist() for name in ("parents", "generation", "depth")]
        for number, parents, generation, depth in zip(numbers, *columns, strict=True):
            if not parents:
                continue
            self.asked += 1
            parent = self.of_id(parents[0])
            if parent is None:
                continue
            self.found += 1
            if parent.generation >= 0 and generation is not None:
                findings.hold(
                    "source",
                    file,
                    row=number + 1,
                    found=f"generation {generation}",
                    expected=f"generation {parent.generation + 1}",
                )
            if parent.depth >= 0 and depth is not None and depth <= parent.depth:
                findings.add(
                    "source", file, row=number + 1, found=f"depth {depth}", expected=f"more than {parent.depth}"
                )

    def said(self) -> str:
        """How many of the parents are at hand, in a sentence."""
        return f"Of {self.asked:,} rows with parents, {self.found:,} have theirs in the sources that were named."


def _packed(batch: pa.RecordBatch) -> ndarray:
    rows = np.zeros(len(batch), _FORM)
    rows["id"] = np.frombuffer(bytes.fromhex("".join(batch.column("id").to_pylist())), f"S{ID_BYTES}")
    for name in ("generation", "depth"):
        rows[name] = _numbers(batch.column(name))
    return rows


def _numbers(column: pa.Array) -> Int64[ndarray, "rows"]:
    return pc.fill_null(column.cast(pa.int64()), UNKNOWN).to_numpy(zero_copy_only=False)


def _find(ids: ndarray, mark: str) -> int:
    """The place of an id among sorted ones; -1 where it is not."""
    try:
        data = bytes.fromhex(mark)
    except ValueError:
        return -1
    if len(data) != ID_BYTES:
        return -1
    wanted = np.frombuffer(data, f"S{ID_BYTES}")[0]
    at = int(np.searchsorted(ids, wanted))
    return at if at < len(ids) and ids[at] == wanted else -1
