"""What `compare` does once it is known what is asked: read what evaluations wrote, pair, account."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.evaluating_run import DOCUMENTS, METRICS
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.errors import InputError, MissingInput, UsageError
from uncollapse.evaluation.paired import COLUMNS, Difference, differences, run_of

Arms = dict[str, dict[str, ndarray]]


class CompareJob(BaseModel):
    """A comparison: what was evaluated, and which arm is the control."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: Annotated[tuple[str, ...], Field(min_length=1)]
    control: str
    output: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return self.runs


def compare_job(given: Mapping[str, Any], *, base: Path | None = None) -> CompareJob:
    """The comparison that these options describe.

    Raises:
        UsageError: no run or no control, an unknown option, or a value that cannot be.
    """
    values = normal(given)
    if isinstance(values.get("runs"), str):
        values["runs"] = (values["runs"],)
    if base is not None:
        values["runs"] = tuple(seen_from(base, each) for each in values.get("runs", ()))
    refuse_unknown(values, known=CompareJob.model_fields, where="compare")
    if not values.get("runs"):
        raise UsageError("nothing was named to compare", hint="uncollapse compare run/ --control plain")
    if values.get("control") is None:
        raise UsageError("no control was named", hint="--control ARM: what the others are held against")
    return checked(CompareJob, values, verb="compare")


def perform(job: CompareJob, *, as_json: bool = False) -> int:
    """The exit code of a comparison: 0."""
    table = _together([_table(Path(run)) for run in job.runs])
    _say_unequal(_ways(job.runs))
    found: list[Difference] = []
    for file in table.column("file").unique().to_pylist():
        arms = _arms(table, file)
        control = _control(job.control, arms, file=file)
        for arm in arms:
            if arm != control:
                _say_left_out(arm, set(arms[arm]) ^ set(arms[control]), file=file)
                found += differences(arms[arm], arms[control], names=(arm, file), seed=job.seed)
    if not found:
        raise UsageError(f"{job.control} is the only arm", hint="evaluate another model on the same file")
    told = [{**each._asdict(), "told": each.told} for each in found]
    if job.output is not None:
        Path(job.output).write_text(json.dumps({"control": job.control, "differences": told}, indent=2) + "\n")
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        _tell(job.control, found, Console())
    return 0


def _control(name: str, arms: Arms, *, file: str) -> str:
    """The arm with this name, or the only one whose path ends in it."""
    found = [arm for arm in arms if arm == name.rstrip("/") or arm.endswith("/" + name.rstrip("/"))]
    if len(found) != 1:
        raise UsageError(f"no arm {name!r} on {file}", hint=f"there are {', '.join(sorted(arms))}")
    return found[0]


def _ways(runs: Sequence[str]) -> set[str]:
    """How the models of some evaluations were read, as far as these say so: number format and versions."""
    found = set()
    for path in (Path(run) / METRICS for run in runs):
        if path.is_file():
            cards = json.loads(path.read_text(encoding="utf-8")).get("models", [])
            found |= {f"{card['dtype']} by {card['backend_version']}" for card in cards}
    return found


def _say_unequal(ways: set[str]) -> None:
    if len(ways) > 1:
        sys.stderr.write(
            f"note: the models were not read in one way ({'; '.join(sorted(ways))}), and part of a difference may be "
            "that: evaluate with one --dtype on machines of one kind\n"
        )


def _say_left_out(arm: str, seeds: set[str], *, file: str) -> None:
    if seeds:
        sys.stderr.write(f"{arm} on {file}: left out, as the other side has no such seed: {', '.join(sorted(seeds))}\n")


def _table(run: Path) -> pa.Table:
    path = run / DOCUMENTS if run.is_dir() else run
    try:
        return pq.read_table(path, columns=["model", "file", "id", *COLUMNS])
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: no such file", hint="uncollapse evaluate MODEL... --on FILE -o RUN") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no result of evaluate on texts: {error}", hint="evaluate again with -o") from error


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    seen: set[tuple[str, str]] = set()
    for table in tables:
        own = set(zip(table.column("model").to_pylist(), table.column("file").to_pylist(), strict=True))
        for model, file in sorted(own & seen):
            raise InputError(f"{model} was evaluated twice on {file}", hint="name each run once")
        seen |= own
    return pa.concat_tables(tables)


def _arms(table: pa.Table, file: str) -> Arms:
    """For each arm and seed the sums of each document, in the order of the first model's documents."""
    own = table.filter(pa.compute.equal(table.column("file"), file))
    found: Arms = {}
    wanted: Sequence[str] | None = None
    for model in own.column("model").unique().to_pylist():
        rows = own.filter(pa.compute.equal(own.column("model"), model))
        ids = rows.column("id").to_pylist()
        wanted = wanted or ids
        if ids != wanted:
            raise InputError(f"{model} was read on other documents of {file}", hint="evaluate all of them on one file")
        arm, seed = run_of(str(model))
        if seed in found.setdefault(arm, {}):
            raise InputError(f"{model} is a second seed {seed} of {arm}", hint="let names end in unequal seeds")
        columns = [rows.column(name).to_numpy().astype(np.float64) for name in COLUMNS]
        found[arm][seed] = np.stack(columns, axis=1)
    return found


def _tell(control: str, found: Sequence[Difference], console: Console) -> None:
    for file in dict.fromkeys(each.file for each in found):
        own = [each for each in found if each.file == file]
        table = Table(box=None, pad_edge=False, title=f"{file}: beside {control}", title_justify="left")
        for name in ("arm", "measure"):
            table.add_column(name)
        for name in ("difference", "95 % interval", "smallest to be seen", "seeds"):
            table.add_column(name, justify="right")
        table.add_column("")
        for each in own:
            bounds = f"[{each.low:+.4g}, {each.high:+.4g}]"
            numbers = (f"{each.value:+.4g}", bounds, f"{each.smallest:.2g}", str(each.seeds))
            table.add_row(each.arm, each.measure, *numbers, each.told)
        console.print(table)
    if not any(each.measure == "perplexity" for each in found):
        console.print(Text("note: the models cut text into unequal tokens, so that perplexities do not compare"))
    if any(each.seeds == 1 for each in found):
        console.print(Text("note: with one seed an interval says nothing of what another training would have given"))
