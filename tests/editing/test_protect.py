"""Protected text, by example."""

import numpy as np
import pytest

from uncollapse.editing.protect import Protect, inside, protected_spans


def found(text: str, kind: Protect) -> list[str]:
    return [text.encode()[start:end].decode() for start, end in protected_spans(text, [kind])]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Protect.NUMBERS, "It cost $1,200.50 or 40% in the 2nd year, né en 1984", ["$1,200.50", "40%", "2nd", "1984"]),
        (Protect.URLS, "see https://a.org/x?y=1 or www.b.net now", ["https://a.org/x?y=1", "www.b.net"]),
        (Protect.EMAILS, "write to jane.doe+x@mail.example.org soon", ["jane.doe+x@mail.example.org"]),
        (Protect.CODE, "call `f(x)` or run_all now", ["`f(x)`", "run_all"]),
        (Protect.CODE, "text\n    x = 1\ntext", ["    x = 1"]),
        (Protect.MARKUP, "a <b class='x'>bold</b> &amp; [link](u)", ["<b class='x'>", "</b>", "&amp;", "[link](u)"]),
        (Protect.NAMES, "The cat met Alice Ámos in Paris. Then it left.", ["Alice", "Ámos", "Paris"]),
        (Protect.NAMES, "猫は彼に会った。それから去った", []),
        (Protect.NAMES, "кот встретил Ивана", ["Ивана"]),
        (Protect.QUOTES, 'he said "no way" and “never”', ['"no way"', "“never”"]),
        (Protect.CITATIONS, "as shown [3, 4] by others (Smith 2019)", ["[3, 4]", "(Smith 2019)"]),
    ],
)
def test_by_example(kind: Protect, text: str, expected: list[str]) -> None:
    assert sorted(found(text, kind)) == sorted(expected)


def test_a_token_is_inside_when_it_shares_a_byte() -> None:
    tokens = np.array([[0, 2], [2, 4], [4, 6], [6, 6], [6, 9]], dtype=np.int64)
    spans = np.array([[3, 5], [8, 9]], dtype=np.int64)
    assert inside(spans, tokens).tolist() == [False, True, True, False, True]
    assert inside(np.empty((0, 2), np.int64), tokens).tolist() == [False] * 5


def test_no_text_takes_for_ever() -> None:
    """A megabyte of the characters that patterns begin with; a pattern that backtracks would not come back."""
    for character in '<[($`\\"“&/._-A1 ':
        text = character * 100_000
        spans = protected_spans(text, list(Protect))
        assert (spans[:, 0] < spans[:, 1]).all()
        assert spans.max(initial=0) <= len(text.encode())
