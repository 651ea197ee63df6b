"""Choosing at random: every document with the same chance."""

import numpy as np

from pools import chosen, pool
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget

TEXTS = [f"document {n}" for n in range(40)]


def test_every_document_has_the_same_chance():
    taken = np.sum([AtRandom(seed=seed).choose(pool(TEXTS), budget=Budget(10)).counts for seed in range(400)], axis=0)
    # Each is taken 100 times with a standard deviation of 8.7; that one of 40 is five of them off: one in 40,000.
    assert taken.sum() == 4000
    assert np.abs(taken - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)


def test_copies_are_drawn_each_by_itself():
    texts = ["twice"] * 2 + TEXTS[:18]
    both = sum(
        chosen(texts, AtRandom(seed=seed).choose(pool(texts), budget=Budget(10))).count("twice") == 2
        for seed in range(400)
    )
    # Both of two given rows: 10/20 * 9/19 = .237; 400 times: 94.7 with a standard deviation of 8.5.
    assert abs(both - 400 * 90 / 380) < 5 * 8.5
