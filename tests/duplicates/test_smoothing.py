import pyarrow as pa
import pytest

from uncollapse.duplicates.smoothing import smooth


@pytest.mark.parametrize(
    ("text", "smoothed"),
    [
        ("Don\u2019t \u2018stop\u02bc", "Don't 'stop'"),
        ("a\u200bb\u200d\u2060c\ufeff\u00add\ufe0f\U000e0101\U000e0061", "abcd"),
        ("cafe\u0301 \u00e9 \u4e2d", "cafe\u0301 \u00e9 \u4e2d"),
        ("", ""),
        ("\u200b", ""),
        ("plain", "plain"),
        (None, ""),
    ],
)
def test_what_no_reader_sees_is_taken_out(text, smoothed):
    assert smooth(pa.array([text], pa.string())).to_pylist() == [smoothed]


def test_a_slice_is_looked_at_for_itself():
    texts = pa.array(["x\u200by", "plain"], pa.large_string())
    assert smooth(texts[1:]).to_pylist() == ["plain"]
    assert smooth(texts[:1]).to_pylist() == ["xy"]


def test_a_mark_behind_a_megabyte_is_seen():
    (text,) = smooth(pa.array(["a" * (1 << 20) + "\u200b"])).to_pylist()
    assert text == "a" * (1 << 20)
