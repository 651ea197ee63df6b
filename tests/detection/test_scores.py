"""Every known value: two and three symbols worked by hand, and the guards."""

import numpy as np
import pytest

from uncollapse.detection.scores import SCORES, Points, Reading, scores_of


def reading(p, ids, q=None):
    """The arrays of a text under given distributions, in NumPy alone; q samples where it is given."""
    p = np.array(p, float)
    given = p if q is None else np.array(q, float)
    rows = np.arange(len(ids))
    mean = (given * np.log(p)).sum(axis=1)
    variance = (given * np.log(p) ** 2).sum(axis=1) - mean**2
    rank = 1 + (p > p[rows, ids][:, None]).sum(axis=1)
    own = [np.log(p[rows, ids]), mean, variance]
    other = None if q is None else np.log(given[rows, ids]).astype(np.float32)
    return Reading(*(each.astype(np.float32) for each in own), rank.astype(np.int32), other)


def two_symbols(text):
    return reading([[0.8, 0.2]] * len(text), text)


# Two symbols, a = .8: d = sqrt(n) sqrt((1-a)/a) for the first alone, -sqrt(n) sqrt(a/(1-a)) for the second alone.
@pytest.mark.parametrize(
    ("text", "likelihood", "curvature", "binoculars"),
    [
        ([0] * 4, -0.223144, 1.0, 0.445928),
        ([1] * 4, -1.609438, -4.0, 3.216287),
        ([0] * 4 + [1], -0.500402, 0.0, 1.0),
    ],
)
def test_two_symbols(text, likelihood, curvature, binoculars):
    made = two_symbols(text)
    found = {name: kind.take(made).value for name, kind in SCORES.items() if name != "ratio"}
    assert found["likelihood"] == pytest.approx(likelihood, abs=1e-6)
    assert found["curvature"] == pytest.approx(curvature, abs=1e-5)
    assert found["binoculars"] == pytest.approx(binoculars, abs=1e-5)
    assert found["entropy"] == pytest.approx(0.500402, abs=1e-6)
    np.testing.assert_allclose(made.variance, 0.307490, atol=1e-6)


def test_lrr_of_the_second_symbol():
    assert SCORES["lrr"].take(two_symbols([1] * 4)).value == pytest.approx(np.log(5) / np.log(2), abs=1e-6)


P = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]
Q = [[0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]]


def test_three_symbols():
    made = reading(P, [0, 2, 1])
    found = {name: score.value for name, score in scores_of(made).items()}
    assert found["likelihood"] == pytest.approx(-0.825646, abs=1e-6)
    assert found["curvature"] == pytest.approx(0.260044, abs=1e-5)
    assert found["lrr"] == pytest.approx(2.254607, abs=1e-5)
    assert made.rank.tolist() == [1, 3, 1]
    assert found["rank"] == pytest.approx(-5 / 3)
    assert found["log_rank"] == pytest.approx(-np.log(3) / 3)
    assert SCORES["binoculars"].take(made).value == pytest.approx(0.907497, abs=1e-5)
    assert set(found) == set(SCORES) - {"binoculars", "ratio"}


def test_three_symbols_and_another_model_that_samples():
    made = reading(P, [0, 2, 1], Q)
    np.testing.assert_allclose(made.mean, [-0.927095, -1.080736, -1.077122], atol=1e-6)
    np.testing.assert_allclose(made.variance, [0.524102, 0.122070, 0.465525], atol=1e-6)
    found = {name: score.value for name, score in scores_of(made).items()}
    assert found["curvature"] == pytest.approx(0.576660, abs=1e-5)
    assert found["binoculars"] == pytest.approx(0.802910, abs=1e-5)
    # log(.7 .2 .6) - log(.6 .2 .5) = log 1.4, over three tokens.
    assert found["ratio"] == pytest.approx(np.log(1.4) / 3, abs=1e-6)
    assert set(found) == set(SCORES)


def test_a_uniform_model_has_no_curvature_and_says_why():
    found = scores_of(reading([[0.25] * 4] * 3, [0, 1, 2]))
    assert np.isnan(found["curvature"].value)
    assert "variance is 0" in found["curvature"].reason
    assert np.isnan(found["lrr"].value)
    assert "likeliest" in found["lrr"].reason
    assert found["rank"].value == -1


def test_of_no_tokens_nothing_is_said():
    empty = np.empty(0, np.float32)
    found = scores_of(Reading(empty, empty, empty, np.empty(0, np.int32), empty))
    assert set(found) == set(SCORES)
    for score in found.values():
        assert np.isnan(score.value)
        assert score.reason == "no token was scored"


def test_the_score_points_as_it_says():
    # A text of likeliest tokens against one of unlikely ones under the same model.
    machine, human = two_symbols([0] * 9 + [1]), two_symbols([0, 1] * 5)
    for name in ("likelihood", "rank", "log_rank", "curvature", "binoculars"):
        kind = SCORES[name]
        assert kind.upwards(kind.take(machine).value) > kind.upwards(kind.take(human).value), name
    assert SCORES["entropy"].points is Points.DOWN
