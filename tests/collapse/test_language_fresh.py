"""What fresh human text loses and has strange, worked by hand."""

import math

import pytest

from language_desk import store_of
from uncollapse.collapse.language.fresh import fresh_human, fresh_of


def test_fresh_text_by_hand():
    """Of a, b, c and d the other side has c and d; of its four words x is strange."""
    found = fresh_human(["A b", "c d"], ["c d", "c x"])
    assert (found.words, found.types_lost, found.strange_words) == (4, 0.5, 0.25)
    assert fresh_human(["a b"], ["a b"]) == (2, 0.0, 0.0)


def test_the_longer_side_is_cut_to_the_words_of_the_shorter():
    """Of hundred different words ten are compared with ten of their own: what is drawn decides, and none is strange."""
    found = fresh_human([f"w{number}" for number in range(100)], [f"w{number}" for number in range(10)])
    assert found.words == 10
    # Each of ten drawn words is among the ten with a chance of 1/10: of 50 about 5, with a deviation of about 2.
    assert 0.65 < found.types_lost <= 1
    assert found.strange_words == 0
    assert fresh_human(["a"], [f"w{number}" for number in range(10)] + ["a"])[0] == 1


def test_without_words_nothing_is_known():
    found = fresh_human(["a b"], ["..."])
    assert found.words == 0
    assert math.isnan(found.types_lost)
    assert found.as_json() == {"words": 0, "types_lost": None, "strange_words": None}


def test_a_study_has_the_words_of_its_own_folder(tmp_path):
    store = store_of(tmp_path)
    found = fresh_of(store)
    assert found == fresh_human(store.spelled(store.learned), store.spelled(store.held.ids))
    assert found.words == pytest.approx(sum(len(text.split()) for text in store.spelled(store.held.ids)), abs=8)
    assert found == fresh_of(store)
