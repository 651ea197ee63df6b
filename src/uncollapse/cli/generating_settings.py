"""What one `generate` is asked to do: checked whole before anything is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from uncollapse.cli.settings import Job, normal, refuse_unknown, refused, seen_from
from uncollapse.errors import UsageError
from uncollapse.watermark import read_key

if TYPE_CHECKING:
    from uncollapse.generation import Writer

# The sources of text, as options and as names in a recipe; each is another step.
SOURCES = {"continue": "Continue", "rephrase": "Rephrase", "prompts": "Answer"}
SPELLED = {"continued": "continue", "n": "samples"}
AS_TYPED = {field: option for option, field in SPELLED.items()}


class GenerateJob(Job):
    """A generation: the job, which step it is, and the step's fields that differ from its defaults."""

    source: Literal["continue", "rephrase", "prompts"]
    preset: Literal["blocks"] | None = None
    keep: Literal["best", "all"] | None = None
    watermark: str | None = None
    fields: Mapping[str, Any] = {}

    @property
    def draws(self) -> int:
        """How many runs of their own the job has: one for each text of a document where all are kept."""
        return int(self.fields.get("samples", 1)) if self.keep == "all" else 1

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where each draw goes, if there are several."""
        draws = range(1, self.draws + 1) if self.draws > 1 and self.output else ()
        return tuple(Path(self.output or "") / f"draw-{draw}" for draw in draws)

    def step(self, *, draw: int = 0) -> "Writer":
        """The step.

        Raises:
            UsageError: a value that cannot be, or options that contradict each other.
            ModelError: nothing answers to the model's address, or it is no model.
        """
        from uncollapse import generation
        from uncollapse.sampling import Decoding

        fields = dict(self.fields)
        if self.keep is not None and fields.get("samples", 1) == 1:
            raise UsageError(f"--keep {self.keep} has no meaning where one text is written", hint="--n 4")
        if self.watermark is not None:
            fields["watermark"] = read_key(Path(self.watermark).expanduser())
        if self.preset == "blocks":
            _refuse_beside_blocks(fields)
            fields = {**generation.BLOCKS, **fields}
        if {"opening_tokens", "opening_share"} <= fields.keys():
            raise UsageError("--opening-tokens and --opening-share say the same thing twice", hint="give one of them")
        if {"styles", "instruction"} <= fields.keys():
            raise UsageError("--instruction takes the place of the styles", hint="give one of them")
        if isinstance(fields.get("styles"), str):
            fields["styles"] = tuple(name.strip() for name in fields["styles"].split(",") if name.strip())
        if isinstance(fields.get("decoding"), str):
            fields["decoding"] = Decoding.parse(fields["decoding"])
        try:
            step: Writer = getattr(generation, SOURCES[self.source])(**fields)
        except UsageError as error:
            wrong = error.__context__
            raise (
                refused(wrong, verb="generate", spelled=AS_TYPED) if isinstance(wrong, ValidationError) else error
            ) from None
        if self.keep == "all":
            step = type(step)(**{**dict(step), "samples": 1, "draw": draw})
        # The recipe names the model's weights, so it is known now whether there is such a model.
        step.recipe()
        return step


def _refuse_beside_blocks(fields: Mapping[str, Any]) -> None:
    for name in ("opening_share", "keep_opening"):
        if name in fields:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} has no meaning with --preset blocks", hint="leave out one of them")


def _refuse_of_another_source(given: Mapping[str, Any], source: str) -> None:
    from uncollapse import generation

    fields = {name: set(getattr(generation, step).model_fields) for name, step in SOURCES.items()}
    for name in given:
        owners = [other for other, known in fields.items() if name in known]
        if owners and source not in owners:
            raise UsageError(
                f"--{name.replace('_', '-')} has no meaning with --{source}",
                hint="it belongs to " + " and ".join(f"--{owner}" for owner in owners),
            )


def generate_job(given: Mapping[str, Any], *, base: Path | None = None) -> GenerateJob:
    """The generation that these options describe; sources are seen from `base`, the folder of a recipe.

    Raises:
        UsageError: no source or several, an unknown option, or a value that cannot be.
    """
    from uncollapse import generation

    values = {SPELLED.get(name, name): value for name, value in normal(given).items()}
    sources = [name for name in SOURCES if values.get(name)]
    if len(sources) != 1:
        raise UsageError(
            "no source was named" if not sources else f"several sources: {', '.join(sources)}",
            hint="one of " + ", ".join(f"--{name} CORPUS" for name in SOURCES),
        )
    inputs = values.pop(sources[0])
    inputs = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    values["inputs"] = inputs if base is None else tuple(seen_from(base, address) for address in inputs)
    if base is not None and "watermark" in values:
        values["watermark"] = seen_from(base, values["watermark"])
    if values.get("preset") is not None and sources[0] != "continue":
        raise UsageError(f"--preset blocks has no meaning with --{sources[0]}", hint="leave out one of them")
    step = getattr(generation, SOURCES[sources[0]])
    _refuse_of_another_source(values, sources[0])
    own = set(GenerateJob.model_fields) - {"fields", "source"}
    refuse_unknown(values, known=own | set(step.model_fields) - {"blocks"}, where="generate")
    fields = {name: value for name, value in values.items() if name in set(step.model_fields) - own}
    try:
        return GenerateJob(**{name: values[name] for name in own & set(values)}, source=sources[0], fields=fields)  # type: ignore[arg-type]  # checked by the model
    except ValidationError as error:
        raise refused(error, verb="generate") from error
