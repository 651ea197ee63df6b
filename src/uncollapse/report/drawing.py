"""What charts are drawn with: SVG elements placed in per cent of the plane, and round numbers for an axis.

Nothing in a drawing is scaled: it is as wide as the page lets it be, and its text keeps its size.
"""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple, TypeAlias
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from uncollapse.report.numerals import Number
from uncollapse.report.visible import spelled

Place: TypeAlias = tuple[Number, Number]

ROW = 3.2  # height of one horizontal bar with its label, in em
AXIS_STEPS = 5  # most steps between round numbers on an axis


class Scale(NamedTuple):
    """Round ends of an axis and the round numbers from one to the other."""

    low: Number
    high: Number
    ticks: Sequence[Number]

    @classmethod
    def around(cls, low: Number, high: Number) -> "Scale":
        """The narrowest scale of at most five steps of 1, 2, 2.5 or 5 times a power of ten that holds low and high."""
        if low == high:
            high = low + (abs(low) or 1)
        width = high - low
        power = 10.0 ** floor(log10(width / AXIS_STEPS))
        for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power, 20 * power):
            # A hair's breadth, so that ends that are round numbers up to rounding are their own ticks.
            first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
            if last - first <= AXIS_STEPS:
                break
        ticks = [float(f"{number * step:.12g}") for number in range(first, last + 1)]
        return cls(ticks[0], ticks[-1], ticks)

    def place(self, value: Number) -> Number:
        """Where the value lies between the ends, in per cent."""
        return 100 * (value - self.low) / (self.high - self.low)


def canvas(name: str, *, title: str, reading: str, rows: int | None = None) -> Element:
    """An empty drawing that screen readers announce by title and reading; `rows` sets the height of horizontal bars."""
    kind = {"class": "plot"} if rows is None else {"class": "bars", "height": f"{ROW * rows:g}em"}
    drawing = Element("svg", {**kind, "role": "img", "aria-labelledby": f"{name}-title {name}-reading"})
    SubElement(drawing, "title", {"id": f"{name}-title"}).text = spelled(title)
    SubElement(drawing, "desc", {"id": f"{name}-reading"}).text = spelled(reading)
    return drawing


def box(drawing: Element, corner: Place, size: Place, *, style: str, tip: str = "") -> None:
    """Draws a rectangle; corner and size in per cent from the top left. `tip` is shown when it is pointed at."""
    place = dict(zip(("x", "y", "width", "height"), map(_percent, (*corner, *size)), strict=True))
    rectangle = SubElement(drawing, "rect", {**place, "class": style})
    if tip:
        SubElement(rectangle, "title").text = spelled(tip)


def dot(drawing: Element, place: Place, *, style: str) -> None:
    """Draws a small disc around a place in per cent; its radius is the style sheet's."""
    SubElement(drawing, "circle", {"cx": _percent(place[0]), "cy": _percent(place[1]), "r": "2.5", "class": style})


def rule(drawing: Element, start: Place, end: Place, *, style: str) -> None:
    """Draws a straight line between two places in per cent."""
    places = dict(zip(("x1", "y1", "x2", "y2"), map(_percent, (*start, *end)), strict=True))
    SubElement(drawing, "line", {**places, "class": style})


def words(drawing: Element, x: Number, y: Number, text: str, *, style: str) -> None:
    """Writes text at a place in per cent; the style says on which side of it."""
    SubElement(drawing, "text", {"x": _percent(x), "y": _percent(y), "class": style}).text = spelled(text)


def plane(drawing: Element) -> Element:
    """A square of 100 stretched over the drawing, for paths, which know no per cent; strokes are not stretched."""
    return SubElement(drawing, "svg", {"viewBox": "0 0 100 100", "preserveAspectRatio": "none", "class": "plane"})


def path(drawing: Element, points: Sequence[Place], *, style: str, closed: bool = False) -> None:
    """Draws a line through points of a plane, back to its beginning if closed; none where there is no point."""
    if not points:
        return
    steps = "L".join(f"{x:.3f},{y:.3f}" for x, y in points)
    SubElement(drawing, "path", {"d": f"M{steps}{'Z' if closed else ''}", "class": style})


def point(drawing: Element, place: Place, *, style: str) -> None:
    """Draws a small circle around a place in per cent; its size does not depend on that of the drawing."""
    SubElement(drawing, "circle", {"cx": _percent(place[0]), "cy": _percent(place[1]), "r": "3", "class": style})


def heights(drawing: Element, scale: Scale, labels: Sequence[str]) -> None:
    """Draws a rule across the plane at each tick of a vertical scale, with its label at the left."""
    for tick, label in zip(scale.ticks, labels, strict=True):
        y = 100 - scale.place(tick)
        rule(drawing, (0, y), (100, y), style="axis" if tick == scale.low else "rule")
        words(drawing, 0, y, label, style="height")


def feet(drawing: Element, scale: Scale, labels: Sequence[str] | None = None) -> None:
    """Writes the ticks of a horizontal scale under the plane, or a label for each."""
    for tick, label in zip(scale.ticks, labels or [f"{tick:g}" for tick in scale.ticks], strict=True):
        words(drawing, scale.place(tick), 100, label, style="foot")


def markup(drawing: Element) -> Markup:
    """The drawing as HTML."""
    return Markup(tostring(drawing, encoding="unicode"))  # noqa: S704 - escaped by the serializer


def _percent(value: Number) -> str:
    return f"{value:.3f}%"
