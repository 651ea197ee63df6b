import pyarrow as pa
import pytest
from blake3 import blake3

from uncollapse.duplicates.normal import normal_digests, normal_text, smooth


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Don\u2019t \n\t STOP\u00a0now ", "don't stop now"),
        ("ﬁne ２ ²", "fine 2 2"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\u200bb\u200d\u2060c\ufeff\u00add\ufe0f\U000e0101\U000e0061", "abcd"),
        ("", ""),
        ("\u200b", ""),
        ("plain", "plain"),
    ],
)
def test_the_normal_form(text, normal):
    assert normal_text(text) == normal


def test_digests_are_of_the_normal_form_and_a_missing_text_is_an_empty_one():
    texts = smooth(pa.array(["A  b", None, ""], pa.string()))
    assert normal_digests(texts) == [blake3(b"a b").digest(length=16)] + [blake3(b"").digest(length=16)] * 2


def test_a_slice_is_looked_at_for_itself():
    texts = pa.array(["x\u200by", "plain"], pa.large_string())
    assert smooth(texts[1:]).to_pylist() == ["plain"]
    assert smooth(texts[:1]).to_pylist() == ["xy"]
