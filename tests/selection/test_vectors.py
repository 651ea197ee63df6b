"""Documents as points: of length 1, near where they share words, the same whatever was read with them."""

from contextlib import ExitStack

import numpy as np

from pools import pool
from uncollapse.selection.vectors import vectors_of

TEXTS = ["a river and a town", "a town and a river", "sheep on the road", "", "the same sheep on the road"]


def vectors(texts, cuts=()):
    with ExitStack() as files:
        return vectors_of(pool(texts, cuts=cuts), dimensions=512, files=files).astype(np.float64)


def test_lengths_are_one_or_none():
    sizes = np.linalg.norm(vectors(TEXTS), axis=1)
    # Half precision: eleven bits.
    assert np.allclose(sizes, [1, 1, 1, 0, 1], atol=2e-3)


def test_the_order_of_words_does_not_count_and_shared_words_do():
    near = vectors(TEXTS) @ vectors(TEXTS).T
    assert near[0, 1] > 0.99
    assert near[2, 4] > 0.6
    assert abs(near[0, 2]) < 0.3  # nothing in common but chance collisions, about 1 / sqrt 512 = .04


def test_nothing_hangs_on_what_was_read_with_it():
    whole, parted = vectors(TEXTS), vectors(TEXTS[::-1], cuts=[1, 2])
    assert np.array_equal(whole, parted[::-1])
