"""One pass over the pools: for each row its group, its teacher, its score and its draw; no text is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from blake3 import blake3
from numpy import ndarray

from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.reading import Part, Place
from uncollapse.errors import InputError, MissingColumn
from uncollapse.ngrams import mix
from uncollapse.provenance import generator_of
from uncollapse.selection.agreement import Pages, rows_of
from uncollapse.selection.choosing import ties
from uncollapse.selection.scorers import Scorer, Scoring, Unscored
from uncollapse.selection.survey import Reached, Watcher
from uncollapse.selection.winners import Candidates
from uncollapse.step import Reject, Spread, here

MODEL, RECIPE, POOL, AUTO = "model", "recipe", "pool", "auto"
NOBODY = "unknown"
ROW = np.dtype(
    [
        ("group", np.uint64),
        ("draw", np.uint64),
        ("tie", np.uint64),
        ("teacher", np.int32),
        ("stratum", np.int32),
        ("score", np.float64),
    ]
)


class Reading(NamedTuple):
    """How rows are looked at: which columns say group, teacher and stratum (None: as the ledger says), which scorer.

    `scorer` is None where candidates are scored by their agreement. `pools` says of each input what its pool is called.
    """

    group: str | None
    teacher: str
    stratum: str | None
    scorer: Scorer | None
    pools: Mapping[str, str]
    seed: int
    lowest: bool = False


@dataclass(frozen=True)
class Looked:
    """What the pass found, in the order of reading: candidates, names of teachers and strata, rows that are broken.

    `firsts` gives the number of the first row of each shard; `broken` are rows that cannot be read.
    """

    candidates: Candidates
    teachers: Sequence[str]
    strata: Sequence[str]
    firsts: Sequence[int]
    broken: tuple[Reject, ...]


@dataclass
class _Pass:
    reading: Reading
    models: Mapping[str, str]
    pages: Pages | None
    teachers: dict[str, int] = field(default_factory=dict)
    strata: dict[str, int] = field(default_factory=dict)
    strata_of: dict[int, tuple[int, Place]] = field(default_factory=dict)

    def look(self, part: Part) -> ndarray:
        batch = part.batch
        rows = np.zeros(len(batch), ROW)
        groups = self._groups(part)
        names = self._teachers(part)
        ids = batch.column("id").to_pylist()
        rows["group"] = [_key(self.reading.seed, "group", group) for group in groups]
        rows["draw"] = [_key(self.reading.seed, *each) for each in zip(groups, ids, strict=True)]
        rows["tie"] = ties(batch, but=("source",))
        rows["teacher"] = [self.teachers.setdefault(name, len(self.teachers)) for name in names]
        if self.reading.stratum is not None:
            rows["stratum"] = self._strata(part, rows["group"], self.reading.stratum)
        if self.pages is not None:
            self.pages.take(batch)
        return rows

    def _groups(self, part: Part) -> list[str]:
        column = self.reading.group
        if column is not None:
            return [
                _said(cell, part.places[row], column) for row, cell in enumerate(part.batch.column(column).to_pylist())
            ]
        found = part.batch.column("parents").to_pylist()
        for row, parents in enumerate(found):
            if not parents:
                place = part.places[row]
                raise InputError(
                    f"{place.source}, row {place.row:,}: its ledger names no parent, so its rivals are not known",
                    hint="Name the column that candidates of one prompt have in common: --group prompt",
                )
        return [parents[0] for parents in found]

    def _teachers(self, part: Part) -> list[str]:
        how = self.reading.teacher
        pools = [self.reading.pools[place.source] for place in part.places]
        if how == POOL:
            return pools
        if how not in {AUTO, MODEL, RECIPE}:
            column = part.batch.column(how).to_pylist()
            return [_said(cell, part.places[row], how) for row, cell in enumerate(column)]
        recipes = part.batch.column("recipe").to_pylist()
        if how == RECIPE:
            return [recipe or NOBODY for recipe in recipes]
        known = [None if recipe is None else self.models.get(recipe) for recipe in recipes]
        return [name or (pool if how == AUTO else NOBODY) for name, pool in zip(known, pools, strict=True)]

    def _strata(self, part: Part, groups: ndarray, column: str) -> list[int]:
        cells = part.batch.column(column).to_pylist()
        numbers = []
        for row, (cell, group) in enumerate(zip(cells, groups.tolist(), strict=True)):
            place = part.places[row]
            number = self.strata.setdefault(_said(cell, place, column), len(self.strata))
            other, where = self.strata_of.setdefault(group, (number, place))
            if other != number:
                raise InputError(
                    f"{place.source}, row {place.row:,}: {column} is {cell!r}, and {list(self.strata)[other]!r} for its"
                    f" rival in {where.source}, row {where.row:,}",
                    hint="A stratum is one for all candidates of a group. What tells candidates apart is a teacher:"
                    f" --teacher {column} --cap-teacher 0.5",
                )
            numbers.append(number)
        return numbers


@dataclass
class _Looking:
    """The parts of the pools as they are looked at, and what is still to be known of them."""

    corpus: Corpus
    looking: _Pass
    rows: list[ndarray] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    broken: list[Reject] = field(default_factory=list)
    places: dict[int, Sequence[Place]] = field(default_factory=dict)
    done: int = 0
    wrong: InputError | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The batch of each part, after all but its scores was looked at; none behind the first in which one is wrong.

        What is wrong there is said when the parts before it have their scores, in the order of the rows.
        """
        for index, part in _parts(self.corpus):
            self.firsts += [self.done - len(self.broken)] * (index + 1 - len(self.firsts))
            self.broken += part.rejects
            self.places[len(self.rows)] = part.places
            try:
                rows = self.looking.look(part)
            except InputError as error:
                self.wrong = error
                return
            self.rows.append(rows)
            self.done += len(part.places) + len(part.rejects)
            yield part.batch

    def scored(self, number: int, scores: ndarray | Unscored) -> None:
        """Takes the scores of a part.

        Raises:
            InputError: a row of it has none.
        """
        places = self.places.pop(number)
        if isinstance(scores, Unscored):
            place = places[scores.row]
            raise InputError(
                f"{place.source}, row {place.row:,} cannot be scored: {scores.why}",
                hint="Leave the row out or give it a score; a number that is none wins or loses by chance.",
            )
        self.rows[number]["score"] = -scores if self.looking.reading.lowest else scores


def look(
    corpus: Corpus,
    reading: Reading,
    *,
    pages: Pages | None = None,
    on_progress: Watcher | None = None,
    spread: Spread = here,
) -> Looked:
    """What the pools hold; `pages` takes their n-grams where candidates are scored by agreement.

    Candidates are scored where `spread` has work done.

    Raises:
        InputError: a row has no group or no score, or a group has two strata; says where and what to do.
    """
    looking = _Pass(reading, _models(corpus.recipes), pages)
    parts = _Looking(corpus, looking)
    rows = _scored(parts, reading.scorer, on_progress=on_progress, spread=spread)
    firsts = parts.firsts + [len(rows)] * (len(corpus.plan.shards) - len(parts.firsts))
    teachers = _in_order(rows, list(looking.teachers))
    score = rows["score"]
    if pages is not None:
        score = pages.scores(rows_of(rows["group"])) * (-1 if reading.lowest else 1)
    candidates = Candidates(
        rows["group"].copy(),
        _numbered(rows),
        rows["teacher"].astype(np.int64),
        score.astype(np.float64),
        rows["stratum"].astype(np.int64),
    )
    return Looked(candidates, teachers, list(looking.strata), firsts, tuple(parts.broken))


def _scored(parts: _Looking, scorer: Scorer | None, *, on_progress: Watcher | None, spread: Spread) -> ndarray:
    """All rows with their scores, or zeros where candidates are scored when all are known."""
    done = 0
    with here(_unscored) if scorer is None else spread(Scoring(scorer)) as gather:
        for number, scores in enumerate(gather(parts.batches())):
            done += len(parts.places[number])
            parts.scored(number, scores)
            if on_progress is not None:
                on_progress(Reached(done + len(parts.broken), parts.corpus.rows))
    if parts.wrong is not None:
        raise parts.wrong
    return np.concatenate([np.zeros(0, ROW), *parts.rows])


def _unscored(batch: pa.RecordBatch) -> ndarray:
    """Zeros, for candidates that are scored when all are known."""
    return np.zeros(len(batch))


def _parts(corpus: Corpus) -> Iterator[tuple[int, Part]]:
    reader = corpus.reader()
    for shard in corpus.plan.shards:
        for part in reader.parts(shard):
            yield shard.index, part


def _in_order(rows: ndarray, names: Sequence[str]) -> list[str]:
    """The teachers' names; they are numbered anew, by all that each of them offers, and only then by name.

    Which pool is read first, where it lies and what it is called so decide nothing.
    """
    offered = np.zeros(len(names), np.uint64)
    np.add.at(offered, rows["teacher"], mix(rows["draw"] ^ mix(rows["tie"])))
    order = sorted(range(len(names)), key=lambda number: (int(offered[number]), names[number]))
    number = np.zeros(len(names), np.int32)
    number[order] = np.arange(len(names))
    rows["teacher"] = number[rows["teacher"]]
    return [names[at] for at in order]


def _numbered(rows: ndarray) -> ndarray:
    """The draws, with those of equal text and group told apart by what else is said of them, and then by teacher."""
    order = np.lexsort((rows["teacher"], rows["tie"], rows["draw"]))
    draws = rows["draw"][order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = draws[1:] != draws[:-1]
    at = np.arange(len(order))
    copy = (at - np.maximum.accumulate(np.where(fresh, at, 0))).astype(np.uint64)
    result = np.empty(len(order), np.uint64)
    result[order] = mix(draws ^ mix(copy))
    return result


def _key(seed: int, *names: str) -> int:
    """64 bits out of seed and names, and of nothing else."""
    return int.from_bytes(blake3("\0".join((str(seed), "arbitrate", *names)).encode()).digest(length=8), "little")


def _said(cell: Any, place: Place, column: str) -> str:
    if cell is None:
        raise InputError(
            f"{place.source}, row {place.row:,}: {column} is missing",
            hint="Give every row one, or name another column.",
        )
    return str(cell)


def _models(recipes: Mapping[str, Any]) -> dict[str, str]:
    """For each recipe that names a model, the model's address; of two models at one address, with their hashes."""
    revisions = {mark: name for mark, recipe in recipes.items() if (name := generator_of(recipe)) is not None}
    addresses = {mark: str(recipes[mark]["resolved"].get("address", "")) for mark in revisions}
    behind: dict[str, set[str]] = {}
    for mark, address in addresses.items():
        behind.setdefault(address, set()).add(revisions[mark])
    return {
        mark: address if address and len(behind[address]) == 1 else f"{address}@{revisions[mark][:12]}"
        for mark, address in addresses.items()
    }


def check_columns(schema: pa.Schema, names: Sequence[str | None]) -> None:
    """Nothing, where every column that is named is there.

    Raises:
        MissingColumn: one is not; says which there are.
    """
    for name in names:
        if name is not None and name not in schema.names:
            there = ", ".join(repr(other) for other in schema.names)
            raise MissingColumn(f"no pool has a column {name!r}", hint=f"There are {there}.")
