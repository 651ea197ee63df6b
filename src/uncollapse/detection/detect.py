"""What can be guessed about a corpus: known documents set apart, the others scored, judged where that can be done.

The order of evidence: what the ledger knows is reported as known and never guessed; nor is what left a trace that is
stronger than a guess: the same text in a reserve, a manifest or message in unseen characters, a human parent in a
reserve, a mark of our own, in this order. Everything else is scored; a class
other than `unknown` is given only against human text of the same domain and length, and the corpus as a whole gets a
prevalence with its interval, which is what a guess is good for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.detection.asked import Given, Hearer, Options, Stage, domains_of
from uncollapse.detection.findings import Rows, Survey, table_of
from uncollapse.detection.judging import judge
from uncollapse.detection.overlap import text_keys
from uncollapse.detection.reading import Scored
from uncollapse.detection.scoring import Scorer, joined
from uncollapse.detection.sides import labelled_sides
from uncollapse.detection.telling import report_of
from uncollapse.detection.unseen import listed, marks_of
from uncollapse.document import Origin
from uncollapse.errors import InputError, UsageError


@dataclass(frozen=True, eq=False)
class Detection:
    """The answer: a report as JSON, and a table with one row for each document."""

    report: dict[str, Any]
    table: pa.Table


def detect(
    given: Given,
    scorer: Scorer,
    *,
    options: Options | None = None,
    on_progress: Hearer | None = None,
) -> Detection:
    """What can be guessed about the corpus.

    Raises:
        InputError: the corpus has no documents, or the human texts allow no threshold.
        MissingColumn: the column of domains is not there.
        UsageError: options that contradict each other.
    """
    options = options or Options()
    told = on_progress or (lambda _: None)
    _refuse(given, options)
    survey = _survey(given, options.by, told)
    chosen = _chosen(survey, options)
    sides = labelled_sides(given, scorer, options=options, keys=survey.all_keys(), told=told)
    rows = _read(given.corpus, scorer, chosen=chosen, told=told)
    judged = judge(rows, survey, scorer=scorer, sides=sides, weights=options.weights)
    report = report_of(survey, rows, judged, scorer=scorer, sides=sides)
    report["options"] = options.model_dump()
    return Detection(report, table_of(survey, rows, judged.columns()))


def _refuse(given: Given, options: Options) -> None:
    if not given.corpus.rows:
        raise InputError("the corpus has no documents", hint="there is nothing to guess at")
    if given.machine is not None and given.human is None:
        raise UsageError(
            "--machine without --calibrate", hint="false alarms are counted on human texts: --calibrate HUMAN"
        )
    if options.weights is not None:
        if given.machine is None:
            raise UsageError(
                "--weights without --machine",
                hint="a probability takes labelled texts of both sides: --calibrate and --machine",
            )
        if 0 < options.sample < given.corpus.rows:
            raise UsageError(
                f"--weights for {given.corpus.rows:,} documents of which {options.sample:,} would be read",
                hint="--sample 0 reads all of them",
            )


def _survey(given: Given, by: str | None, told: Hearer) -> Survey:
    survey = Survey()
    corpus = given.corpus
    for batch in corpus.batches():
        survey.ids += batch.column("id").to_pylist()
        survey.origins += batch.column("origin").to_pylist()
        survey.sources += [source or "" for source in batch.column("source").to_pylist()]
        survey.recipes += batch.column("recipe").to_pylist()
        survey.domains += domains_of(batch, by)
        survey.keys.append(text_keys(batch.column("text")))
        survey.traces += _traces(batch, given)
        survey.marks += [listed(marks) for marks in marks_of(batch.column("text"))]
        told(Stage("looking at the corpus", len(survey.ids), corpus.rows))
    return survey


def _traces(batch: pa.RecordBatch, given: Given) -> list[tuple[str, str]]:
    """For each document the first trace that is found; none for those that the ledger knows."""
    found = [("", "")] * len(batch)
    rows = [row for row, origin in enumerate(batch.column("origin").to_pylist()) if origin == Origin.UNKNOWN]
    for kind, tracer in given.tracers:
        rows = [row for row in rows if not found[row][0]]
        if rows:
            for row, said in zip(rows, tracer(batch.take(pa.array(rows))), strict=True):
                found[row] = (kind, said) if said else found[row]
    return found


def _chosen(survey: Survey, options: Options) -> Bool[ndarray, "n"]:
    """Which documents are read: all of unknown origin, or so many of them drawn."""
    unknown = np.flatnonzero(survey.unknown)
    drawn = np.random.default_rng(options.seed).permutation(len(unknown))
    chosen = np.zeros(len(survey.ids), dtype=bool)
    chosen[unknown[drawn[: options.sample or None]]] = True
    return chosen


def _read(corpus: Corpus, scorer: Scorer, *, chosen: Bool[ndarray, "n"], told: Hearer) -> Rows:
    parts: list[Scored] = []
    done, total = 0, int(chosen.sum())
    for part in scorer.scored(_texts(corpus, chosen)):
        parts.append(part)
        done += len(part.tokens)
        told(Stage("scoring", done, total))
    found = joined(parts)
    return Rows(np.flatnonzero(chosen), found.tokens, found.values)


def _texts(corpus: Corpus, chosen: Bool[ndarray, "n"]) -> Iterator[list[str]]:
    """The texts that are read, batch by batch of the corpus."""
    at = 0
    for batch in corpus.batches():
        own = chosen[at : at + len(batch)]
        at += len(batch)
        if own.any():
            yield batch.column("text").filter(pa.array(own)).to_pylist()
