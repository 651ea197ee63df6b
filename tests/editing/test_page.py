import re

import pytest

from browsing import CONTRASTS, Look
from traces import RECIPE, document, english, report, small, token
from uncollapse.editing.page import edits_page
from uncollapse.editing.trace import EXCERPT, Alternative, DocumentTrace, Verdict

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    '<a href="javascript:alert(4)">click</a>',
    "</style><style>*{display:none}</style>",
    "</script></div></main></body>",
    "<!-- ",
    "]]><svg onload=alert(5)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "\u202e\u2066evil\u202dtext\u2069",
    "a\x00b\x1b[31mc\x07\x08\r\x0c",
    "\u200bzero\u200dwidth\ufeff\u00ad",
    "👩\u200d👩\u200d👧 🇫🇷 👍🏽",
    "مرحبا بالعالم",
    "W" * 3000,
    "Z\u0351\u036b\u0343" * 60,
]

# The text of a document without what was put into it.
ORIGINAL = """text => {
  text = text.cloneNode(true);
  text.querySelectorAll("ins, .arrow, .gap").forEach((one) => one.remove());
  return text.textContent;
}"""
HERE = "[...document.querySelectorAll('.t.changed')].indexOf(document.activeElement)"
FOLLOWING = """one => [...document.querySelectorAll(".t.changed")]
  .findIndex((change) => one.compareDocumentPosition(change) & Node.DOCUMENT_POSITION_FOLLOWING)"""
INSIDE = "one => { const box = one.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight; }"


def hostile() -> list[DocumentTrace]:
    """Each evil text as a plain token, as a change, as what it is changed to, as an alternative and as a source."""
    return [
        document(
            [
                token(evil, flagged=False),
                token(" word", Verdict.CHANGED, after=evil, alternatives=(Alternative(evil, 0.25),)),
                token(evil, Verdict.CHANGED, after=" word", alternatives=(Alternative(" word", 0.25),)),
                token(evil, Verdict.PROTECTED, alternatives=(Alternative(evil, 0.25),)),
            ],
            source=evil,
        )
        for evil in EVIL
    ]


def html_of(traces: list[DocumentTrace], **recipe: object) -> str:
    return edits_page(traces, report=report(traces, recipe=RECIPE | recipe))


def test_the_page_of_nothing() -> None:
    html = html_of([])
    assert "0 of 0 tokens were changed" in html
    assert "No document was sampled." in html
    assert "The rule picked no token" in html


def test_the_page_of_a_run_that_counted_nothing() -> None:
    empty = report([]) | {"tokens": {}, "documents": {}, "histogram": {"edges": [], "counts": []}}
    empty["speed"] = {"seconds": 0.0, "tokens": 0, "tokens_per_second": None, "bytes": 0}
    html = edits_page([], report=empty)
    assert "0 of 0 tokens were changed" in html
    assert "The model gave no token a probability." in html


def test_what_the_rule_looks_at_is_said() -> None:
    assert "at or above a probability of 0.3" in html_of(small())
    assert "looks at tokens above a probability of 0.99" in html_of(small(), strict=True, threshold=0.99)
    assert "at or below a probability of 0.05" in html_of(small(), positions="hard", threshold=0.05)
    assert "at random, at a rate of 12.5" in html_of(small(), positions="random", rate=0.125)


def test_a_long_document_is_cut_and_says_so() -> None:
    html = html_of([document([token("a", flagged=False)] * (EXCERPT + 1234))])
    assert "Cut here: 1,234 more tokens are not shown." in html
    assert "1 of them cut after 1,500 tokens" in html
    assert html.count('class="t a5"') == EXCERPT


def test_an_account_that_does_not_add_up_is_not_hidden() -> None:
    broken = report(small())
    broken["rows"]["out"] += 1
    assert "does not add up" not in html_of(small())
    assert edits_page(small(), report=broken).count("does not add up") == 1


@pytest.mark.browser
class TestInABrowser:
    def test_hostile_text_is_shown_and_does_nothing(self, look: Look) -> None:
        shown = look(html_of(hostile()), width=1000)
        assert shown.locator("script").count() == shown.locator("style").count() == 1
        assert shown.locator("main img, main a, main svg [onload], main style").count() == 0
        names = set(shown.eval_on_selector_all("*", "all => all.flatMap(one => one.getAttributeNames())"))
        assert {name for name in names if name.startswith("on") or name == "style"} <= {"style"}  # set by our script
        for number, evil in enumerate(EVIL[:10]):
            assert shown.locator(".text").nth(number).text_content().startswith(evil)
            shown.locator(".text").nth(number).locator(".t.protected").focus()
            assert evil.strip() in shown.locator("#details .head").text_content()
            shown.locator(".text").nth(number).locator(".t").first.hover()
        assert shown.locator("article").count() == len(EVIL)

    def test_what_cannot_be_seen_is_shown_as_signs(self, look: Look) -> None:
        shown = look(html_of(hostile()))

        def signs(number: int) -> list[str]:
            return shown.locator(".text").nth(number).locator(".t").first.locator(".sign").all_text_contents()

        assert signs(10) == ["U+202E", "U+2066", "U+202D", "U+2069"]
        assert signs(11) == ["U+0000", "U+001B", "U+0007", "U+0008", "U+000D", "U+000C"]
        assert signs(12) == ["U+200B", "U+200D", "U+FEFF", "U+00AD"]
        assert signs(13) == []
        assert "👩\u200d👩\u200d👧 🇫🇷 👍🏽" in shown.locator(".text").nth(13).text_content()
        assert re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", shown.content()) is None

    def test_hostile_text_does_not_move_what_stands_around_it(self, look: Look) -> None:
        places = []
        for traces in (english(len(EVIL), tokens=30), hostile()):
            shown = look(html_of(traces), width=700)
            boxes = shown.eval_on_selector_all(
                "h1, h2, .tools, .legend, article, article h3, .text, footer",
                "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])",
            )
            places.append(boxes)
            assert shown.evaluate("document.documentElement.scrollWidth") == 700
        assert places[0] == places[1]
        # In the token with the overrides, what comes first still stands left of what comes after.
        signs = shown.locator(".text").nth(10).locator(".t").first.locator(".sign")
        lefts = [signs.nth(number).bounding_box()["x"] for number in range(4)]
        assert lefts == sorted(lefts)

    def test_the_numbers_on_the_page_are_those_of_the_report(self, look: Look) -> None:
        traces = english(3, tokens=800)
        numbers = report(traces)
        numbers["documents"]["unchanged"] += 97
        shown = look(edits_page(traces, report=numbers))
        tokens = numbers["tokens"]

        def accounts() -> list[int]:
            found = shown.locator(".account tr td:nth-child(2)").all_text_contents()
            return [int(text.replace(",", "")) for text in found if text != "number"]

        kept = [tokens[name] for name in ("kept", "changed", "protected", "taken_back", "over_budget")]
        picked = tokens["flagged"]
        assert accounts() == [
            *(6, 3, 2, 1, 6),
            *(2400, picked, tokens["scored"] - picked, 3, 2400),
            *(picked, *kept, picked),
        ]
        assert shown.locator(".answer").inner_text().startswith(f"{tokens['changed']} of 2,400 tokens were changed")
        assert shown.locator(".sum:not(.broken)").count() == 3
        assert "A sample: 3 of 100 documents are shown." in shown.locator("main").inner_text()
        cells = shown.locator("#certainty-chart td:nth-child(2)").all_text_contents()
        assert [int(cell.replace(",", "")) for cell in cells] == numbers["histogram"]["counts"]
        assert shown.locator(".mark-label").text_content() == f"0.3 · {tokens['near_threshold']} within 0.002"
        assert shown.locator("#certainty-chart rect.chosen").count() == 70
        assert shown.locator("rect.changed").count() == 1
        for number, trace in enumerate(traces):
            changed = sum(token.verdict is Verdict.CHANGED for token in trace.tokens)
            assert shown.locator(".text").nth(number).locator(".t.changed").count() == changed
            text = shown.locator(".text").nth(number).evaluate(ORIGINAL)
            assert text == "".join(token.before for token in trace.tokens)

    def test_shade_grows_with_probability(self, look: Look) -> None:
        shown = look(html_of(small()))
        alphas = [
            shown.locator(f".scale .a{step}").evaluate("one => getComputedStyle(one).backgroundColor")
            for step in range(10)
        ]
        assert len(set(alphas)) == 10
        assert "a3" in shown.get_by_text("w23", exact=True).get_attribute("class")  # 23 / 60 = 0.38

    def test_a_fate_can_be_told_without_colour(self, look: Look) -> None:
        shown = look(html_of(small()))
        lines = {
            name: shown.locator(f".text .{name}").evaluate("one => getComputedStyle(one).textDecorationStyle")
            for name in ("kept", "protected", "taken-back", "over-budget")
        }
        assert lines == {"kept": "dotted", "protected": "double", "taken-back": "wavy", "over-budget": "dashed"}
        assert shown.locator(".text del").inner_text() == "movie"
        assert shown.locator(".text ins").inner_text() == "film"

    def test_details_are_shown_on_pointing_and_go_away(self, look: Look) -> None:
        shown = look(html_of(small()))
        details = shown.locator("#details")
        shown.locator(".t.changed").hover()
        details.wait_for(state="visible")
        assert details.locator(".head").inner_text() == "movie→film"
        assert [row.split("\t") for row in details.locator("tr").all_inner_texts()] == [
            ["␣movie", "0.6250"],
            ["␣film", "0.2500"],
            ["␣picture", "0.1250"],
        ]
        assert details.locator("tr.drawn").inner_text().startswith("␣film")
        details.hover()
        shown.wait_for_timeout(300)
        assert details.is_visible()
        shown.keyboard.press("Escape")
        assert not details.is_visible()
        shown.get_by_text("w30", exact=True).hover()
        details.wait_for(state="visible")
        assert details.inner_text().split("\n")[-1] == "probability 0.5000"
        shown.locator("h1").hover()
        details.wait_for(state="hidden")

    def test_details_are_shown_on_focus_and_described(self, look: Look) -> None:
        shown = look(html_of(small()))
        shown.locator("#keys").focus()
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.matches('.t.changed')")
        assert shown.evaluate("document.activeElement.getAttribute('aria-describedby')") == "details"
        fates = []
        for _ in range(6):
            fates.append(shown.locator("#details .fate").inner_text().partition(":")[0])
            shown.keyboard.press("ArrowRight")
        assert fates == ["changed", "protected", "kept", "taken back", "over budget", "over budget"]
        shown.keyboard.press("Tab")
        assert not shown.locator("#details").is_visible()

    def test_details_are_shown_on_touch(self, look: Look) -> None:
        shown = look(html_of(small()), width=360, height=780, has_touch=True, is_mobile=True)
        details = shown.locator("#details")
        shown.locator(".t.changed").tap()
        assert details.is_visible()
        box = details.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        shown.locator("h1").tap()
        assert not details.is_visible()

    def test_keys_go_from_change_to_change(self, look: Look) -> None:
        shown = look(html_of(english(6, tokens=400)))
        changes = shown.locator(".t.changed").count()
        assert changes > 6
        seen = []
        for key in ("n", "n", "n", "p"):
            shown.keyboard.press(key)
            seen.append(shown.evaluate(HERE))
        assert seen == [0, 1, 2, 1]
        assert shown.locator("#where").inner_text() == f"2 of {changes}"
        for _ in range(2):
            shown.keyboard.press("p")
        assert shown.evaluate(HERE) == changes - 1
        assert shown.locator(".t.changed").last.evaluate(INSIDE)
        shown.click("#next")
        assert shown.evaluate(HERE) == 0
        shown.locator("#keys").uncheck()
        shown.keyboard.press("n")
        assert shown.evaluate("document.activeElement.id") == "keys"

    def test_a_key_goes_on_from_the_token_that_was_looked_at(self, look: Look) -> None:
        shown = look(html_of(english(2, tokens=600)))
        kept = shown.locator(".t.kept[data-v]").nth(5)
        after = kept.evaluate(FOLLOWING)
        kept.focus()
        shown.keyboard.press("n")
        assert shown.evaluate(HERE) == after
        kept.focus()
        shown.keyboard.press("p")
        assert shown.evaluate(HERE) == (after - 1) % shown.locator(".t.changed").count()

    def test_only_changes_are_shown_when_asked(self, look: Look) -> None:
        shown = look(html_of(small()))
        assert shown.locator("article:visible").count() == 2
        shown.get_by_label("changes only").check()
        assert shown.locator("article:visible").count() == 1
        visible = [text.strip() for text in shown.locator(".text .t:visible").all_inner_texts()]
        # Token 20 with 12 tokens on either side.
        assert (visible[0], visible[-1], len(visible)) == ("w8", "w32", 25)
        assert shown.locator(".gap:visible").count() == 2
        assert shown.locator("#hidden").inner_text().endswith("because nothing was changed in them: 1.")
        shown.get_by_label("whole texts").check()
        assert shown.locator("article:visible").count() == 2
        assert shown.locator(".text .t:visible").count() == 61

    @pytest.mark.parametrize("width", [360, 1400])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_it_fits_the_window_and_can_be_read(self, look: Look, width: int, scheme: str) -> None:
        shown = look(html_of([*english(2, tokens=300), *hostile(), *small()]), width=width, color_scheme=scheme)
        shown.keyboard.press("n")
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        contrasts = shown.evaluate(CONTRASTS)
        assert any("DEL" in name for name in contrasts)
        assert any(".t a9" in name.lower() for name in contrasts)
        assert {name: value for name, value in contrasts.items() if value < 4.5} == {}

    def test_on_paper_the_texts_are_there_and_the_tools_are_not(self, look: Look) -> None:
        shown = look(html_of(small()))
        shown.keyboard.press("n")
        shown.emulate_media(media="print")
        assert not shown.locator(".tools").is_visible()
        assert not shown.locator("#details").is_visible()
        assert shown.locator(".text .t:visible").count() == 61
        assert shown.locator(".t.a9").first.evaluate("one => getComputedStyle(one).printColorAdjust") == "exact"

    def test_without_its_script_texts_and_changes_are_there(self, look: Look) -> None:
        shown = look(html_of(small()), java_script_enabled=False)
        assert shown.locator(".text del:visible").count() == shown.locator(".text ins:visible").count() == 1

    def test_twenty_long_documents_load_and_scroll(self, look: Look) -> None:
        traces = english(20, tokens=EXCERPT)
        html = html_of(traces)
        assert len(html) < 4_000_000
        shown = look(html)
        assert shown.locator(".text .t").count() == 20 * EXCERPT
        # Counted and not timed: scrolling through it all computes no layout anew, and a filter computes it a few times.
        page = shown.context.new_cdp_session(shown)
        page.send("Performance.enable")

        def layouts() -> float:
            metrics = {each["name"]: each["value"] for each in page.send("Performance.getMetrics")["metrics"]}
            return metrics["LayoutCount"]

        before = layouts()
        shown.evaluate(
            """async () => {
              for (let step = 0; step < 60; step++) {
                scrollBy(0, 600);
                await new Promise(requestAnimationFrame);
              }
            }"""
        )
        assert layouts() - before <= 2
        before = layouts()
        shown.keyboard.press("p")
        shown.get_by_label("changes only").check()
        assert layouts() - before <= 20
