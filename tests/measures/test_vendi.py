"""The Vendi score: known values, and laws of an effective number."""

import numpy as np
import pytest
from numpy.random import default_rng

from uncollapse.errors import UsageError
from uncollapse.measures.vendi import hill_number, renyi_kernel_entropy, vendi_of_similarities, vendi_score

THREE = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
ORDERS = [0.1, 0.5, 1.0, 2.0, 7.0, float("inf")]


@pytest.mark.parametrize(
    ("q", "value"), [(0.1, 2.845537), (0.5, 2.420348), (1.0, 2.157300), (2.0, 1.948052), (float("inf"), 1.578947)]
)
def test_known_values(q, value):
    # The same two rows at cosine .9 and one at right angles, as rows: the order must not be ignored there either.
    rows = np.array([[1, 0, 0], [0.9, (1 - 0.81) ** 0.5, 0], [0, 0, 1.0]])
    assert vendi_of_similarities(THREE, q=q) == pytest.approx(value, abs=5e-7)
    assert vendi_score(rows, q=q) == pytest.approx(vendi_of_similarities(THREE, q=q), abs=1e-12)
    assert vendi_score(np.hstack([rows, np.zeros((3, 5))]), q=q) == pytest.approx(value, abs=5e-7)


def test_three_pairs_of_samples():
    samples = np.array([0, 0, 10, 10, 20, 20.0])
    similarities = np.exp(-np.abs(samples[:, None] - samples))
    assert vendi_of_similarities(similarities) == pytest.approx(2.9999999959, abs=5e-11)


@pytest.mark.parametrize("q", ORDERS)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_the_ends(q, count):
    assert vendi_of_similarities(np.eye(count), q=q) == pytest.approx(count)
    assert vendi_of_similarities(np.ones((count, count)), q=q) == pytest.approx(1)
    assert vendi_score(np.eye(count), q=q) == pytest.approx(count)
    # Equal rows, more and fewer than dimensions: what rounding leaves of the other eigenvalues is not counted.
    assert vendi_score(np.ones((count, 9)) / 3, q=q) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("q", ORDERS)
@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (30, 1), (5000, 3)])
def test_the_small_matrix_gives_what_the_large_one_does(q, shape):
    rows = default_rng(1).normal(size=shape)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if shape[0] < 1000:
        assert vendi_score(rows, q=q) == pytest.approx(vendi_of_similarities(unit @ unit.T, q=q), rel=1e-6)
    assert 1 - 1e-12 <= vendi_score(rows, q=q) <= min(shape) + 1e-9


def test_readme_example_of_vendi_score():
    # Five short sentences, the mean cosine of counts of words and of pairs of words: 3.91.
    sentences = ["Look , Jane .", "See Spot .", "See Spot run .", "Run , Spot , run .", "Jane sees Spot run ."]
    kernels = []
    for order in (1, 2):
        runs = [list(zip(*(text.split()[at:] for at in range(order)), strict=False)) for text in sentences]
        kinds = sorted({run for row in runs for run in row})
        counts = np.array([[row.count(kind) for kind in kinds] for row in runs], dtype=float)
        counts /= np.linalg.norm(counts, axis=1, keepdims=True)
        kernels.append(counts @ counts.T)
    assert vendi_of_similarities(sum(kernels) / 2) == pytest.approx(3.91, abs=0.005)


def test_it_falls_with_the_order_and_is_smooth_at_one():
    rows = default_rng(2).normal(size=(60, 12))
    values = [vendi_score(rows, q=q) for q in ORDERS]
    assert values == sorted(values, reverse=True)
    assert vendi_score(rows, q=1 + 1e-10) == pytest.approx(vendi_score(rows), rel=1e-9)
    assert vendi_score(rows, q=1 - 1e-10) == pytest.approx(vendi_score(rows), rel=1e-9)


def test_the_number_of_modes_is_order_two():
    for shape in [(80, 9), (9, 80)]:
        rows = default_rng(3).normal(size=shape)
        assert renyi_kernel_entropy(rows) == pytest.approx(vendi_score(rows, q=2.0))


def test_order_unit_and_copies_of_everything_do_not_matter():
    rows = default_rng(4).normal(size=(50, 6))
    value = vendi_score(rows)
    assert vendi_score(rows[::-1]) == pytest.approx(value)
    assert vendi_score(1e200 * rows) == pytest.approx(value)
    assert vendi_score(np.concatenate([rows, rows])) == pytest.approx(value)
    assert vendi_score(rows.astype(np.float32)) == pytest.approx(value, rel=1e-6)


def test_hill_numbers_by_hand():
    assert hill_number(np.array([0.5, 0.5, 0]), q=0.3) == pytest.approx(2)
    assert hill_number(np.array([0.8, 0.2]), q=2.0) == pytest.approx(1 / 0.68)


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.zeros((2, 0)), np.zeros((2, 3)), np.array([[1, np.nan]])])
def test_rows_without_a_direction_are_refused(rows):
    with pytest.raises(UsageError):
        vendi_score(rows)


@pytest.mark.parametrize(
    "similarities", [2 * np.eye(3), np.array([[1, 0.5], [0.2, 1]]), np.array([[1, 2.0], [2, 1]]), np.zeros((0, 0))]
)
def test_what_is_no_similarity_is_refused(similarities):
    with pytest.raises(UsageError, match="similarities"):
        vendi_of_similarities(similarities)


@pytest.mark.parametrize("q", [0.0, -1.0, float("nan")])
def test_orders_are_above_zero(q):
    with pytest.raises(UsageError, match="q = "):
        vendi_score(np.eye(3), q=q)
