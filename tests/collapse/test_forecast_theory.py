"""The floor of strong collapse through the rises."""

import numpy as np
import pytest

from uncollapse.collapse.forecast.draws import Estimate
from uncollapse.collapse.forecast.theory import floor

SHARES = (0.0, 0.25, 0.5, 1.0)


def test_a_rise_with_the_square_of_the_share_is_held_whole():
    mean = 3 + 0.4 * np.array(SHARES) ** 2
    drawn = 3 + np.outer([0.3, 0.4, 0.5], np.array(SHARES) ** 2)
    found = floor(SHARES, Estimate(mean, mean[:, None], drawn, 0.1, 3))
    assert found.distance[0] == pytest.approx(0.4)
    assert 0.3 <= found.distance[1] < 0.4 < found.distance[2] <= 0.5
    assert found.rises == pytest.approx([0.0, 0.025, 0.1, 0.4])
    assert found.held == pytest.approx(1.0)


def test_a_jump_at_the_end_is_not_and_a_gain_has_no_distance():
    mean = np.array([3.0, 3.0, 3.0, 4.0])
    jump = floor(SHARES, Estimate(mean, mean[:, None], mean[None], 0.1, 3))
    assert jump.held < 0.97
    gain = floor(SHARES, Estimate(-mean, -mean[:, None], -mean[None], 0.1, 3))
    assert gain.distance[0] == 0.0
