"""The page of a trial: the sentence, the differences with their intervals, the tables."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from markupsafe import Markup

from uncollapse.collapse.trial.arms import ARMS, NONE
from uncollapse.collapse.trial.results import RANKED, Compared, Found, answer, controls_seen, multiplicity, sentence_of
from uncollapse.collapse.trial.settings import OBJECTIVES
from uncollapse.collapse.trial.telling import Grid, digits, interval, signed
from uncollapse.report import Assets, Axes, Chart, Figure, Page, Section, Table, page, prose
from uncollapse.report import drawing as draw
from uncollapse.report.drawing import Scale
from uncollapse.report.rendering import asset
from uncollapse.version import __version__


def trial_page(found: Found, made: Sequence[Grid], told: Mapping[str, Any]) -> str:
    """The page as HTML."""
    sections = [_forest(found, objective) for objective in found.objectives]
    tables = Markup().join(Table(caption=each.caption, columns=each.columns, rows=each.rows).markup() for each in made)
    reading = (
        "Tokens flagged and changed are the prior's; tokens learned are the model's own. A difference below zero means"
        " less surprise at held-out human text than without edits. The smallest difference to be seen is the one that"
        " such a trial would tell apart four times in five."
    )
    arms = Table(
        caption="What each arm learns from",
        columns=("arm", "what it is"),
        rows=[(name, ARMS[name].what) for name in dict.fromkeys(each.arm for each in found.trained)],
    )
    return page(
        Page(
            verb="trial",
            title="Text edited token by token, beside controls",
            answer=prose(answer(found)),
            figures=_figures(found),
            sections=[
                *sections,
                Section("tables", "The tables", prose(f"{multiplicity(found)} {reading}"), tables),
                Section("arms", "The arms", "All learn from as many tokens, to within a hundredth.", arms.markup()),
            ],
            assets=Assets(style=asset("uncollapse.collapse", "trial.css")),
            provenance=_provenance(told),
        )
    )


def _figures(found: Found) -> list[Figure]:
    arms = {each.arm for each in found.trained}
    seeds = len(found.trained[0].values[RANKED])
    figures = [
        Figure(str(len(arms)), "arms", f"on {len(found.objectives)} objectives"),
        Figure(str(seeds), "seeds" if seeds > 1 else "seed", "the same for every arm"),
        Figure(str(found.comparisons), "comparisons", "of perplexity, each with an interval"),
    ]
    seen, controls = controls_seen(found)
    if controls:
        figures.append(Figure(f"{seen} of {controls}", "positive controls", "higher than no edit"))
    return figures


def _forest(found: Found, objective: str) -> Section:
    compared = [found.difference(objective, each.arm) for each in found.arms(objective) if each.arm != NONE]
    rows = [each for each in compared if each is not None]
    axes = Axes(
        name=f"forest-{objective}",
        title=f"Perplexity against no edit, {objective}",
        reading="Each line is a 95 % interval of the difference, the disc its middle; zero is no difference.",
        x="difference in perplexity",
        y="arm",
    )
    what = OBJECTIVES[objective].what  # type: ignore[index]
    return Section(
        f"differences-{objective}",
        f"{what[:1].upper()}{what[1:]}",
        prose(sentence_of(found, objective)),
        _plot(rows, axes),
    )


def _plot(rows: Sequence[Compared], axes: Axes) -> Markup:
    """A line for each arm from the low end of its interval to the high one, over a common scale."""
    ends = [0.0, *(end for each in rows for end in _ends(each))]
    scale = Scale.around(min(ends), max(ends))
    drawing = draw.canvas(axes.name, title=axes.title, reading=axes.reading, rows=len(rows) + 1)
    step = 100 / (len(rows) + 1)
    draw.rule(drawing, (scale.place(0), 0), (scale.place(0), 100 - step / 2), style="mark")
    for number, each in enumerate(rows):
        low, high = (scale.place(end) for end in _ends(each))
        label, line = (number + 0.4) * step, (number + 0.7) * step
        draw.words(drawing, 0, label, each.difference.arm, style="label")
        draw.words(drawing, 100, label, interval(each), style="value")
        draw.rule(drawing, (0, line), (100, line), style="rule")
        draw.rule(drawing, (low, line), (high, line), style="interval told" if each.sure else "interval")
        draw.dot(drawing, (scale.place(each.difference.value), line), style="middle")
    for tick in scale.ticks:
        style = "tick first" if tick == scale.low else "tick last" if tick == scale.high else "tick"
        draw.words(drawing, scale.place(tick), 100 - step / 4, f"{tick:g}", style=style)
    numbers = Table(
        caption=axes.title,
        columns=("arm", "difference", "low", "high", "smallest to be seen"),
        rows=[
            (
                each.difference.arm,
                signed(each.difference.value),
                *map(signed, _ends(each)),
                digits(each.difference.smallest),
            )
            for each in rows
        ],
    )
    return Chart(axes=axes, drawing=draw.markup(drawing), numbers=numbers, horizontal=True).markup()


def _ends(compared: Compared) -> tuple[float, float]:
    """The interval, or the value alone where there is none."""
    low, high = compared.difference.low, compared.difference.high
    return (low, high) if isfinite(low) else (compared.difference.value, compared.difference.value)


def _provenance(told: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Text": {name: str(value) for name, value in told["text"].items()},
        "Settings": {name: str(value) for name, value in told["settings"].items()},
        "Run": {"seeds": ", ".join(map(str, told["seeds"])), "begins with": str(told["begins with"])},
        "Made by": {"uncollapse": __version__},
    }
