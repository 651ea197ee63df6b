"""Rank correlations of two sizes over the shares."""

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from uncollapse.collapse.forecast.draws import Estimate
from uncollapse.collapse.forecast.trust import agreements, kendall, spearman


def test_rank_correlations_are_those_of_scipy():
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(2, 20, 6))
    assert spearman(one, other) == pytest.approx([spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])
    assert kendall(one, other) == pytest.approx([kendalltau(a, b).statistic for a, b in zip(one, other, strict=True)])


def test_each_pair_of_sizes_has_its_agreement_and_one_size_has_none():
    generator = np.random.default_rng(0)

    def estimate(mean, noise):
        mean = np.array(mean)
        return Estimate(mean, mean[:, None], mean + generator.normal(0, noise, (500, 4)), noise, 3)

    up, down = estimate([1.0, 2.0, 3.0, 4.0], 0.01), estimate([4.0, 3.0, 2.0, 1.0], 0.01)
    blurred = estimate([1.0, 1.1, 1.2, 1.3], 0.3)
    found = agreements({"a": up, "b": down, "c": blurred})
    assert [each.sizes for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].spearman == found[0].kendall == (-1.0, -1.0, -1.0)
    assert found[1].spearman[0] == 1.0
    assert found[1].spearman[1] < 0.5
    assert agreements({"a": up}) == []
