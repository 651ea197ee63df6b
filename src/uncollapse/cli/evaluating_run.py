"""What `evaluate` does once it is known what is asked: read texts, ask questions, account."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora, evaluation
from uncollapse.cli.backend import model_from, with_backend
from uncollapse.cli.catalogue import announcement
from uncollapse.cli.failures import visible
from uncollapse.cli.outputs import made_folder
from uncollapse.cli.progress import Stages, waiting
from uncollapse.cli.running import Running
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.corpora.merkle import root
from uncollapse.errors import InputError, OutputRefused, UsageError
from uncollapse.evaluation import Measure, Question, Reading
from uncollapse.fingerprint import Json
from uncollapse.language_models import catalogue, precision
from uncollapse.language_models.checkpoint import descent_of
from uncollapse.language_models.lent import Lent
from uncollapse.language_models.vllm_address import is_vllm, parted
from uncollapse.step import Gather

METRICS, DOCUMENTS = "metrics.json", "documents.parquet"
SOME_FAILED = 3
MANY = ("models", "on")


class EvaluateJob(Running):
    """An evaluation: who is asked, about what, where the answer goes."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    on: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    harness: tuple[str, ...] = ()
    task_files: str | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    output: str | None = None
    context: Annotated[int, Field(ge=8)] = 2048
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    text_column: str = "text"
    max_rejects: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return self.on


Texts: TypeAlias = Mapping[str, tuple[list[str], list[str]]]
"""Ids and texts of each file."""


class Line(NamedTuple):
    """One number of `metrics.json`."""

    model: str
    file: str
    measure: str
    value: float
    low: float
    high: float


def evaluate_job(given: Mapping[str, Any], *, base: Path | None = None) -> EvaluateJob:
    """The evaluation that these options describe.

    Raises:
        UsageError: nothing is asked, an unknown option, or a value that cannot be.
    """
    values = normal(given)
    for name in MANY:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
    for name in ("tasks", "harness"):
        if isinstance(values.get(name), str):
            values[name] = tuple(each.strip() for each in values[name].split(",") if each.strip())
    if base is not None:
        values |= _seen_from(base, values)
    values = with_backend(values)
    refuse_unknown(values, known=EvaluateJob.model_fields, where="evaluate")
    if not values.get("models"):
        raise UsageError("no model was named", hint="uncollapse evaluate model/ --on heldout.jsonl")
    job = checked(EvaluateJob, values, verb="evaluate")
    _refuse_contradictions(job)
    return job


def _seen_from(base: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """The addresses among some options, seen from the folder of a recipe."""
    found: dict[str, Any] = {"models": tuple(_model_from(base, each) for each in values.get("models", ()))}
    found["on"] = tuple(seen_from(base, address) for address in values.get("on", ()))
    return found | {name: seen_from(base, values[name]) for name in {"task_files"} & set(values)}


def _refuse_contradictions(job: EvaluateJob) -> None:
    if not (job.on or job.tasks or job.harness):
        raise UsageError("nothing was named to evaluate on", hint="--on FILE, or --tasks NAMES --task-files DIR")
    if job.limit is not None and not (job.tasks or job.harness):
        raise UsageError("--limit counts questions, and none are asked", hint="--tasks NAMES, or leave it out")
    if job.harness and (asked := next((each for each in job.models if is_vllm(each)), None)):
        raise UsageError(
            f"the harness reads by transformers, and {asked} asks for vLLM", hint="--tasks NAMES --task-files DIR"
        )
    if job.tasks and job.task_files is None:
        raise UsageError("tasks stand in files here", hint="--task-files DIR, or --harness NAMES for the harness's own")


def _model_from(base: Path, address: str) -> str:
    """A model's address seen from a recipe: a folder there, or one that an earlier step makes, which has a slash."""
    prefix, inner = parted(address)
    return f"{prefix}{seen_from(base, inner)}" if (base / inner).exists() else model_from(base, address)


def perform(job: EvaluateJob, *, as_json: bool = False) -> int:
    """The exit code of an evaluation: 0, or 3 where rows were left out within what is allowed."""
    try:
        return _perform(job, as_json=as_json)
    except KeyboardInterrupt:
        sys.stderr.write("stopped: nothing was written; the same command begins anew\n")
        raise


def _perform(job: EvaluateJob, *, as_json: bool) -> int:
    _refuse_foreign(job.output)
    found = {address: _texts(job, address) for address in job.on}
    texts = {address: (ids, own) for address, (ids, own, _) in found.items()}
    questions = {name: _questions(job, name) for name in job.tasks}
    for address in job.models:
        sys.stderr.write(announcement(address, catalogue()))
    _warn_of_own_text(job, texts)
    if job.spreads and not (texts or questions):
        sys.stderr.write("note: the harness asks by itself, in this process: there is nothing here for workers\n")
    read = job.read_here(*job.models)
    with job.there(reads=read and bool(texts or questions)):
        models = _lent(job)
        lines, tables = _measured(job, models, texts=texts, questions=questions)
    folder = None if job.output is None else made_folder(Path(job.output), mark=METRICS, what="an evaluation")
    if folder is not None:
        _write(folder, job, lines, tables, cards=[model.card.as_json() for model in models])
    if as_json:
        sys.stdout.write(json.dumps([_plain(line) for line in lines], indent=2) + "\n")
    else:
        _tell(job, lines, Console())
        if folder is not None:
            Console().print(Text(f"result: {visible(str(folder))}"), soft_wrap=True)
    for address, (_, _, broken) in found.items():
        if broken:
            sys.stderr.write(f"{visible(address)}: {broken:,} rows cannot be read and were left out\n")
    return SOME_FAILED if any(broken for _, _, broken in found.values()) else 0


def _lent(job: EvaluateJob) -> list[Lent]:
    return [Lent.of(address, dtype=job.dtype, window=job.context) for address in job.models]


def _measured(
    job: EvaluateJob, models: Sequence[Lent], *, texts: Texts, questions: Mapping[str, list[Question]]
) -> tuple[list[Line], list[pa.Table]]:
    """Every number of every model, and what it makes of each document."""
    lines: list[Line] = []
    tables: list[pa.Table] = []
    for address, model in zip(job.models, models, strict=True):
        with closing(model), job.gathering(model) as gather:
            for file, (ids, own) in texts.items():
                reading = _read(gather, own, what=f"{address} on {file}")
                lines += _lines(address, file, evaluation.measures_of(reading, seed=job.seed))
                tables.append(_table(address, file, ids, reading))
            for name, asked in questions.items():
                lines += _lines(address, name, _answers(gather, asked, what=f"{address} on {name}", seed=job.seed))
        lines += [Line(address, *each) for each in _of_harness(job, address)]
    return lines, tables


def _warn_of_own_text(job: EvaluateJob, texts: Texts) -> None:
    """Nothing; where a model says that it has learned from all of a text, that is told on stderr."""
    learned = {address: _learned(address) for address in job.models}
    for file, (ids, _) in texts.items():
        own = root(sorted(bytes.fromhex(each) for each in ids)) if any(learned.values()) else ""
        for address in (each for each, roots in learned.items() if own in roots):
            sys.stderr.write(
                f"{visible(address)} has learned from {visible(file)}, as its training.json says: what is measured "
                "there is memory\n"
            )


def _learned(address: str) -> set[str]:
    """The roots of the texts that a model on this disk says it has learned from."""
    return set(descent_of(Path(parted(address).address).expanduser()).get("trained_on", ()))


def _texts(job: EvaluateJob, address: str) -> tuple[list[str], list[str], int]:
    """Ids and texts of a file, and how many of its rows cannot be read; all is held, as every model reads the same."""
    with waiting("the input is looked through"):
        corpus = corpora.read(address, text_column=job.text_column, max_rejects=job.max_rejects)
    ids: list[str] = []
    texts: list[str] = []
    for batch in corpus.batches():
        ids += batch.column("id").to_pylist()
        texts += batch.column("text").to_pylist()
    if not any(text.strip() for text in texts):
        raise InputError(f"{address} holds no text", hint="give text that the models have not learned from")
    return ids, texts, corpus.plan.broken_rows


def _questions(job: EvaluateJob, name: str) -> list[Question]:
    assert job.task_files is not None
    return evaluation.read_questions(Path(job.task_files) / f"{name}.jsonl")[: job.limit]


def _read(gather: Gather, texts: list[str], *, what: str) -> Reading:
    with Stages("evaluate") as stages:
        return evaluation.gathered_texts(gather, texts, on_progress=lambda done, of: stages(what, done, of))


def _answers(gather: Gather, questions: list[Question], *, what: str, seed: int) -> dict[str, Measure]:
    with Stages("evaluate") as stages:
        found = evaluation.gathered_answers(gather, questions, on_progress=lambda done, of: stages(what, done, of))
    if found.shortened:
        sys.stderr.write(f"{what}: {found.shortened:,} answers were read without the beginning of their question\n")
    return evaluation.accuracies(found, seed=seed)


def _of_harness(job: EvaluateJob, address: str) -> Iterator[tuple[str, str, float, float, float]]:
    if not job.harness:
        return
    from uncollapse.evaluation.harness import Reader, run_harness

    told = Reader(address, dtype=job.dtype, context=job.context)
    # The harness reads in this process, wherever workers are.
    with precision.as_on(precision.this_machine()):
        yield from list(run_harness(told, job.harness, folder=job.task_files, limit=job.limit))


def _lines(model: str, file: str, measures: Mapping[str, Measure]) -> list[Line]:
    return [Line(model, file, name, *measure) for name, measure in measures.items()]


def _table(model: str, file: str, ids: Iterable[str], reading: Reading) -> pa.Table:
    names = ("nats", "tokens", "bytes", "unscored", "rare_nats", "rare_tokens", "rare_bytes")
    columns: dict[str, Any] = {"id": list(ids), **{name: getattr(reading, name) for name in names}}
    told = {"model": [model] * len(reading), "file": [file] * len(reading)}
    return pa.table({**told, **columns})


def _refuse_foreign(output: str | None) -> None:
    """Nothing, where the folder is new, or has an earlier evaluation; said before models are loaded.

    Raises:
        OutputRefused: it holds other things.
    """
    folder = None if output is None else Path(output)
    if folder is not None and folder.exists() and not (folder / METRICS).is_file():
        foreign = [each.name for each in folder.iterdir()] if folder.is_dir() else [folder.name]
        if foreign:
            raise OutputRefused(
                f"{output} holds files that are none of an evaluation: {', '.join(sorted(foreign)[:3])}",
                hint="name a folder that is empty or not there",
            )


def _write(
    folder: Path, job: EvaluateJob, lines: list[Line], tables: list[pa.Table], *, cards: list[dict[str, Json]]
) -> None:
    (folder / DOCUMENTS).unlink(missing_ok=True)
    if tables:
        temporary = folder / f".{DOCUMENTS}.partial"
        pq.write_table(pa.concat_tables(tables), temporary)
        temporary.replace(folder / DOCUMENTS)
    told = {
        "settings": job.model_dump(mode="json", exclude={"output", *Running.model_fields}),
        "models": cards,
        "metrics": [_plain(line) for line in lines],
    }
    temporary = folder / f".{METRICS}.partial"
    temporary.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / METRICS)


def _plain(line: Line) -> dict[str, Any]:
    """The line in JSON, which has no number for what is not there."""
    return {name: None if value != value else value for name, value in line._asdict().items()}  # noqa: PLR0124


def _tell(job: EvaluateJob, lines: list[Line], console: Console) -> None:
    for file in dict.fromkeys(line.file for line in lines):
        own = [line for line in lines if line.file == file]
        table = Table(box=None, pad_edge=False, title=file, title_justify="left")
        table.add_column("measure")
        for model in job.models:
            table.add_column(model, justify="right")
        for measure in dict.fromkeys(line.measure for line in own):
            cells = {line.model: line for line in own if line.measure == measure}
            table.add_row(measure, *(_cell(cells.get(model)) for model in job.models))
        console.print(table)


def _cell(line: Line | None) -> str:
    if line is None or line.value != line.value:
        return "-"
    value = f"{line.value:,.4g}" if line.value < 1000 else f"{line.value:,.0f}"
    return value if line.low != line.low else f"{value} [{line.low:,.4g}, {line.high:,.4g}]"
