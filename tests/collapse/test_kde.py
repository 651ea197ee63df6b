"""The kernel density laboratory against its closed forms; the numbers are those of check 19."""

import numpy as np
import pytest

from meeting import assert_mean
from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.kde import Kernels
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.theory import kernel as forms


def test_variance_of_a_smoothed_law_grows():
    replaced = run("kde", "replace", generations=101, seeds=400)["replace"]
    accumulated = run("kde", "accumulate", generations=100, seeds=60)["accumulate"]
    # After t resamplings the data are those of fit t + 1.
    for t, value in {1: 1.228, 10: 3.262, 100: 16.05}.items():
        assert forms.replace_variance(np.array([float(t)]), n=100, bandwidth=0.5)[0] == pytest.approx(value, abs=5e-3)
        assert_mean(replaced["sample_variance"][t + 1], value, slack=5e-3)
    for t, value in {2: 1.112, 10: 1.465, 100: 2.028}.items():
        assert forms.accumulate_variance(t, n=100, bandwidth=0.5)[-1] == pytest.approx(value, abs=5e-4)
        assert_mean(accumulated["sample_variance"][t], value, slack=5e-4)


def test_the_plateau_of_replacement():
    plateau = forms.replace_variance(np.array([1e5]), n=100, bandwidth=0.5)[0]
    assert plateau == pytest.approx(0.25 * 99)


def test_generation_zero_is_the_original_law():
    found = run("kde", "replace", generations=1, seeds=3)["replace"]
    values = dict(zip(found.measures, found.values[0, 0], strict=True))
    assert values["variance"] == values["sample_variance"] == 1
    assert values["mean"] == values["log_variance"] == values["kl"] == 0
    assert values["tail_mass"] == pytest.approx(0.0455, abs=5e-5)


def test_measures_by_hand():
    found = laboratory("kde").measured(Kernels(Rows(np.array([[-1.0, 3.0]]), np.array([3.0, 1.0])), 0.5))
    assert found["mean"][0] == 0
    assert found["sample_variance"][0] == pytest.approx(3.0)
    assert found["variance"][0] == pytest.approx(3.25)


@pytest.mark.parametrize("kind", ["subsample", "preserve", "fresh", "edit", "weighted", "mixed"])
def test_the_first_fit_is_the_same_in_every_regime(kind):
    found = run("kde", regime(kind), generations=1, seeds=2_000, samples=20)
    assert_mean(found.parts[0]["sample_variance"][1], 0.95)
