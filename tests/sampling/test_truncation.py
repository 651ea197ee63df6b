"""Which candidates come in, on rows that can be read off."""

import numpy as np
import pytest

from uncollapse.sampling import min_p_mask, top_k_mask, top_p_mask
from uncollapse.sampling.truncation import is_closed

# Sorted probabilities, with a tie at the third place.
ROW = np.log(np.array([[0.4, 0.3, 0.1, 0.1, 0.1]], dtype=np.float32))


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1, 0, 0, 0, 0]), (2, [1, 1, 0, 0, 0]), (3, [1, 1, 1, 1, 1]), (9, [1] * 5)]
)
def test_top_k_keeps_all_that_tie_with_the_kth(k: int, expected: list[int]) -> None:
    assert top_k_mask(ROW, k=k).tolist() == [[bool(x) for x in expected]]


@pytest.mark.parametrize(
    ("p", "expected"), [(0.3, [1, 0, 0, 0, 0]), (0.5, [1, 1, 0, 0, 0]), (0.75, [1, 1, 1, 1, 1]), (1.0, [1] * 5)]
)
def test_top_p_is_the_smallest_set_that_reaches_p_with_ties(p: float, expected: list[int]) -> None:
    assert top_p_mask(ROW, p=p).tolist() == [[bool(x) for x in expected]]


@pytest.mark.parametrize(("p", "expected"), [(1.0, [1, 0, 0, 0, 0]), (0.5, [1, 1, 0, 0, 0]), (0.2, [1, 1, 1, 1, 1])])
def test_min_p_compares_with_the_likeliest(p: float, expected: list[int]) -> None:
    assert min_p_mask(ROW, p=p).tolist() == [[bool(x) for x in expected]]


def test_impossible_candidates_never_come_in() -> None:
    row = np.array([[np.log(0.5), np.log(0.5), -np.inf]], dtype=np.float32)
    for mask in (top_k_mask(row, k=3), top_p_mask(row, p=1.0), min_p_mask(row, p=1e-9)):
        assert mask.tolist() == [[True, True, False]]


def test_no_rows_at_all() -> None:
    empty = np.empty((0, 4), dtype=np.float32)
    assert top_k_mask(empty, k=2).shape == top_p_mask(empty, p=0.5).shape == min_p_mask(empty, p=0.5).shape == (0, 4)


def test_a_row_is_closed_when_its_last_column_was_refused() -> None:
    assert is_closed(ROW, top_k_mask(ROW, k=2), vocabulary=50).tolist() == [True]
    assert is_closed(ROW, top_k_mask(ROW, k=3), vocabulary=50).tolist() == [False]
    assert is_closed(ROW, top_k_mask(ROW, k=3), vocabulary=5).tolist() == [True]
