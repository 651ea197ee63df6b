"""The divergence frontier: known values, ties, and clouds that are cut into heaps together."""

import math

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.integrate import quad

from uncollapse.errors import UsageError
from uncollapse.measures import quantisation
from uncollapse.measures.frontier import divergence_frontier, frontier_area, frontier_curve, frontier_integral
from uncollapse.measures.quantisation import joint_counts, k_means, nearest_centre, principal_rows

P, Q = np.array([2, 2, 0]), np.array([1, 1, 2])
ONE, OTHER = np.array([1, 0]), np.array([0, 1])


def shares(seed, size=50):
    return default_rng(seed).dirichlet(np.full(size, 0.3))


@pytest.mark.parametrize(
    ("points", "value", "disjoint"),
    [(25, 0.278114, 0.00407210), (100, 0.277514, 0.00397433), (1000, 0.277477, 0.00396831)],
)
def test_known_areas(points, value, disjoint):
    assert frontier_area(P, Q, points=points) == pytest.approx(value, abs=5e-7)
    assert frontier_area(ONE, OTHER, points=points) == pytest.approx(disjoint, abs=5e-9)


@pytest.mark.parametrize("size", [1, 2, 50])
def test_equal_histograms_are_at_one_though_all_points_are_tied(size):
    # Sorted by one coordinate alone, they would be at .75.
    assert frontier_area(shares(1, size), shares(1, size)) == pytest.approx(1, abs=1e-12)


def test_the_curve_goes_from_end_to_end_within_the_square():
    curve = frontier_curve(shares(2), shares(3))
    assert curve.shape == (27, 2)
    assert curve[0].tolist() == [1, 0]
    assert curve[-1].tolist() == [0, 1]
    assert ((curve >= 0) & (curve <= 1)).all()
    assert (np.diff(curve[:, 0]) <= 0).all()


def test_one_point_of_the_curve_by_hand():
    # Half way, R = (3/8, 3/8, 1/4): KL(Q || R) = (1/2) ln(2/3) + (1/2) ln 2, KL(P || R) = ln(4/3).
    point = frontier_curve(P, Q)[13]
    assert point == pytest.approx([math.exp(-5 * 0.5 * math.log(4 / 3)), math.exp(-5 * math.log(4 / 3))], abs=1e-12)


def test_known_integrals():
    assert frontier_integral(P, Q) == pytest.approx(1 - math.log(2), abs=5e-11)
    assert frontier_integral(ONE, OTHER) == 1
    assert frontier_integral(P, P) == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_integral_is_the_integral(seed):
    p, q = shares(seed), shares(seed + 50)
    p[:5], q[5:10] = 0, 0
    p, q = p / p.sum(), q / q.sum()

    def cost(weight):
        middle = weight * p + (1 - weight) * q
        parts = [side[side > 0] @ np.log(side[side > 0] / middle[side > 0]) for side in (p, q)]
        return weight * parts[0] + (1 - weight) * parts[1]

    assert frontier_integral(p, q) == pytest.approx(2 * quad(cost, 0, 1, epsabs=1e-10)[0], abs=1e-8)


def test_the_integral_keeps_its_digits_where_shares_are_almost_equal():
    p = shares(4)
    q = p * (1 + 1e-6 * default_rng(5).choice([-1, 1], len(p)))
    # To second order it is sum (p - q)^2 / (6 p) for each bin.
    q /= q.sum()
    assert frontier_integral(p, q) == pytest.approx(((p - q) ** 2 / (6 * p)).sum(), rel=1e-2, abs=1e-16)


def test_swapping_scaling_and_relabelling_do_not_matter():
    p, q = shares(6), shares(7)
    mixed = default_rng(8).permutation(50)
    for measure in (frontier_area, frontier_integral):
        value = measure(p, q)
        assert measure(q, p) == pytest.approx(value, abs=1e-12)
        assert measure(1000 * p, q) == pytest.approx(value, abs=1e-12)
        assert measure(p[mixed], q[mixed]) == pytest.approx(value, abs=1e-12)


def test_half_a_row_more_in_each_heap():
    starred = frontier_area(P, Q, pseudo_count=0.5)
    assert starred == pytest.approx(frontier_area(np.array([2.5, 2.5, 0.5]), np.array([1.5, 1.5, 2.5])), abs=1e-15)
    assert starred > frontier_area(P, Q)


@pytest.mark.parametrize("wrong", [np.zeros(2), np.array([1.0, -0.5]), np.array([1.0, np.nan])])
def test_no_histogram_is_refused(wrong):
    with pytest.raises(UsageError, match="histogram"):
        frontier_area(np.ones(2), wrong)
    with pytest.raises(UsageError, match="histogram"):
        frontier_integral(wrong, np.ones(2))


def heaps(seed, counts, *, dimensions=8, middles=20):
    random = default_rng(seed)
    centres = 30 * default_rng(0).normal(size=(middles, dimensions))
    return np.concatenate([centres[at] + random.normal(size=(count, dimensions)) for at, count in enumerate(counts)])


def test_heaps_far_apart_are_counted_as_they_are():
    counts = [40, 10, 30, 20], [10, 40, 5, 45]
    one, other = joint_counts(
        real=heaps(1, counts[0]), synthetic=heaps(2, counts[1]), random=default_rng(3), clusters=4
    )
    # Every start but one in some hundreds puts a centre into each heap; this one does.
    assert sorted(zip(one.tolist(), other.tolist(), strict=True)) == sorted(zip(*counts, strict=True))


def test_a_frontier_tells_lost_heaps_from_fresh_rows():
    real, fresh, lost = heaps(4, [30] * 20), heaps(5, [30] * 20), heaps(6, [60] * 10)
    same = divergence_frontier(real=real, synthetic=fresh, random=default_rng(7))
    other = divergence_frontier(real=real, synthetic=lost, random=default_rng(7))
    assert same.clusters == other.clusters == 60
    assert same.score > 0.9
    assert same.starred > same.score
    # Half of the reals' mass is gone: P even over 20 heaps, Q over ten of them, which is the known toy.
    assert other.score == pytest.approx(0.278, abs=0.05)
    assert other.integral == pytest.approx(1 - math.log(2), abs=0.05)


def test_a_cloud_that_has_shrunk_is_not_taken_for_the_whole():
    # A known defect elsewhere: rows brought to unit length first, so that half the spread scored .953.
    real, fresh = (default_rng(seed).normal(size=(600, 8)) for seed in (20, 21))
    same, shrunk = (
        divergence_frontier(real=real, synthetic=side, random=default_rng(1)) for side in (fresh, 0.5 * fresh)
    )
    assert same.score > 0.9
    assert shrunk.score < 0.7
    assert shrunk.integral > 3 * same.integral


def test_the_same_generator_gives_the_same_frontier_and_another_nearly():
    real, other = heaps(8, [30] * 20), heaps(9, [20] * 15 + [60] * 5)
    first, again, different = (
        divergence_frontier(real=real, synthetic=other, random=default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert different.score == pytest.approx(first.score, abs=0.1)


def test_identical_clouds_are_equal_and_swapping_swaps():
    rows = heaps(10, [30] * 10)
    assert divergence_frontier(real=rows, synthetic=rows.copy(), random=default_rng(1))[:3] == pytest.approx(
        (1, 1, 0), abs=1e-12
    )


@pytest.mark.parametrize("dimensions", [1, 3])
def test_equal_rows_are_one_heap(dimensions):
    rows = np.ones((30, dimensions))
    assert divergence_frontier(real=rows, synthetic=rows, random=default_rng(1)) == (1, 1, 0, 1)


def test_components_keep_distances_where_all_variance_is_kept():
    rows = default_rng(11).normal(size=(200, 5))
    found = principal_rows(rows[:120], rows[120:], variance=1.0).astype(float)
    from scipy.spatial.distance import pdist

    ratio = pdist(found) / pdist(rows)
    assert ratio == pytest.approx(ratio[0], rel=1e-4)
    assert np.abs(found.mean(axis=0)).max() < 1e-6
    assert found.var(axis=0)[0] == pytest.approx(1, rel=1e-5)


def test_as_few_components_as_hold_the_variance():
    rows = default_rng(12).normal(size=(2000, 4)) * [10, 5, 1, 0.1]
    assert [principal_rows(rows, variance=share).shape[1] for share in (0.5, 0.9, 0.999)] == [1, 2, 3]


def test_k_means_finds_a_fixed_point_no_worse_than_scikit_learns():
    rows = default_rng(13).normal(size=(600, 4)).astype(np.float32)
    centres = k_means(rows, clusters=12, random=default_rng(14))
    labels = nearest_centre(rows, centres)
    cost = ((rows - centres[labels]) ** 2).sum()
    sklearn = pytest.importorskip("sklearn.cluster")
    oracle = [sklearn.KMeans(12, n_init=1, random_state=seed).fit(rows).inertia_ for seed in range(10)]
    assert cost <= max(oracle) * 1.01


def test_a_large_side_is_cut_on_a_sample(monkeypatch):
    monkeypatch.setattr(quantisation, "_SAMPLE_FOR_EACH", 5)
    monkeypatch.setattr(quantisation, "_BLOCK", 64)
    found = divergence_frontier(real=heaps(15, [60] * 20), synthetic=heaps(16, [60] * 20), random=default_rng(17))
    assert found.score > 0.9
    one, other = joint_counts(real=heaps(15, [60] * 20), synthetic=heaps(16, [70] * 20), random=default_rng(17))
    assert (one.sum(), other.sum()) == (1200, 1400)


@pytest.mark.parametrize(("sizes", "clusters"), [((1, 9), None), ((9, 0), None), ((5, 5), 11), ((5, 5), 0)])
def test_what_cannot_be_cut_is_refused(sizes, clusters):
    real, synthetic = (default_rng(1).normal(size=(size, 2)) for size in sizes)
    with pytest.raises(UsageError, match="clusters"):
        divergence_frontier(real=real, synthetic=synthetic, random=default_rng(1), clusters=clusters)


def test_a_number_that_is_not_finite_is_refused():
    rows = np.ones((30, 2))
    broken = rows.copy()
    broken[3, 1] = np.inf
    with pytest.raises(UsageError, match="not finite"):
        divergence_frontier(real=rows, synthetic=broken, random=default_rng(1))
