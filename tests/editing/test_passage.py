import pytest

from traces import document, small, token
from uncollapse.editing.passage import CONTEXT, passage, summary, swapped
from uncollapse.editing.trace import EXCERPT, Verdict


def test_the_summary_of_a_document_counts_what_is_shown() -> None:
    line = "1 of 60 tokens changed (1.67 %); 5 picked: 1 kept, 1 changed, 1 protected, 1 taken back, 1 over budget"
    assert summary(small()[0]).replace("\N{NO-BREAK SPACE}", " ") == line
    assert summary(small()[1]) == "0 of 1 tokens changed (0\N{NO-BREAK SPACE}%)"
    assert summary(document([])) == "0 of 0 tokens changed"
    long = document([token("a", flagged=False)] * (EXCERPT + 5) + [token("b", Verdict.CHANGED, after="c")])
    assert summary(long).startswith("0 of 1,500 tokens changed")


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        (" movie", " film", (" ", "movie", "film")),
        ("  a", " b", (" ", " a", "b")),
        (" the", "", ("", " the", "")),
        ("a", "ab", ("", "a", "ab")),
        ("\n\n", "\n", ("", "\n\n", "\n")),
    ],
)
def test_blanks_that_a_change_keeps_stand_before_it(before: str, after: str, parts: tuple[str, str, str]) -> None:
    assert swapped(before, after) == parts


def test_a_token_is_marked_by_shade_and_probability() -> None:
    [markup] = passage([token("<b>", flagged=False, probability=0.37)])
    assert '<span class="t a3" data-p="0.3700">&lt;b&gt;</span>' in markup
    [markup] = passage([token("a", flagged=False, probability=1.0)])
    assert '<span class="t a9" data-p="1.0000">a</span>' in markup
    [markup] = passage([token("a", flagged=False, probability=None)])
    assert '<span class="t">a</span>' in markup


def test_a_dropped_token_is_replaced_by_nothing() -> None:
    [markup] = passage([token(" the", Verdict.CHANGED, after="")])
    assert '<del> the</del><span class="arrow" aria-hidden="true">→</span><ins><i>nothing</i></ins>' in markup


def test_what_lies_far_from_every_change_is_wrapped() -> None:
    tokens = [token(".", flagged=False)] * 100
    tokens[50] = token("a", Verdict.CHANGED, after="b")
    before, near, after = passage(tokens)
    assert before.count(">.<") == 50 - CONTEXT
    assert after.count(">.<") == 49 - CONTEXT
    assert near.count(">.<") == 2 * CONTEXT
    assert ["far" in part for part in (before, near, after)] == [True, False, True]
