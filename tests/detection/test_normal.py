import pyarrow as pa
import pytest

from uncollapse.detection.normal import first_words, length_matched, normalised, without_common_prefix


def test_quotes_spaces_and_case_are_levelled():
    texts = pa.array(["“Don’t”  go\n\tTHERE — now…", '"don\'t" go there - now...'], pa.large_string())
    one, other = normalised(texts).to_pylist()
    assert one == other == '"don\'t" go there - now...'


def test_first_words_keep_the_text_as_it_is():
    assert first_words("  One,  two\nthree four", 3) == "  One,  two\nthree"
    assert first_words("One two", 9) == "One two"
    assert first_words("  ", 2) == ""


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [
        ("He said “yes” and left.", 'he said "yes" and stayed.', ("left.", "stayed.")),
        ("Other words", "altogether", ("Other words", "altogether")),
        ("the same", "the same", ("", "")),
        ("a prefix", "a prefix and more", ("", "and more")),
    ],
)
def test_what_both_begin_with_goes(one, other, left):
    assert without_common_prefix(one, other) == left


def test_lengths_are_distributed_alike_afterwards():
    human = [" ".join(["w"] * n) for n in (3, 10, 50, 7)]
    machine = [" ".join(["v"] * n) for n in (20, 5, 30, 90, 12, 40)]
    sides = length_matched(human, machine)
    lengths = [sorted(len(text.split()) for text in side) for side in sides]
    # At each quantile the shorter of both: 3 7 10 50 against 5 12 20 30 40 90.
    assert lengths == [[3, 7, 10, 50], [3, 3, 7, 10, 10, 50]]
    assert [len(side) for side in sides] == [4, 6]
    assert length_matched([], ["a b"]) == ([], ["a b"])
