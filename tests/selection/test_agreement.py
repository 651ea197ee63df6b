"""Agreement by hand: the F1 of words and pairs, its mean over the others."""

from tempfile import TemporaryFile

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.errors import UsageError
from uncollapse.selection.agreement import MOST, Pages, agreement, rows_of


def pages_of(*batches):
    with TemporaryFile() as file:
        pages = Pages(file)
        for texts in batches:
            pages.take(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
        yield pages


def test_the_overlap_is_twice_what_is_shared_over_what_both_have():
    # a b c: words a b c, pairs ab bc. a b d: a b d, ab bd. Shared: a, b, ab; 2 * 3 / 10. With x y: nothing.
    found = next(_scored(["a b c", "a b d", "x y"]))
    assert found == pytest.approx([(0.6 + 0) / 2, (0.6 + 0) / 2, 0.0])


def _scored(texts):
    for pages in pages_of(texts):
        yield pages.scores([list(range(len(texts)))])


def test_repeats_count_and_length_by_itself_wins_nothing():
    # a a: a a aa. a: a. Shared: one a; 2 * 1 / 4.
    assert next(_scored(["a a", "a"])) == pytest.approx([0.5, 0.5])
    short = next(_scored(["a b", "a b", "a b c d e f"]))
    assert short[0] > short[2]


def test_groups_may_lie_apart_and_a_lone_candidate_has_no_score():
    for pages in pages_of(["a b", "lone"], ["x", "a b"]):
        found = pages.scores([[0, 3], [1], [2]])
        assert found[[0, 3]].tolist() == [1.0, 1.0]
        assert np.isnan(found[[1, 2]]).all()


def test_texts_without_words_agree_wholly():
    nothing = np.zeros(0, np.uint64)
    assert agreement([nothing, nothing]).tolist() == [1.0, 1.0]


def test_a_group_that_is_too_large_is_refused():
    for pages in pages_of(["a"] * (MOST + 1)):
        with pytest.raises(UsageError, match="compares all pairs"):
            pages.scores([list(range(MOST + 1))])


def test_the_rows_of_each_group():
    group = np.array([5, 2, 5, 9, 2], np.uint64)
    assert sorted(rows_of(group)) == [[0, 2], [1, 4], [3]]
