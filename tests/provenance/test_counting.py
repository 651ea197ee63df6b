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
    column = pa.array(texts, pa.large_string())
    lists = pa.array([[edit._asdict() for edit in own] for own in edits], EDITS)
    return counting.kept_words(column, lists, words(column))


def kept_by_the_rule(text, edits):
    """The same by regular expressions alone: each stretch a mark, runs that hold one taken out, the rest counted."""
    data, parts, done, shift = text.encode(), [], 0, 0
    for edit in edits:
        start = edit.position + shift
        shift += len(edit.after.encode()) - len(edit.before.encode())
        if edit.after:
            joins = [
                pc.match_substring_regex(pa.array([side]), pattern=rf"^{counting._OF_A_RUN}$")[0].as_py()
                for side in (edit.after[0], edit.after[-1])
            ]
            mark = f"{'' if joins[0] else ' '}\ufdd0{'' if joins[1] else ' '}"
            parts += [data[done:start].decode().replace("\ufdd0", "\ufdd1"), mark]
            done = start + len(edit.after.encode())
    marked = "".join([*parts, data[done:].decode().replace("\ufdd0", "\ufdd1")])
    touched = rf"{counting._OF_A_RUN}*\x{{FDD0}}{counting._OF_A_RUN}*"
    rest = pc.replace_substring_regex(pa.array([marked]), pattern=touched, replacement=" ")
    whole = pc.count_substring_regex(pa.array([text]), pattern=WORD)[0].as_py()
    return min(pc.count_substring_regex(rest, pattern=WORD)[0].as_py(), whole)


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
@given(st.data())
def test_touched_words_are_those_that_the_rule_takes_out(data):
    """Any parting of any text into what stays and what edits put there, in several texts at once."""
    texts, edits = [], []
    for _ in range(data.draw(st.integers(1, 3))):
        pieces = data.draw(st.lists(st.tuples(TEXTS, st.booleans()), max_size=5))
        place, own = 0, []
        for piece, edited in pieces:
            if edited:
                own.append(Edit(place, "x", piece, 0.5))
            place += 1 if edited else len(piece.encode())
        texts.append("".join(piece for piece, _ in pieces))
        edits.append(own)
    assert kept_words(texts, edits).tolist() == [kept_by_the_rule(*pair) for pair in zip(texts, edits, strict=True)]


ALPHABET = "ab é.,你好ก\u0e34\u0301\u3099か\n\ufdd0'฿〇\u200d"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=14), min_size=1, max_size=5))
def test_marks_and_unspaced_signs_are_counted_as_the_rule_does(texts):
    column = pa.array(texts, pa.large_string())
    assert words(column).tolist() == pc.count_substring_regex(column, pattern=WORD).to_pylist()
