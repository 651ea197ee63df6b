"""Several verbs as one story: a YAML file is read, checked whole, and told step by step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from rich.console import Console
from rich.text import Text

from uncollapse.cli import (
    arbitrating_run,
    auditing_run,
    card_run,
    comparing_run,
    contest_run,
    detecting_run,
    editing_run,
    evaluating_run,
    finding_run,
    forecast_run,
    generating_run,
    ledger_run,
    marks_run,
    mixing_run,
    prompts_run,
    reserve_run,
    selecting_run,
    tracing_run,
    training_run,
    trial_run,
)
from uncollapse.cli.arbitrating_run import ArbitrateJob, arbitrate_job
from uncollapse.cli.card_run import CardJob, card_job
from uncollapse.cli.comparing_run import CompareJob, compare_job
from uncollapse.cli.contest_run import ContestJob, contest_job
from uncollapse.cli.detect_settings import DetectJob, DetectorJob, detect_job, detector_job
from uncollapse.cli.evaluating_run import EvaluateJob, evaluate_job
from uncollapse.cli.failures import visible
from uncollapse.cli.forecast_run import ForecastJob, forecast_job
from uncollapse.cli.generating_settings import GenerateJob, generate_job
from uncollapse.cli.mixing_run import MixJob, mix_job
from uncollapse.cli.prompts_run import PromptsJob, prompts_job
from uncollapse.cli.reserve_settings import (
    FindJob,
    MarksJob,
    ReserveAddJob,
    ReserveCheckJob,
    find_job,
    marks_job,
    reserve_add_job,
    reserve_check_job,
)
from uncollapse.cli.running import Running, unless_said
from uncollapse.cli.selecting_run import SelectJob, select_job
from uncollapse.cli.settings import (
    AuditJob,
    EditJob,
    Job,
    TraceJob,
    VerifyJob,
    audit_job,
    checked,
    edit_job,
    normal,
    read_recipe,
    refuse_unknown,
    revert_job,
    trace_job,
    verify_job,
)
from uncollapse.cli.training_run import TrainJob, train_job
from uncollapse.cli.trial_run import TrialJob, trial_job
from uncollapse.errors import MissingInput, UsageError
from uncollapse.language_models.vllm_address import parted

MAPPING = ("edit", "revert", "generate", "select", "mix", "arbitrate", "audit", "detect", "evaluate")
"""The verbs whose documents can be worked elsewhere."""

SHAPE = "write `steps:` and under it entries such as `- edit: {inputs: essays.jsonl, output: edited/}`"


Asked: TypeAlias = (
    Job
    | ArbitrateJob
    | AuditJob
    | CardJob
    | CompareJob
    | ContestJob
    | ForecastJob
    | MixJob
    | PromptsJob
    | SelectJob
    | DetectJob
    | EvaluateJob
    | DetectorJob
    | TraceJob
    | TrialJob
    | VerifyJob
    | FindJob
    | MarksJob
    | ReserveAddJob
    | ReserveCheckJob
)


class Chapter(NamedTuple):
    """One verb with what it is asked to do."""

    verb: str
    job: Asked

    @property
    def about(self) -> str:
        """What it makes, or what it looks at."""
        if isinstance(self.job, TraceJob | VerifyJob):
            return self.job.corpus
        return f"-> {self.job.output}" if self.job.output else " ".join(self.job.inputs)

    def perform(self) -> int:
        """The verb's exit code."""
        return VERBS[self.verb].perform(self.job)


class Verb(NamedTuple):
    """How a verb's options are read, and how it is done."""

    read: Callable[[Mapping[str, Any], Path], Asked]
    perform: Callable[[Any], int]


VERBS: Mapping[str, Verb] = {
    "edit": Verb(lambda given, _: edit_job(given), editing_run.perform),
    "revert": Verb(lambda given, _: revert_job(given), editing_run.perform_revert),
    "generate": Verb(lambda given, base: generate_job(given, base=base), generating_run.perform),
    "prompts": Verb(lambda given, base: prompts_job(given, base=base), prompts_run.perform),
    "arbitrate": Verb(lambda given, base: arbitrate_job(given, base=base), arbitrating_run.perform),
    "train": Verb(lambda given, _: train_job(given), training_run.perform),
    "evaluate": Verb(lambda given, base: evaluate_job(given, base=base), evaluating_run.perform),
    "select": Verb(lambda given, base: select_job(given, base=base), selecting_run.perform),
    "compare": Verb(lambda given, base: compare_job(given, base=base), comparing_run.perform),
    "mix": Verb(lambda given, base: mix_job(given, base=base), mixing_run.perform),
    "forecast": Verb(lambda given, base: forecast_job(given, base=base), forecast_run.perform),
    "contest": Verb(lambda given, base: contest_job(given, base=base), contest_run.perform),
    "trial": Verb(lambda given, base: trial_job(given, base=base), trial_run.perform),
    "card": Verb(lambda given, base: card_job(given, base=base), card_run.perform),
    "audit": Verb(lambda given, base: audit_job(given, base=base), auditing_run.perform),
    "verify": Verb(lambda given, base: verify_job(given, base=base), ledger_run.perform_verify),
    "trace": Verb(lambda given, base: trace_job(given, base=base), tracing_run.perform),
    "find": Verb(lambda given, base: find_job(given, base=base), finding_run.perform),
    "marks": Verb(lambda given, _: marks_job(given), marks_run.perform),
    "reserve add": Verb(lambda given, base: reserve_add_job(given, base=base), reserve_run.add),
    "reserve check": Verb(lambda given, base: reserve_check_job(given, base=base), reserve_run.check),
    "detect": Verb(lambda given, base: detect_job(given, base=base), detecting_run.perform),
    "detector": Verb(lambda given, base: detector_job(given, base=base), detecting_run.perform_training),
}


def read_story(path: Path, *, wanted: Mapping[str, Any] = MappingProxyType({})) -> Sequence[Chapter]:
    """The verbs of a recipe file, in order; where one does not say itself where it runs, it is as `wanted`.

    Raises:
        UsageError: an unknown verb or option, a value that cannot be, a verb without output.
        MissingInput: an input that is neither there nor made by an earlier verb.
    """
    content = dict(read_recipe(path))
    refuse_unknown(content, known=["steps"], where=str(path))
    entries = content.get("steps")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path} lists no steps", hint=SHAPE)
    _refuse_nonsense(wanted)
    chapters = [_chapter(entry, number, path, wanted=wanted) for number, entry in enumerate(entries, start=1)]
    made: set[Path] = set()
    for number, chapter in enumerate(chapters, start=1):
        where = f"{path}, step {number} ({chapter.verb})"
        _refuse_absent(chapter.job.inputs, made, where=where)
        if isinstance(chapter.job, TraceJob | VerifyJob):
            continue
        if chapter.job.output is None and isinstance(chapter.job, CompareJob | EvaluateJob):
            continue
        if chapter.job.output is None:
            raise UsageError(f"{where}: no output", hint="say where it goes: output: edited/")
        if isinstance(chapter.job, EditJob | GenerateJob) and not _made_before(chapter.job.fields.get("model"), made):
            with chapter.job.looking():
                chapter.job.step()
        if isinstance(chapter.job, TrainJob):
            chapter.job.training()
        made.add(Path(chapter.job.output))
    return chapters


def tell(chapters: Sequence[Chapter]) -> int:
    """The story's exit code: that of its worst verb that went on (0, 1 for a verdict that fails, or 3).

    The first verb that fails ends the story, by its error.
    """
    console = Console()
    worst = 0
    for number, chapter in enumerate(chapters, start=1):
        console.print(Text(f"step {number} of {len(chapters)}: {chapter.verb} {visible(chapter.about)}"))
        worst = max(worst, chapter.perform())
    return worst


def _refuse_nonsense(wanted: Mapping[str, Any]) -> None:
    """Nothing, where that can be what is wanted of a whole story, whether or not a verb of it takes it."""
    checked(Running, wanted, verb="run")


def _chapter(entry: Any, number: int, path: Path, *, wanted: Mapping[str, Any]) -> Chapter:
    where = f"{path}, step {number}"
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise UsageError(f"{where} is not one verb with its options", hint=SHAPE)
    verb, options = next(iter(entry.items()))
    refuse_unknown([str(verb)], known=VERBS, where=where, what="verb")
    if not isinstance(options, Mapping):
        raise UsageError(f"{where}: {verb} has no options", hint=SHAPE)
    try:
        # YAML reads the plain word `on` as true.
        spelled = {"on" if name is True else name: value for name, value in options.items()}
        if verb in MAPPING:
            spelled = unless_said(spelled, wanted)
        return Chapter(verb, VERBS[verb].read(normal(spelled, base=path.parent), path.parent))
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from error


def _made_before(model: Any, made: set[Path]) -> bool:
    """Whether a model is what an earlier step trains, and so cannot be looked at yet."""
    return isinstance(model, str) and Path(parted(model).address) in made


def _refuse_absent(inputs: Sequence[str], made: set[Path], *, where: str) -> None:
    for address in inputs:
        there = "://" in address or Path(address) in made or Path(address).exists() or "*" in address
        if not there:
            raise MissingInput(
                f"{where}: no {address}",
                hint="give a path, seen from the recipe's folder, that is there or made by an earlier step",
            )
