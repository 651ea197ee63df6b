"""What `contest` does once it is known what is asked: read, play, rank, write, say."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BeforeValidator, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.failures import visible
from uncollapse.cli.pace import Steps
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.collapse.contest import keeping
from uncollapse.collapse.contest.arms import CONTROLS, USUAL, arms_of
from uncollapse.collapse.contest.page import answer, contest_page, shown
from uncollapse.collapse.contest.ranking import Standing, as_json, ranked, start
from uncollapse.collapse.contest.run import Contest, Row, Settings, claim, units
from uncollapse.collapse.contest.students import Student, student
from uncollapse.collapse.contest.text import Copies, pieces_of
from uncollapse.corpora import Corpus, read
from uncollapse.errors import UsageError

SOME_FAILED = 3


def _listed(value: Any) -> Any:
    """`a,b` as a and b."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class ContestJob(Settings):
    """A contest as it was asked for."""

    corpus: Annotated[tuple[str, ...], Field(min_length=1)]
    arms: Names = USUAL
    students: Names = ("counted",)
    seeds: Annotated[int, Field(ge=1)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    text_column: str = "text"
    max_rejects: Annotated[int, Field(ge=0)] = 0
    output: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return self.corpus

    @property
    def settings(self) -> Settings:
        """What the numbers depend on."""
        return Settings(**self.model_dump(include=set(Settings.model_fields)))


def contest_job(given: Mapping[str, Any], *, base: Path | None = None) -> ContestJob:
    """The contest that these options describe.

    Raises:
        UsageError: no text was named, or a value that cannot be.
    """
    values = normal(given)
    if isinstance(values.get("corpus"), str):
        values["corpus"] = (values["corpus"],)
    if base is not None and "corpus" in values:
        values["corpus"] = tuple(seen_from(base, address) for address in values["corpus"])
    if "output" in values:
        values["output"] = str(values["output"])
    refuse_unknown(values, known=ContestJob.model_fields, where="contest")
    if not values.get("corpus"):
        raise UsageError("no text was named", hint="uncollapse contest essays.jsonl -o contest/")
    return checked(ContestJob, values, verb="contest")


def perform(job: ContestJob, *, as_json: bool = False) -> int:
    """The exit code of a contest: 0, or 3 where rows were left out within what is allowed."""
    arms = arms_of(job.arms)
    if len(set(job.students)) < len(job.students):
        raise UsageError("students are named once each", hint="--students counted,small")
    students = [student(name) for name in job.students]
    corpus = read(*job.corpus, text_column=job.text_column, max_rejects=job.max_rejects)
    broken = corpus.plan.broken_rows
    pieces = pieces_of(_batches(corpus), words=job.length, most=job.words, corpus=" ".join(job.corpus))
    contest = Contest(pieces, job.settings)
    seeds = range(job.seed, job.seed + job.seeds)
    folder = None if job.output is None else Path(job.output)
    try:
        with Steps("contest: unit") as reached:
            rows = keeping.played(contest, units(students, arms, seeds), folder, reached=reached)
    except KeyboardInterrupt:
        if folder is not None:
            sys.stderr.write(f"stopped: what is finished lies in {folder}; the same command goes on\n")
        raise
    standings = {each.name: ranked(rows, arms, each.name) for each in students}
    told = _told(contest, job, students, rows, standings)
    told["text"]["rows that cannot be read"] = broken
    if folder is not None:
        keeping.write(rows, told, contest_page(told, rows, standings), folder=folder)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _say(standings, folder, Console())
        _say_left_out(pieces.copies, broken, Console())
    return SOME_FAILED if broken else 0


def _batches(corpus: Corpus) -> Iterator[pa.RecordBatch]:
    """The rows that can be read; as many as are allowed cannot."""
    reader = corpus.reader()
    return (part.batch for shard in corpus.plan.shards for part in reader.parts(shard))


def _told(
    contest: Contest,
    job: ContestJob,
    students: Sequence[Student],
    rows: Sequence[Row],
    standings: Mapping[str, Sequence[Standing]],
) -> dict[str, Any]:
    """What `summary.json` holds."""
    depends = claim(contest.pieces, contest.settings, students[0])
    begun = {each.name: start(rows, job.arms[0], each.name) for each in students}
    return {
        "text": {
            "corpus": contest.pieces.corpus,
            **depends["text"],
            "different words": len(contest.pieces.vocabulary),
            "copied documents left out": contest.pieces.copies.documents,
            "copied pieces left out": contest.pieces.copies.pieces,
        },
        "settings": depends["settings"],
        "seeds": list(range(job.seed, job.seed + job.seeds)),
        "students": {
            each.name: {
                "what": each.what,
                "settings": each.model_dump(mode="json"),
                "start": {measure: estimate.as_json() for measure, estimate in begun[each.name].items()},
                "arms": as_json(standings[each.name], oversampled=job.oversampled),
            }
            for each in students
        },
        "answer": answer(standings),
    }


def _say(standings: Mapping[str, Sequence[Standing]], folder: Path | None, console: Console) -> None:
    for name, ranks in standings.items():
        console.print(_order(name, ranks))
        console.print(_measures(ranks))
    console.print(Text(answer(standings)), soft_wrap=True)
    if folder is not None:
        console.print(Text(f"page: {visible(str(folder / keeping.PAGE_FILE))}"), soft_wrap=True)


def _say_left_out(copies: Copies, broken: int, console: Console) -> None:
    if any(copies):
        said = f"left out, since the same text came before: {copies.documents:,} documents, {copies.pieces:,} pieces"
        console.print(Text(said), soft_wrap=True)
    if broken:
        console.print(Text(f"left out, since they cannot be read: {broken:,} rows"), soft_wrap=True)


def _order(name: str, ranks: Sequence[Standing]) -> Table:
    """The arms with their perplexity and its ratio to each control's."""
    controls = [control for control in CONTROLS if any(control in each.against for each in ranks)]
    table = Table(title=f"{name} student, last generation", title_justify="left", box=None, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    for column in ("perplexity", *(f"x {control}" for control in controls)):
        table.add_column(column, justify="right")
    for each in ranks:
        ratios = [shown(each.against[control]) if control in each.against else "-" for control in controls]
        table.add_row(f"{each.place:2d}. {each.arm.name}", shown(each.last["perplexity"], digits=4), *ratios)
    return table


def _measures(ranks: Sequence[Standing]) -> Table:
    """The other measures."""
    others = [measure for measure in ranks[0].last if measure != "perplexity"]
    table = Table(box=None, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    for measure in others:
        table.add_column(measure.replace("_", " "), justify="right")
    for each in ranks:
        table.add_row(each.arm.name, *(f"{each.last[measure].value:.3g}" for measure in others))
    return table
