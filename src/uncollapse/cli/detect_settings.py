"""What `detect` and `detector` are asked to do: checked whole before anything is read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from uncollapse.cli.running import Running
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.detection.asked import Options
from uncollapse.errors import UsageError


class DetectJob(Running):
    """A detection as it was asked for."""

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str | None = None
    model: str | None = None
    without_model: bool = False
    backend: Literal["transformers", "vllm"] | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    pair: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)] | None = None
    detector: str | None = None
    score: str | None = None
    calibrate: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    reserve: str | None = None
    watermark: Path | None = None
    by: str | None = None
    false_alarms: float = 0.05
    sample: int = 2000
    tokens: Annotated[int, Field(ge=64)] = 512
    weights: float | None = None
    seed: int = 0
    text_column: str = "text"

    @property
    def options(self) -> Options:
        """How the corpus is guessed at.

        Raises:
            UsageError: a value that cannot be.
        """
        return Options.checked({name: getattr(self, name) for name in Options.model_fields})


def detect_job(given: Mapping[str, Any], *, base: Path | None = None) -> DetectJob:
    """The detection that these options describe; `no_model` leaves the language model out."""
    values = _listed(normal(given), ("calibrate", "machine", "pair"), base=base)
    if base is not None:
        for name in {"detector", "reserve", "watermark"} & set(values):
            values[name] = seen_from(base, str(values[name]))
    without = values.pop("no_model", False)
    for name in ("pair", "model", "backend", "dtype"):
        if without and name in values:
            raise UsageError(f"--{name} and --no-model exclude each other", hint="leave one of them out")
    if "pair" in values and "model" in values:
        raise UsageError("--pair and --model exclude each other", hint="leave one of them out")
    if without and "detector" not in values:
        raise UsageError("--no-model without --detector", hint="words alone take a trained one: --detector FOLDER")
    refuse_unknown(values, known=set(DetectJob.model_fields) - {"without_model"}, where="detect")
    job = checked(DetectJob, {**values, "without_model": without}, verb="detect")
    _ = job.options  # what cannot be is refused before anything is read
    return job


class DetectorJob(BaseModel):
    """The training of a detector as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    human: Annotated[tuple[str, ...], Field(min_length=1)]
    machine: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str | None = None
    pairs: bool = False
    against: tuple[str, ...] = ()
    model: str | None = "smollm2-135m"
    model_texts: Annotated[int, Field(ge=50)] = 300
    text_column: str = "text"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Everything that is read."""
        return (*self.human, *self.machine, *self.against)


def detector_job(given: Mapping[str, Any], *, base: Path | None = None) -> DetectorJob:
    """The training that these options describe; `no_model` leaves the language model out."""
    values = _listed(normal(given), ("human", "machine", "against"), base=base)
    without = values.pop("no_model", False)
    refuse_unknown(values, known=DetectorJob.model_fields, where="detector")
    job = checked(DetectorJob, values, verb="detector")
    return job.model_copy(update={"model": None}) if without else job


def _listed(values: dict[str, Any], names: Iterable[str], *, base: Path | None) -> dict[str, Any]:
    """The options with the lists among them as tuples of addresses, seen from `base`."""
    for name in names:
        if isinstance(values.get(name), str):
            values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
        if base is not None and name in values and name != "pair":
            values[name] = tuple(seen_from(base, address) for address in values[name])
    return values
