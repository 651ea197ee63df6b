"""The best pairs of each query, against putting all of them in order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.duplicates.foremost import Pairs, counted, foremost, intervals


def in_full(pairs, *, shifts, kept, most):
    """The same by sorting every pair."""
    scale = shifts[pairs.document]
    low = intervals(pairs.hits, kept[pairs.query, scale], shifts=scale)[0]
    rows = sorted(zip(pairs.query, -low, pairs.document, pairs.hits, strict=True))
    taken = {}
    for query, _, document, hits in rows:
        own = taken.setdefault(query, [])
        if len(own) < most:
            own.append((query, document, hits))
    return [row for own in taken.values() for row in own]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), most=st.integers(1, 6), single=st.booleans(), scales=st.integers(1, 5))
def test_equals_sorting_every_pair(seed, most, single, scales):
    rng = np.random.default_rng(seed)
    queries, documents = 5, 30
    shifts = rng.integers(0, scales, documents).astype(np.uint8)
    keys = np.array([(q << 32) | d for q in range(queries) for d in range(documents) if rng.random() < 0.6], np.int64)
    hits = np.ones(len(keys), np.int64) if single else rng.integers(1, 4, len(keys))
    runs = rng.integers(16, 200, queries)
    kept = np.stack([np.maximum(runs >> shift, 3) for shift in range(5)], axis=1)
    pairs = Pairs(keys >> 32, keys & 0xFFFFFFFF, hits)
    found = foremost(pairs, shifts=shifts, kept=kept, most=most)
    assert list(zip(*found, strict=True)) == in_full(pairs, shifts=shifts, kept=kept, most=most)


def test_pairs_are_counted_by_query_and_document():
    keys = np.array([(2 << 32) | 7, 5, (2 << 32) | 7, (2 << 32) | 1, 5, 5])
    query, document, hits = counted(keys)
    assert (query.tolist(), document.tolist(), hits.tolist()) == ([0, 2, 2], [5, 1, 7], [3, 1, 2])


def test_no_pairs_are_none():
    nothing = counted(np.zeros(0, np.int64))
    found = foremost(nothing, shifts=np.zeros(0, np.uint8), kept=np.ones((1, 5), np.int64), most=3)
    assert [len(part) for part in found] == [0, 0, 0]


@pytest.mark.parametrize("shift", [0, 3])
def test_one_run_of_many_is_less_than_one_of_few(shift):
    # A long document keeps few runs: one of 8 shared has the higher lower bound than one of 130, where both are exact.
    low, high = intervals(np.array([1, 1]), np.array([8, 130]), shifts=np.array([shift, shift], np.uint8))
    assert low[0] > low[1]
    assert (low == high).all() == (shift == 0)
