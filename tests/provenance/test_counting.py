import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.document import EDITS, Edit
from uncollapse.provenance import counting
from uncollapse.provenance.counting import WORD, words


def kept_words(texts, edits):
    return counting.kept_words(
        pa.array(texts, pa.large_string()), pa.array([[edit._asdict() for edit in own] for own in edits], EDITS)
    )


# Counted by hand: runs of letters, marks and digits; single characters of unspaced scripts; single marks.
COUNTED = {
    "": 0,
    " \t\n": 0,
    "one": 1,
    "don't stop": 4,
    "3.14 x_y": 6,
    "e\u0301te\u0301": 1,
    "你好 world": 3,
    "ภาษาไทย": 7,
    "😀😀": 2,
    "a\u200bb": 2,
}


@pytest.mark.parametrize(("text", "count"), COUNTED.items())
def test_words_by_hand(text, count):
    assert words(pa.array([text], pa.large_string())).tolist() == [count]


def test_a_missing_text_has_none():
    assert words(pa.array([None, "a b"], pa.large_string())).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("text", "edits", "kept"),
    [
        ("the dog sat", [Edit(3, " cat", " dog", 0.9)], 2),
        ("the dogs sat", [Edit(7, "", "s", 0.9)], 2),  # a byte of `dogs` is not the person's
        ("foo! bar", [Edit(3, "bar", "!", 0.1)], 2),
        ("the sat", [Edit(3, " cat", "", 0.9)], 2),  # nothing was put there
        ("a b c", [Edit(0, "x", "a", 0.5), Edit(2, "y", "b", 0.5), Edit(4, "z", "c", 0.5)], 0),
        ("été là", [Edit(0, "hiver", "été", 0.5)], 1),  # positions count bytes
        ("\ufdd0 a b", [Edit(4, "x", "a", 0.5)], 2),  # a text may hold what marks an edit here
    ],
)
def test_words_that_no_edit_touched(text, edits, kept):
    assert kept_words([text], [edits]).tolist() == [kept]


TEXTS = st.text(st.sampled_from("ab é.你\n\ufdd0'\u0301\u0e34\u0e01"), max_size=30)


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS, max_size=8))
def test_texts_are_counted_one_by_one(texts):
    whole = words(pa.array(texts, pa.large_string()))
    assert whole.tolist() == [int(words(pa.array([text], pa.large_string()))[0]) for text in texts]


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_a_word_is_counted_once_however_it_is_spaced(text):
    count = words(pa.array([text, f" {text} ", f"{text} {text}"], pa.large_string()))
    assert np.array_equal(count, [count[0], count[0], 2 * count[0]])


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.data())
def test_kept_words_lie_between_none_and_all(text, data):
    at = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(at, len(text)))
    edit = Edit(len(text[:at].encode()), "other", text[at:stop], 0.5)
    count = int(words(pa.array([text], pa.large_string()))[0])
    kept = int(kept_words([text], [[edit]])[0])
    outside = int(words(pa.array([f"{text[:at]} {text[stop:]}"], pa.large_string()))[0])
    assert kept <= count
    assert outside - 2 <= kept <= outside if at < stop else kept == count


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_the_table_counts_as_the_rule_does(texts):
    column = pa.array(texts, pa.large_string())
    assert words(column).tolist() == pc.count_substring_regex(column, pattern=WORD).to_pylist()


def test_every_character_is_what_the_rule_says_it_is():
    signs = [chr(point) for point in range(0x30000) if not 0xD800 <= point < 0xE000]
    column = pa.array([f"a{sign}b" for sign in signs], pa.large_string())
    assert words(column).tolist() == pc.count_substring_regex(column, pattern=WORD).to_pylist()


@settings(deadline=None, max_examples=100)
@given(TEXTS, st.data())
def test_touched_words_are_those_that_the_rule_takes_out(text, data):
    at = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(at, len(text)))
    edits = pa.array([[Edit(len(text[:at].encode()), "x", text[at:stop], 0.5)._asdict()]], EDITS)
    fast = counting.kept_words(pa.array([text], pa.large_string()), edits)
    # The same by the rule alone: a character of an unspaced script somewhere in the text asks for it.
    slow = counting.kept_words(pa.array([f"{text} \n你"], pa.large_string()), edits)
    assert slow.tolist() == [fast[0] + 1]
