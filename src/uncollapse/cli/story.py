"""Several verbs as one story: a YAML file is read, checked whole, and told step by step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.text import Text

from uncollapse.cli import auditing_run, editing_run, generating_run
from uncollapse.cli.failures import visible
from uncollapse.cli.generating_settings import GenerateJob, generate_job
from uncollapse.cli.settings import (
    AuditJob,
    EditJob,
    Job,
    audit_job,
    edit_job,
    normal,
    read_recipe,
    refuse_unknown,
    revert_job,
)
from uncollapse.errors import MissingInput, UsageError

SHAPE = "write `steps:` and under it entries such as `- edit: {inputs: essays.jsonl, output: edited/}`"


class Chapter(NamedTuple):
    """One verb with what it is asked to do."""

    verb: str
    job: Job | AuditJob

    def perform(self) -> int:
        """The verb's exit code."""
        return VERBS[self.verb].perform(self.job)


class Verb(NamedTuple):
    """How a verb's options are read, and how it is done."""

    read: Callable[[Mapping[str, Any], Path], Job | AuditJob]
    perform: Callable[[Any], int]


VERBS: Mapping[str, Verb] = {
    "edit": Verb(lambda given, _: edit_job(given), editing_run.perform),
    "revert": Verb(lambda given, _: revert_job(given), editing_run.perform_revert),
    "generate": Verb(lambda given, base: generate_job(given, base=base), generating_run.perform),
    "audit": Verb(lambda given, base: audit_job(given, base=base), auditing_run.perform),
}


def read_story(path: Path) -> Sequence[Chapter]:
    """The verbs of a recipe file, in order.

    Raises:
        UsageError: an unknown verb or option, a value that cannot be, a verb without output.
        MissingInput: an input that is neither there nor made by an earlier verb.
    """
    content = dict(read_recipe(path))
    refuse_unknown(content, known=["steps"], where=str(path))
    entries = content.get("steps")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path} lists no steps", hint=SHAPE)
    chapters = [_chapter(entry, number, path) for number, entry in enumerate(entries, start=1)]
    made: set[Path] = set()
    for number, chapter in enumerate(chapters, start=1):
        where = f"{path}, step {number} ({chapter.verb})"
        _refuse_absent(chapter.job.inputs, made, where=where)
        if chapter.job.output is None:
            raise UsageError(f"{where}: no output", hint="say where it goes: output: edited/")
        if isinstance(chapter.job, EditJob | GenerateJob):
            chapter.job.step()
        made.add(Path(chapter.job.output))
        if isinstance(chapter.job, GenerateJob):
            made |= set(chapter.job.folders)
    return chapters


def tell(chapters: Sequence[Chapter]) -> int:
    """The story's exit code: that of its worst verb that went on (0, 1 for a verdict that fails, or 3).

    The first verb that fails ends the story, by its error.
    """
    console = Console()
    worst = 0
    for number, chapter in enumerate(chapters, start=1):
        console.print(Text(f"step {number} of {len(chapters)}: {chapter.verb} -> {visible(str(chapter.job.output))}"))
        worst = max(worst, chapter.perform())
    return worst


def _chapter(entry: Any, number: int, path: Path) -> Chapter:
    where = f"{path}, step {number}"
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise UsageError(f"{where} is not one verb with its options", hint=SHAPE)
    verb, options = next(iter(entry.items()))
    refuse_unknown([str(verb)], known=VERBS, where=where)
    if not isinstance(options, Mapping):
        raise UsageError(f"{where}: {verb} has no options", hint=SHAPE)
    try:
        return Chapter(verb, VERBS[verb].read(normal(options, base=path.parent), path.parent))
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from error


def _refuse_absent(inputs: Sequence[str], made: set[Path], *, where: str) -> None:
    for address in inputs:
        there = "://" in address or Path(address) in made or Path(address).exists() or "*" in address
        if not there:
            raise MissingInput(
                f"{where}: no {address}",
                hint="give a path, seen from the recipe's folder, that is there or made by an earlier step",
            )
