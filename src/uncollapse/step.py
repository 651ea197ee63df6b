"""What runs over documents: three Protocols and the two things that pass between them.

A `Step` maps a batch of documents to an `Outcome`: the batch that goes on, the rows that stay behind with
their reasons, and a `Tally` of what was counted on the way. Its fields are its whole configuration and its
fingerprint is its provenance; it never sees a rank, a worker, a path or a file.

A `Statistic` is a number that can be taken in one pass, in many processes or on a cluster.
An `Executor` is where steps run; no step knows. A `Gather` is where pieces are worked of which numbers come.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json, fingerprint

Tally: TypeAlias = Mapping[str, "int | float | list[int] | Tally"]


def add_tallies(left: Tally, right: Tally) -> Tally:
    """The sum of two trees of counters, key by key; a key that only one has counts as zero in the other.

    Associative and commutative, so that shards can be added in any order (exactly, while they hold integers).
    """
    total = dict(left)
    for name, value in right.items():
        if name not in total:
            total[name] = value
        elif isinstance(value, Mapping):
            total[name] = add_tallies(total[name], value)  # type: ignore[arg-type]
        elif isinstance(value, list):
            total[name] = [a + b for a, b in zip(total[name], value, strict=True)]  # type: ignore[arg-type, operator]
        else:
            total[name] = total[name] + value  # type: ignore[operator]
    return total


class Fate(StrEnum):
    """Why a row did not go on: the step decided so, or something broke."""

    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that stayed behind: where it stood, its fate, the reason in a few fixed words, and details.

    A step counts `row` from 0 in the batch that it was given; whoever runs the step puts the file and the
    number there in place of that, as a step sees neither. `passing` says that another try may succeed: a run that
    goes on tries such rows again.
    """

    source: str
    row: int
    fate: Fate
    reason: str
    detail: str = ""
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step makes of a batch; every row that came in is either rejected or stands behind a row of `batch`.

    `rows` says for each row of `batch` which one of those that came in it is or was made from, in order; where it is
    None, it is those that were not rejected, one for one.
    """

    batch: pa.RecordBatch
    rejects: tuple[Reject, ...] = ()
    tally: Tally = field(default_factory=dict)
    rows: tuple[int, ...] | None = None


@runtime_checkable
class Step(Protocol):
    """A frozen, validated object that maps batches to outcomes."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of `recipe()`."""
        ...

    def recipe(self) -> Mapping[str, Json]:
        """Everything that the result depends on, in full: name, parameters, seed, resolved model."""
        ...

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The outcome of one batch; pure: the same batch gives the same outcome."""
        ...


Mapped_co = TypeVar("Mapped_co", covariant=True)


@runtime_checkable
class Mappable(Protocol[Mapped_co]):
    """Documents that a step can be laid upon: a corpus on disk, a stream, a data set."""

    def map(self, step: Step) -> Mapped_co:
        """The same documents after the step; nothing runs until they are read."""
        ...


class Configured(BaseModel):
    """What is checked when it is made and cannot change afterwards; its fields are its whole configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _usage_error(type(self), error) from None

    def __reduce__(self) -> tuple[Any, ...]:
        # It travels as its fields; a model that it has loaded stays where it is.
        return _remade, (type(self), self.model_dump())

    def anew(self) -> Self:
        """The same, with nothing found or loaded yet."""
        return type(self)(**self.model_dump())

    @abstractmethod
    def recipe(self) -> Mapping[str, Json]:
        """Everything that the result depends on, in full."""

    @cached_property
    def fingerprint(self) -> str:
        """The 128-bit fingerprint of `recipe()`, in hexadecimal digits."""
        return fingerprint(dict(self.recipe()))


class StepModel(Configured):
    """A step whose fields are checked when it is made and cannot change afterwards."""

    def recipe(self) -> Mapping[str, Json]:
        """The step's name, every field and the columns that it adds; what is resolved at run time is added here."""
        added = [f"{column.name}: {column.type}" for column in self.columns()]
        return {
            "step": type(self).__name__,
            **self.model_dump(mode="json"),
            **({"columns": added} if added else {}),
        }

    def columns(self) -> pa.Schema:
        """The columns that the step puts behind those that come in; none unless it says so."""
        return pa.schema([])

    def made_ready(self, folder: Path) -> Self:  # noqa: ARG002  (most steps keep nothing)
        """The step as it works in one run, and may keep in the folder what only that run needs; its name stays."""
        return self

    @abstractmethod
    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The outcome of one batch; pure: the same batch gives the same outcome."""

    def __call__(self, documents: Mappable[Mapped_co]) -> Mapped_co:
        """The documents after this step; nothing runs until they are read."""
        return documents.map(self)


@runtime_checkable
class Statistic(Protocol):
    """A number about documents that can be taken in parts."""

    def update(self, batch: pa.RecordBatch) -> None:
        """Take a batch into account."""
        ...

    def merge(self, other: Self) -> None:
        """Take what another has counted into account; associative and commutative."""
        ...

    def result(self) -> Any:
        """The number, over everything that was taken in."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Where steps run."""

    def run(self, shards: Iterable[Any], work: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
        """What `work` yields for each shard, in the order in which it is yielded."""
        ...


@runtime_checkable
class Gather(Protocol):
    """What some work makes of pieces, in the order of the pieces: `partial(map, work)`, or many workers."""

    def __call__(self, pieces: Iterable[Any], /) -> Iterator[Any]:
        """The results, one for each piece."""
        ...


@runtime_checkable
class Spread(Protocol):
    """What has some work done by many: inside of it pieces are gathered, and behind it the workers are gone."""

    def __call__(self, work: Callable[[Any], Any], /) -> AbstractContextManager[Gather]:
        """What gives the work's results for pieces, in their order."""
        ...


def here(work: Callable[[Any], Any], /) -> AbstractContextManager[Gather]:
    """What gives the work's results for pieces, in their order, made by this process as they are asked for."""
    return nullcontext(partial(map, work))


def _remade(kind: type[Configured], fields: dict[str, Any]) -> Configured:
    return kind(**fields)


def _usage_error(kind: type[Configured], error: ValidationError) -> UsageError:
    """What is wrong with the first field that is, what it may be, and the names that there are."""
    problem = error.errors()[0]
    name = str(problem["loc"][0]) if problem["loc"] else kind.__name__
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name, kind.model_fields, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "There are " + ", ".join(kind.model_fields) + "."
        return UsageError(f"{kind.__name__} has no field {name!r}", hint=hint)
    message = f"{name} = {problem['input']!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
    return UsageError(message, hint=f"See the fields of {kind.__name__} for what {name!r} may be.")
