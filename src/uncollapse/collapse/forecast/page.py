"""The page of a forecast: the recommendation, the curves, and how far to trust them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp, isfinite, nan
from typing import Any

from markupsafe import Markup

from uncollapse.collapse.forecast.kinds import COUNTED
from uncollapse.collapse.forecast.telling import (
    Told,
    answer,
    helps_sentence,
    learned_sentence,
    percent,
    shape_sentence,
    trust_sentence,
)
from uncollapse.report import NONE, Assets, Axes, Band, Figure, Page, Points, Section, Table, lines, page, visible
from uncollapse.report.rendering import asset
from uncollapse.version import __version__

Json = Mapping[str, Any]
EXPONENTIATED = ("loss", "tail_loss", "loss over domains")
"""Measures that are shown as perplexities."""
NAMES = {
    "loss": "perplexity",
    "bits_per_byte": "bits per byte",
    "tail_loss": "tail perplexity",
    "loss over domains": "geometric mean over domains",
    "training_loss": "training loss",
    "calibration_error": "calibration error",
}


def forecast_page(done: Told, told: Json) -> str:
    """The page as HTML; `told` is what `forecast.json` holds."""
    sections: list[Section] = []
    for size, each in told["sizes"].items():
        sections += [
            _curve(size, each, done),
            _beside(size, each, done),
            *_by_share(size, each),
            *_domains(size, each, told["text"]["domains"]),
            *_tasks(size, each),
            _theory(size, each),
        ]
    return page(
        Page(
            verb="forecast",
            title="How much synthetic text this corpus can take",
            answer=answer(done),
            figures=_figures(done, told),
            sections=[*sections, _trust(done), _plan(told), _text(told)],
            assets=Assets(style=asset("uncollapse.collapse", "forecast.css")),
            provenance=_provenance(told),
        )
    )


def number(value: float | None) -> str:
    """A number with three digits and more, or that there is none."""
    if value is None or not isfinite(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"


def interval(told: Json, *, shape: Any = float, names: Sequence[str] = ("value", "low", "high")) -> str:
    """A value with its interval, where it has one."""
    value, low, high = (None if told[name] is None else shape(told[name]) for name in names)
    return number(value) if low is None or high is None else f"{number(value)} ({number(low)} to {number(high)})"


def _figures(done: Told, told: Json) -> list[Figure]:
    main = done.main
    change = main.shape.human
    settings, plan = done.studied.settings, done.studied.plan
    return [
        Figure(
            percent(main.recommended.share) if main.learned else NONE,
            "recommended share",
            f"loss up by less than {percent(settings.tolerance)}" if main.learned else "the proxies learned too little",
        ),
        Figure(f"× {exp(change.value):.3g}", "perplexity", f"at {percent(settings.shares[-1])} synthetic beside none"),
        Figure(
            f"{plan.runs}",
            "proxies",
            f"{len(settings.shares)} shares, {settings.seeds} seeds, {', '.join(settings.sizes)}",
        ),
        Figure(f"{plan.tokens:,}", "tokens each", told["plan"]["limited_by"]),
    ]


def _curve(size: str, each: Json, done: Told) -> Section:
    points = each["curve"]["points"]
    x = [point["share"] for point in points]
    band = Band(
        f"{size}",
        [point["perplexity"] for point in points],
        *([_power(point[name], point["loss"]) for point in points] for name in ("low", "high")),
    )
    analysis = done.analyses[size]
    shares = list(analysis.readings.shares)
    over = Points("proxies", 0, shares, [exp(value) for value in analysis.measures["loss"].mean.tolist()])
    axes = Axes(
        name=f"curve-{size}",
        title=f"Perplexity of held-out human text, {size}",
        reading="The line is the curve, the band its 95 % interval over seeds and documents, points are means.",
        x="synthetic share",
        y="perplexity",
    )
    rows = [(f"{row['measure']} + {100 * row['rise']:.0f} %", *_reached(row, shares[-1])) for row in each["rises"]]
    table = Table(caption="Where it has risen", columns=("rise over share 0", "share", "interval"), rows=rows)
    sentence = learned_sentence(analysis)
    body = (
        _paragraphs([helps_sentence(analysis)])
        + lines(x, bands=[band], axes=axes, points=[over]).markup()
        + table.markup()
        + _form(each["curve"]).markup()
    )
    return Section(f"curve-{size}", f"The curve, {size}", sentence, body)


def _power(value: float | None, otherwise: float) -> float:
    return exp(otherwise if value is None else value)


def _reached(row: Json, last: float) -> tuple[str, str]:
    beyond = f"beyond {percent(last)}"
    share, low, high = (beyond if row[name] is None else percent(row[name]) for name in ("share", "low", "high"))
    return share, f"{low} to {high}" if low != high else low


def _form(curve: Json) -> Table:
    """What the form of effective tokens is, and how well it fits."""
    worth = curve["worth_of_a_synthetic_token"]
    taken = "is drawn" if curve["kind"] == "effective tokens" else "is not drawn: the curve goes through the means"
    rows = [
        ("a synthetic token is worth, in human ones", interval(worth)),
        ("it misses the means by, in nats a token", number(curve["left"])),
        ("p of that beside the scatter of seeds", number(curve["lack_of_fit_p"])),
        ("so the form", taken if worth["value"] is not None else "is not tried, with so few shares"),
    ]
    return Table(caption="The form of effective tokens, by the bend of the curve", columns=("", "it says"), rows=rows)


def _beside(size: str, each: Json, done: Told) -> Section:
    """Training loss beside the loss on human text."""
    charts = []
    for name, what in (("training_loss", "Training loss"), ("loss", "Loss on held-out human text")):
        rows = each["measures"][name]
        axes = Axes(
            name=f"{name}-{size}".replace("_", "-"),
            title=f"{what}, {size}",
            reading="Means over seeds with 95 % intervals.",
            x="synthetic share",
            y="nats a token",
        )
        band = Band(
            what,
            [row["value"] for row in rows],
            *([nan if row[end] is None else row[end] for row in rows] for end in ("low", "high")),
        )
        charts.append(lines([row["share"] for row in rows], bands=[band], axes=axes).markup())
    body = _paragraphs([shape_sentence(done.analyses[size])]) + Markup().join(charts)
    sentence = "The training loss is that of the last quarter of the tokens."
    if size == COUNTED:
        sentence = (
            "Counts have no loss while they learn: what stands for it is the loss on the last quarter of the documents"
            " of the mixture under counts of the others, to which these are unread."
        )
    return Section(f"beside-{size}", f"Training loss beside human text, {size}", sentence, body)


def _by_share(size: str, each: Json) -> Iterator[Section]:
    measures = each["measures"]
    names = [name for name in NAMES if name in measures]
    rows = []
    for at, row in enumerate(measures["loss"]):
        cells = [interval(measures[name][at], shape=exp if name in EXPONENTIATED else float) for name in names]
        rows.append((percent(row["share"]), *cells))
    table = Table(caption=f"Every measure, {size}", columns=("synthetic", *(NAMES[name] for name in names)), rows=rows)
    sentence = (
        "Means over seeds with 95 % intervals: over seeds and documents, but for training loss and calibration error,"
        " which are over seeds. The tail is the tokens of words that the held-out text has at most twice."
    )
    yield Section(f"measures-{size}", f"By share, {size}", sentence, table.markup())


def _domains(size: str, each: Json, counts: Mapping[str, int]) -> Iterator[Section]:
    if not each["domains"]:
        return
    shares = [row["share"] for row in next(iter(each["domains"].values()))]
    perplexities, ratios = [], []
    for name, rows in each["domains"].items():
        label = f"{name} ({counts[name]:,} documents)"
        perplexities.append((label, *(number(exp(row["value"])) for row in rows)))
        ratios.append((label, *_ratios(rows)))
    mean = each["measures"]["loss over domains"]
    perplexities.append(("geometric mean", *(number(exp(row["value"])) for row in mean)))
    ratios.append(("geometric mean", *_ratios(mean)))
    columns = ("domain", *(percent(share) for share in shares))
    body = Table(caption=f"Perplexity, {size}", columns=columns, rows=perplexities).markup()
    body += Table(caption=f"As a ratio to share 0, {size}", columns=columns, rows=ratios).markup()
    sentence = "Held-out human text by domain; what a share costs differs by what the synthetic text is like."
    yield Section(f"domains-{size}", f"By domain, {size}", sentence, body)


def _ratios(rows: Sequence[Json]) -> list[str]:
    names = ("rise", "rise_low", "rise_high")
    return [NONE if not at else interval(row, shape=exp, names=names) for at, row in enumerate(rows)]


def _tasks(size: str, each: Json) -> Iterator[Section]:
    if not each["tasks"]:
        return
    shares = [row["share"] for row in next(iter(each["tasks"].values()))]
    rows = [
        (name, *(interval(row, shape=lambda value: 100 * value) for row in found))
        for name, found in each["tasks"].items()
    ]
    table = Table(
        caption=f"Answered rightly, in per cent, {size}",
        columns=("task", *(percent(share) for share in shares)),
        rows=rows,
    )
    sentence = "Small proxies answer as chance does as a rule; read these beside the intervals."
    yield Section(f"tasks-{size}", f"Questions, {size}", sentence, table.markup())


def _theory(size: str, each: Json) -> Section:
    worth = each["curve"]["worth_of_a_synthetic_token"]
    rows = []
    for row, expected in zip(each["measures"]["loss"], each["floor"]["rises"], strict=True):
        share = row["share"]
        size_of = NONE if worth["value"] is None else percent((1 - share) + worth["value"] * share)
        found = interval(row, names=("rise", "rise_low", "rise_high")) if share else NONE
        rows.append((percent(share), found, number(expected) if share else NONE, size_of))
    columns = ("synthetic", "rise of the loss", "floor share² c²", "effective size")
    table = Table(caption=f"What theory says beside it, {size}", columns=columns, rows=rows)
    distance = dict(zip(("value", "low", "high"), each["floor"]["distance"], strict=True))
    sentence = (
        "A regression whose labels come in part from weights at a distance c ends share² c² above its best, however"
        f" many rows (Dohmatob et al. 2025). Here c² = {interval(distance)} holds {number(each['floor']['held'])} of"
        " the variance of the rises. The effective size is a share as a part of as much human text, by the bend of the"
        " curve; it is not measured."
    )
    return Section(f"theory-{size}", f"Theory beside it, {size}", sentence, table.markup())


def _trust(done: Told) -> Section:
    rows = [
        (" and ".join(each.sizes), *(f"{a:.2f} ({b:.2f} to {c:.2f})" for a, b, c in (each.spearman, each.kendall)))
        for each in done.agreements
    ]
    table = Table(caption="Rank correlation of the shares", columns=("sizes", "Spearman", "Kendall"), rows=rows)
    body = table.markup() if rows else Markup()
    sentence = (
        "A proxy is a table of counts or a network of some hundred thousand parameters. What it says of a share is a"
        " forecast of the order of shares, and not of the perplexities of another model."
    )
    return Section("trust", "How far to trust a proxy", sentence, _paragraphs([trust_sentence(done)]) + body)


def _plan(told: Json) -> Section:
    rows = []
    for size, epochs in told["plan"]["epochs"].items():
        for each in epochs:
            rows.append((f"{size}, {percent(each['share'])}", f"{each['human']:.3f}", f"{each['synthetic']:.3f}"))
    table = Table(
        caption="How often each side is read", columns=("size and share", "human epochs", "synthetic epochs"), rows=rows
    )
    plan = told["plan"]
    expected = "not timed" if plan["minutes"] is None else f"{plan['minutes']:.1f} minutes expected"
    sentence = (
        f"{plan['runs']} proxies of {plan['tokens']:,} tokens each ({plan['limited_by']}), {plan['workers']} at once;"
        f" {expected}, {_last_start(plan)}. An epoch of 1 is a side read once."
    )
    return Section("plan", "The plan", sentence, table.markup())


def _last_start(plan: Json) -> str:
    minutes = plan["minutes_of_this_start"]
    return f"{minutes:.1f} taken by the last start" if minutes >= 0.05 else "nothing was left for the last start to do"


def _text(told: Json) -> Section:
    text = told["text"]
    rows = [(part, f"{text[part]:,}") for part in ("human", "synthetic", "held-out")]
    rows += [(f"left out, {why}", f"{count:,}") for why, count in text["left_out"].items() if count]
    rows += [("left out, cannot be read", f"{text['rows_that_cannot_be_read']:,}")]
    table = Table(caption="Documents", columns=("part", "documents"), rows=rows)
    warned = _paragraphs(f"{warning[:1].upper()}{warning[1:]}." for warning in told["warnings"])
    return Section("text", "The text", "Every row that was read is in one of these.", table.markup() + warned)


def _paragraphs(texts: Iterable[str]) -> Markup:
    """Each text as a paragraph."""
    return Markup().join(Markup("<p>{}</p>").format(visible(text)) for text in texts)


def _provenance(told: Json) -> dict[str, dict[str, str]]:
    settings = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in told["settings"].items()
    }
    return {
        "Settings": settings,
        "Tokenizers": {size: each["tokenizer"][:16] for size, each in told["sizes"].items()},
        "Made by": {"uncollapse": __version__},
    }
