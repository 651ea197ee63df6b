"""What `trial` does once it is known what is asked: read, part, edit, train, compare, say."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.catalogue import announcement
from uncollapse.cli.failures import visible
from uncollapse.cli.pace import Steps
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.collapse.trial import keeping, results, telling
from uncollapse.collapse.trial.arms import ARMS, HALF, arms_of
from uncollapse.collapse.trial.page import trial_page
from uncollapse.collapse.trial.results import Found
from uncollapse.collapse.trial.run import PAIRS, PLAIN, Given, Outcome, Trial, kind_of
from uncollapse.collapse.trial.settings import OBJECTIVES, Objective, Settings
from uncollapse.collapse.trial.telling import Grid
from uncollapse.collapse.trial.text import Row
from uncollapse.corpora import Corpus, read
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.evaluation import read_questions
from uncollapse.execution.local import cores
from uncollapse.language_models import catalogue, resolve
from uncollapse.language_models.addresses import folder_of
from uncollapse.language_models.checkpoint import config_of, context_of
from uncollapse.training.material import ANSWERED, Pairs, questions_of
from uncollapse.training.sizes import size_of

SOME_FAILED = 3
FILES = ("corpus", "pairs", "synthetic", "synthetic_pairs", "base")


def _listed(value: Any) -> Any:
    """`a,b` as a and b."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
Files = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]


class TrialJob(Settings):
    """A trial as it was asked for."""

    corpus: Files = ()
    pairs: Files = ()
    synthetic: Files = ()
    synthetic_pairs: Files = ()
    base: Files = ()
    start: str | None = None
    objective: Annotated[tuple[Objective, ...], BeforeValidator(_listed)] = ()
    arms: Names = tuple(ARMS)
    seeds: Annotated[int, Field(ge=1)] = 3
    text_column: str = "text"
    prompt_column: str | None = None
    answer_column: str | None = None
    max_rejects: Annotated[int, Field(ge=0)] = 0
    tasks: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    task_files: str | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    output: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return tuple(address for name in FILES for address in getattr(self, name))

    @property
    def settings(self) -> Settings:
        """What the numbers depend on."""
        return Settings(**self.model_dump(include=set(Settings.model_fields)))

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Those that were named, or all for which there is text, in their own order."""
        begun = self.start is not None or self.base
        there = {"scratch": self.corpus, "continual": self.corpus and begun, "instruct": self.pairs and begun}
        wanted = self.objective or [name for name, text in there.items() if text]
        return tuple(name for name in OBJECTIVES if name in wanted)


def trial_job(given: Mapping[str, Any], *, base: Path | None = None) -> TrialJob:
    """The trial that these options describe.

    Raises:
        UsageError: no text or no output was named, or a value that cannot be, or one that would be ignored.
    """
    values = normal({"start" if name == "from" else name: value for name, value in given.items()})
    for name in FILES:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
    if base is not None:
        values |= {name: tuple(seen_from(base, each) for each in values[name]) for name in FILES if name in values}
        values |= {name: str(seen_from(base, values[name])) for name in ("task_files",) if name in values}
    for name in ("output", "task_files"):
        if name in values:
            values[name] = str(values[name])
    refuse_unknown(values, known=TrialJob.model_fields, where="trial")
    job = checked(TrialJob, values, verb="trial")
    _refuse(job)
    return job


def _refuse(job: TrialJob) -> None:
    """Nothing, where each objective has its text and no option would be ignored."""
    if not job.objectives:
        raise UsageError("no text was named", hint="uncollapse trial essays.jsonl --synthetic made.jsonl -o trial/")
    if job.output is None:
        raise UsageError("no output was named", hint="-o trial/, a folder")
    kinds = {kind_of(objective) for objective in job.objectives}
    plain, pairs = (PLAIN in kinds, PAIRS in kinds)
    going_on = any(objective != "scratch" for objective in job.objectives)
    for needed, there, what, hint in (
        (plain, job.corpus, "scratch and continual learn from a corpus", "uncollapse trial essays.jsonl ..."),
        (pairs, job.pairs, "instruct learns from questions and answers", "--pairs FILE"),
        (going_on, job.start or job.base, "continual and instruct go on from a model", "--base TEXT, or --from MODEL"),
        (HALF in job.arms and plain, job.synthetic, *_control("--synthetic FILE")),
        (HALF in job.arms and pairs, job.synthetic_pairs, *_control("--synthetic-pairs FILE")),
        (job.tasks, job.task_files, "tasks stand in files", "--task-files DIR"),
    ):
        if needed and not there:
            raise UsageError(f"{what}, and none is named", hint=hint)
    for useless, what in (
        (job.start and job.base, "--base makes a model, and --from names one"),
        (not going_on and (job.start or job.base), "scratch alone goes on from no model"),
        (not pairs and (job.pairs or job.synthetic_pairs or job.answer_column), "no objective learns from pairs"),
        (not plain and (job.corpus or job.synthetic), "no objective learns from plain text"),
    ):
        if useless:
            raise UsageError(what, hint="leave one out")
    size_of(job.size)


def _control(option: str) -> tuple[str, str]:
    others = ",".join(name for name in ARMS if name not in (HALF, "none"))
    return f"{HALF} needs text written by models", f"{option}, or --arms {others}"


def perform(job: TrialJob, *, as_json: bool = False) -> int:
    """The exit code of a trial: 0, or 3 where rows were left out within what is allowed."""
    assert job.output is not None
    folder = Path(job.output)
    sources = _Sources(job)
    trial = Trial(
        settings=job.settings,
        objectives=job.objectives,
        arms=arms_of(job.arms),
        seeds=range(job.seed, job.seed + job.seeds),
        start=job.start,
        tasks=_tasks(job),
    )
    resolve(job.prior, dtype="auto", window=2048)
    _check_context(job)
    sys.stderr.write(announcement(job.prior, catalogue()))
    trial.take(sources.given())
    try:
        with Steps("trial") as reached:
            outcome = trial.run(folder, workers=job.workers or cores(), reached=reached)
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped: what is finished lies in {folder}; the same command goes on\n")
        raise
    found = Found.of(outcome.table)
    results.check_equal(found, batch_tokens=job.batch_tokens)
    made = telling.grids(found, trial.kinds, outcome.edits)
    lines = telling.unchanged_lines(outcome.edits) + telling.left_out_lines(trial, sources.broken)
    told = _told(job, trial, outcome, found, lines)
    keeping.write(
        outcome.table,
        told,
        markdown=telling.markdown(found, made, lines),
        page=trial_page(found, made, told),
        folder=folder,
    )
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _say(found, made, lines, folder)
    return SOME_FAILED if sources.broken else 0


def _check_context(job: TrialJob) -> None:
    """Nothing, where the model that is gone on from can read so many tokens; said before an hour of editing."""
    longest = None if job.start is None else context_of(config_of(folder_of(job.start).folder))
    if longest is not None and job.context > longest:
        raise UsageError(f"a context of {job.context} is more than the model's {longest}", hint=f"--context {longest}")


def _tasks(job: TrialJob) -> tuple[tuple[str, str], ...]:
    """Names and paths of the tasks, all of which can be read."""
    found = tuple((name, str(Path(job.task_files or "") / f"{name}.jsonl")) for name in job.tasks)
    for _, path in found:
        read_questions(Path(path))
    return found


class _Sources:
    """The rows of the files that were named; `broken` counts those that cannot be read."""

    def __init__(self, job: TrialJob) -> None:
        self._job, self.broken = job, 0

    def given(self) -> Given:
        """All rows by kind."""
        job = self._job
        texts, pairs = (
            {PLAIN: job.corpus, "synthetic": job.synthetic, "base": job.base},
            {PAIRS: job.pairs, "synthetic": job.synthetic_pairs},
        )
        plain = {name: list(self._texts(files)) for name, files in texts.items() if files}
        asked = {name: list(self._pairs(files)) for name, files in pairs.items() if files}
        return Given(
            human={name: rows[name] for name, rows in ((PLAIN, plain), (PAIRS, asked)) if name in rows},
            synthetic={
                name: rows["synthetic"] for name, rows in ((PLAIN, plain), (PAIRS, asked)) if "synthetic" in rows
            },
            base=plain.get("base"),
        )

    def _texts(self, files: Sequence[str]) -> Iterator[Row]:
        corpus = self._counted(read(*files, text_column=self._job.text_column, max_rejects=self._job.max_rejects))
        reader = corpus.reader()
        for shard in corpus.plan.shards:
            for part in reader.parts(shard):
                yield from (Row(text or "") for text in part.batch.column("text").to_pylist())

    def _pairs(self, files: Sequence[str]) -> Iterator[Row]:
        names = [self._job.answer_column] if self._job.answer_column else list(ANSWERED)
        for name in names:
            try:
                corpus = read(*files, text_column=name, max_rejects=self._job.max_rejects)
            except MissingColumn:
                continue
            questions = questions_of(corpus.schema.names, asked=self._job.prompt_column)
            for pair in Pairs(self._counted(corpus), questions):
                yield Row(pair.answer, pair.question)
            return
        raise MissingColumn(
            f"{files[0]} has no column with the answer: none of {', '.join(names)}", hint="--answer-column NAME"
        )

    def _counted(self, corpus: Corpus) -> Corpus:
        self.broken += corpus.plan.broken_rows
        return corpus


def _told(job: TrialJob, trial: Trial, outcome: Outcome, found: Found, lines: Sequence[str]) -> dict[str, Any]:
    """What `trial.json` holds."""
    return {
        "text": {
            **{name: " ".join(getattr(job, name)) for name in FILES if getattr(job, name)},
            "accounts": list(lines),
        },
        "settings": job.settings.model_dump(mode="json"),
        "seeds": list(trial.seeds),
        "begins with": job.start or ("models of the base text" if trial.needs_base else "nothing"),
        "edits": {
            kind: {arm: each._asdict() for arm, each in by_arm.items()} for kind, by_arm in outcome.edits.items()
        },
        "objectives": results.as_json(found),
        "comparisons": found.comparisons,
        "sentence": results.sentence(found),
    }


# What a narrow terminal does without, the first sooner.
SPARE = (
    "texts",
    "tail perplexity",
    "bits/byte",
    "tokens learned (epochs)",
    "of no edit",
    "expected to change",
    "flagged",
)


def _shown(grid: Grid, console: Console) -> bool:
    """Whether columns were left out of a table on the terminal, for want of room."""
    columns = list(range(len(grid.columns)))

    def width() -> int:
        return sum(max(len(row[at]) for row in (grid.columns, *grid.rows)) + 1 for at in columns)

    for name in SPARE:
        if width() > console.width and name in grid.columns:
            columns.remove(grid.columns.index(name))
    table = Table(title=grid.caption, title_justify="left", box=None, pad_edge=False)
    for at in columns:
        table.add_column(grid.columns[at], justify="right" if at else "left", no_wrap=not at)
    for row in grid.rows:
        table.add_row(*(row[at] for at in columns))
    console.print(table)
    return len(columns) < len(grid.columns)


def _say(found: Found, made: Sequence[Grid], lines: Sequence[str], folder: Path) -> None:
    console = Console()
    left = [_shown(grid, console) for grid in made]
    if any(left):
        where = visible(str(folder / keeping.MARKDOWN_FILE))
        console.print(Text(f"columns that this terminal is too narrow for stand in {where}"), soft_wrap=True)
    console.print(Text(results.sentence(found)), soft_wrap=True)
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"page: {visible(str(folder / keeping.PAGE_FILE))}"), soft_wrap=True)
