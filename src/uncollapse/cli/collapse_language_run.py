"""What `collapse language` does once it is known what is asked: read, part, train and write, tell."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.failures import visible
from uncollapse.cli.pace import Steps
from uncollapse.cli.settings import checked, normal, refuse_unknown
from uncollapse.collapse.language.arms import arms_of
from uncollapse.collapse.language.keeping import Clock, account, write
from uncollapse.collapse.language.run import Plan, played
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import prepared
from uncollapse.collapse.language.text import human_text
from uncollapse.collapse.output import PAGE_FILE
from uncollapse.corpora import Corpus, read
from uncollapse.errors import UsageError
from uncollapse.execution.local import cores

SOME_FAILED = 3
USUAL = ("replace", "preserve", "accumulate", "edit")
# An option has a meaning only with this regime.
MEANT_FOR = {"share": "preserve", "rate": "edit"}


def _listed(value: Any) -> Any:
    """`a,b` as a and b."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class LanguageJob(Settings):
    """A study as it was asked for."""

    corpus: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str
    regime: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = USUAL
    seeds: Annotated[int, Field(ge=1)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    text_column: str = "text"
    max_rejects: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1)] | None = None

    @property
    def settings(self) -> Settings:
        """What the numbers depend on."""
        return Settings(**self.model_dump(include=set(Settings.model_fields) & self.model_fields_set))


def language_job(given: Mapping[str, Any]) -> LanguageJob:
    """The study that these options describe.

    Raises:
        UsageError: no text or output was named, a value that cannot be, or an option that would be ignored.
    """
    values = normal(given)
    values["corpus"] = (*values.get("corpus", ()), *values.pop("human", ()))
    if "output" in values:
        values["output"] = str(values["output"])
    refuse_unknown(values, known=LanguageJob.model_fields, where="collapse language")
    if not values["corpus"]:
        raise UsageError("no text was named", hint="uncollapse collapse language essays.jsonl -o lab/")
    if "output" not in values:
        raise UsageError("no output was named", hint="a folder, where what is finished is kept: -o lab/")
    job = checked(LanguageJob, values, verb="collapse language")
    for option, regime in MEANT_FOR.items():
        if option in values and regime not in job.regime:
            raise UsageError(f"--{option} has no meaning without {regime}", hint=f"--regime {regime}, or no --{option}")
    return job


def perform(job: LanguageJob, *, as_json: bool = False) -> int:
    """The exit code of a study: 0, or 3 where rows were left out within what is allowed."""
    arms = arms_of(job.regime)
    corpus = read(*job.corpus, text_column=job.text_column, max_rejects=job.max_rejects)
    broken = corpus.plan.broken_rows
    text = prepared(human_text(_texts(corpus), job.settings), job.settings)
    plan = Plan(text, job.settings, arms, range(job.seed, job.seed + job.seeds))
    folder = Path(job.output)
    clock = Clock()
    try:
        with Steps("collapse language") as reached:
            found = played(plan, folder, workers=job.workers, reached=reached)
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped: what is finished lies in {visible(str(folder))}; the same command goes on\n")
        raise
    run = {**clock.told(before=folder), "workers": job.workers or cores(), "broken rows": broken}
    told = account(plan, found, corpus=job.corpus, run=run)
    write(told, found, folder)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        _say(told, folder, Console())
    return SOME_FAILED if broken else 0


def _texts(corpus: Corpus) -> Iterator[str]:
    """The texts of the rows that can be read; as many as are allowed cannot."""
    reader = corpus.reader()
    parts = (part.batch for shard in corpus.plan.shards for part in reader.parts(shard))
    return (text or "" for batch in parts for text in batch.column("text").to_pylist())


def _say(told: Mapping[str, Any], folder: Path, console: Console) -> None:
    table = Table(title="After the last generation, means over seeds", title_justify="left", box=None, pad_edge=False)
    table.add_column("regime", no_wrap=True)
    names = ("perplexity", "tail_perplexity", "block_p50", "block_p99", "types_lost", "distinct_1", "repeats")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for regime, each in told["regimes"].items():
        last = [each["generations"][name][-1]["value"] for name in names]
        table.add_row(regime, *("-" if value is None else f"{value:.4g}" for value in last))
    console.print(table)
    for each in told["regimes"].values():
        console.print(Text(each["said"]), soft_wrap=True)
    text = told["text"]
    left = f"{text['empty']:,} empty, {text['copies']:,} copies, {text['near copies']:,} near copies"
    console.print(Text(f"{text['documents']:,} {text['by']}s; left out: {left}"), soft_wrap=True)
    run = told["run"]
    took = f"{run['seconds']:,.0f} s, {run['processor seconds']:,.0f} s of processors, with earlier runs"
    console.print(Text(f"{took}; page: {visible(str(folder / PAGE_FILE))}"), soft_wrap=True)
