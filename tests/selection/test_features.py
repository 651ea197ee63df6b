"""Features are the counts of the reference's n-grams in each document, in whatever batches they come."""

import itertools
from collections import Counter
from contextlib import ExitStack

import numpy as np

from pools import pool
from uncollapse.ngrams import BucketTable, cut, cut_texts
from uncollapse.selection.features import FeatureStore, Known, summed

TEXTS = ["a b a c", "", "x y z", "b b b d a", "c"]


def features(cuts=()):
    table = BucketTable(orders=(1, 2), buckets=2**20)
    for batch in pool(["a b c b c"]):
        table.update(batch)
    with ExitStack() as files:
        store = FeatureStore(Known.of(table.result(), (1, 2)), files)
        for batch in pool(TEXTS, cuts=cuts):
            for tokens in cut(batch):
                store.take(tokens)
        return store.features()


def test_counts_are_those_of_the_reference_alone():
    known = {"a", "b", "c", ("a", "b"), ("b", "c"), ("c", "b")}
    found = features()
    for number, words in enumerate(cut_texts(TEXTS)):
        pairs = list(itertools.pairwise(words))
        wanted = Counter(gram for gram in [*words, *pairs] if gram in known)
        assert sorted(found.of(number)[1].tolist()) == sorted(wanted.values())
    assert len(found) == len(TEXTS)


def test_batches_do_not_show():
    one, other = features(), features(cuts=[1, 3])
    for name in ("number", "times", "offsets"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_sums_of_stretches_with_empty_ones():
    assert summed(np.array([1.0, 2, 3]), np.array([0, 2, 0, 1, 0])).tolist() == [0, 3, 0, 3, 0]
    assert summed(np.zeros(0), np.array([0, 0])).tolist() == [0, 0]
