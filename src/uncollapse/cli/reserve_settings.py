"""What `find`, `marks` and `reserve` are asked to do: checked whole before anything is read."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from uncollapse.cli.settings import Count, checked, normal, refuse_unknown, seen_from


class ReserveAddJob(BaseModel):
    """An addition to a reserve as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reserve: str
    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    basis: Literal["dated", "publisher", "declaration"]
    date: str | None = None
    publisher: str | None = None
    by: str | None = None
    domain: str | None = None
    exclude: tuple[str, ...] = ()
    text_column: str = "text"

    @property
    def output(self) -> str:
        """Where its texts go."""
        return self.reserve


class ReserveCheckJob(BaseModel):
    """A check of a reserve as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reserve: str
    head: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    against: tuple[str, ...] = ()
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it reads."""
        return (self.reserve, *self.against)

    @property
    def output(self) -> str:
        """What it is about; nothing is written."""
        return self.reserve


class FindJob(BaseModel):
    """A search for human parents as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    among: Annotated[tuple[str, ...], Field(min_length=1)]
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.1
    top: Count = 3
    output: str | None = None
    text_column: str = "text"


class MarksJob(BaseModel):
    """A reading of marks as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str | None = None
    origin: Literal["human", "edited", "synthetic", "unknown"] = "unknown"
    text_column: str = "text"


def marks_job(given: Mapping[str, Any]) -> MarksJob:
    """The reading that these options describe."""
    values = normal(given)
    refuse_unknown(values, known=MarksJob.model_fields, where="marks")
    return checked(MarksJob, values, verb="marks")


def reserve_add_job(given: Mapping[str, Any], *, base: Path | None = None) -> ReserveAddJob:
    """The addition that these options describe."""
    values = _addressed(given, base, own=("reserve",), lists=("exclude",))
    if values.get("date") is not None:
        values["date"] = str(values["date"])  # YAML makes a date of it
    refuse_unknown(values, known=ReserveAddJob.model_fields, where="reserve add")
    return checked(ReserveAddJob, values, verb="reserve add")


def reserve_check_job(given: Mapping[str, Any], *, base: Path | None = None) -> ReserveCheckJob:
    """The check that these options describe."""
    values = _addressed(given, base, own=("reserve", "against"), lists=("against",))
    refuse_unknown(values, known=ReserveCheckJob.model_fields, where="reserve check")
    return checked(ReserveCheckJob, values, verb="reserve check")


def find_job(given: Mapping[str, Any], *, base: Path | None = None) -> FindJob:
    """The search that these options describe; `in` is where parents are looked for."""
    named = {"among" if name == "in" else name: value for name, value in given.items()}
    values = _addressed(named, base, own=("among",), lists=("among",))
    refuse_unknown(values, known=FindJob.model_fields, where="find")
    return checked(FindJob, values, verb="find")


def _addressed(
    given: Mapping[str, Any], base: Path | None, *, own: Collection[str], lists: Collection[str]
) -> dict[str, Any]:
    """The options in one form: `lists` as tuples, addresses in `own` seen from the recipe's folder."""
    values = normal(given)
    for name in lists:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
    if base is None:
        return values
    for name in set(own) & set(values):
        value = values[name]
        several = isinstance(value, list | tuple)
        values[name] = tuple(seen_from(base, each) for each in value) if several else seen_from(base, value)
    return values
