"""The sources of error, each switched by itself, and the precision that rounds."""

import numpy as np
import pytest

from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.gaussian import START_MEAN, START_VARIANCE
from uncollapse.collapse.rounding import rounded
from uncollapse.collapse.sources import ALL, apart, laboratories, section, shares
from uncollapse.errors import UsageError


def test_without_sampling_nothing_moves():
    found = run("gaussian", "replace", generations=20, seeds=2, sampling=False)["replace"]
    assert found["variance"] == pytest.approx(np.ones((21, 2)))
    assert (found["w2"] == 0).all()


def test_one_normal_law_for_two_peaks_is_wrong_once_and_then_stays():
    found = run("gaussian", "replace", generations=5, seeds=1, sampling=False, peaks=1.8)["replace"]["w2"][:, 0]
    # Computed by a sorted sample of two million against normal quantiles.
    rng = np.random.default_rng(3)
    sample = np.sort(np.sqrt(1 - 0.81) * rng.standard_normal(10**6) + 0.9 * rng.choice([-1, 1], 10**6))
    normal = np.sort(rng.standard_normal(10**6))
    assert found[1] == pytest.approx(np.mean((sample - normal) ** 2), abs=2e-3)
    assert found[1:] == pytest.approx(np.full(5, found[1]))


def test_real_rows_of_two_peaks_have_mean_0_and_variance_1():
    built = laboratory("gaussian", peaks=1.8, rows=True)
    rows = built.real(200_000, seeds=1, rng=np.random.default_rng(5)).values[0, :, 0]
    assert rows.mean() == pytest.approx(0, abs=5.5 / np.sqrt(200_000))
    assert rows.var() == pytest.approx(1, abs=5.5 * np.sqrt(2 / 200_000))
    assert np.mean(np.abs(rows) < 0.3) < 0.1  # a normal law has .236 there


def test_an_optimiser_that_stops_early_leaves_a_known_share():
    found = run("gaussian", "replace", generations=3, seeds=1, sampling=False, steps=2)["replace"]
    mean, variance = 0.0, 1.0
    for fit in (1, 2, 3):
        mean, variance = mean + 0.25 * (START_MEAN - mean), variance + 0.25 * (START_VARIANCE - variance)
        assert found["mean"][fit, 0] == pytest.approx(mean)
        assert found["variance"][fit, 0] == pytest.approx(variance)


@pytest.mark.parametrize(
    ("precision", "step", "tiny"),
    [("float16", 2.0**-10, 2.0**-24), ("bfloat16", 2.0**-7, None), ("float32", 2.0**-23, None)],
)
def test_rounding_by_hand(precision, step, tiny):
    values = np.array([1.0, 1 + 0.4 * step, 1 + 0.6 * step, 1 + 0.5 * step, 1 + 1.5 * step, -1 - 0.6 * step])
    assert rounded(values, precision).tolist() == [1, 1, 1 + step, 1, 1 + 2 * step, -1 - step]
    if tiny:
        assert rounded(np.array([0.4 * tiny, 0.6 * tiny, 1e6]), precision).tolist() == [0, tiny, np.inf]
    assert rounded(np.array([np.inf, -np.inf, 0.0]), precision).tolist() == [np.inf, -np.inf, 0]
    assert np.isnan(rounded(np.array([np.nan]), precision)).all()


def test_float64_is_left_alone():
    values = np.array([np.pi])
    assert rounded(values, "float64") is values


def test_low_precision_ends_in_a_point_that_high_precision_does_not_reach():
    settings = {"generations": 400, "seeds": 50, "samples": 10}
    low = run("gaussian", "replace", precision="float16", **settings)["replace"]["variance"][-1]
    high = run("gaussian", "replace", **settings)["replace"]["variance"][-1]
    assert (low == 0).mean() > 0.9
    assert (high > 0).all()


def test_each_source_is_switched_off_alone():
    built = laboratory("gaussian", peaks=1.5, steps=9, precision="bfloat16", samples=50)
    every = laboratories(built)
    assert list(every) == [
        ALL,
        *(f"without {name}" for name in ("statistical", "expressivity", "approximation", "precision")),
    ]
    assert every["without expressivity"] == built.model_copy(update={"peaks": 0.0})
    comparison = apart(built, regime("replace"), generations=20, seeds=400)
    found = shares(comparison)
    last = {part.regime: np.median(part["w2"][-1]) for part in comparison}
    for name, share in found.items():
        assert share.value == pytest.approx(1 - last[f"without {name}"] / last[ALL])
        assert share.low <= share.value <= share.high
    # With 50 samples and 20 fits the statistical error is the larger part of it all, by theory about 20 * 1.5/50.
    assert max(found, key=lambda name: found[name].value) == "statistical"
    assert "statistical" in section(comparison).sentence


def test_fewer_than_two_sources_are_nothing_to_tell_apart():
    with pytest.raises(UsageError, match="only statistical"):
        laboratories(laboratory("gaussian"))


def test_peaks_are_for_one_dimension():
    with pytest.raises(UsageError, match="one dimension"):
        laboratory("gaussian", dimension=2, peaks=1.0)
