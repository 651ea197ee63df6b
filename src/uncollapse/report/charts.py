"""Charts: a drawing, a sentence that says what to see (also its text alternative), and the numbers in a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

from markupsafe import Markup

from uncollapse.report import drawing as draw
from uncollapse.report.drawing import Scale
from uncollapse.report.numerals import NO_BREAK_SPACE, NONE, Number, count, share
from uncollapse.report.rendering import template
from uncollapse.report.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What a chart is called and what its axes mean. `name` is unique on a page; `reading` says what to see.

    `holds` are values that the upright axis of a line chart has room for whether they occur or not, so that charts can
    be compared with one another. `ticks` name the places 0, 1, ... of the lower axis of a line chart, where these are
    classes and no numbers.
    """

    name: str
    title: str
    reading: str
    x: str
    y: str
    holds: tuple[Number, ...] = ()
    ticks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing and the numbers that it was drawn from; `legend` names lines; horizontal bars name themselves."""

    axes: Axes
    drawing: Markup
    numbers: Table
    legend: Sequence[str] = ()
    points: Sequence[str] = ()
    thin: Sequence[str] = ()
    horizontal: bool = False

    def markup(self) -> Markup:
        """The chart as an HTML figure, its numbers folded away under it."""
        return template("uncollapse.report", "chart.html.jinja", chart=self)


class Bar(NamedTuple):
    """One bar: what is counted, how many, and a class of the page's style sheet that sets it apart."""

    label: str
    number: int
    style: str = ""


class Mark(NamedTuple):
    """A place on the x axis that matters, what to write there, and the stretch of the axis that it selects."""

    position: Number
    label: str
    selects: tuple[Number, Number]


class Band(NamedTuple):
    """One line of a line chart: its name, a value for each x, and the interval around each value."""

    name: str
    values: Sequence[Number]
    low: Sequence[Number]
    high: Sequence[Number]


class Points(NamedTuple):
    """Values beside the band of that number, as points or as a thin line: what must be, and what came of it."""

    name: str
    beside: int
    x: Sequence[Number]
    values: Sequence[Number]


def histogram(counts: Sequence[int], *, edges: Sequence[Number], axes: Axes, mark: Mark | None = None) -> Chart:
    """A chart of how many fell between each two edges; bars inside the stretch that the mark selects are set apart."""
    total = sum(counts)
    across = Scale(edges[0], edges[-1], Scale.around(edges[0], edges[-1]).ticks)
    up = Scale.around(0, max(counts, default=0) / total if total else 0)
    drawing = draw.canvas(axes.name, title=axes.title, reading=axes.reading)
    draw.heights(drawing, up, [f"{100 * tick:g}{NO_BREAK_SPACE}%" for tick in up.ticks])
    rows = []
    for number, (left, right) in zip(counts, pairwise(edges), strict=True):
        row = (f"{left:g} to {right:g}", count(number), share(number, total))
        rows.append(row)
        chosen = mark is not None and mark.selects[0] <= left and right <= mark.selects[1]
        height = up.place(number / total) if total else 0.0
        corner, width = (across.place(left), 100 - height), across.place(right) - across.place(left)
        tip = f"{row[0]}: {row[1]} ({row[2]})"
        draw.box(drawing, corner, (width, height), style="bar chosen" if chosen else "bar", tip=tip)
    draw.feet(drawing, across)
    if mark is not None:
        place = across.place(mark.position)
        draw.rule(drawing, (place, 0), (place, 100), style="mark")
        draw.words(drawing, place, 0, mark.label, style=f"mark-label {'right' if place < 50 else 'left'}")
    numbers = Table(caption=axes.title, columns=(axes.x, "number", "share"), rows=rows)
    return Chart(axes=axes, drawing=draw.markup(drawing), numbers=numbers)


def bars(parts: Sequence[Bar], *, axes: Axes) -> Chart:
    """A chart of counts, one horizontal bar under each label, with the number and its share of all."""
    total = sum(part.number for part in parts)
    longest = max((part.number for part in parts), default=0) or 1
    step = 100 / max(len(parts), 1)
    drawing = draw.canvas(axes.name, title=axes.title, reading=axes.reading, rows=len(parts))
    for row, part in enumerate(parts):
        label, bar = (row + 0.45) * step, (row + 0.58) * step
        draw.words(drawing, 0, label, part.label, style="label")
        draw.words(drawing, 100, label, f"{count(part.number)} · {share(part.number, total)}", style="value")
        draw.box(drawing, (0, bar), (100, step / 5), style="track")
        draw.box(drawing, (0, bar), (100 * part.number / longest, step / 5), style=f"bar {part.style}")
    rows = [(part.label, count(part.number), share(part.number, total)) for part in parts]
    numbers = Table(caption=axes.title, columns=(axes.y, axes.x, "share"), rows=rows)
    return Chart(axes=axes, drawing=draw.markup(drawing), numbers=numbers, horizontal=True)


class Dots(NamedTuple):
    """One cloud of a scatter chart: its name and its places."""

    name: str
    places: Sequence[Sequence[Number]]


def scatter(clouds: Sequence[Dots], *, axes: Axes, summary: Table) -> Chart:
    """A chart of places, each cloud in its own colour; `summary` says under it what the clouds amount to."""
    places = [place for cloud in clouds for place in cloud.places]
    across = Scale.around(min(place[0] for place in places), max(place[0] for place in places))
    up = Scale.around(min(place[1] for place in places), max(place[1] for place in places))
    drawing = draw.canvas(axes.name, title=axes.title, reading=axes.reading)
    draw.heights(drawing, up, [f"{tick:g}" for tick in up.ticks])
    for number, cloud in enumerate(clouds):
        for place in cloud.places:
            draw.dot(drawing, (across.place(place[0]), 100 - up.place(place[1])), style=f"dot dot-{number}")
    draw.feet(drawing, across)
    legend = [cloud.name for cloud in clouds]
    return Chart(axes=axes, drawing=draw.markup(drawing), numbers=summary, legend=legend)


def lines(
    x: Sequence[Number],
    *,
    bands: Sequence[Band],
    axes: Axes,
    points: Sequence[Points] = (),
    thin: Sequence[Points] = (),
) -> Chart:
    """A chart of values over x, each line inside the band of its interval; lines differ by colour and by dashes.

    `points` are set over it as small circles, `thin` as thin lines.

    Values that are not finite have no place on the paper: lines have gaps there, and the numbers below say what stood.
    """
    across = Scale(0, max(len(x) - 1, 1), list(x)) if axes.ticks else Scale.around(min(x), max(x))
    up = _upright(bands, [*points, *thin], axes.holds)
    drawing = draw.canvas(axes.name, title=axes.title, reading=axes.reading)
    draw.heights(drawing, up, [f"{tick:g}" for tick in up.ticks])
    plane = draw.plane(drawing)
    for number, band in enumerate(bands):
        around = _places(x, band.low, (across, up)) + _places(x, band.high, (across, up))[::-1]
        draw.path(plane, around, style=f"band line-{number}", closed=True)
        draw.path(plane, _places(x, band.values, (across, up)), style=f"line line-{number}")
    for group in thin:
        draw.path(plane, _places(group.x, group.values, (across, up)), style=f"line thin line-{group.beside}")
    for group in points:
        for place in _places(group.x, group.values, (across, up)):
            draw.point(drawing, place, style=f"point line-{group.beside}")
    draw.feet(drawing, across, axes.ticks or None)
    return Chart(
        axes=axes,
        drawing=draw.markup(drawing),
        numbers=_numbers(x, bands, [*points, *thin], axes),
        legend=[band.name for band in bands],
        points=sorted({group.name for group in points}),
        thin=sorted({group.name for group in thin}),
    )


def _places(x: Sequence[Number], values: Sequence[Number], scales: tuple[Scale, Scale]) -> list[tuple[Number, Number]]:
    """Where finite values lie, in per cent from the top left."""
    across, up = scales
    return [(across.place(at), 100 - up.place(value)) for at, value in zip(x, values, strict=True) if isfinite(value)]


def _upright(bands: Sequence[Band], points: Sequence[Points], holds: Sequence[Number]) -> Scale:
    """The scale that holds every finite value, and those that it must; 0 to 1 where there is none."""
    every = [*holds]
    every += [value for band in bands for part in (band.values, band.low, band.high) for value in part]
    every += [value for group in points for value in group.values]
    finite = [value for value in every if isfinite(value)] or [0, 1]
    return Scale.around(min(finite), max(finite))


def _numbers(x: Sequence[Number], bands: Sequence[Band], points: Sequence[Points], axes: Axes) -> Table:
    """What a line chart was drawn from."""
    beside = [dict(zip(group.x, group.values, strict=True)) for group in points]
    rows = [
        (
            axes.ticks[i] if axes.ticks else f"{at:g}",
            *(f"{band.values[i]:.4g} ({band.low[i]:.4g} to {band.high[i]:.4g})" for band in bands),
            *(f"{known[at]:.4g}" if at in known else NONE for known in beside),
        )
        for i, at in enumerate(x)
    ]
    names = [f"{group.name}: {bands[group.beside].name}" for group in points]
    return Table(caption=axes.title, columns=(axes.x, *(band.name for band in bands), *names), rows=rows)
