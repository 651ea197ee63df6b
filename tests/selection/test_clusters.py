"""Groups of documents: by a column whatever the order, by k-means as its definition has it."""

import numpy as np

from made_text import made
from pools import pool
from uncollapse.selection import clusters
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Budget, looked_through
from uncollapse.selection.clusters import groups_by_column, groups_by_kmeans


def test_groups_of_a_column_are_numbered_by_its_values():
    batches = pool(["x", "y", "z", "v"], cuts=[1], side=["b", "c", "a", "b"])
    assert groups_by_column(batches, "side").tolist() == [1, 2, 0, 1]


def test_centres_are_means_of_their_points_and_points_go_to_the_nearest():
    random = np.random.default_rng(1)
    points = np.concatenate([random.normal(at, 0.1, (50, 3)) for at in (0.0, 5.0, -5.0)])
    centres = clusters._centres(points, 3, seed=2)
    label = clusters._nearest(points, centres)
    assert sorted(np.bincount(label).tolist()) == [50, 50, 50]
    for number in range(3):
        assert np.allclose(centres[number], points[label == number].mean(axis=0))
    squared = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    assert np.array_equal(label, squared.argmin(axis=1))


def test_equal_points_make_one_centre():
    assert len(clusters._centres(np.ones((10, 2)), 4, seed=0)) == 1


def test_documents_go_with_those_of_their_kind_and_a_sample_is_enough(monkeypatch):
    random = np.random.default_rng(4)
    kinds = np.array([0, 1] * 60)
    texts = [" ".join(f"s{kind}w{word}" for word in random.integers(0, 60, 80)) for kind in kinds.tolist()]
    monkeypatch.setattr(clusters, "SAMPLE", 40)
    rows = looked_through(pool(texts), AtRandom(), Budget(1))
    group = groups_by_kmeans(pool(texts, cuts=[64]), rows, clusters=2)
    assert len(set(zip(group.tolist(), kinds.tolist(), strict=True))) == 2


def test_half_the_root_of_the_documents_unless_said():
    texts = made(400, seed=1, length=20)
    rows = looked_through(pool(texts), AtRandom(), Budget(1))
    assert len(set(groups_by_kmeans(pool(texts), rows, clusters=None).tolist())) <= 10
