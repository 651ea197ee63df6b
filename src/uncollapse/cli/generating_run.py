"""What `generate` does once it is known what is asked: read, warn, write, account."""

import json
import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli import sample
from uncollapse.cli.account import Report, read_report, rows_table, write_report
from uncollapse.cli.catalogue import announcement
from uncollapse.cli.editing_run import (
    exit_code_of,
    output_of,
    read_input,
    run_steps,
    say_notices,
    say_what_was_done,
    say_where,
)
from uncollapse.cli.failures import visible
from uncollapse.cli.generating_settings import GenerateJob
from uncollapse.cli.progress import waiting
from uncollapse.corpora import Corpus
from uncollapse.errors import UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.target import target
from uncollapse.generation import Writer
from uncollapse.language_models import catalogue

# What settings that narrow the distribution cost is estimated on so much text before the run.
DOCUMENTS = 8
TOKENS = 32
DRAWS = 4
MICRO = 1_000_000
KEYS = {"rows", "tokens", "entropy", "speed", "recipe", "model"}


def perform(job: GenerateJob, *, as_json: bool = False) -> int:
    """The exit code of a generation: 0, or 3 where rows were rejected within what is allowed."""
    step = job.step()
    if job.draws == 1:
        return _perform(job, step, as_json=as_json, warn=True)
    output = output_of(job)
    if target(output, form=job.format).single or as_json:
        raise UsageError("--keep all writes a folder for each draw", hint="-o made/, without --json")
    codes = []
    for draw, folder in enumerate(job.folders):
        Console().print(Text(f"draw {draw + 1} of {job.draws} -> {visible(str(folder))}"))
        own = job.model_copy(update={"output": str(folder)})
        codes.append(_perform(own, job.step(draw=draw), as_json=False, warn=draw == 0))
    return max(codes)


def _perform(job: GenerateJob, step: Writer, *, as_json: bool, warn: bool) -> int:
    output = output_of(job)
    corpus = read_input(job)
    sys.stderr.write(announcement(step.model, catalogue()))
    step.check()
    place = target(output, form=job.format)
    path = place.paper("report.json")
    if warn and not path.exists():
        sys.stderr.write(_warning(step, corpus) if step.decoding.narrows else "")
        sys.stderr.write(_what_the_mark_costs(step, corpus) if step.watermark else "")
    result = run_steps(step(corpus), job, what="generate")
    report = _report(result, step)
    if result.already_done:
        report = read_report(path, keys=KEYS) or report
    write_report(report, path)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return exit_code_of(result)
    console = Console()
    say_what_was_done(result, console)
    say_notices(result, console)
    _print(report, console)
    say_where("report", path, console)
    return exit_code_of(result)


def _what_the_mark_costs(step: Writer, corpus: Corpus) -> str:
    """How much less varied marked texts are than others, on several texts of each of the first documents."""
    said = []
    documents = min(DOCUMENTS, corpus.rows)
    for name, key in (("without", None), ("with", step.watermark)):
        texts: list[str] = []
        for draw in range(DRAWS):
            change = {"watermark": key, "samples": 1, "draw": draw, "max_tokens": min(TOKENS, step.max_tokens)}
            brief = type(step)(**{**dict(step), **change})
            for batch in sample.first(corpus, documents=DOCUMENTS):
                texts += brief.apply(batch).batch.column("text").to_pylist()
        pairs = [pair for text in texts for pair in pairwise(text.split())]
        share = 100 * len(set(pairs)) / len(pairs) if pairs else 0.0
        said.append(f"{share:.1f} % {name} it")
    return (
        f"watermark: distinct pairs of words in {DRAWS} texts of {TOKENS} tokens for each of {documents} documents: "
        f"{', '.join(said)}\n"
    )


def _warning(step: Writer, corpus: Corpus) -> str:
    """What the decoding costs, from the model's own distribution along what it writes for the first documents."""
    brief = type(step)(**{**dict(step), "max_tokens": min(TOKENS, step.max_tokens), "samples": 1})
    total = {"model": 0, "drawn": 0}
    tokens = 0
    with waiting("what the decoding costs is estimated"):
        for batch in sample.first(corpus, documents=DOCUMENTS):
            tally: Any = brief.apply(batch).tally
            tokens += tally["tokens"]["written"]
            total = {name: value + tally["micronats"][name] for name, value in total.items()}
    if not tokens:
        return ""
    own, drawn = (value / MICRO / tokens for value in total.values())
    settings = ", ".join(f"{name} {value:g}" for name, value in step.decoding if value != _default(name))
    share = f" ({100 * (own - drawn) / own:.0f} % of it)" if own else ""
    return (
        f"warning: {settings} narrows what the model writes: about {own - drawn:.2f} of {own:.2f} nats of entropy a "
        f"token are lost{share}, rare words first. Text for training is better drawn with the defaults and chosen "
        "afterwards\n"
    )


def _default(name: str) -> Any:
    from uncollapse.sampling import Decoding

    return Decoding.model_fields[name].default


def _report(result: RunResult, step: Writer) -> Report:
    """The content of report.json: rows, tokens, documents, entropy in nats a token, speed, recipe, model."""
    tally: Any = result.tally
    written = tally["tokens"]["written"]
    recipe = dict(step.recipe())
    session: Any = result.session_tally
    done = session.get("tokens", {}).get("written", 0)
    return {
        "rows": result.rows,
        "tokens": tally["tokens"],
        "documents": tally["documents"],
        "stretches": tally["stretches"],
        "characters": tally["characters"],
        "entropy": {name: value / MICRO / written if written else None for name, value in tally["micronats"].items()},
        "speed": {
            "seconds": round(result.seconds, 3),
            "tokens": done,
            "tokens_per_second": round(done / result.seconds, 1) if result.seconds and done else None,
            "shards_done_before": result.shards_done_before,
        },
        "recipe": recipe,
        "model": recipe["resolved"],
    }


def _print(report: Report, console: Console) -> None:
    console.print(rows_table(report["rows"]))
    table = Table(title="tokens", title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for count, words in _lines(report):
        table.add_row(f"{count:,}", words)
    console.print(table)
    console.print(Text(_sentence(report)), soft_wrap=True)


def _lines(report: Mapping[str, Any]) -> list[tuple[int, str]]:
    stretches, broken = report["stretches"], report["characters"]["broken"]
    lines = [
        (report["tokens"]["prompt"], "read as prompts"),
        (report["tokens"]["written"], "written"),
        (stretches["ended"], "stretches that the model ended"),
        (stretches["at_the_limit"], "stretches that reached the limit"),
    ]
    return [*lines, *([(broken, "characters that were no UTF-8, marked by U+FFFD")] if broken else [])]


def _sentence(report: Report) -> str:
    """What the numbers come to, in a sentence."""
    entropy, speed = report["entropy"], report["speed"]
    if not report["tokens"]["written"]:
        return "nothing was written."
    said = f"entropy of the model {entropy['model']:.2f} nats a token, surprise of what was drawn "
    said += f"{entropy['surprise']:.2f}"
    lost = entropy["model"] - entropy["drawn"]
    if lost > 0.005:
        said += f"; the decoding left {entropy['drawn']:.2f} ({lost:.2f} lost)"
    if speed["tokens_per_second"]:
        said += f"; {speed['tokens']:,} tokens in {speed['seconds']:,.1f} s, {speed['tokens_per_second']:,.0f} a second"
    return said + "."
