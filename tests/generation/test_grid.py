"""Plans over a grid: what is covered by when, held against the definition by brute force."""

from itertools import combinations, islice, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.generation.grid import Axis, coverage, covering, pair_count, rows_of, size
from uncollapse.randomness import Stream

SIZES = [(3, 3), (2, 3), (3, 3, 3), (5, 4, 3, 2), (10, 10, 10), (4,), (1, 1), (7, 1, 2), (2, 2, 2, 2, 2, 2)]


def axes_of(sizes):
    return [Axis(f"a{place}", tuple(f"v{value}" for value in range(count))) for place, count in enumerate(sizes)]


def stream_of(seed=0):
    return Stream.of(seed, "test", "grid")


def pairs_of(rows):
    """The pairs that some rows hold, from the definition."""
    return {(i, row[i], j, row[j]) for row in rows for i, j in combinations(range(len(row)), 2)}


@pytest.mark.parametrize("sizes", SIZES)
def test_the_whole_grid_comes_each_row_once(sizes):
    rows = list(rows_of(axes_of(sizes), stream_of()))
    assert sorted(rows) == sorted(product(*map(range, sizes)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 100))
def test_every_value_in_the_first_rows_and_every_row_covers_something_new(sizes, seed):
    rows = list(rows_of(axes_of(sizes), stream_of(seed)))
    first = rows[: max(sizes)]
    assert all({row[place] for row in first} == set(range(count)) for place, count in enumerate(sizes))
    known = pairs_of(first)
    for row in rows[max(sizes) :]:
        if len(known) == pair_count(axes_of(sizes)):
            break
        assert pairs_of([row]) - known
        known |= pairs_of([row])


@pytest.mark.parametrize("sizes", [(3, 3), (3, 3, 3), (5, 4, 3, 2), (10, 10, 10), (2, 2, 2, 2, 2, 2), (20, 5, 5, 5)])
def test_pairs_are_covered_in_few_rows(sizes):
    """No plan needs fewer rows than the two largest axes have pairs; this one needs at most half as many again."""
    least = np.prod(sorted(sizes)[-2:])
    count = covering(axes_of(sizes), stream_of())
    rows = list(islice(rows_of(axes_of(sizes), stream_of()), count))
    assert len(pairs_of(rows)) == pair_count(axes_of(sizes))
    assert len(pairs_of(rows[:-1])) < pair_count(axes_of(sizes)) or count == max(sizes)
    assert least <= count <= max(least * 1.5, least + 4)


def test_values_are_used_evenly():
    rows = np.array(list(islice(rows_of(axes_of((10, 10, 10)), stream_of()), 500)))
    found = coverage(axes_of((10, 10, 10)), rows)
    assert all(45 <= found.least[name] <= 50 <= found.most[name] <= 55 for name in found.least)


def test_what_is_covered_by_hand():
    rows = np.array([[0, 0], [1, 0], [0, 0]])
    found = coverage(axes_of((2, 3)), rows)
    assert found.values == {"a0": 2, "a1": 1}
    assert (found.pairs, found.all_pairs) == (2, 6)
    assert (found.least, found.most) == ({"a0": 1, "a1": 0}, {"a0": 2, "a1": 3})


def test_another_seed_is_another_order_and_the_same_seed_the_same():
    plans = [list(rows_of(axes_of((5, 4, 3)), stream_of(seed))) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_a_large_grid_is_never_written_out():
    axes = axes_of((40, 40, 40, 40))
    assert size(axes) == 2_560_000
    rows = list(islice(rows_of(axes, stream_of()), 60))
    assert len(set(rows)) == 60
