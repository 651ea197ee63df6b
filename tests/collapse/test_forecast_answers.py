"""What is read off a curve."""

import numpy as np
import pytest

from uncollapse.collapse.forecast.answers import best, first_above, recommended, risen, rises
from uncollapse.collapse.forecast.curve import NEVER, Curve
from uncollapse.collapse.forecast.draws import Estimate


def straight(slopes, *, start=4.0):
    """A curve with a straight line for each draw."""
    grid = np.linspace(0, 1, 1001)
    drawn = start + np.outer(slopes, grid)
    return Curve("through the means", grid, drawn.mean(axis=0), drawn, NEVER)


def test_a_crossing_is_found_between_two_shares_of_the_grid():
    grid = np.array([0.0, 0.5, 1.0])
    curves = np.array([[0.0, 0.1, 0.3], [0.0, -0.1, 0.05], [0.0, 0.0, 0.0], [0.2, 0.3, 0.4]])
    assert first_above(curves, 0.2, grid).tolist() == pytest.approx([0.75, np.inf, np.inf, 0.0])
    assert first_above(curves, 0.05, grid).tolist() == pytest.approx([0.25, 1.0, np.inf, 0.0])


def test_rises_are_parts_of_the_loss_and_of_the_perplexity():
    curves = np.array([[4.0, 4.4]])
    assert risen(curves, "loss")[0, 1] == pytest.approx(0.1)
    assert risen(curves, "perplexity")[0, 1] == pytest.approx(np.exp(0.4) - 1)


def test_shares_at_which_it_has_risen_have_intervals_and_may_lie_beyond():
    """Slopes of .1 to .3 on a loss of 4: up by 1 % = .04 at .4 to .133; by 10 % nowhere."""
    found = rises(straight(np.linspace(0.1, 0.3, 201)))
    one = found[0]
    assert one.share == pytest.approx(0.04 / 0.2)
    assert one.low == pytest.approx(0.04 / 0.295, rel=0.01)
    assert one.high == pytest.approx(0.04 / 0.105, rel=0.01)
    assert np.isnan([found[2].share, found[2].low, found[2].high]).all()


def test_a_share_is_recommended_up_to_the_upper_bound_of_the_rise():
    """The upper bound of slopes of .1 to .3 is .295, which gives .04 at .1356."""
    found = recommended(straight(np.linspace(0.1, 0.3, 201)), tolerance=0.01)
    assert found.share == pytest.approx(0.04 / 0.295, abs=0.001)
    assert found.high <= 0.01 < found.high * 1.01
    assert found.bounded_by == "the upper bound of the rise"
    whole = recommended(straight(np.linspace(-0.1, 0.01, 100)), tolerance=0.01)
    assert (whole.share, whole.bounded_by) == (1.0, "the greatest share that was tried")


def test_nothing_is_recommended_behind_a_bump():
    grid = np.linspace(0, 1, 1001)
    bump = 4 + np.where((grid > 0.2) & (grid < 0.4), 0.5, 0.0)
    drawn = np.stack([bump, bump + 1e-6 * grid])
    found = recommended(Curve("through the means", grid, bump, drawn, NEVER), tolerance=0.01)
    assert found.share == pytest.approx(0.2)


def test_a_gain_counts_only_where_its_widened_interval_says_so():
    generator = np.random.default_rng(0)
    mean = np.array([4.0, 3.9, 4.5])

    def with_noise(size):
        drawn = mean + generator.normal(0, size, (4000, 3))
        return best((0.0, 0.5, 1.0), Estimate(mean, mean[:, None], drawn, size, 4))

    sure = with_noise(0.01)
    assert (sure.share, sure.helps) == (0.5, True)
    assert sure.gain == pytest.approx(0.1)
    # Two shares beside 0: the bounds are at 1.25 and 98.75 %, 2.24 standard errors off.
    assert sure.low == pytest.approx(0.1 - 2.24 * 0.01 * np.sqrt(2), abs=0.003)
    assert not with_noise(0.05).helps
