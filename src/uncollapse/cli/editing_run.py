"""What `edit` and `revert` do once it is known what is asked: read, run, account, page."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli import sample
from uncollapse.cli.account import (
    REPORT,
    Report,
    edit_report,
    print_account,
    read_report,
    rows_table,
    write_report,
)
from uncollapse.cli.catalogue import announcement
from uncollapse.cli.failures import visible
from uncollapse.cli.preview import print_traces
from uncollapse.cli.progress import Display, waiting
from uncollapse.cli.settings import EditJob, Job
from uncollapse.corpora import Corpus
from uncollapse.editing import Revert, ToEdit
from uncollapse.editing.trace import DocumentTrace
from uncollapse.errors import UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.guard import Guard
from uncollapse.execution.target import Target, target
from uncollapse.execution.there import reads
from uncollapse.language_models import catalogue
from uncollapse.provenance import Policy

SOME_FAILED = 3
PAGE = "edits.html"
NAMED = 5  # files or columns of one notice


@runtime_checkable
class Writing(Protocol):
    """What is known of a job that writes documents."""

    @property
    def output(self) -> str | None:
        """Where it writes."""
        ...

    @property
    def format(self) -> Literal["parquet", "jsonl"] | None:
        """How the rows lie there; by the output's name unless said."""
        ...

    @property
    def workers(self) -> int | None:
        """How many processes work; one here, or as many as a cluster has room for, unless said."""
        ...

    @property
    def max_rejects(self) -> int:
        """How many rows may fail."""
        ...

    def run(self, corpus: Corpus, output: str, **options: Any) -> RunResult:
        """The result of a run, on this machine or on a cluster."""
        ...


def perform(job: EditJob, *, as_json: bool = False) -> int:
    """The exit code of an edit: 0, or 3 where rows were rejected within what is allowed."""
    place = target(output_of(job), form=job.format)
    policy = None if job.policy is None else Policy.from_toml(Path(job.policy))
    with job.looking():
        step = job.step()
        corpus = read_input(job, prompt_column=step.prompt_column)
    with job.there(reads=reads(step)):
        step = job.anew(step)
        sys.stderr.write(announcement(step.model, catalogue()))
        result = run_steps(step(corpus), job, what="edit", policy=policy)
        try:
            report = _report(result, step, job, corpus=corpus, place=place)
        except KeyboardInterrupt:
            sys.stderr.write("stopped: the documents are complete; the same command makes report and page\n")
            raise
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    else:
        console = Console()
        say_what_was_done(result, console)
        say_notices(result, console)
        print_account(report, console)
        say_where("report", place.address(REPORT), console)
        say_where("page", place.address(PAGE), console)
    return exit_code_of(result)


def perform_revert(job: Job) -> int:
    """The exit code of a revert: 0, or 3 where rows were rejected within what is allowed."""
    output_of(job)
    result = run_steps(Revert()(read_input(job)), job, what="revert")
    console = Console()
    say_what_was_done(result, console)
    say_notices(result, console)
    console.print(rows_table(result.rows))
    return exit_code_of(result)


def preview(job: EditJob, *, count: int) -> None:
    """Nothing; the first documents are edited and shown, and nothing is written."""
    if count < 1:
        raise UsageError(f"--preview {count} shows nothing", hint="--preview 3")
    with job.looking():
        step = job.step()
        corpus = read_input(job, prompt_column=step.prompt_column)
        if job.policy is not None:
            Guard(Policy.from_toml(Path(job.policy))).before(step(corpus))
    sys.stderr.write(announcement(step.model, catalogue()))
    console = Console()
    with job.there(reads=reads(step)):
        traces = _explained(job.anew(step), job, sample.first(corpus, documents=count))
    print_traces(iter(traces), console=console)
    if corpus.plan.broken_rows:
        console.print(f"\n{corpus.plan.broken_rows:,} rows cannot be read and are not shown")


def output_of(job: Writing) -> str:
    """Where the job writes.

    Raises:
        UsageError: it does not say.
    """
    if job.output is None:
        raise UsageError("no output was named", hint="-o edited/ for a folder, -o edited.jsonl for one file")
    return job.output


def read_input(job: Job, *, prompt_column: str | None = None) -> Corpus:
    """The documents of the job's inputs."""
    with waiting("the input is looked through"):
        return corpora.read(
            *job.inputs,
            origin=job.origin,
            text_column=job.text_column,
            prompt_column=prompt_column,
            rename=dict(job.rename),
            max_rejects=job.max_rejects,
        )


def run_steps(corpus: Corpus, job: Writing, *, what: str, policy: Policy | None = None) -> RunResult:
    """The run's result; who interrupts it is told how far it came and how it goes on."""
    display = Display(what=what)
    try:
        with display:
            return job.run(
                corpus,
                output_of(job),
                format=job.format,
                max_rejects=job.max_rejects,
                on_progress=display,
                policy=policy,
            )
    except KeyboardInterrupt:
        display.say_interrupted(kept=target(output_of(job), form=job.format).has_shards())
        raise


def _report(result: RunResult, step: ToEdit, job: EditJob, *, corpus: Corpus, place: Target) -> Report:
    """The report, which now lies beside the documents, and so does the page."""
    report = read_report(place) if result.already_done else None
    if report is None:
        report = edit_report(result, step)
        write_report(report, place)
    if not (result.already_done and place.has(PAGE)):
        from uncollapse.editing.page import edits_page  # the charts' library is heavy

        with waiting("some documents are read once more, for the page"):
            traces = _explained(step, job, sample.spread(corpus, step=step))
        place.write(PAGE, edits_page(traces, report=report).encode())
    return report


def _explained(step: ToEdit, job: EditJob, batches: Iterator[pa.RecordBatch]) -> list[DocumentTrace]:
    """The documents, read by such a machine as edits them: on another one a draw may fall otherwise."""
    with job.by_a_worker(step.explain) as gather:
        return [trace for traces in gather(batches) for trace in traces]


def say_what_was_done(result: RunResult, console: Console) -> None:
    """What of the run was done by an earlier start, if any."""
    if result.already_done:
        console.print(
            "nothing to do: this run was finished before, and its documents are as it left them", soft_wrap=True
        )
    elif result.shards_done_before:
        console.print(f"went on from an earlier session: {result.shards_done_before} shards were there already")


def say_notices(result: RunResult, console: Console) -> None:
    """What was decided about the input and its owner should know: files left out, columns under another name."""
    for what, names in result.manifest["plan"]["notices"].items():
        shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
        console.print(Text(f"{what}: {visible(shown)}"), soft_wrap=True)


def say_where(what: str, path: Path | str, console: Console) -> None:
    """A path is shown as it is called, whatever its name would mean to the terminal or as markup."""
    shown = visible(str(path)).replace("\n", "\\n")
    console.print(Text(f"{what + ':':8}{shown}"), soft_wrap=True)


def exit_code_of(result: RunResult) -> int:
    """0, or 3 where rows failed."""
    return SOME_FAILED if any(result.rows["failed"].values()) else 0
