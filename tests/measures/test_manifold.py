"""Precision, recall, density and coverage, against the definition by all distances."""

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.spatial.distance import cdist

from uncollapse.errors import UsageError
from uncollapse.measures import closeness
from uncollapse.measures.manifold import expected_coverage, manifold, neighbourhoods


def by_definition(real, synthetic, k=5):
    """All distances at once, as the package `prdc` does it; copies of a row are other rows."""
    apart = cdist(real, synthetic)
    of_real = np.sort(cdist(real, real), axis=1)[:, k]
    of_synthetic = np.sort(cdist(synthetic, synthetic), axis=1)[:, k]
    inside = apart < of_real[:, None]
    return (
        float(inside.any(axis=0).mean()),
        float((apart < of_synthetic).any(axis=1).mean()),
        float(inside.sum(axis=0).mean()) / k,
        float((apart.min(axis=1) < of_real).mean()),
    )


def cloud(seed, count, dimensions, *, kind=np.float64):
    return default_rng(seed).normal(size=(count, dimensions)).astype(kind)


@pytest.mark.parametrize("k", [1, 5, 9])
@pytest.mark.parametrize("dimensions", [1, 2, 17, 384])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_four_are_those_of_the_definition(k, dimensions, kind):
    real, synthetic = cloud(1, 300, dimensions, kind=kind), 0.8 * cloud(2, 170, dimensions, kind=kind) + kind(0.2)
    expected = by_definition(real.astype(float), synthetic.astype(float), k)
    assert manifold(real=real, synthetic=synthetic, k=k) == pytest.approx(expected, abs=1e-12)


def test_many_tiles_make_what_one_makes(monkeypatch):
    real, synthetic = cloud(3, 500, 3), cloud(4, 400, 3)
    expected = neighbourhoods(real=real, synthetic=synthetic)
    monkeypatch.setattr(closeness, "_ROWS", 37)
    monkeypatch.setattr(closeness, "_COLUMNS", 74)
    monkeypatch.setattr(closeness, "_SAMPLE", 20)
    monkeypatch.setattr(closeness, "_WAITING", 100)
    found = neighbourhoods(real=real, synthetic=synthetic)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert found.manifold() == pytest.approx(by_definition(real, synthetic), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_ties_and_copies_are_decided_exactly(seed, monkeypatch):
    # Whole numbers on a small lattice: almost every distance occurs many times, and many rows have copies.
    monkeypatch.setattr(closeness, "_SAMPLE", 30)
    random = default_rng(seed)
    real, synthetic = (random.integers(0, 4, (200, 3)).astype(float) for _ in range(2))
    assert manifold(real=real, synthetic=synthetic) == pytest.approx(by_definition(real, synthetic), abs=1e-12)


@pytest.mark.parametrize("spread", [1e-3, 1e-6, 1e-9])
def test_near_copies_far_from_the_middle_are_told_apart(spread):
    # In 32 bits all rows of a heap are one; the differences are exact.
    heaps = 100.0 * np.repeat(np.eye(4), 60, axis=0)
    real, synthetic = heaps + spread * cloud(5, 240, 4), heaps + spread * cloud(6, 240, 4)
    assert manifold(real=real, synthetic=synthetic) == pytest.approx(by_definition(real, synthetic), abs=1e-12)


@pytest.mark.parametrize("factor", [1e-30, 1e-3, 1e30])
def test_the_unit_does_not_matter(factor):
    real, synthetic = cloud(7, 100, 6), cloud(8, 90, 6)
    assert manifold(real=factor * real, synthetic=factor * synthetic) == manifold(real=real, synthetic=synthetic)


def test_order_does_not_matter():
    real, synthetic = cloud(9, 120, 5), cloud(10, 80, 5)
    mixed = default_rng(0).permutation(80)
    one = neighbourhoods(real=real, synthetic=synthetic)
    other = neighbourhoods(real=real[::-1], synthetic=synthetic[mixed])
    assert other.manifold() == one.manifold()
    assert np.array_equal(other.holding, one.holding[mixed])
    assert np.array_equal(other.covered, one.covered[::-1])


def test_swapping_the_sides_swaps_precision_and_recall():
    one, other = cloud(11, 120, 5), 1.4 * cloud(12, 90, 5)
    there, back = manifold(real=one, synthetic=other), manifold(real=other, synthetic=one)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.precision != there.recall


def test_the_sides_have_names_and_nothing_is_printed(capfd):
    # Elsewhere the sides were mixed up by their order, and every call printed.
    rows = cloud(26, 20, 2)
    with pytest.raises(TypeError, match="positional"):
        manifold(rows, rows)
    manifold(real=rows, synthetic=rows)
    assert capfd.readouterr() == ("", "")


def test_identical_sets_are_at_one():
    rows = cloud(13, 200, 8)
    found = manifold(real=rows, synthetic=rows.copy())
    # A row's ball holds itself and the four nearer ones of its five neighbours: strictly smaller.
    assert found == (1, 1, 1, 1)


def test_many_dimensions():
    real, synthetic = (cloud(seed, 1500, 1000, kind=np.float32) for seed in (14, 15))
    found = manifold(real=real, synthetic=synthetic)
    assert found == pytest.approx(by_definition(real, synthetic), abs=1e-12)
    # Rows of a thousand dimensions share their neighbours (hubs), so the shares are not those of independent rows.
    assert found.coverage == pytest.approx(expected_coverage(real=1500, synthetic=1500), abs=0.015)


@pytest.mark.slow
def test_readme_example_of_prdc():
    # N(0, I) in 1000 dimensions, 10,000 rows on each side. The README's rows are others: two draws differ.
    real, synthetic = (cloud(seed, 10_000, 1000, kind=np.float32) for seed in (24, 25))
    found = manifold(real=real, synthetic=synthetic)
    assert found.precision == pytest.approx(0.4772, abs=0.05)
    assert found.recall == pytest.approx(0.4705, abs=0.05)
    assert found.density == pytest.approx(1.0555, abs=0.15)
    assert found.coverage == pytest.approx(0.9735, abs=0.01)


@pytest.mark.parametrize(
    ("real", "synthetic", "value"),
    [(10_000, 10_000, 0.968773), (5000, 5000, 0.968797), (1000, 1000, 0.968984), (1000, 500, 0.868972)],
)
def test_expected_coverage_is_known(real, synthetic, value):
    assert expected_coverage(real=real, synthetic=synthetic) == pytest.approx(value, abs=5e-7)


def test_fresh_rows_have_the_expected_coverage_and_density():
    found = [manifold(real=cloud(n, 200, 4), synthetic=cloud(n + 100, 100, 4)) for n in range(40)]
    for name, expected in (("coverage", expected_coverage(real=200, synthetic=100)), ("density", 1.0)):
        values = np.array([getattr(each, name) for each in found])
        # Five standard errors of the mean are passed once in 1.7 million.
        assert values.mean() == pytest.approx(expected, abs=5 * values.std(ddof=1) / 40**0.5)


def test_rows_are_named_that_lie_outside_or_are_not_covered():
    real = np.concatenate([cloud(16, 100, 3), cloud(17, 20, 3) + 50])
    synthetic = np.concatenate([cloud(18, 100, 3), [[-90.0, 0, 0]]])
    found = neighbourhoods(real=real, synthetic=synthetic)
    assert 100 in found.outside
    assert set(range(100, 120)) <= set(found.uncovered)
    assert not found.reached[100:].any()


def test_contraction_shows_in_recall_and_density_and_not_in_coverage():
    # Section 8.2 of the reference: all deviations x .8 gave precision up, recall down, density 2.7, coverage as before.
    real, fresh = cloud(19, 600, 32), cloud(20, 600, 32)
    found, control = manifold(real=real, synthetic=0.8 * fresh), manifold(real=real, synthetic=fresh)
    assert found.recall < 0.5 * control.recall
    assert found.density > 2 * control.density
    assert found.coverage > control.coverage - 0.02


def test_equal_rows_have_no_ball():
    ones, others = np.ones((8, 2)), cloud(21, 9, 2)
    assert manifold(real=ones, synthetic=ones.copy()) == (0, 0, 0, 0)
    # Six copies have radius 0 with k = 5, five of them reach to the next row.
    six, five = np.concatenate([ones[:6], others]), np.concatenate([ones[:5], others])
    assert not neighbourhoods(real=six, synthetic=six).covered[:6].any()
    assert neighbourhoods(real=five, synthetic=five).covered[:5].all()


@pytest.mark.parametrize("sizes", [(1, 20), (20, 1), (5, 20), (0, 20)])
def test_too_few_rows_are_refused(sizes):
    real, synthetic = (cloud(22, size, 3) for size in sizes)
    with pytest.raises(UsageError, match="k = 5"):
        manifold(real=real, synthetic=synthetic)


def test_what_has_no_distance_is_refused():
    rows = cloud(23, 20, 3)
    broken = rows.copy()
    broken[7, 1] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        manifold(real=rows, synthetic=broken)
    with pytest.raises(UsageError, match="no numbers"):
        manifold(real=np.zeros((9, 0)), synthetic=np.zeros((9, 0)))
    with pytest.raises(UsageError, match="5 real and 5 synthetic rows"):
        expected_coverage(real=5, synthetic=5)
