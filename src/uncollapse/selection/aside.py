"""Rows put aside on the disk, shard by shard, until their shard is worked: how a mixture of any size is shuffled.

The inputs are read once, in their own order; each row goes to the file of its shard with its place there. A shard is
then read as a whole, put into order and cut into batches, so memory holds one shard and never a corpus.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.corpora.plan import Shard
from uncollapse.corpora.reading import BATCH_BYTES, BATCH_ROWS, Part, Place
from uncollapse.corpora.storage import refusals
from uncollapse.corpora.tables import sizes
from uncollapse.provenance import History
from uncollapse.selection.drawing import Drawn
from uncollapse.selection.survey import Inputs, Watcher
from uncollapse.step import Fate, Reject

HELD_BYTES = 32 << 20
"""Text that is held before it is put aside."""

_OURS = pa.schema(
    [
        pa.field("place", pa.int64()),
        pa.field("source", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("depth", pa.int16()),
        pa.field("basis", pa.uint8()),
    ]
)


@dataclass
class Store:
    """Where the rows of each shard lie."""

    folder: Path
    schema: pa.Schema

    @property
    def form(self) -> pa.Schema:
        """The columns as they lie there: without dictionaries, which differ from batch to batch; ours in front."""
        own = [field.with_name(f"own {at}").with_type(_plain(field.type)) for at, field in enumerate(self.schema)]
        return pa.schema([*_OURS, *own])

    def rows(self, shard: int) -> Path:
        """The file of the rows of a shard."""
        return self.folder / f"{shard:05d}.arrows"

    def rejects(self, shard: int) -> Path:
        """The file of the rows that a shard leaves behind."""
        return self.folder / f"{shard:05d}.behind"

    def parts(self, shard: Shard) -> Iterator[Part]:
        """The rows of a shard in their order, and with the first of them those that stay behind."""
        with pa.OSFile(str(self.rows(shard.index))) as file, pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
        table = table.take(pc.sort_indices(table, sort_keys=[("place", "ascending")]))
        rejects = tuple(self._rejects(shard.index))
        batch = table.combine_chunks().to_batches()[0]
        text = batch.column(len(_OURS) + self.schema.names.index("text"))
        for start, stop in _cuts(sizes(text)):
            yield self._part(batch.slice(start, stop - start), rejects if start == 0 else ())

    def _rejects(self, shard: int) -> Iterator[Reject]:
        with self.rejects(shard).open("rb") as file:
            found = [json.loads(line) for line in file]
        for content in sorted(found, key=lambda each: (each["source"], each["row"])):
            yield Reject(**{**content, "fate": Fate(content["fate"])})

    def _part(self, rows: pa.RecordBatch, rejects: tuple[Reject, ...]) -> Part:
        places = tuple(map(Place, rows.column("source").to_pylist(), rows.column("row").to_pylist()))
        depth, basis = (rows.column(name).to_numpy(zero_copy_only=False) for name in ("depth", "basis"))
        columns = [_typed(rows.column(len(_OURS) + at), column.type) for at, column in enumerate(self.schema)]
        batch = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        return Part(batch, places, rejects, History(depth.copy(), basis.copy()))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _typed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column in its own type; a dictionary holds the values of these rows alone, in their order."""
    if not pa.types.is_dictionary(kind):
        return array
    encoded = array.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(kind.index_type), encoded.dictionary)


def _cuts(text_bytes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where a shard is cut into batches, as a reader cuts: by rows, and by the bytes of their texts."""
    cuts, size = [0], 0
    for row, more in enumerate(text_bytes):
        if row > cuts[-1] and (row - cuts[-1] == BATCH_ROWS or size + more > BATCH_BYTES):
            cuts.append(row)
            size = 0
        size += more
    yield from pairwise([*cuts, len(text_bytes)])


@dataclass
class _Filling:
    """A store while it is filled: what is held of each batch, and a stream for each shard."""

    store: Store
    drawn: Drawn
    streams: Sequence[pa.ipc.RecordBatchStreamWriter]
    order: Int64[ndarray, "taken"]
    starts: Int64[ndarray, "rows"]
    held: list[pa.RecordBatch] = field(default_factory=list)
    left: dict[int, bytearray] = field(default_factory=dict)
    bytes: int = 0

    def take(self, part: Part, first: int) -> None:
        """Take the rows of a part, of which the first has this number among all."""
        self._leave_behind(part, first)
        here = slice(self.starts[first], self.starts[first + len(part.places)])
        places = self.order[here]
        if not len(places):
            return
        rows = self.drawn.row[places] - first
        self.held.append(_with_places(part, rows, places, self.store.form))
        self.bytes += self.held[-1].nbytes
        if self.bytes >= HELD_BYTES:
            self.flush()

    def _leave_behind(self, part: Part, first: int) -> None:
        fates = self.drawn.fate[first : first + len(part.places)]
        for row in np.flatnonzero(fates >= 0).tolist():
            place = part.places[row]
            reason, detail = self.drawn.reasons[int(fates[row])], self.drawn.detail(first + row)
            self.leave(
                int(self.drawn.aside[first + row]), Reject(place.source, place.row, Fate.DROPPED, reason, detail)
            )
        for reject in part.rejects:
            self.leave(0, reject)

    def leave(self, shard: int, reject: Reject) -> None:
        """Let a shard account for a row that stays behind."""
        line = json.dumps(asdict(reject)).encode() + b"\n"
        self.left.setdefault(shard, bytearray()).extend(line)
        self.bytes += len(line)

    def flush(self) -> None:
        """Write what is held, each row to its shard."""
        if self.held:
            table = pa.Table.from_batches(self.held).combine_chunks()
            shards = self.drawn.shard[table.column("place").to_numpy()]
            table = table.take(pa.array(np.argsort(shards, kind="stable")))
            edges = np.searchsorted(np.sort(shards), np.arange(len(self.streams) + 1))
            for shard, (start, stop) in enumerate(pairwise(edges.tolist())):
                if start < stop:
                    self.streams[shard].write_table(table.slice(start, stop - start))
        for shard, lines in self.left.items():
            with self.store.rejects(shard).open("ab") as file:
                file.write(lines)
        self.held, self.left, self.bytes = [], {}, 0


def _with_places(part: Part, rows: ndarray, places: ndarray, form: pa.Schema) -> pa.RecordBatch:
    history = part.history
    assert history is not None
    batch = part.batch.take(pa.array(rows))
    plain = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns]
    ours = [
        pa.array(places, pa.int64()),
        pa.array([part.places[row].source for row in rows], pa.string()),
        pa.array([part.places[row].row for row in rows], pa.int64()),
        pa.array(history.depth[rows], pa.int16()),
        pa.array(history.basis[rows], pa.uint8()),
    ]
    return pa.RecordBatch.from_arrays([*ours, *plain], schema=form)


def put_aside(inputs: Inputs, drawn: Drawn, folder: Path, *, on_progress: Watcher | None = None) -> Store:
    """The store that holds every row of the mixture; what an earlier start left of one is written anew.

    Raises:
        OutputRefused: the storage does not take it.
    """
    store = Store(folder, inputs.corpus.schema)
    order = np.argsort(drawn.row, kind="stable")
    starts = np.searchsorted(drawn.row[order], np.arange(len(drawn.fate) + 1))
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
    with ExitStack() as open_files:
        with refusals(folder):
            streams = [_stream(store, shard, open_files) for shard in range(drawn.shards)]
        filling = _Filling(store, drawn, streams, order, starts)
        first = 0
        for part in inputs.parts(on_progress):
            with refusals(folder):
                filling.take(part, first)
            first += len(part.places)
        assert first == len(drawn.fate), f"{first} rows were read, {len(drawn.fate)} were drawn"
        with refusals(folder):
            filling.flush()
            open_files.close()
    return store


def _stream(store: Store, shard: int, open_files: ExitStack) -> pa.ipc.RecordBatchStreamWriter:
    store.rejects(shard).touch()
    file = open_files.enter_context(pa.OSFile(str(store.rows(shard)), "wb"))
    return open_files.enter_context(pa.ipc.new_stream(file, store.form))


def counted(
    drawn: Drawn, inputs_of: Mapping[str, int], broken: Sequence[Reject], rows: ndarray
) -> Int64[ndarray, "n 4"]:
    """How many rows of each input and turn each shard accounts for: columns input, turn, shard, rows."""
    taken = np.stack([rows["input"][drawn.row].astype(np.int64), drawn.turn, drawn.shard], axis=1)
    left = np.flatnonzero(drawn.fate >= 0)
    behind = np.stack([rows["input"][left].astype(np.int64), np.zeros(len(left), np.int64), drawn.aside[left]], axis=1)
    faults = np.array([[inputs_of[reject.source], 0, 0] for reject in broken], np.int64).reshape(-1, 3)
    keys, counts = np.unique(np.concatenate([taken, behind, faults]), axis=0, return_counts=True)
    return np.concatenate([keys, counts[:, None].astype(np.int64)], axis=1)
