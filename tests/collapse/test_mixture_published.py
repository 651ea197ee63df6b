"""The published mixture: intervals for one more run, and the chain at a smaller size."""

import numpy as np
import pytest

from uncollapse.collapse.mixture_model import squared_l2
from uncollapse.collapse.reproductions import shumailov_mixture


def test_one_more_run_lies_inside_99_times_in_100(rng):
    held = []
    for _ in range(2_000):
        runs = np.exp(rng.normal(1.0, 0.8, 9))
        found = shumailov_mixture.one_more(runs[:8])
        held.append(found.low <= runs[8] <= found.high)
    assert np.mean(held) == pytest.approx(0.99, abs=5.5 * np.sqrt(0.99 * 0.01 / 2_000))


def test_both_components_shrink_and_drift_from_the_first_fit(monkeypatch):
    monkeypatch.setattr(shumailov_mixture, "POINTS", 100)
    monkeypatch.setattr(shumailov_mixture, "FITS", 150)
    monkeypatch.setattr(shumailov_mixture, "RUNS", 4)
    first, last = shumailov_mixture._chain()
    before, after = shumailov_mixture._deviations(first), shumailov_mixture._deviations(last)
    assert np.all(np.abs(before - 1) < 0.5)
    assert np.median(after) < 0.5 * np.median(before)
    assert np.all(squared_l2(first, last) > 0.02)


@pytest.mark.slow
def test_the_published_run_is_one_that_could_have_been_ours():
    assert all(claim.inside for claim in shumailov_mixture.claims())
