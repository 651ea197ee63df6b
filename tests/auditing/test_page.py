import copy
import json
import re

import pytest

from browsing import CONTRASTS, Look
from uncollapse.auditing.evidence import Offender, as_table
from uncollapse.auditing.page import answer, audit_page

EVIL = '</script><script>alert(1)</script>"><img src=x onerror=alert(2)>{{ 7 * 7 }}\u202ethe dog\u202c'
VALUES = "rows => rows.map(row => [...row.cells].map(cell => cell.dataset.value))"
PANEL = ".panel tbody tr"


@pytest.fixture(scope="module")
def html(audited):
    return audited.html()


def html_of(report, **how):
    return audit_page([report], offenders=as_table(how.pop("found", []), corpus=report["name"]), **how)


def hostile(audited):
    """The audit with evil text wherever a corpus's text may come."""
    report = copy.deepcopy(audited.report)
    report["name"] = EVIL
    report["missing"] = [f"perplexity: {EVIL}"]
    report["notes"].append(EVIL)
    report["options"]["model"] = EVIL
    for topic in report["plots"]["topics"]:
        topic["words"] = EVIL
    for phrase in report["plots"]["phrases"]:
        phrase["text"] = EVIL
    report["plots"]["templates"] = [{"frame": EVIL, "texts": 5, "more": 5}]
    for verdict in report["verdicts"]:
        verdict["reason"] = verdict["next"] = EVIL
    return report


def evil_offenders():
    kinds = (("tails", "word"), ("duplicates", "document"), ("templates", "document"), ("memorised", "document"))
    return [Offender(verdict, kind, EVIL, EVIL, EVIL, 1.0, EVIL) for verdict, kind in kinds]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({}, "This corpus passes."),
        ({"tails": "warn"}, "This corpus passes with a warning on tails."),
        ({"tails": "fail", "topics": "fail", "domain": "fail"}, "This corpus fails on tails, topics and domain."),
        ({"tails": "fail", "topics": "warn"}, "This corpus fails on tails."),
        ({"tails": "unknown"}, "This corpus passes; tails cannot be judged."),
        ({"tails": "unknown", "topics": "unknown", "domain": "unknown"}, "This corpus cannot be judged."),
    ],
)
def test_the_answer_is_one_sentence(status, said):
    verdicts = [{"name": name, "status": status.get(name, "pass")} for name in ("tails", "topics", "domain")]
    assert answer({"name": "a.jsonl", "verdicts": verdicts}) == said
    assert answer({"name": "a.jsonl", "verdicts": verdicts}, named=True) == said.replace("This corpus", "a.jsonl")


def test_hostile_text_is_escaped(audited):
    report = hostile(audited)
    page = html_of(report, found=evil_offenders(), groups=[report, report], baseline=audited.report)
    assert "<img" not in page
    assert page.count("<script>") == page.count("</script>") == 1
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)
    assert page.count("{{ 7 * 7 }}") > 20


def test_the_first_section_is_the_verdicts(html):
    assert html.index("The verdicts") < html.index("The tails") < html.index("All numbers")
    assert "This corpus fails on" in html


def test_the_page_needs_no_network(html):
    assert not re.search(r'(?:src|href)="(?!#|data:)', html)
    assert "default-src 'none'" in html


@pytest.mark.browser
class TestInABrowser:
    def test_the_numbers_are_those_of_the_report(self, look: Look, html, audited):
        shown = look(html)
        rows = shown.eval_on_selector_all(PANEL, VALUES)
        report = json.loads(json.dumps(audited.report))
        numbers = ("corpus", "control", "reference", "low", "z")
        expected = [[line["name"], line["group"], *(line[name] for name in numbers)] for line in report["statistics"]]
        assert [[*row[:2], *(float(value) if value else None for value in row[2:])] for row in rows] == expected
        cells = shown.eval_on_selector_all(PANEL, "rows => rows.map(row => row.cells[2].textContent)")
        kept = [line["corpus"] for line in report["statistics"]]
        assert [value for value in cells if value[0].isdigit()] == [
            f"{value:.4g}" for value in kept if value is not None and value >= 0
        ]

    def test_verdicts_are_shown_as_they_are(self, look: Look, html, audited):
        shown = look(html)
        for verdict in audited.report["verdicts"]:
            one = shown.locator(f"[data-verdict={verdict['name']}]")
            assert one.get_attribute("class") == verdict["status"]
            assert verdict["reason"].replace("\u00a0", " ") in one.text_content().replace("\u00a0", " ")
            assert verdict["next"] in one.text_content()

    def test_the_table_sorts_by_any_column_up_and_down(self, look: Look, html):
        shown = look(html)
        for column in (2, 6):
            button = shown.locator(".panel thead th").nth(column).locator("button")
            for sort, flip in (("ascending", 1), ("descending", -1)):
                button.click()
                values = [row[column] for row in shown.eval_on_selector_all(PANEL, VALUES)]
                numbers = [float(value) for value in values if value]
                assert numbers == sorted(numbers, reverse=flip < 0)
                assert len(numbers) > 30
                assert shown.locator("th[aria-sort]").get_attribute("aria-sort") == sort
        shown.locator(".panel thead th button").first.focus()
        shown.keyboard.press("Enter")
        names = [row[0] for row in shown.eval_on_selector_all(PANEL, VALUES)]
        assert names == sorted(names)

    def test_the_table_is_filtered_by_words_and_by_question(self, look: Look, html, audited):
        shown = look(html)
        total = len(audited.report["statistics"])
        assert shown.locator("output").text_content() == f"{total} of {total}"
        shown.locator(".tools input").fill(" ENTROPY ")
        names = [row[0] for row in shown.eval_on_selector_all(f"{PANEL}:not([hidden])", VALUES)]
        assert names == ["entropy_1", "entropy_2", "entropy_3", "bucket_entropy"]
        assert shown.locator("output").text_content() == f"4 of {total}"
        shown.locator(".tools input").fill("")
        shown.locator(".tools select").select_option("lexical")
        names = {row[0] for row in shown.eval_on_selector_all(f"{PANEL}:not([hidden])", VALUES)}
        assert names == {line["name"] for line in audited.report["statistics"] if line["group"] == "lexical"}
        shown.locator(".tools input").fill("no such thing")
        assert shown.locator(f"{PANEL}:not([hidden])").count() == 0

    def test_hostile_text_does_nothing(self, look: Look, audited):
        report = hostile(audited)
        shown = look(html_of(report, found=evil_offenders(), groups=[report], baseline=audited.report), width=1000)
        assert shown.locator("script").count() == 1
        assert shown.locator("main img, main script").count() == 0
        assert shown.evaluate("document.documentElement.scrollWidth") == 1000
        assert "alert(2)" in shown.locator(".notes").text_content()
        assert "U+202E" in shown.locator("main").text_content()

    @pytest.mark.parametrize("width", [360, 1400])
    def test_nothing_is_wider_than_the_window(self, look: Look, html, width):
        shown = look(html, width=width)
        shown.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        assert shown.evaluate("document.documentElement.scrollWidth") == width

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_can_be_read_in_both_schemes(self, look: Look, html, scheme):
        found = look(html, color_scheme=scheme).evaluate(CONTRASTS)
        assert {name: value for name, value in found.items() if value < 4.5} == {}

    def test_on_paper_every_row_stands_and_no_tool(self, look: Look, html, audited):
        shown = look(html, width=700)
        shown.emulate_media(media="print")
        assert not shown.locator(".panel .tools").is_visible()
        frame = shown.locator(".panel .frame")
        assert frame.evaluate("one => one.scrollHeight <= one.clientHeight + 1")
        assert shown.locator(f"{PANEL}:visible").count() == len(audited.report["statistics"])

    def test_without_its_script_the_table_is_whole(self, look: Look, html, audited):
        shown = look(html, java_script_enabled=False, quiet=False)
        assert shown.locator(PANEL).count() == len(audited.report["statistics"])
        assert not shown.locator(".panel .tools").is_visible()

    def test_every_section_has_a_sentence_and_every_chart_a_text(self, look: Look, html):
        shown = look(html)
        assert shown.locator("main section").count() >= 6
        assert shown.locator("main svg").count() >= 4
        unnamed = "all => all.filter(one => !one.querySelector('title') && !one.getAttribute('aria-label')).length"
        assert shown.eval_on_selector_all("main svg[role=img]", unnamed) == 0
