"""Copies, by bytes and by words."""

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.duplicates import ExactDuplicates, Sameness, document_keys
from uncollapse.fingerprint import content_id

TEXTS = ["The cat.", "the  cat .", "The cat.", "cat the.", "", None, " ", "The cat. The"]


def batch_of(texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def done(statistic, texts):
    statistic.update(batch_of(texts))
    return statistic.result()


def test_copies_by_bytes():
    same = done(ExactDuplicates(), TEXTS)
    assert (same.documents, same.different) == (8, 6)
    assert same.repeated == pytest.approx(2 / 8)
    assert {(copies.key, copies.documents) for copies in same.most_copied} == {
        (int(content_id(text)[:16], 16), 2) for text in ("The cat.", "")
    }


def test_copies_by_words():
    same = done(ExactDuplicates(sameness=Sameness.WORDS), TEXTS)
    assert (same.documents, same.different) == (8, 4)
    assert [copies.documents for copies in same.most_copied] == [3, 3]


def test_the_list_is_cut_and_in_order():
    same = done(ExactDuplicates(most=2), ["a"] * 3 + ["b"] * 5 + ["c"] * 4)
    assert [copies.documents for copies in same.most_copied] == [5, 4]


def test_rows_are_found_again_by_their_number():
    keys = document_keys(batch_of(TEXTS), sameness=Sameness.WORDS)
    (first, *_) = done(ExactDuplicates(sameness=Sameness.WORDS), TEXTS).most_copied
    rows = np.flatnonzero(keys == np.uint64(first.key)).tolist()
    assert rows in ([0, 1, 2], [4, 5, 6])


def test_no_documents():
    same = done(ExactDuplicates(), [])
    assert (same.documents, same.different) == (0, 0)
    assert np.isnan(same.repeated)


def test_numbers_do_not_depend_on_the_neighbours():
    texts = [f"w{n} w{n % 7} x" * (n % 4) for n in range(50)]
    whole = document_keys(batch_of(texts), sameness=Sameness.WORDS)
    each = [int(document_keys(batch_of([text]), sameness=Sameness.WORDS)[0]) for text in texts]
    assert whole.tolist() == each
