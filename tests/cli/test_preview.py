import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from traces import document, english
from uncollapse.cli.preview import print_traces
from uncollapse.editing.passage import summary
from uncollapse.editing.trace import EXCERPT, Alternative, DocumentTrace, TokenTrace, Verdict

LEGEND = 2  # lines before the first document on a terminal without colours, with the empty line


def plain(before: str, probability: float | None = 0.5) -> TokenTrace:
    return TokenTrace(before=before, probability=probability, flagged=False, verdict=Verdict.KEPT)


def picked(before: str, verdict: Verdict, after: str | None = None) -> TokenTrace:
    others = (Alternative(" other", 0.25),)
    return TokenTrace(before=before, probability=0.625, flagged=True, verdict=verdict, after=after, alternatives=others)


STORY = document(
    [
        plain("The", None),
        picked(" movie", Verdict.CHANGED, " film"),
        plain(" of"),
        picked(" 1984", Verdict.PROTECTED),
        picked(" was", Verdict.KEPT),
        picked(" very", Verdict.CHANGED, ""),
        picked(" long", Verdict.TAKEN_BACK),
        picked(".", Verdict.OVER_BUDGET),
    ],
    source="a.jsonl",
)
EDITED = (
    "The [movie→film 0.6250] of {protected 0.6250: 1984} {kept 0.6250: was}[ very→nothing 0.6250] "
    "{taken back 0.6250: long}{over budget 0.6250: .}"
)


def printed(traces: list[DocumentTrace], *, width: int = 300, encoding: str = "utf-8", **options: object) -> str:
    """What a terminal would get, with every byte that it would get."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n", errors="strict")
    console = Console(file=file, width=width, force_terminal=True, legacy_windows=False, **options)  # type: ignore[arg-type]
    print_traces(traces, console=console)
    file.flush()
    return file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{"color_system": None}, {"color_system": "truecolor", "no_color": True}])
def test_without_colours_marks_are_words_and_numbers(options: dict[str, object]) -> None:
    text = re.sub("\x1b\\[[0-9;]*m", "", printed([STORY], **options))
    assert text.splitlines()[LEGEND:] == [
        f"a.jsonl, id {STORY.id}",
        EDITED,
        summary(STORY),
    ]


def test_no_color_in_the_environment_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed([STORY], color_system="truecolor")
    # Bold, dim, reversed and struck are no colours; 3x, 4x, 9x and 10x are.
    assert not re.search("\x1b\\[(?:[0-9;]*;)?(?:[34]\\d|9[0-7]|10[0-7])[;m]", text)
    assert "{kept 0.6250: was}" in text


def test_probability_is_a_colour_that_grows() -> None:
    values = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
    for system, different in (("truecolor", 6), ("256", 6), ("standard", 4)):
        text = printed([document([plain(f"p{value}", value) for value in values])], color_system=system)
        styles = [re.search(rf"((?:\x1b\[[0-9;]*m)*)p{value}", text)[1] for value in values]  # type: ignore[index]
        assert len({style.replace("\x1b[0m", "") for style in styles}) == different
        assert styles[0] == ""


def test_changes_and_fates_are_told_apart_on_sixteen_colours() -> None:
    text = printed([STORY], color_system="standard")
    assert "\x1b[9;31mmovie\x1b[0m→\x1b[1;35mfilm\x1b[0m" in text
    assert "\x1b[4;32m was\x1b[0m" in text
    assert "{protected: \x1b[32m1984\x1b[0m}" in text
    assert "probability of a token" in text


def test_what_would_act_is_shown_instead() -> None:
    evil = "\x1b[31mred\x1b]0;title\x07\x9b2J\x00\x08\r\nnext\ttab \u202eevil\u2066\u200b [bold]x[/bold] :smile:"
    traces = [document([plain(evil), picked(evil, Verdict.CHANGED, evil)], source=evil)]
    for system in (None, "standard", "truecolor"):
        text = re.sub("\x1b\\[[0-9;]*m", "", printed(traces, color_system=system))
        assert {character for character in text if unicodedata.category(character) in ("Cc", "Cf")} <= {"\n"}
        shown = (
            "<U+001B>[31mred<U+001B>]0;title<U+0007><U+009B>2J<U+0000><U+0008><U+000D>↵\n"
            "next⇥   tab <U+202E>evil<U+2066><U+200B> [bold]x[/bold] :smile:"
        )
        assert text.count(shown) == 4  # source, token, before and after


@given(st.lists(st.text(st.characters()), min_size=1), st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_no_text_reaches_the_terminal_as_a_command(texts: list[str], encoding: str) -> None:
    traces = [document([picked(text, Verdict.CHANGED, text) for text in texts], source=texts[0])]
    text = printed(traces, encoding=encoding, color_system=None)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]", text)


def test_what_the_encoding_has_not_is_escaped() -> None:
    traces = [document([plain("naïve 中 \x1b"), picked("a", Verdict.CHANGED, "b")])]
    text = printed(traces, encoding="ascii", color_system=None)
    assert r"na\xefve \u4e2d <U+001B>[a->b 0.6250]" in text
    assert r"na\xefve" not in printed([document([plain("naïve")])], encoding="latin-1", color_system=None)


def test_long_tokens_and_documents_are_cut_and_say_so() -> None:
    text = printed([document([plain("W" * 5000)] + [plain("a")] * EXCERPT)], color_system=None, width=80)
    assert "4,600 characters left out" in text.replace("\n", "")
    assert "[cut here: 1 more tokens]" in text
    assert max(map(len, text.splitlines())) <= 80


def test_all_documents_are_printed_in_order() -> None:
    traces = english(3, tokens=50)
    text = printed(traces, color_system=None)
    places = [text.index(trace.id) for trace in traces]
    assert places == sorted(places)
    assert text.count("tokens changed") == 3
