import dataclasses
import re
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise

import pytest
from markupsafe import Markup

from browsing import CONTRASTS, Look
from uncollapse.report import Assets, Axes, Band, Bar, Figure, Page, Section, Table, bars, lines, page

AXES = Axes(name="growth", title="Loss over generations", reading="It grows.", x="generation", y="loss")
BANDS = [
    Band(name, [place * rise for place in range(6)], [place * rise - 1 for place in range(6)], [9.0] * 6)
    for name, rise in (("replace", 1.5), ("accumulate", 0.5), ("edit", 0.25), ("human", 0))
]


def sample(**changes: object) -> Page:
    counts = bars([Bar("long " * 12, 3), Bar("short", 1)], axes=dataclasses.replace(AXES, name="bars"))
    columns = [f"column {number}" for number in range(30)]
    wide = Table(caption="many columns", columns=columns, rows=[["name", *("1,234,567" for _ in columns[1:])]])
    body = lines(range(6), bands=BANDS, axes=AXES).markup() + counts.markup() + wide.markup()
    fields = {
        "verb": "audit",
        "title": "Is this corpus healthy",
        "answer": "Yes, in each of the measures.",
        "figures": [Figure("1", "of one"), Figure("12 %", "of all", "more than before")],
        "sections": [Section("growth-section", "Growth", "See how it grows.", body)],
        "provenance": {"Recipe": {"threshold": "0.99", "a very long name": "x" * 300}},
    }
    return Page(**(fields | changes))  # type: ignore[arg-type]


def test_the_policy_lets_in_exactly_the_style_and_the_script_of_the_page() -> None:
    html = page(sample(assets=Assets(style="p { color: red }", script="void 0;")))
    [style] = re.findall("<style>(.*?)</style>", html, re.S)
    [script] = re.findall("<script>(.*?)</script>", html, re.S)
    ours, mine = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    policy = f"default-src 'none'; style-src 'sha256-{ours}'; script-src 'sha256-{mine}'; img-src data:; "
    assert f'http-equiv="Content-Security-Policy" content="{policy}' in html
    assert style.endswith("p { color: red }")
    assert script.endswith("void 0;")
    assert "unsafe" not in html
    assert re.search(r'\sstyle="|\son\w+="', html) is None


def test_an_asset_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(AssertionError):
        page(sample(assets=Assets(script="'</SCRIPT>'")))


def test_every_text_of_a_page_is_escaped() -> None:
    evil = '"><img src=x onerror=alert(1)></title><script>alert(1)</script>\u202e'
    html = page(
        sample(
            verb=evil,
            title=evil,
            answer=evil,
            figures=[Figure(evil, evil, evil)],
            sections=[Section("name", evil, evil, Markup())],
            provenance={evil: {evil: evil}},
        )
    )
    assert "<img" not in html
    assert html.count("<script>") == html.count("</script>") == 1
    assert html.count("</title>") == 1
    assert "\u202e" not in html


@pytest.mark.browser
class TestInABrowser:
    @pytest.mark.parametrize("width", [320, 360, 768, 1400])
    def test_nothing_is_wider_than_the_window(self, look: Look, width: int) -> None:
        shown = look(page(sample()), width=width)
        shown.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert shown.locator(".frame").last.evaluate("frame => frame.scrollWidth > frame.clientWidth")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_all_text_has_enough_contrast(self, look: Look, scheme: str) -> None:
        shown = look(page(sample()), color_scheme=scheme)
        shown.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        contrasts = shown.evaluate(CONTRASTS)
        assert len(contrasts) > 20
        assert {name: value for name, value in contrasts.items() if value < 4.5} == {}

    def test_colours_follow_the_system_until_a_person_turns_them(self, look: Look) -> None:
        shown = look(page(sample()), color_scheme="dark")
        background = "getComputedStyle(document.documentElement).backgroundColor"
        dark = shown.evaluate(background)
        assert shown.locator("#theme").get_attribute("aria-label") == "Switch to light colours"
        shown.click("#theme")
        light = shown.evaluate(background)
        assert sum(map(int, re.findall(r"\d+", light))) > 700
        assert sum(map(int, re.findall(r"\d+", dark))) < 100
        shown.click("#theme")
        assert shown.evaluate(background) == dark
        shown.emulate_media(color_scheme="light")
        assert shown.evaluate(background) == dark

    def test_an_injected_script_or_style_does_nothing(self, look: Look) -> None:
        shown = look(page(sample()), quiet=False)
        shown.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.ran = 1";
              document.body.append(script);
              document.querySelector("h1").innerHTML = '<b id="evil" style="color: red" onclick="window.ran = 2">x</b>'
                + '<img src="x" onerror="window.ran = 3">';
            }"""
        )
        shown.click("#evil")
        shown.wait_for_timeout(100)
        assert shown.evaluate("window.ran") is None
        assert shown.locator("#evil").evaluate("evil => getComputedStyle(evil).color") != "rgb(255, 0, 0)"

    def test_a_keyboard_and_a_screen_reader_find_their_way(self, look: Look) -> None:
        shown = look(page(sample()))
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.textContent") == "Skip to the content"
        shown.keyboard.press("Enter")
        assert shown.evaluate("document.activeElement.id") == "content"
        levels = shown.eval_on_selector_all("h1, h2, h3", "all => all.map(one => Number(one.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert shown.locator("main").count() == shown.locator("h1").count() == 1
        identities = shown.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
        assert len(identities) == len(set(identities))
        for target in shown.eval_on_selector_all("nav a", "all => all.map(one => one.hash)"):
            assert shown.locator(target).count() == 1

    def test_charts_are_as_wide_as_the_page_and_their_text_keeps_its_size(self, look: Look) -> None:
        sizes = {}
        for width in (360, 1400):
            shown = look(page(sample()), width=width)
            foot = shown.locator("#growth .foot").first
            sizes[width] = foot.bounding_box()["height"]
            places = [foot.bounding_box()["x"] for foot in shown.locator("#growth .foot").all()]
            assert places == sorted(places)
            assert places[-1] < width
        assert sizes[360] == sizes[1400] >= 10

    def test_on_paper_it_is_light_and_without_tools(self, look: Look) -> None:
        shown = look(page(sample()), color_scheme="dark")
        shown.emulate_media(media="print", color_scheme="dark")
        assert shown.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
        assert not shown.locator("#theme").is_visible()
        assert not shown.locator("nav").is_visible()
        assert shown.pdf().startswith(b"%PDF")

    def test_it_reads_without_its_script(self, look: Look) -> None:
        shown = look(page(sample()), java_script_enabled=False)
        assert shown.locator(".answer").inner_text() == "Yes, in each of the measures."
        assert not shown.locator("#theme").is_visible()
