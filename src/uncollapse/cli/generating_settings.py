"""What one `generate` is asked to do: checked whole before anything is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from uncollapse.cli.backend import with_backend
from uncollapse.cli.settings import Job, normal, refuse_unknown, refused, seen_from
from uncollapse.errors import UsageError
from uncollapse.watermark import read_key

if TYPE_CHECKING:
    from uncollapse.generation import Writer
    from uncollapse.language_models.calling import Calling

# The sources of text, as options and as names in a recipe; each is another step, and one of them has two ways.
SOURCES = {
    "continue": ("Continue",),
    "rephrase": ("Rephrase",),
    "prompts": ("Answer", "Verbalise"),
    "instructions": ("Instruct",),
}
SPELLED = {"continued": "continue", "n": "samples", "verbalised": "responses", "api_key_env": "key_from"}
AS_TYPED = {field: option for option, field in SPELLED.items()}
CALLING = ("concurrency", "tries", "timeout", "key_from", "price_in", "price_out")
# Fields of steps that no option sets.
UNTYPED = {"blocks", "calling", "order"}


class GenerateJob(Job):
    """A generation: the job, which step it is, and the step's fields that differ from its defaults."""

    source: Literal["continue", "rephrase", "prompts", "instructions"]
    preset: Literal["blocks"] | None = None
    watermark: str | None = None
    fields: Mapping[str, Any] = {}
    calling: Mapping[str, Any] = {}

    @property
    def kind(self) -> str:
        """The name of the step."""
        return SOURCES[self.source]["responses" in self.fields]

    def step(self) -> "Writer":
        """The step.

        Raises:
            UsageError: a value that cannot be, or options that contradict each other.
            ModelError: nothing answers to the model's address, or it is no model.
        """
        from uncollapse import generation
        from uncollapse.sampling import Decoding

        fields = dict(self.fields)
        _refuse_contradictions(fields)
        if self.watermark is not None:
            fields["watermark"] = read_key(Path(self.watermark).expanduser())
        if self.preset == "blocks":
            _refuse_beside_blocks(fields)
            fields = {**generation.BLOCKS, **fields}
        if isinstance(fields.get("styles"), str):
            fields["styles"] = tuple(name.strip() for name in fields["styles"].split(",") if name.strip())
        if isinstance(fields.get("decoding"), str):
            fields["decoding"] = Decoding.parse(fields["decoding"])
        fields["calling"] = self._calling()
        try:
            step: Writer = getattr(generation, self.kind)(**fields)
        except UsageError as error:
            wrong = error.__context__
            raise (
                refused(wrong, verb="generate", spelled=AS_TYPED) if isinstance(wrong, ValidationError) else error
            ) from None
        # The recipe names the model's weights, so it is known now whether there is such a model.
        step.recipe()
        return step

    def _calling(self) -> "Calling":
        from uncollapse.language_models.calling import Calling
        from uncollapse.language_models.endpoint_address import SHAPE, is_endpoint

        if self.calling and not is_endpoint(str(self.fields.get("model", ""))):
            name = next(iter(self.calling))
            raise UsageError(f"{_flag(name)} has no meaning for a model that is here", hint=f"--model {SHAPE}")
        try:
            calling = Calling(**self.calling)
        except ValidationError as error:
            raise refused(error, verb="generate", spelled=AS_TYPED) from None
        calling.key()
        return calling


def _refuse_contradictions(fields: Mapping[str, Any]) -> None:
    if "responses" in fields:
        if "plain" in fields:
            raise UsageError("--plain has no meaning with --verbalised, which asks a chat model", hint="leave out one")
    elif "keep" in fields and fields.get("samples", 1) == 1:
        raise UsageError(f"--keep {fields['keep']} has no meaning where one text is written", hint="--n 4")
    if {"opening_tokens", "opening_share"} <= fields.keys():
        raise UsageError("--opening-tokens and --opening-share say the same thing twice", hint="give one of them")
    if {"styles", "instruction"} <= fields.keys():
        raise UsageError("--instruction takes the place of the styles", hint="give one of them")


def _refuse_beside_blocks(fields: Mapping[str, Any]) -> None:
    for name in ("opening_share", "keep_opening"):
        if name in fields:
            raise UsageError(f"{_flag(name)} has no meaning with --preset blocks", hint="leave out one of them")


def _refuse_of_another_source(given: Mapping[str, Any], source: str) -> None:
    fields = {name: _fields(name) for name in SOURCES}
    for name in given:
        owners = [other for other, known in fields.items() if name in known]
        if owners and source not in owners:
            raise UsageError(
                f"{_flag(name)} has no meaning with --{source}",
                hint="it belongs to " + " and ".join(f"--{owner}" for owner in owners),
            )


def _fields(source: str) -> set[str]:
    from uncollapse import generation

    kinds: Sequence[type[Writer]] = [getattr(generation, name) for name in SOURCES[source]]
    return {name for kind in kinds for name in kind.model_fields} - UNTYPED


def _flag(field: str) -> str:
    return "--" + AS_TYPED.get(field, field).replace("_", "-")


def generate_job(given: Mapping[str, Any], *, base: Path | None = None) -> GenerateJob:
    """The generation that these options describe; sources are seen from `base`, the folder of a recipe.

    Raises:
        UsageError: no source or several, an unknown option, or a value that cannot be.
    """
    from uncollapse.generation import Writer

    default = str(Writer.model_fields["model"].default)
    values = with_backend({SPELLED.get(name, name): value for name, value in normal(given).items()}, default=default)
    sources = [name for name in SOURCES if values.get(name)]
    if len(sources) != 1:
        raise UsageError(
            "no source was named" if not sources else f"several sources: {', '.join(sources)}",
            hint="one of " + ", ".join(f"--{name} CORPUS" for name in SOURCES),
        )
    source = sources[0]
    inputs = values.pop(source)
    inputs = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    values["inputs"] = inputs if base is None else tuple(seen_from(base, address) for address in inputs)
    if base is not None and "watermark" in values:
        values["watermark"] = seen_from(base, values["watermark"])
    if values.get("preset") is not None and source != "continue":
        raise UsageError(f"--preset blocks has no meaning with --{source}", hint="leave out one of them")
    _refuse_of_another_source(values, source)
    own = set(GenerateJob.model_fields) - {"fields", "source", "calling"}
    refuse_unknown(values, known=own | _fields(source) | set(CALLING), where="generate")
    parts = {
        "fields": {name: value for name, value in values.items() if name in _fields(source) - own},
        "calling": {name: value for name, value in values.items() if name in CALLING},
    }
    try:
        return GenerateJob(**{name: values[name] for name in own & set(values)}, source=source, **parts)  # type: ignore[arg-type]  # checked by the model
    except ValidationError as error:
        raise refused(error, verb="generate") from error
