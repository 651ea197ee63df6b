"""What `select` does once it is known what is asked: read, choose, hold against chance, write, account."""

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.backend import with_backend
from uncollapse.cli.editing_run import run_steps, say_notices, say_what_was_done, say_where
from uncollapse.cli.failures import visible
from uncollapse.cli.ledger_progress import Watch
from uncollapse.cli.progress import waiting
from uncollapse.cli.running import Running
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.corpora.addresses import find
from uncollapse.errors import UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.target import Target, target
from uncollapse.execution.there import BY_MACHINES
from uncollapse.ledger.verify import Reached
from uncollapse.selection import Selecting, Selection, TailLost, select
from uncollapse.selection.likelihood import LikelihoodBand
from uncollapse.selection.methods import SETTINGS
from uncollapse.step import here

SOME_FAILED = 3
SHOWN = 12
PAGE = "index.html"
TAIL = {
    "rare_coverage": "rare words of the judge that are there",
    "rare_mass": "their mass in the judge",
    "tail_mass": "own words that are rare in the judge, or not there",
    "recall": "judge's documents that lie where its own do",
    "distinct_1": "different words",
    "distinct_2": "different pairs of words",
}
"""What is measured of the tail, as a person reads it."""


class SelectJob(Running, Selecting):
    """A selection as it was asked for: from what, how, what it is held to, where it goes."""

    output: str | None = None
    format: Literal["parquet", "jsonl"] | None = None


def select_job(given: Mapping[str, Any], *, base: Path | None = None) -> SelectJob:
    """The selection that these options describe."""
    values = normal(given)
    for name in ("reference", "held_out"):
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
        if base is not None and isinstance(values.get(name), list | tuple):
            values[name] = tuple(seen_from(base, address) for address in values[name])
    if isinstance(values.get("orders"), str):
        values["orders"] = _numbers(values["orders"])
    if "cap" in values:
        cap = values.pop("cap")
        values["caps"] = cap if isinstance(cap, Mapping) else dict(_capping(item) for item in _listed(cap))
    if "backend" in values and (values.get("method") != "likelihood" or "score" in values):
        raise UsageError("--backend has no meaning where no model is read", hint="--method likelihood")
    values = with_backend(values, default=str(LikelihoodBand.model_fields["model"].default))
    own = set(SelectJob.model_fields) - {"options"}
    refuse_unknown(values, known=own | SETTINGS, where="select")
    options = {name: value for name, value in values.items() if name not in own}
    return checked(SelectJob, {**{name: values[name] for name in own & set(values)}, "options": options}, verb="select")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--orders {text} names no lengths of n-grams", hint="--orders 1,2") from None


def _capping(item: str) -> tuple[str, float]:
    column, _, share = item.partition("=")
    try:
        return column, float(share)
    except ValueError:
        raise UsageError(f"--cap {item} names no column and share", hint="--cap source=0.5") from None


def perform(job: SelectJob, *, as_json: bool = False) -> int:
    """The exit code of a selection: 0, or 3 where rows were rejected within what is allowed."""
    if job.output is None:
        raise UsageError("no output was named", hint="-o kept/ for a folder, -o kept.jsonl for one file")
    place = target(job.output, form=job.format)
    console = Console(stderr=as_json)
    with _there(job):
        try:
            selection = _selection(job)
        except TailLost as lost:
            tell_tail(lost.report, Console(stderr=True))
            raise
        result = run_steps(selection, job, what="select")
    told = result.manifest["plan"]["selection"]
    if not (result.already_done and place.has(PAGE)):
        from uncollapse.selection.page import selection_page  # the charts' library is heavy

        with waiting("the page is drawn"):
            place.write(PAGE, selection_page(told, rows=result.rows).encode())
    if as_json:
        account = {"output": job.output, "rows": result.rows, "selection": told, "roots": result.manifest["roots"]}
        sys.stdout.write(json.dumps(account, indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(result, told, console, place=place)
    return SOME_FAILED if any(result.rows["failed"].values()) else 0


def _asks(job: SelectJob) -> bool:
    """Whether a model is asked."""
    return job.method == "likelihood" and "score" not in job.options


def _there(job: SelectJob) -> AbstractContextManager[None]:
    """Where workers read, if they do; what is missing is said before."""
    if job.engine == "local" or not _asks(job):
        return nullcontext()
    find(job.inputs)
    with job.looking():
        model = dict(job.selector().recipe())["model"]
    return job.there(reads=isinstance(model, Mapping) and model.get("backend") in BY_MACHINES)


def _selection(job: SelectJob) -> Selection:
    asked = job.model_dump(include=set(Selecting.model_fields))
    inputs = asked.pop("inputs")
    with Watch("select: looked through") as watch:
        spread = job.gathering if _asks(job) else here
        return select(*inputs, on_progress=lambda far: watch(Reached(far.done, far.of)), spread=spread, **asked)


def _tell(result: RunResult, told: Mapping[str, Any], console: Console, *, place: Target) -> None:
    say_what_was_done(result, console)
    tell_tail(told, console)
    for reason, count in told["left out"].items():
        console.print(Text(f"{count:,} rows left out: {reason}"))
    for name, value in told["account"].items():
        if not isinstance(value, list | dict):
            console.print(Text(f"{name}: {_number(value)}"), soft_wrap=True)
    say_notices(result, console)
    say_where("output", result.folder, console)
    say_where("page", place.address(PAGE), console)


def tell_tail(told: Mapping[str, Any], console: Console) -> None:
    """What was chosen, its tail beside that of a choice at random, and the shares of its strata."""
    console.print(_sizes(told))
    console.print(_tails(told))
    console.print(Text(_loss(told)), soft_wrap=True)
    for name, strata in told["strata"].items():
        if strata["values"] > 1:
            console.print(_strata(name, strata))
        if strata["lost"]:
            lost = ", ".join(visible(value) for value in strata["lost"][:SHOWN])
            console.print(Text(f"no document is left of {name} {lost}", style="bold"), soft_wrap=True)


def _sizes(told: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(str(told["asked"]["method"]))
    for name in ("rows", "words", "bytes", "mean words"):
        table.add_column(name, justify="right")
    for name in ("pool", "chosen"):
        own = told["chosen"][name]
        table.add_row(
            name, *(f"{own[each]:,}" for each in ("rows", "words", "bytes")), f"{told['mean words'][name]:,.1f}"
        )
    return table


def _tails(told: Mapping[str, Any]) -> Table:
    found = told["tails"]
    table = Table(title=f"at {found['chosen']['tokens']:,} words each", title_justify="left", box=None, pad_edge=False)
    table.add_column(f"judged by {found['judge']}, {found['judge words']:,} words")
    for name in ("chosen", "random", "random, from", "to"):
        table.add_column(name, justify="right")
    for name, said in TAIL.items():
        chance = [each[name] for each in found["random"] if each[name] is not None]
        if chance and found["chosen"][name] is not None:
            numbers = (found["chosen"][name], sum(chance) / len(chance), min(chance), max(chance))
            table.add_row(said, *(f"{number:.4f}" for number in numbers))
    return table


def _loss(told: Mapping[str, Any]) -> str:
    lost = told["tails"]["loss"]
    if not lost["share"]:
        return "of the rare words that chance keeps, nothing is lost"
    return (
        f"of the {lost['of']} that chance keeps {100 * lost['share']:.1f} % are lost "
        f"(allowed: {100 * told['tails']['most']:g} %{', forced' if told['tails']['forced'] else ''})"
    )


def _strata(name: str, strata: Mapping[str, Any]) -> Table:
    table = Table(title=f"share of words by {name}", title_justify="left", box=None, pad_edge=False)
    table.add_column(name)
    for arm in ("pool", "chosen", "random"):
        table.add_column(arm, justify="right")
    for each in strata["listed"][:SHOWN]:
        shares = (f"{100 * each['share'][arm]:.1f} %" for arm in ("pool", "chosen", "random"))
        table.add_row(Text(visible(each["value"])), *shares)
    return table


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "none" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
