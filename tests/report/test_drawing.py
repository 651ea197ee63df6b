import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncollapse.report.drawing import AXIS_STEPS, Scale


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 0.2, [0, 0.05, 0.1, 0.15, 0.2]),
        (0, 7, [0, 2, 4, 6, 8]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3, 3, [3, 4, 5, 6]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
        (0, 50, [0, 10, 20, 30, 40, 50]),
        (0, 1234, [0, 250, 500, 750, 1000, 1250]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert Scale.around(low, high).ticks == ticks


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e6))
def test_a_scale_holds_what_it_is_around_in_few_steps(low: float, width: float) -> None:
    high = low + width
    scale = Scale.around(low, high)
    slack = 1e-6 * (scale.high - scale.low)
    assert scale.low <= low + slack
    assert scale.high >= high - slack
    assert 2 <= len(scale.ticks) <= AXIS_STEPS + 1
    assert list(scale.ticks) == sorted(set(scale.ticks))


def test_places_are_per_cent_between_the_ends() -> None:
    scale = Scale(-1.0, 3.0, [-1.0, 3.0])
    assert [scale.place(value) for value in (-1, 0, 3)] == [0, 25, 100]
