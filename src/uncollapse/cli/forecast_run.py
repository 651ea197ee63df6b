"""What `forecast` does once it is known what is asked: read, time, plan, train, write, say."""

import json
import sys
from collections.abc import Mapping
from math import exp
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.failures import visible
from uncollapse.cli.pace import Steps
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.collapse import study
from uncollapse.collapse.forecast import keeping
from uncollapse.collapse.forecast.page import forecast_page, interval
from uncollapse.collapse.forecast.planning import Plan
from uncollapse.collapse.forecast.settings import SHARES, Forecast, Share
from uncollapse.collapse.forecast.study import Way, forecast
from uncollapse.collapse.forecast.telling import Told, as_json, percent, told
from uncollapse.collapse.forecast.text import Given
from uncollapse.errors import MissingInput, UsageError
from uncollapse.evaluation.questions import Question, read_questions

SOME_FAILED = 3
MANY = ("human", "synthetic", "on", "task_files")


def _listed(value: Any) -> Any:
    """`a,b` as a and b."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _part(value: Any) -> Any:
    """`1%` as .01."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(value.strip()[:-1]) / 100
    return value


class ForecastJob(Forecast):
    """A forecast as it was asked for."""

    human: Annotated[tuple[str, ...], Field(min_length=1)]
    synthetic: Annotated[tuple[str, ...], Field(min_length=1)]
    on: tuple[str, ...] = ()
    task_files: tuple[str, ...] = ()
    shares: Annotated[tuple[Share, ...], BeforeValidator(_listed), Field(min_length=2)] = SHARES
    sizes: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = ("counted", "tiny", "small")
    tolerance: Annotated[float, BeforeValidator(_part), Field(gt=0, lt=1)] = 0.01
    text_column: str = "text"
    max_rejects: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1)] | None = None
    output: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return (*self.human, *self.synthetic, *self.on)

    @property
    def settings(self) -> Forecast:
        """What the numbers depend on."""
        return Forecast(**self.model_dump(include=set(Forecast.model_fields)))

    @property
    def given(self) -> Given:
        """What is read."""
        return Given(
            self.human, self.synthetic, self.on, self.by, text_column=self.text_column, max_rejects=self.max_rejects
        )


def forecast_job(given: Mapping[str, Any], *, base: Path | None = None) -> ForecastJob:
    """The forecast that these options describe.

    Raises:
        UsageError: a side or the output was not named, or a value that cannot be.
    """
    values = normal(given)
    for name in MANY:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
        if base is not None and name in values:
            values[name] = tuple(seen_from(base, address) for address in values[name])
    if "output" in values:
        values["output"] = str(values["output"])
    refuse_unknown(values, known=ForecastJob.model_fields, where="forecast")
    for name, flag in (("human", "--human"), ("synthetic", "--synthetic"), ("output", "-o")):
        if not values.get(name):
            hint = "uncollapse forecast --human essays.jsonl --synthetic made/ -o forecast/"
            raise UsageError(f"{flag} is missing", hint=hint)
    return checked(ForecastJob, values, verb="forecast")


def perform(job: ForecastJob, *, as_json: bool = False) -> int:
    """The exit code of a forecast: 0, or 3 where rows were left out within what is allowed."""
    folder = Path(job.output)
    study.check_folder(folder)
    tasks = _tasks(job)
    try:
        with Steps("forecast") as reached:
            way = Way(_announce, reached, job.workers)
            studied = forecast(job.given, job.settings, folder, tasks=tasks, way=way)
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped: what is finished lies in {visible(job.output)}; the same command goes on\n")
        raise
    done = told(studied)
    plain = summary(done)
    keeping.write(done, plain, forecast_page(done, plain), folder=folder)
    if as_json:
        sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    else:
        _say(done, plain, folder, Console())
    return SOME_FAILED if studied.parts.broken else 0


def summary(done: Told) -> dict[str, Any]:
    """What `forecast.json` holds."""
    return as_json(done)


def _tasks(job: ForecastJob) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for address in job.task_files:
        path = Path(address)
        files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not files:
            raise MissingInput(f"{address} has no .jsonl", hint="--task-files DIR with NAME.jsonl in it, or a file")
        for file in files:
            if file.stem in found:
                raise UsageError(f"two task files are called {file.stem}", hint="name each task once")
            found[file.stem] = read_questions(file)[: job.limit]
    return found


def _announce(plan: Plan) -> None:
    """Says the plan before it begins."""
    expected = "" if plan.minutes is None else f", about {plan.minutes:.1f} minutes in all"
    sys.stderr.write(
        f"plan: {plan.runs} proxies of {plan.tokens:,} tokens ({plan.limited_by}), {plan.workers} at once{expected}\n"
    )
    for size, own in plan.available.items():
        sides = ", ".join(f"{part} {count:,}" for part, count in own.items())
        sys.stderr.write(f"plan: tokens there for {size}: {sides}\n")


def _say(done: Told, plain: Mapping[str, Any], folder: Path, console: Console) -> None:
    for size, each in plain["sizes"].items():
        console.print(_by_share(size, each))
        console.print(_rises(each, done.studied.settings.shares[-1]))
    least, most = done.tokens
    lines = [
        f"tokens that each proxy learned from: {least:,} to {most:,}",
        plain["shape"],
        plain["trust"],
        *(f"left out: {count:,} {why}" for why, count in plain["text"]["left_out"].items() if count),
        *(f"warning: {warning}" for warning in plain["warnings"]),
        plain["answer"],
        f"page: {visible(str(folder / keeping.PAGE_FILE))}",
    ]
    if done.studied.parts.broken:
        lines.insert(-2, f"left out, since they cannot be read: {done.studied.parts.broken:,} rows")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _by_share(size: str, each: Mapping[str, Any]) -> Table:
    table = Table(title=f"{size}, {each['parameters']:,} parameters", title_justify="left", box=None, pad_edge=False)
    table.add_column("synthetic", no_wrap=True)
    for column in ("perplexity", "x share 0", "bits per byte", "training loss"):
        table.add_column(column, justify="right")
    measures = each["measures"]
    rise = ("rise", "rise_low", "rise_high")
    for at, row in enumerate(measures["loss"]):
        table.add_row(
            percent(row["share"]),
            interval(row, shape=exp),
            interval(row, shape=exp, names=rise) if at else "-",
            interval(measures["bits_per_byte"][at]),
            interval(measures["training_loss"][at]),
        )
    return table


def _rises(each: Mapping[str, Any], last: float) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("has risen by", "at a share of", "interval"):
        table.add_column(column)
    for row in each["rises"]:
        share, low, high = (
            f"beyond {percent(last)}" if row[name] is None else percent(row[name]) for name in ("share", "low", "high")
        )
        table.add_row(f"{row['measure']} {percent(row['rise'])}", share, f"{low} to {high}")
    return table
