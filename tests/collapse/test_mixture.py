"""The mixture laboratory."""

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import norm

from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.laboratory import laboratory
from uncollapse.collapse.mixture import Mixtures
from uncollapse.collapse.regimes import regime
from uncollapse.errors import UsageError

REGIMES = ("replace", "accumulate", "subsample", "preserve", "fresh", "edit", "verify", "weighted", "mixed")


def run(lab, *kinds, generations, seeds):
    return experiment(lab, [regime(kind) for kind in kinds], generations=generations, seeds=seeds).results()


def test_the_original_measures_itself():
    lab = Mixtures(clusters=3, dimension=2, spacing=5.0)
    found = {name: value[0] for name, value in lab.measured(lab.original(1)).items()}
    assert set(found) == set(lab.measures)
    assert lab.centres.tolist() == [-5, 0, 5]
    assert found["modes"] == 3
    middle = 1 / 3 * (norm.cdf(2.5) - norm.cdf(-2.5)) + 2 / 3 * (norm.cdf(-2.5) - norm.cdf(-7.5))
    assert found["heterozygosity"] == pytest.approx(1 - middle**2 - 2 * ((1 - middle) / 2) ** 2)
    assert found["variance"] == pytest.approx(1 + 50 / 3 / 2)
    assert (found["within_variance"], found["log_variance"]) == pytest.approx((1, 0))
    tail = (norm.cdf(-2) + norm.cdf(-7) + norm.cdf(-12)) / 3
    assert found["tail_mass"] == pytest.approx(2 * tail)
    assert [found[name] for name in ("between", "l2", "w2")] == pytest.approx([0, 0, 0], abs=1e-12)


def test_one_component_for_two_modes_fills_the_gap():
    """One Gaussian for two: at fit 1, with many rows, its variance is the whole and its mass lies between."""
    part = run(Mixtures(components=1, samples=20_000), "replace", generations=1, seeds=2).parts[0]
    assert part["variance"][1] == pytest.approx(10, abs=5.5 * 8 / np.sqrt(20_000))
    assert part["within_variance"][1] == pytest.approx(part["variance"][1])
    gap = norm.cdf(1 / np.sqrt(10)) - norm.cdf(-1 / np.sqrt(10))
    original = norm.cdf(-2) - norm.cdf(-4)
    assert part["between"][1] == pytest.approx(gap - original, abs=0.01)


def test_check_20_modes_are_lost_as_states_are():
    """Chance that two rows differ in mode: .5 (1 - 1/N)^t within 5.5 standard errors, and within-mode variance falls."""
    lab, seeds = Mixtures(), 64
    part = run(lab, "replace", generations=100, seeds=seeds).parts[0]
    (curve,) = lab.theory(regime("replace"), generations=100)
    assert curve.values == pytest.approx(0.5 * 0.99 ** np.arange(101))
    for fit in (1, 10, 30, 50, 100):
        found = part["heterozygosity"][fit]
        assert abs(found.mean() - curve.values[fit]) < 5.5 * found.std(ddof=1) / np.sqrt(seeds), fit
    spread = np.median(part["within_variance"], axis=1)
    assert spread[100] < spread[50] < spread[10] < spread[1] < 1.1
    assert np.median(part["log_variance"][100]) < -2


def test_accumulated_modes_stand():
    lab, seeds = Mixtures(samples=50), 100
    part = run(lab, "accumulate", generations=8, seeds=seeds).parts[0]
    (curve,) = lab.theory(regime("accumulate"), generations=8)
    found = part["heterozygosity"][8]
    assert abs(found.mean() - curve.values[8]) < 5.5 * found.std(ddof=1) / np.sqrt(seeds)
    assert part["modes"][8].min() == 2


@pytest.mark.parametrize("kind", REGIMES)
@pytest.mark.parametrize("start", ["warm", "cold"])
def test_every_regime_runs(kind, start):
    lab = Mixtures(start=start, samples=40, dimension=2, clusters=3, rounds=5)
    part = run(lab, kind, generations=4, seeds=3)[kind]
    assert np.all(np.isfinite(part.values))
    assert np.all(part["modes"][0] == 3)


def test_weights_of_rows_are_heeded():
    lab = Mixtures(samples=60, components=1)
    rows = lab.real(60, seeds=2, rng=default_rng(1))
    both = rows.weighed(0.25).joined(lab.real(60, seeds=2, rng=default_rng(2)).weighed(0.75))
    fit = lab.fitted(both, before=lab.original(2), rng=default_rng(3))
    expected = 0.25 * both.values[:, :60].mean(axis=1) + 0.75 * both.values[:, 60:].mean(axis=1)
    assert fit.means[:, 0] == pytest.approx(expected)


def test_no_form_is_claimed_where_none_holds():
    for lab in (Mixtures(components=1), Mixtures(start="cold"), Mixtures(spacing=3.0)):
        assert lab.theory(regime("replace"), generations=3) == []
    assert Mixtures().theory(regime("fresh"), generations=3) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 3}, "at least 4 are needed"),
        ({"samples": 17, "clusters": 6, "dimension": 2}, "at least 18"),
        ({"spacing": 0.0}, "spacing"),
        ({"start": "hot"}, "start"),
    ],
)
def test_bad_settings_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        laboratory("mixture", **settings)
