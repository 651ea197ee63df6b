"""Arbitration: of the candidates of each prompt one is kept, as a corpus like any other.

    best = uc.arbitrate("samples/", score="likelihood", model="smollm2-135m")
    uc.write(best, "best/")

The candidates may be several samples of one teacher (best of n) or come from several teachers; those of one prompt have
the same parent, or the same value in a column. Making it reads every row once; writing it reads them once more. Nothing
new is written: rows keep id, origin, generation, parents, recipe and what the ledger says, and get four columns.

Source: Odumakinde et al. 2024 (Multilingual Arbitrage, reward-based routing); Shimabucoro et al. 2024 (active
inheritance, where the score is an attribute); the caps, strata and random rejects are ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from tempfile import TemporaryFile
from typing import Annotated, Any, BinaryIO, Literal, Self, cast

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from uncollapse.corpora.addresses import find, local_folders
from uncollapse.corpora.corpus import Corpus, read
from uncollapse.corpora.plan import Layout, Shard
from uncollapse.corpora.planning import make_plan
from uncollapse.corpora.reading import Part, Parts
from uncollapse.document import Origin
from uncollapse.errors import ColumnClash, InputError, UsageError
from uncollapse.selection.agreement import Pages
from uncollapse.selection.arbitrated import as_told
from uncollapse.selection.candidates import Looked, Reading, check_columns, look
from uncollapse.selection.mixture import Addresses
from uncollapse.selection.naming import names_of
from uncollapse.selection.scorers import SCORERS, Distance, LexicalDiversity, Likelihood, OfColumn, Scorer
from uncollapse.selection.settings import checked
from uncollapse.selection.survey import Watcher
from uncollapse.selection.winners import REASONS, Rules, Verdict, decide
from uncollapse.step import Fate, Reject, Spread, here

COLUMNS = pa.schema(
    [
        pa.field("arbitration_teacher", pa.string()),
        pa.field("arbitration_score", pa.float64()),
        pa.field("arbitration_rank", pa.int32()),
        pa.field("arbitration_rivals", pa.int32()),
    ]
)
"""What a row gets: whose it is, its score, its place by score in its group, and how many rivals it had."""

Share = Annotated[float, Field(gt=0, le=1)]
NEEDS = {"likelihood": "model", "reward": "model", "distance": "reference"}


class Arbitration(BaseModel):
    """Which candidates are compared, by what, and which of them are kept.

    `score` is a column or a scorer (`lexical-diversity`, `agreement`, `likelihood` and `reward` with `model`,
    `distance` with `reference`); `column:NAME` and `scorer:NAME` say which where both are there.
    `lowest` keeps low scores.
    `group` is the column that rivals have in common (else their first parent), `teacher` says whose a candidate is: a
    column, `model` (as the ledger names it), `recipe`, `pool` (called by the end of its path), or `auto`, the model
    where the ledger names one and else the pool. `temperature` is that of softmax, in the unit of the score. Caps and
    `random_floor` are shares of the rows that are kept; `cap_stratum` names a column and the largest share that a value
    of it may have.
    `prompt` is the column of prompts for a reward model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pools: Annotated[Addresses, Field(min_length=1)]
    score: str
    model: str | None = None
    reference: Addresses = ()
    prompt: str | None = None
    lowest: bool = False
    group: str | None = None
    teacher: str = "auto"
    keep: Literal["argmax", "softmax"] = "argmax"
    temperature: Annotated[float, Field(gt=0)] | None = None
    random_floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    cap_teacher: Share | None = None
    cap_stratum: tuple[str, Share] | None = None
    seed: int = 0
    text_column: str = "text"
    rename: Mapping[str, str] = {}
    max_rejects: Annotated[int, Field(ge=0)] = 0

    @field_validator("cap_stratum", mode="before")
    @classmethod
    def _as_typed(cls, value: Any) -> Any:
        """`domain=0.3` as a column and a share."""
        if not isinstance(value, str):
            return value
        column, equals, share = value.rpartition("=")
        if not equals or not column:
            raise ValueError("write a column and a share, such as domain=0.3")
        return column, share

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.temperature is not None and self.keep != "softmax":
            raise ValueError("a temperature has no meaning with keep = argmax; give keep = softmax")
        return self

    @property
    def rules(self) -> Rules:
        """How winners are found; shares as they were written: 0.1 is a tenth."""
        share = {name: Fraction(str(value)) for name, value in self._shares.items()}
        return Rules(
            self.keep,
            1.0 if self.temperature is None else self.temperature,
            share.get("floor", Fraction(0)),
            share.get("teacher"),
            share.get("stratum"),
        )

    @property
    def _shares(self) -> dict[str, float]:
        given = {"floor": self.random_floor, "teacher": self.cap_teacher}
        stratum = {} if self.cap_stratum is None else {"stratum": self.cap_stratum[1]}
        return {name: value for name, value in given.items() if value is not None} | stratum

    def kind(self, schema: pa.Schema) -> tuple[Literal["column", "scorer"], str]:
        """What candidates are scored by.

        Raises:
            UsageError: nothing, or two things, have the name; or an option has no meaning for it, or is lacking.
        """
        said, _, name = self.score.rpartition(":")
        name = name if said in {"column", "scorer"} else self.score
        column = said != "scorer" and name in schema.names
        scorer = said != "column" and name in SCORERS
        if column and scorer:
            raise UsageError(
                f"{name!r} is a scorer, and a column of the pools",
                hint=f"Say which: --score column:{name} or --score scorer:{name}",
            )
        if not column and not scorer:
            there = ", ".join(field.name for field in schema if _is_number(field.type)) or "none"
            raise UsageError(
                f"nothing scores by {self.score!r}",
                hint=f"A column of numbers ({there}), or one of {', '.join(SCORERS)}.",
            )
        wanted = NEEDS.get(name) if scorer else None
        for option in ("model", "reference", "prompt"):
            given = bool(getattr(self, option))
            needed = option == wanted
            if needed and not given:
                raise UsageError(f"{name} needs a {option}", hint=f"--{option} {_example(option)}")
            if given and not needed and not (option == "prompt" and scorer and name == "reward"):
                raise UsageError(f"--{option} has no meaning for the score {name!r}", hint="Leave it out.")
        return ("scorer" if scorer else "column"), name


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not pa.types.is_int16(kind)


def _example(option: str) -> str:
    return {"model": "smollm2-135m", "reference": "human.jsonl"}.get(option, "prompt")


@dataclass(frozen=True)
class Arbitrated(Corpus):
    """The winners, in the order of the pools; rows that lost are dropped where they lay, each with its reason."""

    pool: Corpus | None = field(default=None, repr=False)
    looked: Looked | None = field(default=None, repr=False)
    verdict: Verdict | None = field(default=None, repr=False)
    lowest: bool = False

    def reader(self) -> Parts:
        """The winners of each shard, and why the others stay behind."""
        assert self.pool is not None
        assert self.looked is not None
        assert self.verdict is not None
        return _Winners(self.pool.reader(), self.looked, self.verdict, self.schema, -1.0 if self.lowest else 1.0)


@dataclass
class _Winners:
    inner: Parts
    looked: Looked
    verdict: Verdict
    schema: pa.Schema
    sign: float

    def parts(self, shard: Shard) -> Iterator[Part]:
        """The rows of a shard that were kept, in their order."""
        first = self.looked.firsts[shard.index]
        for part in self.inner.parts(shard):
            yield self._judged(part, first)
            first += len(part.places)

    def _judged(self, part: Part, first: int) -> Part:
        here = slice(first, first + len(part.places))
        fate = self.verdict.fate[here]
        kept = np.flatnonzero(fate < 0)
        rejects = [
            Reject(
                part.places[row].source,
                part.places[row].row,
                Fate.DROPPED,
                REASONS[int(fate[row])],
                self._detail(first + row),
            )
            for row in np.flatnonzero(fate >= 0).tolist()
        ]
        batch = part.batch.take(pa.array(kept))
        arrays = [*batch.columns, *self._columns(first + kept)]
        return Part(
            pa.RecordBatch.from_arrays(arrays, schema=self.schema),
            tuple(part.places[row] for row in kept.tolist()),
            (*part.rejects, *rejects),
        )

    def _columns(self, rows: np.ndarray) -> list[pa.Array]:
        found = self.looked.candidates
        score = self.sign * found.score[rows]
        return [
            pa.array([self.looked.teachers[number] for number in found.teacher[rows].tolist()], pa.string()),
            pa.array(score, pa.float64(), mask=np.isnan(score)),
            pa.array(self.verdict.rank[rows], pa.int32()),
            pa.array(self.verdict.rivals[rows], pa.int32()),
        ]

    def _detail(self, row: int) -> str:
        winner = int(self.verdict.winner[row])
        if winner < 0:
            return "no candidate of its group was kept"
        found = self.looked.candidates
        own, best = (self.sign * found.score[at] for at in (row, winner))
        return f"{own:.6g} against {best:.6g} of {self.looked.teachers[int(found.teacher[winner])]}"


def arbitrate(*pools: Any, on_progress: Watcher | None = None, spread: Spread = here, **fields: Any) -> Arbitrated:
    """The winners among the candidates of some pools; every row has been read when it returns, nothing is written.

    The fields are those of `Arbitration`. Candidates are scored where `spread` has work done.

    Raises:
        UsageError: a field is wrong, or a cap or floor cannot be met; says what can.
        InputError: a pool is not there or cannot be read, or a row has no rival group or no score; names file and row.
    """
    asked = checked(Arbitration, {**fields, "pools": fields.get("pools", pools)})
    pool, called = _pool(asked)
    stratum = None if asked.cap_stratum is None else asked.cap_stratum[0]
    column = None if asked.teacher in {"auto", "model", "recipe", "pool"} else asked.teacher
    check_columns(pool.schema, [asked.group, stratum, column, asked.prompt])
    kind, name = asked.kind(pool.schema)
    agreement = kind == "scorer" and name == "agreement"
    scorer = None if agreement else _scorer(asked, pool.schema, kind, name)
    reading = Reading(asked.group, asked.teacher, stratum, scorer, called, asked.seed, asked.lowest)
    looked = _looked(pool, reading, on_progress, spread if kind == "scorer" else here)
    if not len(looked.candidates.group):
        raise InputError("the pools hold no row that can be read", hint="Give pools with candidates.")
    verdict = decide(looked.candidates, asked.rules)
    told = as_told(asked.model_dump(mode="json"), looked, verdict, scored_by=f"{kind} {name}")
    clashes = [each for each in COLUMNS.names if each in pool.schema.names]
    if clashes:
        raise ColumnClash(
            f"the pools have a column {clashes[0]!r} already: they were arbitrated before",
            hint=f"Give it another name: --rename {clashes[0]}=earlier_{clashes[0]}",
        )
    plan = replace(pool.plan, columns=pa.schema([*pool.plan.columns, *COLUMNS]), arbitration=told)
    return Arbitrated(
        plan, max_rejects=asked.max_rejects, pool=pool, looked=looked, verdict=verdict, lowest=asked.lowest
    )


def _pool(asked: Arbitration) -> tuple[Corpus, dict[str, str]]:
    """All pools as one corpus in an order that no command line changes, and what the pool of each file is called."""
    found, called, notices = [], {}, []
    names = names_of(asked.pools)
    for address in asked.pools:
        files, told = find([address])
        notices += told
        for file in files:
            if file.source in called:
                raise InputError(f"{file.source} is named twice", hint="Name every pool once.")
            called[file.source] = names[address]
            found.append(file)
    layout = Layout(origin=Origin.SYNTHETIC, text_column=asked.text_column, rename=dict(asked.rename))
    found.sort(key=lambda file: file.source)
    plan = make_plan(found, layout=layout, max_rejects=asked.max_rejects, notices=notices)
    columns = sorted(plan.columns, key=lambda column: column.name)
    plan = replace(plan, columns=pa.schema(columns), folders=local_folders(asked.pools))
    return Corpus(plan, max_rejects=asked.max_rejects), called


def _scorer(asked: Arbitration, schema: pa.Schema, kind: str, name: str) -> Scorer:
    if kind == "column":
        return OfColumn(name, schema.field(name).type)
    if name == "lexical-diversity":
        return LexicalDiversity()
    if name == "distance":
        return Distance(read(*asked.reference).batches(), called=" ".join(asked.reference))
    assert asked.model is not None
    if name == "likelihood":
        return Likelihood(asked.model)
    from uncollapse.selection.rewards import Reward  # noqa: PLC0415  (what it reads with is slow to load)

    return Reward(asked.model, prompt=asked.prompt)


def _looked(pool: Corpus, reading: Reading, on_progress: Watcher | None, spread: Spread) -> Looked:
    if reading.scorer is not None:
        return look(pool, reading, on_progress=on_progress, spread=spread)
    with TemporaryFile(prefix="uncollapse-arbitrate-") as file:
        return look(pool, reading, pages=Pages(cast("BinaryIO", file)), on_progress=on_progress)
