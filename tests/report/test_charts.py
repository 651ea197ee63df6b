from xml.etree.ElementTree import Element, fromstring

from uncollapse.report.charts import Axes, Band, Bar, Chart, Mark, Points, bars, histogram, lines
from uncollapse.report.numerals import NONE

AXES = Axes(name="chart", title="A <title>", reading="What to see", x="length", y="share")


def drawn(chart: Chart) -> Element:
    return fromstring(chart.drawing)


def boxes(chart: Chart, style: str) -> list[tuple[str | None, ...]]:
    found = [box for box in drawn(chart).iter("rect") if style in box.get("class", "").split()]
    return [tuple(box.get(name) for name in ("x", "y", "width", "height")) for box in found]


def texts(chart: Chart, style: str) -> list[str | None]:
    return [text.text for text in drawn(chart).iter("text") if style in text.get("class", "").split()]


def test_bars_of_a_histogram_stand_where_and_as_high_as_they_should() -> None:
    # 10 in all; the highest share 0.5 gives an axis from 0 to 50 %.
    chart = histogram([5, 0, 2, 3], edges=[0, 0.25, 0.5, 0.75, 1], axes=AXES)
    assert boxes(chart, "bar") == [
        ("0.000%", "0.000%", "25.000%", "100.000%"),
        ("25.000%", "100.000%", "25.000%", "0.000%"),
        ("50.000%", "60.000%", "25.000%", "40.000%"),
        ("75.000%", "40.000%", "25.000%", "60.000%"),
    ]
    assert texts(chart, "height") == [f"{tick}\N{NO-BREAK SPACE}%" for tick in (0, 10, 20, 30, 40, 50)]
    assert texts(chart, "foot") == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [row[1] for row in chart.numbers.rows] == ["5", "0", "2", "3"]


def test_a_mark_stands_at_its_place_and_sets_what_it_selects_apart() -> None:
    mark = Mark(0.5, "threshold 0.5", (0.5, 1.0))
    chart = histogram([5, 0, 2, 3], edges=[0, 0.25, 0.5, 0.75, 1], axes=AXES, mark=mark)
    assert [box[0] for box in boxes(chart, "chosen")] == ["50.000%", "75.000%"]
    line = next(line for line in drawn(chart).iter("line") if line.get("class") == "mark")
    assert (line.get("x1"), line.get("x2")) == ("50.000%", "50.000%")
    assert texts(chart, "mark-label") == ["threshold 0.5"]


def test_a_bar_that_the_mark_cuts_is_not_chosen() -> None:
    chart = histogram([1, 1], edges=[0, 0.5, 1], axes=AXES, mark=Mark(0.7, "threshold", (0.7, 1.0)))
    assert boxes(chart, "chosen") == []


def test_a_histogram_of_nothing_has_bars_of_no_height() -> None:
    chart = histogram([0, 0], edges=[0, 0.5, 1], axes=AXES)
    assert [box[3] for box in boxes(chart, "bar")] == ["0.000%", "0.000%"]
    assert [row[2] for row in chart.numbers.rows] == [NONE, NONE]


def test_horizontal_bars_are_as_long_as_their_share_of_the_longest() -> None:
    chart = bars([Bar("kept", 6), Bar("changed", 3, "changed"), Bar("protected", 0)], axes=AXES)
    assert [box[2] for box in boxes(chart, "bar")] == ["100.000%", "50.000%", "0.000%"]
    assert boxes(chart, "changed")[0][2] == "50.000%"
    assert texts(chart, "value")[0] == "6 · 66.7\N{NO-BREAK SPACE}%"


def test_lines_run_through_their_values_inside_their_bands() -> None:
    band = Band("edited", values=[0, 5, 10], low=[0, 4, 9], high=[1, 6, 10])
    chart = lines([0, 1, 2], bands=[band, band._replace(name="replaced")], axes=AXES)
    paths = [(path.get("class"), path.get("d")) for path in drawn(chart).iter("path")]
    assert paths[1] == ("line line-0", "M0.000,100.000L50.000,50.000L100.000,0.000")
    assert paths[0] == (
        "band line-0",
        "M0.000,100.000L50.000,60.000L100.000,10.000L100.000,0.000L50.000,40.000L0.000,90.000Z",
    )
    assert list(chart.legend) == ["edited", "replaced"]
    assert chart.numbers.rows[1] == ("1", "5 (4 to 6)", "5 (4 to 6)")


def test_each_chart_has_a_name_a_reading_and_its_numbers_for_those_who_do_not_see_it() -> None:
    band = Band("edited", values=[1], low=[0], high=[2])
    for chart in (histogram([1], edges=[0, 1], axes=AXES), bars([], axes=AXES), lines([0], bands=[band], axes=AXES)):
        drawing = drawn(chart)
        assert drawing.get("role") == "img"
        names = {element.get("id"): element.text for element in drawing if element.tag in ("title", "desc")}
        assert [names[name] for name in drawing.get("aria-labelledby", "").split()] == ["A <title>", "What to see"]
        markup = chart.markup()
        assert "A &lt;title&gt;" in markup
        assert "<table>" in markup


def test_points_and_thin_lines_stand_beside_their_band() -> None:
    band = Band("replace", values=[0, 5, 10], low=[0, 5, 10], high=[0, 5, 10])
    theory, mean = Points("theory", 0, [0, 2], [0, 10]), Points("mean", 0, [0, 1, 2], [0, 10, 10])
    chart = lines([0, 1, 2], bands=[band], axes=AXES, points=[theory], thin=[mean])
    circles = [(each.get("cx"), each.get("cy"), each.get("class")) for each in drawn(chart).iter("circle")]
    assert circles == [("0.000%", "100.000%", "point line-0"), ("100.000%", "0.000%", "point line-0")]
    (path,) = [path for path in drawn(chart).iter("path") if "thin" in (path.get("class") or "")]
    assert path.get("d") == "M0.000,100.000L50.000,0.000L100.000,0.000"
    assert chart.numbers.columns == ("length", "replace", "theory: replace", "mean: replace")
    assert chart.numbers.rows[1] == ("1", "5 (5 to 5)", NONE, "10")
    assert (chart.points, chart.thin) == (["theory"], ["mean"])


def test_what_is_not_finite_leaves_a_gap_and_is_said_in_the_numbers() -> None:
    band = Band("replace", values=[0, float("-inf"), 10], low=[0, float("-inf"), 10], high=[0, float("nan"), 10])
    chart = lines([0, 1, 2], bands=[band], axes=AXES)
    path = next(path for path in drawn(chart).iter("path") if path.get("class") == "line line-0")
    assert path.get("d") == "M0.000,100.000L100.000,0.000"
    assert chart.numbers.rows[1][1] == "-inf (-inf to nan)"
    nothing = Band("replace", values=[float("inf")], low=[float("inf")], high=[float("inf")])
    assert list(drawn(lines([0], bands=[nothing], axes=AXES)).iter("path")) == []


def test_an_axis_has_room_for_what_it_must_hold() -> None:
    axes = Axes(name="held", title="t", reading="r", x="x", y="y", holds=(0, 1))
    chart = lines([0, 1], bands=[Band("a", [0.5, 0.75], [0.5, 0.75], [0.5, 0.75])], axes=axes)
    paths = [path.get("d") for path in drawn(chart).iter("path") if path.get("class") == "line line-0"]
    assert paths == ["M0.000,50.000L100.000,25.000"]
