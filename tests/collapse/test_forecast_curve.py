"""The curve of the loss over the synthetic share."""

import numpy as np
import pytest

from made_shares import losses
from uncollapse.collapse.forecast.answers import rises
from uncollapse.collapse.forecast.curve import NEVER, curve, fit, values
from uncollapse.collapse.forecast.draws import over_seeds
from uncollapse.collapse.forecast.settings import SHARES, Forecast

SHARES_ = np.array(SHARES)


def law(worth, *, level=1.0, height=2.0):
    return level + height * ((1 - SHARES_) + worth * SHARES_) ** -0.28


@pytest.mark.parametrize("worth", [0.001, 0.01, 0.3, 3.0])
def test_the_form_finds_itself(worth):
    found = fit(SHARES_, law(worth)[None])
    assert found.worth[0] == pytest.approx(worth, rel=0.03)
    assert values(found, SHARES_)[0] == pytest.approx(law(worth), abs=0.01)


def test_the_published_perplexities_are_of_the_form():
    """GPT-2 on Wikitext-103 after 42 billion tokens: the steep rise at the end, within 2 % of the range.

    Source: Zhu et al. 2025, Tables 13 and 17.
    """
    published = np.log([34.55, 36.32, 38.65, 42.95, 128.05])
    found = fit(SHARES_, published[None])
    assert found.left[0] < 0.02 * np.ptp(published)
    assert 0.001 < found.worth[0] < 0.05


def test_text_that_is_as_good_leaves_the_curve_flat():
    found = fit(SHARES_, np.full((1, 5), 3.0))
    assert found.height[0] == 0
    assert values(found, SHARES_)[0].tolist() == [3.0] * 5


def test_where_some_text_helps_and_more_hurts_the_curve_goes_through_the_means():
    each = np.array([4.0, 3.8, 3.7, 3.9, 4.6])[:, None] + np.array([-0.01, 0.0, 0.01])
    each[2, 1] += 0.01
    found = curve(SHARES, over_seeds(each, np.random.default_rng(0)))
    assert found.kind == "through the means"
    assert found.form.unfit < 0.001
    assert np.interp(SHARES, found.grid, found.values) == pytest.approx(each.mean(axis=1), abs=1e-6)
    assert found.values.min() == pytest.approx(each.mean(axis=1)[2], abs=1e-6)


def test_three_shares_are_too_few_for_the_form():
    found = curve((0.0, 0.5, 1.0), over_seeds(np.array([[1.0, 1.1], [2.0, 2.1], [4.0, 4.2]]), np.random.default_rng(0)))
    assert found.kind == "through the means"
    assert np.isnan([*found.form.worth, found.form.left, found.form.unfit]).all()
    assert np.isnan(NEVER.left)


def test_the_share_at_which_the_loss_has_risen_is_covered_nineteen_times_in_twenty():
    """Studies of the law with a worth of .05: where the loss has risen by 5 %, in the rows whose form is taken.

    300 studies: coverage of a 95 % interval lies above .90 but for one study in 10,000 were it .95; and the form is
    refused in 5 % of them, at most 10 % but for one study in 10,000.
    """
    generator = np.random.default_rng(2)
    settings = Forecast(tokens=1)
    start, height, worth = 4.0, 2.0, 0.05
    truth = (1 - (1 + 0.05 * start / height) ** (-1 / 0.28)) / (1 - worth)
    covered, refused = [], 0
    for _ in range(300):
        each = losses(settings, worth=worth, scatter=0.03, generator=generator)
        found = curve(SHARES, over_seeds(each, generator, draws=400))
        refused += found.kind == "through the means"
        reached = rises(found)[1]
        assert (reached.measure, reached.rise) == ("loss", 0.05)
        covered.append(reached.low <= truth and not reached.high < truth)
    assert refused <= 30
    assert 0.90 < np.mean(covered) <= 1
