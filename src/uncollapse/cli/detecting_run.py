"""What `detect` and `detector` do once it is known what is asked: read, score, judge, write; learn and keep."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli.auditing_run import Shown
from uncollapse.cli.detect_settings import DetectJob, DetectorJob
from uncollapse.cli.failures import on_a_terminal
from uncollapse.cli.outputs import is_table, made_folder
from uncollapse.cli.tracers import TRACES, tracers
from uncollapse.corpora import Corpus
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.detection.asked import Given, Stage
from uncollapse.detection.calibration import Guess
from uncollapse.detection.detect import Detection, detect
from uncollapse.detection.detector import CARD, NUMBERS, Detector, is_card
from uncollapse.detection.kinship import Labelled, relatives
from uncollapse.detection.page import detection_page, headline
from uncollapse.detection.reading import Reader
from uncollapse.detection.scoring import Scorer
from uncollapse.detection.training import Lesson, train
from uncollapse.errors import InputError, UsageError
from uncollapse.language_models import resolve
from uncollapse.language_models.vllm_address import behind, is_vllm
from uncollapse.report.numerals import share

TABLE = "detections.parquet"
DEFAULT_MODEL = "smollm2-135m"
CHANCE = 0.5
NAMED = 10  # domains without calibration in the terminal
UPSIDE_DOWN = (
    "· That is worse than chance: each machine's text has passages of a human one, which the folds hold against it. "
    "Where row i of both sides begins alike, --pairs takes them off."
)


def perform(job: DetectJob, *, as_json: bool = False) -> int:
    """The exit code, which is 0: a guess is no verdict on a corpus."""
    detector = None if job.detector is None else Detector.load(job.detector)
    addresses = [behind(address, job.backend) for address in _addresses(job, detector)]
    if len(addresses) > 1 and all(map(is_vllm, addresses)):
        raise UsageError(
            "a pair is read by both models in turns, and vLLM has room for one engine in a process",
            hint="leave out --backend, or put vllm: before one of the two",
        )
    read = job.read_here(*addresses)
    if job.spreads and not addresses:
        sys.stderr.write("note: without a model there is nothing for workers to read\n")
    given = Given(
        _read(job.inputs, job, origin="unknown"),
        _read(job.calibrate, job, origin="human") if job.calibrate else None,
        _read(job.machine, job, origin="synthetic") if job.machine else None,
    )
    if not given.corpus.rows:
        raise InputError("the corpus has no documents", hint="there is nothing to guess at")
    output = None if job.output is None else _folder(Path(job.output))
    with job.there(reads=read), Shown("detect") as shown:
        found = _found(job, given, addresses, detector, shown)
    found.report["name"] = ", ".join(job.inputs)
    if output is not None:
        _write(output, found)
    if as_json:
        sys.stdout.write(json.dumps(found.report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        _print(found.report, output)
    return 0


def _found(
    job: DetectJob, given: Given, addresses: Sequence[str], detector: Detector | None, shown: Shown
) -> Detection:
    reader = _reader(addresses, job)
    scorer = Scorer.of(reader, detector, score=job.score)
    with tracers(job, scorer) as traced, nullcontext() if reader is None else job.gathering(reader) as gather:
        told = given._replace(tracers=traced)
        return detect(told, replace(scorer, gather=gather), options=job.options, on_progress=shown)


def _folder(path: Path) -> Path:
    return made_folder(path, mark=TABLE, what="a detection", ours=is_table("id", "row", "source", "domain", "origin"))


def _addresses(job: DetectJob, detector: Detector | None) -> Sequence[str]:
    """The models that read: one, two for a pair (the tuned one first), or none."""
    if job.pair is not None:
        return job.pair[1], job.pair[0]
    if job.without_model:
        return ()
    return (job.model or (detector and detector.model) or DEFAULT_MODEL,)


def _reader(addresses: Sequence[str], job: DetectJob) -> Reader | None:
    if not addresses:
        return None
    other = addresses[1] if len(addresses) > 1 else None
    opened = Reader.lent if job.spreads else Reader.of
    return opened(addresses[0], reference=other, most_tokens=job.tokens, dtype=job.dtype)


def _read(addresses: Sequence[str], job: DetectJob | DetectorJob, *, origin: str) -> Corpus:
    return corpora.read(*addresses, origin=origin, text_column=job.text_column)


def _write(folder: Path, found: Detection) -> None:
    table = pa.BufferOutputStream()
    pq.write_table(found.table, table)
    with refusals(folder):
        write_whole(folder / TABLE, table.getvalue().to_pybytes())
        write_whole(folder / "report.html", detection_page(found.report).encode())
        text = json.dumps(found.report, indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(folder / "report.json", (text + "\n").encode())


def _print(report: Mapping[str, Any], output: Path | None) -> None:
    console = Console()
    console.print(Text(on_a_terminal(headline(report)), style="bold"))
    console.print(_counts(report))
    for group in report["calibration"]:
        rate = group["false_alarms"]
        said = f"{group['domain'] + ', ' if group['domain'] else ''}{group['length']}: {group['human']:,} human texts"
        alarms = f"false alarms {share(rate['expected'])} ({share(rate['low'])} to {share(rate['high'])})"
        console.print(Text(on_a_terminal(f"· {said}, {alarms}"), style="bright_black"))
    for reason, number in report["left_out"].items():
        if number:
            console.print(Text(on_a_terminal(f"· left out of calibration, {reason}: {number:,}"), style="bright_black"))
    for domain, number in list(report["uncalibrated"].items())[:NAMED]:
        said = f"{number:,} texts of the domain {domain!r} are not judged: too few human texts of it in --calibrate"
        console.print(Text(on_a_terminal(f"· {said}"), style="yellow"))
    if len(report["uncalibrated"]) > NAMED:
        console.print(Text(f"· and of {len(report['uncalibrated']) - NAMED:,} more domains", style="yellow"))
    for note in report["limits"][: -len(_standing())]:
        console.print(Text(on_a_terminal(f"· {note}"), style="bright_black"))
    if report["weights"] is not None:
        weights = report["weights"]
        console.print(Text(f"weights: as many as {weights['effective']:,.0f} of {weights['documents']:,} documents"))
    if output is not None:
        for name in ("report.html", "report.json", TABLE):
            console.print(Text(f"{name.partition('.')[0]}: {output / name}"), soft_wrap=True)


def _standing() -> Sequence[str]:
    """What is said on every page, and not at every prompt."""
    from uncollapse.detection.telling import LIMITS

    return LIMITS


def _counts(report: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in ("what", "number"):
        table.add_column(column, justify="right" if column == "number" else "left")
    for origin, number in report["known"].items():
        if number:
            table.add_row(f"known as {origin}, not guessed at", f"{number:,}")
    for kind, number in report["traced"].items():
        table.add_row(f"{TRACES[kind]}, not guessed at", f"{number:,}")
    if report["with_unseen_characters"]:
        said = "hold characters that no reader sees, read without them"
        table.add_row(said, f"{report['with_unseen_characters']:,}")
    table.add_row(f"of unknown origin, read {report['read']:,}", f"{report['unknown']:,}")
    classes = report["classes"]
    table.add_row("  like a machine's", f"{classes[Guess.MACHINE]:,}")
    table.add_row("  like a person's", f"{classes[Guess.HUMAN]:,}")
    table.add_row(f"  cannot be said ({report['short']:,} too short)", f"{classes[Guess.UNKNOWN]:,}")
    return table


def perform_training(job: DetectorJob) -> int:
    """The exit code, which is 0: the detector's folder is there."""
    if job.output is None:
        raise UsageError("no folder for the detector", hint="-o DETECTOR")
    if job.model is not None:
        resolve(job.model)
    sides = {"human": job.human, "machine": job.machine, "against": job.against}
    read = {name: _texts(_read(own, job, origin="unknown")) if own else Labelled() for name, own in sides.items()}
    folder = made_folder(Path(job.output), mark=CARD, what="a detector", ours=is_card)
    names = {name: list(own) for name, own in sides.items()}
    lesson = Lesson(
        human=read["human"].texts,
        machine=read["machine"].texts,
        paired=job.pairs,
        against=read["against"].texts,
        names=names,
        kin=None if job.pairs else relatives(read["human"], read["machine"]),
    )
    _warn(lesson)
    reader = None if job.model is None else Reader.of(job.model)
    with Shown("detector") as shown:
        detector = train(
            lesson,
            reader=reader,
            model_texts=job.model_texts,
            on_progress=lambda doing, done, of: shown(Stage(doing, done, of)),
        )
    with refusals(folder):
        for name, content in detector.contents().items():
            write_whole(folder / name, content)
    _tell(detector, folder)
    return 0


def _texts(corpus: Corpus) -> Labelled:
    found = Labelled()
    for batch in corpus.batches():
        found.texts.extend(batch.column("text").to_pylist())
        found.ids.extend(batch.column("id").to_pylist())
        found.parents.extend(batch.column("parents").to_pylist())
    return found


def _warn(lesson: Lesson) -> None:
    """Says, before anything is learned, that texts of both sides belong together."""
    kin = int((lesson.kin >= 0).sum()) if lesson.kin is not None else 0
    if kin:
        sys.stderr.write(
            f"{kin:,} of {len(lesson.machine):,} machine's texts were made from a human text given here, or begin like "
            "one: each shares its fold, so that none is judged by what was learned from the other; where row i of both "
            "sides begins alike, --pairs takes the shared words off\n"
        )


def _tell(detector: Detector, folder: Path) -> None:
    console = Console()
    trained = detector.card["trained_on"]
    console.print(
        f"learned from {trained['human']['texts']:,} human and {trained['machine']['texts']:,} machine's texts"
    )
    for reason, number in detector.card["left_out"].items():
        if number:
            console.print(Text(f"· left out, {reason}: {number:,}", style="bright_black"))
    for name, found in detector.card["accuracy"].items():
        area = f"AUROC {found['auroc']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
        console.print(Text(f"{name}: {area}, by folds; less on other domains"))
        if found["high"] < CHANCE:
            console.print(Text(UPSIDE_DOWN, style="yellow"))
    for name in (NUMBERS, CARD):
        console.print(Text(f"{folder / name}"), soft_wrap=True)
