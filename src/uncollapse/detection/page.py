"""The page of a detection: the share first, then what it rests on, and what cannot be said."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from uncollapse.detection.calibration import Guess
from uncollapse.report import NONE, Axes, Band, Chart, Figure, Page, Section, Table, count, lines, page, share

Report = Mapping[str, Any]


def headline(report: Report) -> str:
    """The prevalence in one sentence."""
    found = report["prevalence"]
    of = f"{count(found['texts'])} texts of unknown origin"
    if found["share"] is None:
        return f"How much of this a machine wrote cannot be said: {found['reason']}."
    if found["kind"] == "lower bound" and found["low"] == 0:
        expected = share(found["false_alarms_expected"])
        flagged = f"{count(found['flagged'])} are flagged, and {expected} would be if people wrote all of them"
        return f"That a machine wrote any of {of} cannot be shown: {flagged}."
    if found["kind"] == "lower bound":
        return f"A machine wrote at least {share(found['low'])} of {of}; with 95 % confidence, and perhaps much more."
    between = f"{share(found['low'])} to {share(found['high'])}"
    return f"A machine wrote {share(found['share'])} of {of}; the 95 % interval is {between}."


def detection_page(report: Report) -> str:
    """The page as HTML."""
    return page(
        Page(
            verb="detect",
            title="How much of this did a machine write?",
            answer=headline(report),
            figures=_figures(report),
            sections=[
                _limits(report),
                _prevalence(report),
                *_scores(report),
                _lengths(report),
                *_calibration(report),
            ],
            provenance=_provenance(report),
        )
    )


def _figures(report: Report) -> list[Figure]:
    known = sum(report["known"].values()) + sum(report["traced"].values())
    classes = report["classes"]
    return [
        Figure(count(report["documents"]), "documents", f"{count(known)} known or traced, not guessed at"),
        Figure(count(report["read"]), "texts read", f"{count(report['short'])} too short to be judged"),
        Figure(count(classes[Guess.MACHINE]), "like a machine's", f"at {_alarms(report)} false alarms"),
        Figure(count(classes[Guess.UNKNOWN]), "cannot be said", f"{count(classes[Guess.HUMAN])} like a person's"),
    ]


def _alarms(report: Report) -> str:
    return share(report["options"]["false_alarms"])


def _limits(report: Report) -> Section:
    items = Markup("").join(Markup("<li>{}</li>").format(limit) for limit in report["limits"])
    return Section("limits", "What cannot be said", "Read this before a number.", Markup("<ul>{}</ul>").format(items))


def _prevalence(report: Report) -> Section:
    found = report["prevalence"]
    rows = [(f"{share(each['found'])} of a machine's texts", _would_be(each)) for each in found["if_found"]]
    table = Table(
        caption="What the flagged share would mean, by how many of a machine's texts the threshold finds",
        columns=("if it finds", "the share would be, ± one standard error"),
        rows=rows,
    )
    said = (
        f"{count(found['flagged'])} of {count(found['flagged_of'])} texts are flagged, and "
        f"{share(found['false_alarms_expected'])} of human texts would be."
    )
    body = table.markup() if rows else Markup()
    return Section("prevalence", "The share of the corpus", said if rows else headline(report), body)


def _would_be(each: Mapping[str, Any]) -> str:
    return NONE if each["share"] is None else f"{share(each['share'])} ± {share(each['error'])}"


def _scores(report: Report) -> list[Section]:
    histogram = report["histogram"]
    if histogram is None:
        return []
    names = {"corpus": "this corpus", "human": "human text given", "machine": "machine's text given"}
    middles = [(a + b) / 2 for a, b in pairwise(histogram["edges"])]
    bands = []
    for name, label in names.items():
        if name in histogram:
            total = sum(histogram[name]) or 1
            shares = [100 * number / total for number in histogram[name]]
            bands.append(Band(label, shares, shares, shares))
    axes = Axes(
        name="scores",
        title=f"Texts by {report['score']['name']}",
        reading="Further to the right is more like a machine's; where the lines lie together, nothing can be told.",
        x=f"{report['score']['name']}, turned so that higher is a machine's",
        y="% of texts",
        holds=(0,),
    )
    chart: Chart = lines(middles, bands=bands, axes=axes)
    return [Section("scores", "The scores", "Each line is one side, in per cent of its texts.", chart.markup())]


def _lengths(report: Report) -> Section:
    rows = [
        (each["length"], count(each["read"]), *(count(each[str(guess)]) for guess in Guess))
        for each in report["lengths"]
    ]
    table = Table(caption="Texts by length", columns=("length", "read", *(str(guess) for guess in Guess)), rows=rows)
    said = f"Of texts under 64 tokens nothing is said: {count(report['short'])} here."
    return Section("lengths", "By length", said, table.markup())


def _calibration(report: Report) -> list[Section]:
    if not report["calibration"]:
        return []
    rows = [
        (
            f"{each['domain'] or 'all'}, {each['length']}",
            count(each["human"]),
            count(each["machine"]),
            f"{each['threshold']:.4g}",
            _interval(each["false_alarms"]),
        )
        for each in report["calibration"]
    ]
    columns = ("domain and length", "human texts", "machine's texts", "threshold", "false alarms (95 % interval)")
    table = Table(caption="What texts are judged against", columns=columns, rows=rows)
    left = [(reason, count(number)) for reason, number in report["left_out"].items()]
    out = Table(caption="Labelled texts that were left out", columns=("reason", "texts"), rows=left)
    said = f"A text is flagged above the score that {_alarms(report)} of human texts of its domain and length reach."
    return [Section("calibration", "The calibration", said, Markup("").join([table.markup(), out.markup()]))]


def _interval(found: Mapping[str, float]) -> str:
    return f"{share(found['expected'])} ({share(found['low'])} to {share(found['high'])})"


def _provenance(report: Report) -> dict[str, dict[str, str]]:
    models = report["models"]
    groups = {name: _flat(models[name]) for name in ("model", "reference") if name in models}
    if "detector" in models:
        trained = models["detector"]["trained_on"]
        groups["detector"] = {side: trained[side]["fingerprint"] for side in ("human", "machine")}
    options = {name: str(value) for name, value in report["options"].items()}
    return {**groups, "options": options, "made by": {"uncollapse": report["uncollapse"]}}


def _flat(card: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in card.items() if value is not None}
