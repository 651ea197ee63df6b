"""A text as numbers."""

import numpy as np
import pytest

from uncollapse.collapse.ngram_text import BUILT_IN, Parted, built_in, coded, parted, read_coded
from uncollapse.errors import InputError, MissingInput


def test_words_are_numbered_from_the_commonest_down():
    text = coded(["The cat saw the dog", "a dog, a cat"], name="two")
    # the 2, cat 2, dog 2, a 2 in order of appearance; saw and the comma once
    assert text.ids.tolist() == [0, 1, 4, 0, 2, 3, 2, 5, 3, 1]
    assert (text.types, text.name) == (6, "two")


def test_a_file_is_read_as_it_stands(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("one two two")
    assert read_coded(path).ids.tolist() == [1, 0, 0]


def test_a_missing_file_is_ours_to_say(tmp_path):
    with pytest.raises(MissingInput):
        read_coded(tmp_path / "none.txt")


def test_the_built_in_text_is_long_enough_for_trigrams():
    text = built_in()
    assert text.name == BUILT_IN
    assert len(text.ids) > 50_000
    assert parted(text, order=3).learned.shape[1] == 500


def test_every_tenth_block_is_held_out():
    text = coded([" ".join(f"w{n}" for n in range(125))], name="w")
    whole = parted(text, order=1)
    # 20 blocks of 6, the last 5 words left over
    assert whole.learned.shape == (18, 6)
    assert whole.held_out[:, 0].tolist() == [text.ids[54], text.ids[114]]


def test_streams_leave_the_rest_out():
    whole = Parted(np.arange(10).reshape(2, 5), np.zeros((0, 5), np.int64), 10)
    assert whole.streams(3).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert whole.streams(1).shape == (10, 1)


def test_a_text_too_short_for_the_order_is_refused():
    text = coded(["word " * 119], name="short")
    parted(text, order=2)
    with pytest.raises(InputError, match="119 words, too few for n-grams of order 3") as refused:
        parted(text, order=3)
    assert "120 words" in refused.value.hint
