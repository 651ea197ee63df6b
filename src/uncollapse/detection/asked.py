"""What is asked of a detection: the corpora, how they are judged, and who hears how far it is."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, Self, TypeAlias

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.corpora import Corpus
from uncollapse.errors import MissingColumn, UsageError

SAMPLE = 2_000


class Options(BaseModel):
    """How a corpus is guessed at, besides the models: the column of domains, false alarms, how many texts are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str | None = None
    false_alarms: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    sample: Annotated[int, Field(ge=0)] = SAMPLE
    weights: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """The options.

        Raises:
            UsageError: a value that cannot be.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0]).replace("_", "-")
            raise UsageError(
                f"--{name}: {first['msg'][:1].lower()}{first['msg'][1:]}, not {first['input']!r}",
                hint="uncollapse detect --help says what it takes",
            ) from error


class Stage(NamedTuple):
    """How far it is: what is being done, how much of it is, out of how much."""

    doing: str
    done: int
    of: int


# For each document of a batch what was found of it that is stronger than a guess; nothing where nothing was.
Tracer: TypeAlias = Callable[[pa.RecordBatch], Sequence[str]]


class Given(NamedTuple):
    """The corpus, and the texts of which it is known who wrote them.

    `tracers`, with the names of what they find, are asked in order of documents that the ledger does not know.
    """

    corpus: Corpus
    human: Corpus | None = None
    machine: Corpus | None = None
    tracers: Sequence[tuple[str, Tracer]] = ()


Hearer: TypeAlias = Callable[[Stage], None]


def domains_of(batch: pa.RecordBatch, by: str | None) -> list[str]:
    """The domain of each document: what stands in the column, nothing where no column was named.

    Raises:
        MissingColumn: there is no such column.
    """
    if by is None:
        return [""] * len(batch)
    if by not in batch.schema.names:
        there = ", ".join(repr(name) for name in batch.schema.names)
        source = batch.column("source")[0].as_py() if len(batch) and "source" in batch.schema.names else None
        raise MissingColumn(
            f"{source or 'a corpus'} has no column {by!r} that tells domains apart; columns: {there}",
            hint=f"the corpus, --calibrate and --machine all take it: add the column {by!r} there, name another with "
            "--by, or leave --by out",
        )
    return ["" if value is None else str(value) for value in batch.column(by).to_pylist()]
