"""What `generate` does once it is known what is asked: read, warn, write, account."""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from uncollapse import corpora
from uncollapse.cli import sample
from uncollapse.cli.account import REPORT, Report, read_report, write_report
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
from uncollapse.cli.generating_account import KEYS, MICRO, generate_report, print_report
from uncollapse.cli.generating_settings import GenerateJob
from uncollapse.cli.progress import waiting
from uncollapse.corpora import Corpus
from uncollapse.corpora.addresses import TEXT_ENDINGS
from uncollapse.document import DECLARED_GENERATION, Document, Origin
from uncollapse.errors import MissingInput, UsageError
from uncollapse.execution import RunResult
from uncollapse.execution.target import Target, target
from uncollapse.execution.there import reads
from uncollapse.generation import Writer
from uncollapse.language_models import catalogue
from uncollapse.step import Outcome, here

# What settings that narrow the distribution cost is estimated on so much text before the run.
DOCUMENTS = 8
TOKENS = 32
DRAWS = 4
# Whether an endpoint draws is tried on so many.
TRIED = 2


def perform(job: GenerateJob, *, as_json: bool = False) -> int:
    """The exit code of a generation: 0, or 3 where rows were rejected within what is allowed."""
    place = target(output_of(job), form=job.format)
    with job.looking():
        step = job.step()
        documents = prompts_in_lines(job) or read_input(job)
        step(documents).schema  # noqa: B018  (whether the columns of the step are free)
    with job.there(reads=reads(step)):
        result, report = _written(job, job.anew(step), documents, place)
    if result.already_done:
        report = read_report(place, keys=KEYS) or report
    write_report(report, place)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return exit_code_of(result)
    console = Console()
    say_what_was_done(result, console)
    say_notices(result, console)
    print_report(report, console)
    say_where("report", place.address(REPORT), console)
    return exit_code_of(result)


def _written(job: GenerateJob, step: Writer, documents: Corpus, place: Target) -> tuple[RunResult, Report]:
    """What came of the run, and its account."""
    sys.stderr.write(announcement(step.model, catalogue()))
    if not (step.far and place.has("manifest.json")):
        with here(_check) if step.far else job.by_a_worker(_check) as gather:
            list(gather([step]))
    _warn(step, documents, job, place=place)
    result = run_steps(step(documents), job, what="generate")
    return result, generate_report(result, step)


def prompts_in_lines(job: GenerateJob) -> Corpus | None:
    """The prompts of text files, one a line, each with file and line as its source; None where other files are named.

    Raises:
        UsageError: text files and others are named together.
    """
    ending = tuple(f".{name}" for name in TEXT_ENDINGS)
    in_lines = [address for address in job.inputs if address.lower().endswith(ending) and "://" not in address]
    if job.source != "prompts" or not in_lines:
        return None
    if len(in_lines) < len(job.inputs):
        raise UsageError("prompts in text files, one a line, beside others", hint="a run for each, or one form for all")
    lines = [pair for address in in_lines for pair in _lines(Path(address).expanduser())]
    if not lines:
        raise UsageError(f"no prompt is in {', '.join(in_lines)}", hint="one prompt a line")
    origin = Origin(job.origin)
    generation = DECLARED_GENERATION[origin]
    return corpora.from_documents(
        [Document(text=text, source=place, origin=origin, generation=generation) for place, text in lines]
    )


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not blank, each behind its place."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingInput(f"{path}: {error.strerror}", hint="give the path of a text file") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no UTF-8: {error.reason} at byte {error.start}", hint="save it as UTF-8"
        ) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", line.strip()


def _check(step: Writer) -> None:
    step.check()


def _applied(piece: tuple[Writer, pa.RecordBatch]) -> Outcome:
    step, batch = piece
    return step.apply(batch)


def _warn(step: Writer, corpus: Corpus, job: GenerateJob, *, place: Target) -> None:
    """Nothing; what decoding and mark will cost is said before the first start of a run."""
    if place.has(REPORT):
        return
    if step.far and not step.decoding.greedy and not place.is_begun():
        sys.stderr.write(_whether_it_draws(step, corpus))
    if step.decoding.narrows:
        sys.stderr.write(_unmeasured(step) if step.far else _measured(step, corpus, job))
    if step.watermark:
        sys.stderr.write(_what_the_mark_costs(step, corpus, job))


def _what_the_mark_costs(step: Writer, corpus: Corpus, job: GenerateJob) -> str:
    """How much less varied marked texts are than others, on several texts of each of the first documents."""
    said = []
    documents = min(DOCUMENTS, corpus.rows)
    for name, key in (("without", None), ("with", step.watermark)):
        change = {"watermark": key, "samples": 1, "max_tokens": min(TOKENS, step.max_tokens)}
        briefs = [step.changed(**change, draw=draw) for draw in range(DRAWS)]
        pieces = ((brief, batch) for brief in briefs for batch in sample.first(corpus, documents=DOCUMENTS))
        with job.by_a_worker(_applied) as gather:
            texts = [text for made in gather(pieces) for text in made.batch.column("text").to_pylist()]
        pairs = [pair for text in texts for pair in pairwise(text.split())]
        share = 100 * len(set(pairs)) / len(pairs) if pairs else 0.0
        said.append(f"{share:.1f} % {name} it")
    return (
        f"watermark: distinct pairs of words in {DRAWS} texts of {TOKENS} tokens for each of {documents} documents: "
        f"{', '.join(said)}\n"
    )


def _measured(step: Writer, corpus: Corpus, job: GenerateJob) -> str:
    """What the decoding costs, from the model's own distribution along what it writes for the first documents."""
    brief = step.changed(max_tokens=min(TOKENS, step.max_tokens), samples=1)
    total = {"model": 0, "drawn": 0}
    tokens = 0
    pieces = ((brief, batch) for batch in sample.first(corpus, documents=DOCUMENTS))
    with waiting("what the decoding costs is estimated"), job.by_a_worker(_applied) as gather:
        for made in gather(pieces):
            tally: Any = made.tally
            tokens += tally["tokens"]["written"]
            total = {name: value + tally["micronats"][name] for name, value in total.items()}
    if not tokens:
        return ""
    own, drawn = (value / MICRO / tokens for value in total.values())
    share = f" ({100 * (own - drawn) / own:.0f} % of it)" if own else ""
    return (
        f"warning: {_settings(step)} narrows what the model writes: about {own - drawn:.2f} of {own:.2f} nats of "
        f"entropy a token are lost{share}, rare words first. Text for training is better drawn with the defaults and "
        "chosen afterwards\n"
    )


def _unmeasured(step: Writer) -> str:
    """What can be said of an endpoint before it was paid for anything."""
    return (
        f"warning: {_settings(step)} narrows what the engine writes, rare words first; how much is lost is said at the "
        "end, if it gives the probabilities of tokens, and unknown if not. Text for training is better drawn with the "
        "defaults and chosen afterwards\n"
    )


def _whether_it_draws(step: Writer, corpus: Corpus) -> str:
    """A warning where two short draws for each of the first documents are the same text; they are paid for."""
    brief = step.changed(max_tokens=min(TOKENS, step.max_tokens), samples=2, keep="all")
    with waiting("whether the engine draws is tried on two documents"):
        tried = [brief.tried(batch) for batch in sample.first(corpus, documents=TRIED)]
    groups = [group for groups in tried for group in groups if all(text.fault is None for text in group)]
    if not groups or any(first.text != second.text for first, second in groups):
        return ""
    return (
        f"warning: with two seeds the engine wrote the same text, for {len(groups)} of the first documents: it may not "
        "draw at all, and take the likeliest token each time, whatever temperature it is sent (transformers serve does "
        "so unless the model's generation_config.json says do_sample: true). Such text has lost its spread\n"
    )


def _settings(step: Writer) -> str:
    """The settings of the draw that are not the defaults."""
    defaults = {name: field.default for name, field in type(step.decoding).model_fields.items()}
    return ", ".join(f"{name} {value:g}" for name, value in step.decoding if value != defaults[name])
