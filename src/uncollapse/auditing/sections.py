"""The sections of one corpus on the page of an audit: its verdicts, a chart for each question, and every number."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
from markupsafe import Markup

from uncollapse.auditing.panel import STATISTICS, Group
from uncollapse.auditing.verdicts import QUESTIONS, Status
from uncollapse.report import (
    NONE,
    Axes,
    Band,
    Chart,
    Dots,
    Section,
    Table,
    count,
    lines,
    scatter,
    share,
    template,
)

Report = Mapping[str, Any]

SIGNS = {Status.PASS.value: "✓", Status.WARN.value: "!", Status.FAIL.value: "✗", Status.UNKNOWN.value: "?"}
LISTED = 30
FAR = 4.0
_HEADS = ("statistic", "question", "corpus", "control", "reference", "95 % interval", "z")


def chapter(report: Report, offenders: pa.Table, *, suffix: str, titled: bool) -> Iterator[Section]:
    """The sections of one corpus; `suffix` keeps their anchors apart from another's, `titled` names the corpus."""
    of = f" · {report['name']}" if titled else ""
    yield Section(
        f"verdicts{suffix}",
        f"The verdicts{of}",
        "Each line answers one question, beside what fresh human text of the same size gives.",
        template(
            "uncollapse.auditing",
            "verdicts.html.jinja",
            verdicts=report["verdicts"],
            questions={failing.value: text for failing, text in QUESTIONS.items()},
            signs=SIGNS,
            notes=[*report["notes"], *(f"Missing: {part}" for part in report["missing"])],
        ),
    )
    plots = report["plots"]
    if plots:
        yield _tails(plots, suffix, of, _evidence(report, offenders, "tails"))
        yield _concentration(plots, suffix, of)
        yield _copies(report, suffix, of, _evidence(report, offenders, "duplicates", "memorised", "templates"))
        yield _topics(plots, suffix, of, _evidence(report, offenders, "topics", "domain"))
        if "probabilities" in plots:
            yield _perplexity(plots, suffix, of)
    elif report["corpus"]["rows"]:
        yield _copies(report, suffix, of, _evidence(report, offenders, "duplicates", "memorised", "templates"))
    yield _panel(report, suffix, of)


def _tails(plots: Report, suffix: str, of: str, evidence: Markup) -> Section:
    coverage, ranks = plots["coverage"], plots["ranks"]
    kept = [place for place, value in enumerate(coverage["control"]) if value is not None]
    curves = [
        Band(
            name,
            [coverage[side][at] for at in kept],
            *(
                [min(max(coverage[side][at] + width * (coverage[f"{side}_sd"][at] or 0), 0), 1) for at in kept]
                for width in (-2, 2)
            ),
        )
        for side, name in (("corpus", "corpus"), ("control", "fresh human text"))
    ]
    first = kept[0]
    often = "once" if coverage["labels"][first] == "1" else f"{coverage['labels'][first]} times"
    chart = lines(
        range(len(kept)),
        bands=curves,
        axes=Axes(
            name=f"coverage{suffix}",
            title="How many of the reference's words occur, by how often the reference has them",
            reading=f"Of the words that the reference has {often}, the corpus has "
            f"{share(coverage['corpus'][first])} and fresh human text {share(coverage['control'][first])}. A corpus "
            "that loses its tail falls away at the left. The bands are two standard errors wide.",
            x="how often the reference has the word",
            ticks=[coverage["labels"][place] for place in kept],
            y="share of the words that occur",
        ),
    )
    return Section(
        f"tails{suffix}",
        f"The tails{of}",
        "Collapse begins with what is rare: look whether the corpus still has the words that human text has seldom.",
        Markup("").join([chart.markup(), _rank_chart(ranks, suffix).markup(), evidence]),
    )


def _rank_chart(ranks: Report, suffix: str) -> Chart:
    x = [math.log10(rank) for rank in ranks["ranks"]]
    bands = []
    for side, name in (("corpus", "corpus"), ("control", "fresh human text"), ("reference", "reference")):
        values = [math.log10(value) for value in ranks[side]]
        bands.append(Band(name, values, values, values))
    return lines(
        x,
        bands=bands,
        axes=Axes(
            name=f"ranks{suffix}",
            title="How frequent the words are, by rank",
            reading=f"At rank {count(ranks['ranks'][-1])} a word is {share(ranks['corpus'][-1])} of the corpus and "
            f"{share(ranks['control'][-1])} of fresh human text. Where the tail is cut the line stops short or hangs.",
            x="rank of the word, powers of ten",
            y="share of all words, powers of ten",
        ),
    )


def _concentration(plots: Report, suffix: str, of: str) -> Section:
    buckets = plots["buckets"]
    bands = []
    for side, name in (("corpus", "corpus"), ("control", "fresh human text"), ("reference", "reference")):
        values = [100 * value for value in buckets[side]]
        bands.append(Band(name, values, values, values))
    half = len(buckets["buckets"]) // 2
    chart = lines(
        [100 * point for point in buckets["buckets"]],
        bands=bands,
        axes=Axes(
            name=f"buckets{suffix}",
            title="How words and pairs fill 10,000 buckets",
            reading=f"The emptier half of the buckets holds {share(buckets['corpus'][half])} of the corpus and "
            f"{share(buckets['control'][half])} of fresh human text: the lower the line, the more is piled up on few.",
            x="buckets, the emptiest first, in per cent",
            y="share of words and pairs in them, in per cent",
        ),
    )
    rows = [
        (one["text"], count(one["corpus"]), count(one["control"]), f"{one['log_odds']:.2f}", f"{one['z']:.1f}")
        for one in plots["phrases"][:LISTED]
    ]
    table = Table(
        caption="What the corpus says too often: counts in parts of equal size, log-odds in nats, and their z",
        columns=("words", "corpus", "fresh human text", "log-odds", "z"),
        rows=rows,
    )
    return Section(
        f"concentration{suffix}",
        f"Concentration{of}",
        "Models repeat their favourite phrases: look which ones stand far above what human text has.",
        Markup("").join([chart.markup(), table.markup() if rows else Markup()]),
    )


def _copies(report: Report, suffix: str, of: str, evidence: Markup) -> Section:
    known = {one["name"]: one for one in report["statistics"]}
    told = [
        f"{share(known[name]['corpus'])} of the documents {words}"
        for name, words in (
            ("copies", "are copies, word for word"),
            ("near_copies", "nearly repeat another"),
            ("boilerplate", "share a run of eight words with many"),
            ("copied", "stand in the reference as well"),
        )
        if name in known and known[name]["corpus"] is not None
    ]
    frames = report["plots"].get("templates", [])
    table = Table(
        caption="Frames of common words and gaps that many documents of the sample are cut from",
        columns=("frame", "documents", "not in an earlier one"),
        rows=[(one["frame"], count(one["texts"]), count(one["more"])) for one in frames[:LISTED]],
    )
    body = Markup("").join([table.markup() if frames else Markup(), evidence])
    return Section(f"copies{suffix}", f"Copies and templates{of}", "; ".join(told) + ".", body)


def _topics(plots: Report, suffix: str, of: str, evidence: Markup) -> Section:
    topics = plots["topics"]
    if not topics:
        return Section(f"topics{suffix}", f"Topics{of}", "There are too few documents to find topics.", evidence)
    rows = [
        (one["words"], share(one["corpus"]), share(one["human"]), f"{100 * (one['corpus'] - one['human']):+.1f}")
        for one in topics
    ]
    table = Table(
        caption="Topics by the words that set them apart, with their share of the documents",
        columns=("topic", "corpus", "reference", "difference, points"),
        rows=rows,
    )
    charts = [table.markup()]
    if plots["map"]:
        places = plots["map"]
        charts.insert(
            0,
            scatter(
                [Dots("corpus", places["corpus"]), Dots("reference", places["reference"])],
                summary=table,
                axes=Axes(
                    name=f"map{suffix}",
                    title="The documents, near to each other when they share words",
                    reading=f"Up to {len(places['corpus'])} documents of each side. Human text with no corpus beside "
                    "it is what the corpus leaves out; a knot of the corpus is where it has drawn together.",
                    x="first direction",
                    y="second direction",
                ),
            ).markup(),
        )
    moved = max(topics, key=lambda one: abs(one["corpus"] - one["human"]))
    sentence = (
        f"The topic that moved most is “{moved['words']}”: {share(moved['corpus'])} of the corpus, "
        f"{share(moved['human'])} of the reference."
    )
    return Section(f"topics{suffix}", f"Topics{of}", sentence, Markup("").join([*charts, evidence]))


def _perplexity(plots: Report, suffix: str, of: str) -> Section:
    charts = []
    for key, title, x, reading in (
        (
            "probabilities",
            "How probable each token was to the language model",
            "probability of the token",
            "Human text is a U: many tokens are nearly sure, many are hard. A model's own text leans to the right.",
        ),
        (
            "surprise",
            "How surprising each document was",
            "mean surprise of a document, in nats a token",
            "A corpus that has drawn together stands left of human text, and narrower.",
        ),
    ):
        edges = plots[key]["edges"]
        middles = [(a + b) / 2 for a, b in pairwise(edges)]
        bands = []
        for side, name in (("corpus", "corpus"), ("reference", "reference")):
            total = sum(plots[key][side]) or 1
            values = [100 * number / total for number in plots[key][side]]
            bands.append(Band(name, values, values, values))
        axes = Axes(name=f"{key}{suffix}", title=title, reading=reading, x=x, y="share in per cent")
        charts.append(lines(middles, bands=bands, axes=axes).markup())
    below = plots["surprise"]["corpus_below_quartiles"]
    sentence = (
        "Of human documents a quarter, a half and three quarters lie below the human quartiles of surprise; of the "
        f"corpus {share(below[0])}, {share(below[1])} and {share(below[2])}."
    )
    return Section(f"perplexity{suffix}", f"Perplexity{of}", sentence, Markup("").join(charts))


def _panel(report: Report, suffix: str, of: str) -> Section:
    rows = [_panel_row(one) for one in report["statistics"]]
    body = template(
        "uncollapse.auditing",
        "panel.html.jinja",
        caption=f"Every statistic{of}",
        heads=_HEADS,
        rows=rows,
        groups=[group.value for group in Group if any(row["group"] == group for row in rows)],
    )
    sentence = (
        "The control is fresh human text of the same size; z counts standard errors between corpus and control, and "
        f"is set in bold from {FAR:g} on."
    )
    return Section(f"statistics{suffix}", f"All numbers{of}", sentence, body)


def _panel_row(one: Report) -> dict[str, Any]:
    def cell(value: float | None, *, far: bool = False) -> dict[str, Any]:
        return {"value": "" if value is None else repr(value), "shown": shown(value), "far": far}

    between = NONE if one["low"] is None else f"{shown(one['low'])} to {shown(one['high'])}"
    interval = {"value": "" if one["low"] is None else repr(one["low"]), "shown": between, "far": False}
    z = one["z"]
    return {
        "name": one["name"],
        "group": one["group"],
        "words": STATISTICS[one["name"]].words,
        "cells": [
            cell(one["corpus"]),
            cell(one["control"]),
            cell(one["reference"]),
            interval,
            {**cell(z, far=z is not None and abs(z) >= FAR), "shown": NONE if z is None else f"{z:.1f}"},
        ],
    }


def shown(value: float | None) -> str:
    """A number with four figures, or a dash where there is none."""
    return NONE if value is None else f"{value:.4g}"


def _evidence(report: Report, offenders: pa.Table, *verdicts: str) -> Markup:
    rows = [
        (row["text"], row["verdict"], row["kind"], row["detail"])
        for verdict in verdicts
        for row in [
            one
            for one in offenders.to_pylist()
            if one["corpus"] == report["name"] and one["verdict"] == verdict and one["kind"] != "frame"
        ][:LISTED]
    ]
    if not rows:
        return Markup()
    columns = ("what", "verdict", "kind", "why")
    table = Table(caption="Behind it (all of it is in offenders.parquet)", columns=columns, rows=rows)
    return Markup('<div class="listed">{}</div>').format(table.markup())
