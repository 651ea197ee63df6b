"""What `mix` does once it is known what is asked: read, draw, hold against the policy, write, account."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.failures import visible
from uncollapse.cli.ledger_progress import Watch
from uncollapse.cli.ledger_run import reserve_of
from uncollapse.cli.progress import Display
from uncollapse.cli.running import Running
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.errors import UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.target import target
from uncollapse.ledger.verify import Reached
from uncollapse.provenance import Policy
from uncollapse.selection import Mixing, Mixture, mix

SOME_FAILED = 3
ADDRESSES = ("human", "synthetic", "accumulate")


class MixJob(Running, Mixing):
    """A mixture as it was asked for: what is mixed, what it is held to, where it goes."""

    output: str | None = None
    policy: str | None = None
    reserve: str | None = None
    format: Literal["parquet", "jsonl"] | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return (*self.human, *self.synthetic, *self.accumulate)


def mix_job(given: Mapping[str, Any], *, base: Path | None = None) -> MixJob:
    """The mixture that these options describe."""
    values = normal(given)
    for name in ADDRESSES:
        if isinstance(values.get(name), str):
            values[name] = (values[name],)
        if base is not None and isinstance(values.get(name), list | tuple):
            values[name] = tuple(seen_from(base, address) for address in values[name])
    # The policy is seen from there already, as for every verb.
    if base is not None and "reserve" in values:
        values["reserve"] = seen_from(base, values["reserve"])
    refuse_unknown(values, known=MixJob.model_fields, where="mix")
    return checked(MixJob, values, verb="mix")


def perform(job: MixJob, *, as_json: bool = False) -> int:
    """The exit code of a mix: 0, or 3 where rows were rejected within what is allowed."""
    if job.output is None:
        raise UsageError("no output was named", hint="-o mixed/ for a folder, -o mixed.jsonl for one file")
    target(job.output, form=job.format)
    mixture = _mixture(job)
    result = _written(mixture, job)
    told = result.manifest["plan"]["mixture"]
    if as_json:
        account = {"output": job.output, "rows": result.rows, "mixture": told, "roots": result.manifest["roots"]}
        sys.stdout.write(json.dumps(account, indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(result, told, Console(), output=job.output)
    return SOME_FAILED if any(result.rows["failed"].values()) else 0


def _mixture(job: MixJob) -> Mixture:
    policy = None if job.policy is None else Policy.from_toml(Path(job.policy))
    reserve = None
    if policy is not None and policy.min_reserve_share is not None:
        if job.reserve is None:
            raise UsageError("min_reserve_share needs the reserve that it is a share of", hint="--reserve RESERVE")
        reserve = reserve_of(job.reserve)
    asked = job.model_dump(include=set(Mixing.model_fields))
    with Watch("mix: looked through") as watch:
        return mix(policy=policy, reserve=reserve, on_progress=lambda far: watch(Reached(far.done, far.of)), **asked)


def _written(mixture: Mixture, job: MixJob) -> RunResult:
    assert job.output is not None
    display = Display(what="mix")
    try:
        with display:
            return job.run(
                mixture,
                job.output,
                format=job.format,
                max_rejects=job.max_rejects,
                on_progress=display,
            )
    except KeyboardInterrupt:
        display.say_interrupted(target(job.output, form=job.format).shards)
        raise


def _tell(result: RunResult, told: Mapping[str, Any], console: Console, *, output: str) -> None:
    if result.already_done:
        console.print("nothing to do: this run was finished before, and its documents are as it left them")
    unit = told["asked"]["by"]
    console.print(_sides(told, unit))
    for side in told["sides"]:
        for reason, count in side["left out"].items():
            console.print(Text(f"{count:,} {side['side']} rows left out: {reason}"))
    console.print(Text(_sentence(told, unit)), soft_wrap=True)
    console.print(_origins(told))
    depths = ", ".join(
        f"{'unknown' if each['depth'] is None else each['depth']}: {each['rows']:,}" for each in told["depth"]
    )
    console.print(Text(f"rows by depth  {depths}"))
    for name, limit in told.get("policy", {}).items():
        console.print(Text(f"policy  {name} {limit}"))
    console.print(Text(f"output: {visible(output)}"), soft_wrap=True)


def _sides(told: Mapping[str, Any], unit: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("side")
    for name in ("rows there", "in the mixture", f"{unit} there", "in the mixture", "share"):
        table.add_column(name, justify="right")
    whole = sum(side["size in the mixture"] for side in told["sides"])
    for side in told["sides"]:
        share = f"{100 * side['size in the mixture'] / whole:.3f} %" if whole else "-"
        sizes = [side[name] for name in ("rows", "rows in the mixture", "size", "size in the mixture")]
        table.add_row(side["side"], *(f"{size:,}" for size in sizes), share)
    return table


def _sentence(told: Mapping[str, Any], unit: str) -> str:
    """What was asked and what whole documents came to."""
    asked, reached = told["asked"], told["reached"]
    over = reached["human beyond the share"]
    said = f"asked for a human share of {asked['human_share']}, reached {reached['human_share']:.6f}"
    if asked["human_share"] not in ("auto", "golden"):
        exact = f": {over:+,.1f} human {unit} from the exact share, as documents stay whole"
        said += exact if over else " exactly"
    if reached["repeated"]:
        said += f"; {reached['repeated']:,} of its rows are human rows taken again"
    if reached["texts on both sides"]:
        said += f"; {reached['texts on both sides']:,} texts stand on both sides, word for word"
    if "effective synthetic rows" in reached:
        said += f"; by their weights the synthetic rows are worth {reached['effective synthetic rows']:,.1f} equal ones"
    return said + "."


def _origins(told: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("origin", "known by"):
        table.add_column(column)
    for column in ("rows", "words"):
        table.add_column(column, justify="right")
    for each in told["holds"]:
        table.add_row(each["origin"], each["basis"].replace("_", " "), f"{each['rows']:,}", f"{each['words']:,}")
    return table
