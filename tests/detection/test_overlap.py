import numpy as np

from uncollapse.detection.overlap import runs_of, sharing, text_keys

TEN = "one two three four five six seven eight nine ten"


def test_a_key_looks_through_case_spaces_and_quotes():
    keys = text_keys(["It’s  HERE", "it's here", "it is here", ""])
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 3


def test_ten_words_in_a_row_are_found_wherever_they_stand():
    runs = runs_of([f"before {TEN} after"])
    assert len(runs) == 3
    texts = [f"something else, {TEN.upper()}", TEN.replace("five", "5"), "short", ""]
    np.testing.assert_array_equal(sharing(texts, runs), [True, False, False, False])


def test_a_short_text_is_known_whole():
    runs = runs_of(["a short one", ""])
    np.testing.assert_array_equal(sharing(["A short one", "short one", "a short one more"], runs), [True, False, False])
