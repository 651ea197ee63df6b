"""One pass over all inputs of a mixture: for each row its draw, its size, and what is known of it; no text is kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.corpora.claims import ORIGINS
from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.histories import Histories
from uncollapse.corpora.reading import Part, Place
from uncollapse.corpora.records import members, record_digests
from uncollapse.corpora.tables import sizes
from uncollapse.corpora.weights import weighing
from uncollapse.document import Origin
from uncollapse.errors import InputError, UsageError
from uncollapse.provenance import words
from uncollapse.provenance.claiming import said_otherwise
from uncollapse.step import Reject


class Role(IntEnum):
    """As what an input was given; of equal texts that with the lowest number stays."""

    EARLIER = 0
    HUMAN = 1
    SYNTHETIC = 2


ORIGIN_CODES = {Origin(name): code for code, name in enumerate(ORIGINS.to_pylist())}
ROW = np.dtype(
    [
        ("draw", np.uint64),
        ("tie", np.uint64),
        ("words", np.int64),
        ("bytes", np.int64),
        ("weight", np.float64),
        ("input", np.int32),
        ("depth", np.int16),
        ("role", np.uint8),
        ("origin", np.uint8),
        ("basis", np.uint8),
    ]
)


class Reached(NamedTuple):
    """How far a pass over the inputs is: rows, of so many."""

    done: int
    of: int


Watcher: TypeAlias = Callable[[Reached], None]


@dataclass(frozen=True)
class Survey:
    """What one pass found: `rows` in the order of reading, and the rows that cannot be read."""

    rows: ndarray
    broken: tuple[Reject, ...]


@dataclass(frozen=True)
class Inputs:
    """Everything that is to be mixed, as one corpus, and as what each of its files was given."""

    corpus: Corpus
    roles: Sequence[Role]

    def parts(self, on_progress: Watcher | None = None) -> Iterator[Part]:
        """All rows, in the order of the files, with their histories."""
        reader, histories = self.corpus.reader(), Histories(self.corpus.plan)
        done = 0
        for shard in self.corpus.plan.shards:
            for part in reader.parts(shard):
                yield part._replace(history=histories.of(part))
                done += len(part.places) + len(part.rejects)
                if on_progress is not None:
                    on_progress(Reached(done, self.corpus.rows))


def survey(inputs: Inputs, *, seed: int, weights: str | None = None, on_progress: Watcher | None = None) -> Survey:
    """What the inputs hold.

    Raises:
        InputError: a row that was given as human is none, or a weight is no weight; says where and what to do.
        TooManyRejects: more rows cannot be read than are allowed.
    """
    weigh = None if weights is None else weighing(inputs.corpus, weights)
    numbers = {entry.source: at for at, entry in enumerate(inputs.corpus.plan.inputs)}
    found = [np.zeros(0, ROW)]
    broken: list[Reject] = []
    strangers: Counter[tuple[str, str]] = Counter()
    for part in inputs.parts(on_progress):
        broken += part.rejects
        rows = _looked_at(part, seed=seed)
        rows["input"] = [numbers[place.source] for place in part.places]
        rows["role"] = np.array([int(role) for role in inputs.roles], np.uint8)[rows["input"]]
        wrong = np.flatnonzero((rows["role"] == Role.HUMAN) & (rows["origin"] != ORIGIN_CODES[Origin.HUMAN]))
        strangers.update(
            (part.places[row].source, f"its ledger says {ORIGINS[int(rows['origin'][row])].as_py()}") for row in wrong
        )
        claims = said_otherwise(part.batch)
        for row in np.flatnonzero(rows["role"] == Role.HUMAN).tolist():
            if claims[row]:
                strangers[part.places[row].source, claims[row]] += 1
        if weigh is not None:
            rows["weight"] = _weights(part, rows, weigh(part.batch))
        found.append(rows)
    if strangers:
        raise _not_human(strangers)
    return Survey(np.concatenate(found), tuple(broken))


def _looked_at(part: Part, *, seed: int) -> ndarray:
    batch, history = part.batch, part.history
    assert history is not None
    rows = np.zeros(len(batch), ROW)
    rows["draw"] = [_draw(seed, mark) for mark in batch.column("id").to_pylist()]
    rows["words"] = words(batch.column("text"))
    rows["bytes"] = sizes(batch.column("text"))
    rows["weight"] = 1.0
    rows["depth"], rows["basis"] = history.depth, history.basis
    rows["origin"] = pc.index_in(batch.column("origin").dictionary_decode(), value_set=ORIGINS).to_numpy()
    rows["tie"] = _ties(batch, rows)
    return rows


def _draw(seed: int, mark: str) -> int:
    """The draw of a text: 64 bits out of seed and id, and of nothing else."""
    return int.from_bytes(blake3(f"{seed}\0mix\0{mark}".encode()).digest(length=8), "little")


def _ties(batch: pa.RecordBatch, rows: ndarray) -> list[int]:
    """What tells rows of one text apart, whichever was read first: all that is said of them."""
    others = batch.select([name for name in batch.schema.names if name not in ("id", "text")])
    digests = record_digests(members(others), count=len(batch))
    known = zip(digests, rows["depth"].tolist(), rows["basis"].tolist(), strict=True)
    return [
        int.from_bytes(blake3(digest + f"{depth} {basis}".encode()).digest(length=8), "little")
        for digest, depth, basis in known
    ]


def _not_human(strangers: Counter[tuple[str, str]]) -> InputError:
    (source, said), count = strangers.most_common(1)[0]
    more = f", and {strangers.total() - count:,} more elsewhere" if strangers.total() > count else ""
    return InputError(
        f"{source} was given as human, and is not: {said}, in {count:,} of its rows{more}",
        hint="Give it as --synthetic. Who knows better declares it: a plain file with the texts alone, given as"
        " --human, counts as human and is recorded as declared so.",
    )


def _weights(part: Part, rows: ndarray, told: pa.Array) -> Float64[ndarray, "rows"]:
    """The weights of synthetic rows; human text always weighs 1, as it is kept."""
    given = told.cast(pa.float64()).to_numpy(zero_copy_only=False)
    human = (rows["origin"] == ORIGIN_CODES[Origin.HUMAN]) | (rows["role"] == Role.EARLIER)
    wrong = np.flatnonzero(~human & ~(np.isfinite(given) & (given >= 0)))
    if len(wrong):
        raise _no_weight(part.places[wrong[0]], told[int(wrong[0])].as_py())
    return np.where(human, 1.0, given)


def _no_weight(place: Place, value: Any) -> UsageError | InputError:
    return InputError(
        f"{place.source}, row {place.row:,}: {value!r} is no weight",
        hint="Weights are numbers, 0 or more; a row without one can be left out with 0.",
    )
