"""What `arbitrate` does once it is known what is asked: read, score, decide, write, account."""

import json
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.editing_run import run_steps, say_what_was_done
from uncollapse.cli.failures import visible
from uncollapse.cli.ledger_progress import Watch
from uncollapse.cli.running import Running
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.corpora.addresses import find
from uncollapse.errors import UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.target import target
from uncollapse.ledger.verify import Reached
from uncollapse.selection import Arbitration, arbitrate

SOME_FAILED = 3
ADDRESSES = ("pools", "reference")


class ArbitrateJob(Running, Arbitration):
    """An arbitration as it was asked for, and where its result goes."""

    output: str | None = None
    format: Literal["parquet", "jsonl"] | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return (*self.pools, *self.reference)


def arbitrate_job(given: Mapping[str, Any], *, base: Path | None = None) -> ArbitrateJob:
    """The arbitration that these options describe.

    Raises:
        UsageError: nothing to compare or nothing to compare by was named, or a value that cannot be.
    """
    values = normal(given)
    for name in ADDRESSES:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
        if base is not None and isinstance(values.get(name), list | tuple):
            values[name] = tuple(seen_from(base, address) for address in values[name])
    refuse_unknown(values, known=ArbitrateJob.model_fields, where="arbitrate")
    for name, example in (("pools", "a/ b/"), ("score", "--score quality")):
        if not values.get(name):
            what = "no pool was named" if name == "pools" else "no score was named"
            raise UsageError(what, hint=f"for example: uncollapse arbitrate ... {example} -o best/")
    return checked(ArbitrateJob, values, verb="arbitrate")


def perform(job: ArbitrateJob, *, as_json: bool = False) -> int:
    """The exit code of an arbitration: 0, or 3 where rows were rejected within what is allowed."""
    if job.output is None:
        raise UsageError("no output was named", hint="-o best/ for a folder, -o best.jsonl for one file")
    target(job.output, form=job.format)
    asked = job.model_dump(include=set(Arbitration.model_fields))
    asks = job.model is not None
    with _there(job):
        with Watch("arbitrate: looked through") as watch:
            spread = partial(job.gathering, reads=asks)
            found = arbitrate(on_progress=lambda far: watch(Reached(far.done, far.of)), spread=spread, **asked)
        result = run_steps(found, job, what="arbitrate")
    told = result.manifest["plan"]["arbitration"]
    if as_json:
        account = {"output": job.output, "rows": result.rows, "arbitration": told, "roots": result.manifest["roots"]}
        sys.stdout.write(json.dumps(account, indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(result, told, Console(), output=job.output)
    return SOME_FAILED if any(result.rows["failed"].values()) else 0


def _there(job: ArbitrateJob) -> AbstractContextManager[None]:
    """Where workers score with a model, if they do; what is missing is said before."""
    if job.engine == "local" or job.model is None:
        return nullcontext()
    find(job.pools)
    likelihood = job.score.removeprefix("scorer:") == "likelihood"
    return job.there(reads=job.read_here(job.model) if likelihood else True)


def _tell(result: RunResult, told: Mapping[str, Any], console: Console, *, output: str) -> None:
    say_what_was_done(result, console)
    console.print(_teachers(told))
    if "strata" in told:
        console.print(_strata(told))
    for reason, count in told["left out"].items():
        console.print(Text(f"{count:,} rows left out: {reason}"))
    console.print(Text(_sentence(told)), soft_wrap=True)
    console.print(Text(f"output: {visible(output)}"), soft_wrap=True)


def _teachers(told: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("teacher")
    for name in ("offered", "best by score", "kept", "share", "mean score offered", "mean score kept"):
        table.add_column(name, justify="right")
    for each in told["teachers"]:
        counts = [f"{each[name]:,}" for name in ("offered", "best by score", "kept")]
        scores = [_number(each[name]) for name in ("mean score offered", "mean score kept")]
        table.add_row(Text(visible(each["teacher"])), *counts, f"{100 * each['share']:.1f} %", *scores)
    return table


def _strata(told: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("stratum", "groups", "kept", "share"):
        table.add_column(name, justify="left" if name == "stratum" else "right")
    for each in told["strata"]:
        share = f"{100 * each['kept'] / told['kept']:.1f} %"
        table.add_row(Text(visible(each["stratum"])), f"{each['groups']:,}", f"{each['kept']:,}", share)
    return table


def _sentence(told: Mapping[str, Any]) -> str:
    """What was compared and what it came to."""
    before, after = (_number(told["mean score"][name]) for name in ("candidates", "kept"))
    lone = told["groups without rivals"]
    said = f"of {told['candidates']:,} candidates in {told['groups']:,} groups {told['kept']:,} are kept"
    said += f", by {told['scored by']}: mean score {before} before, {after} after"
    if lone:
        said += f"; {lone:,} groups had one candidate alone"
    if told["kept that have not the best score"]:
        said += f"; {told['kept that have not the best score']:,} of those kept have not the best score of their group"
    return said + "."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
