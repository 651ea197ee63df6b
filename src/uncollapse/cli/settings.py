"""What one `edit` or `revert` is asked to do, out of flags and a recipe file: checked whole before anything is read."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.cli.backend import model_from, with_backend
from uncollapse.cli.running import Running
from uncollapse.errors import MissingInput, UsageError

if TYPE_CHECKING:
    from uncollapse.editing import ToEdit

Count = Annotated[int, Field(ge=1)]
Settings = TypeVar("Settings", bound=BaseModel)


class Job(Running):
    """What every verb that maps documents to documents is told besides its step."""

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str | None = None
    text_column: str = "text"
    rename: Mapping[str, str] = {}
    origin: Literal["human", "edited", "synthetic", "unknown"] = "human"
    max_rejects: Annotated[int, Field(ge=0)] = 0
    format: Literal["parquet", "jsonl"] | None = None


class EditJob(Job):
    """An edit: the job, and the step's fields that differ from the preset."""

    preset: Literal["bold", "paper", "released"] = "bold"
    policy: str | None = None
    fields: Mapping[str, Any] = {}

    def step(self) -> "ToEdit":
        """The step, with the preset's value wherever no other was given.

        Raises:
            UsageError: a value that cannot be, or options that contradict each other.
            ModelError: nothing answers to the model's address, or it is no model.
        """
        from uncollapse.editing import preset

        try:
            step = preset(self.preset, **self.fields)
        except UsageError as error:
            # As it would be typed, where it is about one field.
            raise refused(error.__context__) if isinstance(error.__context__, ValidationError) else error from None
        refuse_contradictions(step, given=self.fields)
        # The recipe names the model's weights, so it is known now whether there is such a model.
        step.recipe()
        return step


# An option has a meaning only where another one has one of these values.
NEEDS: tuple[tuple[str, str, tuple[object, ...]], ...] = (
    ("rate", "positions", ("random",)),
    ("threshold", "positions", ("easy", "hard")),
    ("strict", "positions", ("easy", "hard")),
    ("strategy", "replace", ("resample",)),
    ("temperature", "replace", ("resample",)),
    ("exclude_original", "replace", ("resample",)),
    ("top_k", "replace", ("resample",)),
    ("top_p", "replace", ("resample",)),
    ("min_p", "replace", ("resample",)),
    ("top_k", "strategy", ("top-k", "rejection")),
    ("top_p", "strategy", ("top-p",)),
    ("min_p", "strategy", ("min-p",)),
    ("recheck_tokens", "recheck", (True,)),
    ("recheck_nats", "recheck", (True,)),
    ("recheck_total_nats", "recheck", (True,)),
    ("recheck_rounds", "recheck", (True,)),
)


def refuse_contradictions(step: "ToEdit", *, given: Collection[str]) -> None:
    """Nothing, where every option that was given has a meaning.

    Raises:
        UsageError: one that was given would be ignored.
    """
    for name, master, values in NEEDS:
        value = getattr(step, master)
        if name in given and value not in values:
            wanted = " or ".join(_flag(master, value) for value in values)
            raise UsageError(
                f"{_flag(name, getattr(step, name))} has no meaning with {_flag(master, value)}",
                hint=f"give {wanted}, or leave out {_flag(name)}",
            )


def edit_job(given: Mapping[str, Any], *, recipe: Path | None = None) -> EditJob:
    """The edit that flags describe, over what the recipe file says.

    Raises:
        UsageError: an unknown option, or a value that cannot be.
    """
    from uncollapse.editing import ToEdit

    described = dict(read_recipe(recipe)) if recipe else {}
    values = normal(described, base=recipe.parent) if recipe else {}
    values = with_backend(values | normal(given), default=str(ToEdit.model_fields["model"].default))
    own = set(EditJob.model_fields) - {"fields"}
    refuse_unknown(values, known=own | set(ToEdit.model_fields), where=str(recipe) if recipe else "edit")
    fields = {name: value for name, value in values.items() if name in ToEdit.model_fields}
    return checked(EditJob, {**{name: values[name] for name in own & set(values)}, "fields": fields}, verb="edit")


class AuditJob(Running):
    """An audit as it was asked for."""

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    reference: tuple[str, ...] = ()
    output: str | None = None
    model: str | None = "smollm2-135m"
    embed: str | None = None
    sample_tokens: Annotated[int, Field(ge=1000)] = 400_000
    model_tokens: Annotated[int, Field(ge=100)] = 20_000
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    splits: Annotated[int, Field(ge=8)] = 24
    seed: int = 0
    baseline: str | None = None
    by: str | None = None
    fail_on: tuple[str, ...] | None = None
    text_column: str = "text"


def audit_job(given: Mapping[str, Any], *, base: Path | None = None) -> AuditJob:
    """The audit that these options describe; `no_model` leaves the language model out."""
    values = normal(given)
    for name in ("reference", "fail_on"):
        if isinstance(values.get(name), str):
            values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
    if base is not None:
        values["reference"] = tuple(seen_from(base, address) for address in values.get("reference", ()))
        if "baseline" in values:
            values["baseline"] = seen_from(base, values["baseline"])
    without = values.pop("no_model", False)
    for name in {"backend", "dtype"} & set(values):
        if without:
            raise UsageError(f"--{name} has no meaning with --no-model", hint="leave one of them out")
    values = with_backend(values, default=str(AuditJob.model_fields["model"].default))
    refuse_unknown(values, known=AuditJob.model_fields, where="audit")
    job = checked(AuditJob, values, verb="audit")
    return job.model_copy(update={"model": None}) if without else job


class VerifyJob(BaseModel):
    """A verification as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str
    policy: str | None = None
    root: Annotated[str, Field(pattern=r"^\s*[0-9a-fA-F]{64}\s*$")] | None = None
    public_key: Path | None = None
    reserve: str | None = None
    source: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return (self.corpus, *self.source)


def verify_job(given: Mapping[str, Any], *, base: Path | None = None) -> VerifyJob:
    """The verification that these options describe."""
    values = _looking(given, base=base, paths={"corpus", "public_key", "reserve"})
    refuse_unknown(values, known=VerifyJob.model_fields, where="verify")
    return checked(VerifyJob, values, verb="verify")


class TraceJob(BaseModel):
    """A trace as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str
    id: str | None = None
    row: Count | None = None
    source: tuple[str, ...] = ()
    policy: str | None = None
    edits: Annotated[int, Field(ge=0)] = 12

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return (self.corpus, *self.source)


def trace_job(given: Mapping[str, Any], *, base: Path | None = None) -> TraceJob:
    """The trace that these options describe."""
    values = _looking(given, base=base, paths={"corpus"})
    refuse_unknown(values, known=TraceJob.model_fields, where="trace")
    return checked(TraceJob, values, verb="trace")


def _looking(given: Mapping[str, Any], *, base: Path | None, paths: Collection[str]) -> dict[str, Any]:
    """The options of a verb that looks at one corpus, beside sources, with paths seen from `base`."""
    values = normal(given)
    if isinstance(values.get("source"), str):
        values["source"] = (values["source"],)
    if base is not None:
        values["source"] = tuple(seen_from(base, address) for address in values.get("source", ()))
        for name in set(paths) & set(values):
            values[name] = seen_from(base, values[name])
    return values


def revert_job(given: Mapping[str, Any]) -> Job:
    """The revert that these options describe."""
    values = normal(given)
    refuse_unknown(values, known=Job.model_fields, where="revert")
    return checked(Job, values, verb="revert")


def checked(kind: type[Settings], values: Mapping[str, Any], *, verb: str) -> Settings:
    """The settings of a verb, when every value can be.

    Raises:
        UsageError: one cannot.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise refused(error, verb=verb) from error


def read_recipe(path: Path) -> Mapping[str, Any]:
    """What a YAML file holds: names and values.

    Raises:
        MissingInput: there is no such file.
        UsageError: it is not YAML, or not names and values.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingInput(f"{path}: {error.strerror}", hint="give the path of a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {error}", hint="write `name: value` lines") from error
    if not isinstance(content, Mapping):
        raise UsageError(f"{path} holds no `name: value` lines", hint="begin with, for example, `preset: bold`")
    return content


def normal(given: Mapping[str, Any], *, base: Path | None = None) -> dict[str, Any]:
    """The options in one form: `top-k` as `top_k`, lists as lists, paths seen from `base`, nothing that is None."""
    values = {str(name).replace("-", "_"): value for name, value in given.items() if value is not None}
    if isinstance(values.get("inputs"), str):
        values["inputs"] = (values["inputs"],)
    if isinstance(values.get("protect"), str):
        kinds = [kind.strip() for kind in values["protect"].split(",")]
        values["protect"] = [] if kinds == ["none"] else [kind for kind in kinds if kind]
    if isinstance(values.get("rename"), list | tuple):
        values["rename"] = dict(_renaming(item) for item in values["rename"])
    if base is not None and isinstance(values.get("inputs"), list | tuple):
        values["inputs"] = tuple(seen_from(base, address) for address in values["inputs"])
    if base is not None and "policy" in values:
        values["policy"] = seen_from(base, values["policy"])
    for name in {"model", "from"} & set(values):
        if base is not None:
            values[name] = model_from(base, str(values[name]))
    if base is not None and "output" in values:
        values["output"] = seen_from(base, values["output"])
    return values


def seen_from(base: Path, address: Any) -> Any:
    """A relative path, seen from the folder of the recipe that names it; other addresses as they are."""
    if not isinstance(address, str) or "://" in address:
        return address
    ending = "/" if address.endswith("/") else ""
    return f"{base / address}{ending}"


def refuse_unknown(given: Iterable[str], *, known: Iterable[str], where: str, what: str = "option") -> None:
    """Nothing, where every name is known.

    Raises:
        UsageError: one is not; the hint says which was probably meant.
    """
    known = sorted(known)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise UsageError(f"{where}: unknown {what} {name!r}", hint=hint)


def refused(
    error: ValidationError, *, verb: str = "edit", spelled: Mapping[str, str] = MappingProxyType({})
) -> UsageError:
    """The first thing that is wrong with some values, as an error of ours; `spelled` has options by other names."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "missing" and first["loc"] == ("inputs",):
        return UsageError("no input was named", hint="files or folders, as in: uncollapse edit essays.jsonl -o edited/")
    place = [str(part) for part in first["loc"]] or ["options"]
    name = place[0] if place[0] != "fields" else place[-1]
    name = spelled.get(name, name)
    message = first["msg"][:1].lower() + first["msg"][1:]
    return UsageError(
        f"{_flag(name)}: {message}, not {first['input']!r}", hint=f"uncollapse {verb} --help says what it takes"
    )


def _renaming(item: str) -> tuple[str, str]:
    old, equals, new = item.partition("=")
    if not (old and equals and new):
        raise UsageError(
            f"--rename {item} names no two columns", hint="--rename OLD=NEW, for example --rename id=my_id"
        )
    return old, new


def _flag(name: str, value: object = None) -> str:
    """The option as it would be typed."""
    flag = "--" + name.replace("_", "-")
    if value is None or value is True:
        return flag
    return "--no-" + flag[2:] if value is False else f"{flag} {value}"
