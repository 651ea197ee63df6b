"""What `prompts` does: the files are read, the plan is made, the prompts are written, what they cover is said."""

import heapq
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli import prompts_files
from uncollapse.cli.editing_run import say_where
from uncollapse.cli.failures import visible
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.errors import OutputRefused, UsageError
from uncollapse.fingerprint import content_id
from uncollapse.generation import grid
from uncollapse.generation.grid import Axis, Coverage
from uncollapse.generation.prompts import Passage, Plan, covering, default_template, plan
from uncollapse.randomness import Stream

SEED_ID = "seed_id"
FILES = ("attributes", "personas", "template", "output")


class PromptsJob(BaseModel):
    """A plan of prompts as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: str | None = None
    personas: str | None = None
    formats: str | None = None
    seeds: tuple[str, ...] = ()
    output: str | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    template: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    text_column: str = "text"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        files = (self.attributes, self.personas, self.template)
        return (*(path for path in files if path is not None), *self.seeds)


def prompts_job(given: Mapping[str, Any], *, base: Path | None = None) -> PromptsJob:
    """The plan that these options describe; files are seen from `base`, the folder of a recipe."""
    values = normal(given)
    for name in ("seeds", "formats"):
        if isinstance(values.get(name), str) is (name == "seeds") and name in values:
            values[name] = (values[name],) if name == "seeds" else ",".join(map(str, values[name]))
    if base is not None:
        # The output is seen from the recipe's folder already.
        values |= {name: seen_from(base, values[name]) for name in FILES[:-1] if name in values}
        values["seeds"] = tuple(seen_from(base, address) for address in values.get("seeds", ()))
    refuse_unknown(values, known=PromptsJob.model_fields, where="prompts")
    return checked(PromptsJob, values, verb="prompts")


def perform(job: PromptsJob, *, as_json: bool = False) -> int:
    """0; the prompts are written, and what they cover is printed."""
    output = _output(job)
    axes = _axes(job)
    amount = job.n
    if amount is None:
        amount = covering(axes, seed=job.seed) if axes else None
    passages = _passages(job, most=amount)
    template = (
        default_template(axes, passages=bool(job.seeds))
        if job.template is None
        else prompts_files.template(Path(job.template).expanduser())
    )
    amount = len(passages.kept) if amount is None else amount
    found = plan(axes, passages.kept, amount=amount, template=template, seed=job.seed)
    made = _Made(found, axes, passages, grid.coverage(axes, found.values) if axes else None)
    there = _write(_table(found, axes, passages.kept), output)
    if as_json:
        sys.stdout.write(json.dumps(_report(made), indent=2, ensure_ascii=False) + "\n")
        return 0
    console = Console()
    if there:
        console.print("nothing to do: the same prompts are there already")
    _print(made, wanted=job.n, console=console)
    say_where("prompts", output, console)
    return 0


def _output(job: PromptsJob) -> Path:
    if job.output is None:
        raise UsageError("no output was named", hint="-o prompts.jsonl")
    path = Path(job.output).expanduser()
    if path.suffix not in (".jsonl", ".parquet") or path.is_dir():
        raise UsageError(f"{path} is no file for prompts", hint="name it *.jsonl or *.parquet")
    return path


def _axes(job: PromptsJob) -> list[Axis]:
    axes = [] if job.attributes is None else prompts_files.attributes(Path(job.attributes).expanduser())
    if job.personas is not None:
        axes.append(prompts_files.personas(Path(job.personas).expanduser()))
    if job.formats is not None:
        axes.append(prompts_files.formats(job.formats))
    if not axes and not job.seeds:
        raise UsageError(
            "nothing that varies was named", hint="--attributes FILE, --personas FILE, --formats NAMES, --seeds CORPUS"
        )
    return axes


class _Passages(NamedTuple):
    kept: list[Passage]
    documents: int
    blank: int


def _passages(job: PromptsJob, *, most: int | None) -> _Passages:
    """The documents to begin from, no more than there are prompts: those with the smallest numbers by seed and id."""
    if not job.seeds:
        return _Passages([], 0, 0)
    corpus = corpora.read(*job.seeds, text_column=job.text_column)
    zero = np.zeros(1, np.int64)
    found: dict[str, str] = {}
    blank = 0
    for batch in corpus.batches():
        for text in batch.column("text").to_pylist():
            if (text or "").strip():
                found[content_id(text)] = text
            else:
                blank += 1
        if most is not None and len(found) > 4 * most:
            found = _smallest(found, most, seed=job.seed, zero=zero)
    if not found:
        raise UsageError(f"no text is in {', '.join(job.seeds)}", hint="--text-column names the column with the text")
    kept = _smallest(found, len(found) if most is None else most, seed=job.seed, zero=zero)
    return _Passages([Passage(*pair) for pair in kept.items()], corpus.rows, blank)


def _smallest(found: Mapping[str, str], most: int, *, seed: int, zero: np.ndarray) -> dict[str, str]:
    def number(name: str) -> tuple[float, str]:
        return float(Stream.of(seed, "prompts", name).uniform(zero)[0]), name

    return {name: found[name] for name in heapq.nsmallest(most, found, key=number)}


def _table(made: Plan, axes: Sequence[Axis], passages: Sequence[Passage]) -> pa.Table:
    """The prompts with what was drawn for each in columns behind them."""
    columns: dict[str, pa.Array] = {"text": pa.array(made.texts, pa.large_string())}
    for place, axis in enumerate(axes):
        columns[axis.name] = pa.array([axis.values[value] for value in made.values[:, place]], pa.string())
    if passages:
        columns[SEED_ID] = pa.array([passages[turn].id for turn in made.passages], pa.string())
    return pa.table(columns)


def _write(table: pa.Table, path: Path) -> bool:
    """Whether the same prompts were there already; else they are now.

    Raises:
        OutputRefused: something else is there.
    """
    if path.suffix == ".jsonl":
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()).encode()
    else:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        data = sink.getvalue()
    if path.exists():
        if path.read_bytes() == data:
            return True
        raise OutputRefused(
            f"{path} is there already and holds something else", hint="Choose another output, or move it away."
        )
    with refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    return False


class _Made(NamedTuple):
    """The prompts, and what they were made of."""

    plan: Plan
    axes: Sequence[Axis]
    passages: _Passages
    covered: Coverage | None


def _report(made: _Made) -> dict[str, Any]:
    used = len(set(made.plan.passages.tolist()) - {-1})
    seeds = {"documents": made.passages.documents, "blank": made.passages.blank, "used": used}
    return {
        "prompts": len(made.plan.texts),
        "coverage": None if made.covered is None else made.covered._asdict(),
        "seeds": seeds if made.passages.documents else None,
    }


def _print(made: _Made, *, wanted: int | None, console: Console) -> None:
    count, passages = len(made.plan.texts), made.passages
    console.print(f"{count:,} prompts")
    if wanted is not None and wanted > count:
        whole = f"{grid.size(made.axes):,} combinations"
        whole += f" with {len(passages.kept):,} passages" if passages.kept else ""
        said = f"that is all: there are {whole}, and none comes twice, so {wanted:,} prompts cannot be had"
        console.print(Text(said), soft_wrap=True)
    if made.covered is not None:
        _print_coverage(made.covered, made.axes, console)
    if passages.documents:
        used = len(set(made.plan.passages.tolist()))
        blank = f"; {passages.blank:,} are blank" if passages.blank else ""
        console.print(f"passages: {used:,} of {passages.documents:,} documents{blank}")


def _print_coverage(covered: Coverage, axes: Sequence[Axis], console: Console) -> None:
    table = Table(title="coverage", title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    for axis in axes:
        least, most = covered.least[axis.name], covered.most[axis.name]
        times = f"{least:,} times each" if least == most else f"{least:,} to {most:,} times each"
        said = f"of {len(axis.values):,} values of {visible(axis.name)}, {times}"
        table.add_row(f"{covered.values[axis.name]:,}", Text(said))
    if covered.all_pairs:
        share = 100 * covered.pairs / covered.all_pairs
        table.add_row(f"{covered.pairs:,}", Text(f"of {covered.all_pairs:,} pairs of values ({share:.1f} %)"))
    console.print(table)
