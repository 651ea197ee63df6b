import numpy as np
import pytest

from uncollapse.detection.calibration import (
    ALL_LENGTHS,
    LENGTHS,
    Calibration,
    Group,
    Guess,
    Known,
    fewest_texts,
    length_of,
)

NONE = np.empty(0)


def group(human, machine=NONE):
    return Group("essays", ALL_LENGTHS, np.sort(np.asarray(human, float)), np.sort(np.asarray(machine, float)))


def test_the_threshold_by_hand():
    made = group(range(1, 40))
    # n = 39, a = .05: k = floor(.05 * 40) = 2, so the second largest, 38; one of 39 lies above it.
    assert made.allowed(0.05) == 2
    assert made.threshold(0.05) == 38
    assert made.rate(0.05).value == pytest.approx(2 / 40)
    assert made.as_human(38.5) == pytest.approx(2 / 40)
    assert made.judge(38.5, false_alarms=0.05).guess is Guess.MACHINE
    assert made.judge(38.0, false_alarms=0.05).guess is Guess.UNKNOWN


def test_a_rate_takes_so_many_texts():
    assert fewest_texts(0.05) == 19
    assert group(range(18)).threshold(0.05) == np.inf
    assert group(range(19)).threshold(0.05) == 18
    assert group(range(18)).rate(0.05) == (0, 0, 0)
    assert group(range(18)).judge(1e9, false_alarms=0.05).guess is Guess.UNKNOWN


def test_without_machine_text_nothing_is_called_human():
    made = group(range(100))
    found = [made.judge(score, false_alarms=0.05) for score in (-50.0, 20.0, 99.5)]
    assert [each.guess for each in found] == [Guess.UNKNOWN, Guess.UNKNOWN, Guess.MACHINE]
    assert np.isnan(found[0].as_machine)


def test_with_both_sides_a_text_can_be_either_or_neither():
    near = group(range(100), range(50, 150))
    assert [near.judge(s, false_alarms=0.05).guess for s in (10.0, 75.0, 140.0)] == ["human", "unknown", "machine"]
    far = group(range(100), range(1000, 1100))
    found = far.judge(500.0, false_alarms=0.05)
    assert found.guess is Guess.UNKNOWN
    assert "like neither" in found.reason
    assert "essays" in found.reason


@pytest.mark.parametrize("texts", [19, 60, 500])
def test_the_false_alarm_rate_is_what_it_says(texts):
    """Scores from a law with a long tail: the mean rate over 400 calibrations is k / (n + 1), and so is its interval.

    The rate is a draw from Beta(k, n + 1 - k), of which the mean of 400 has a known error; five of them fail with 6e-7.
    An interval of 95 % that holds fewer than 360 of 400 has a chance of 3e-5.
    """
    generator = np.random.default_rng(texts)
    rates, held = [], 0
    for _ in range(400):
        made = group(generator.exponential(1, texts) ** 2)
        rate = np.exp(-np.sqrt(made.threshold(0.05)))
        said = made.rate(0.05)
        held += said.low <= rate <= said.high
        rates.append(rate)
    k = made.allowed(0.05)
    expected = k / (texts + 1)
    error = np.sqrt(expected * (1 - expected) / (texts + 2) / 400)
    assert abs(np.mean(rates) - expected) < 5 * error
    assert expected <= 0.05
    assert held >= 360


def test_ties_cost_no_false_alarm():
    made = group([0.0] * 95 + [1.0] * 5)
    assert made.judge(1.0, false_alarms=0.05).guess is Guess.UNKNOWN
    assert made.judge(1.1, false_alarms=0.05).guess is Guess.MACHINE


def test_lengths():
    assert [length_of(tokens) for tokens in (0, 63, 64, 127, 128, 255, 256, 9999)] == [
        None,
        None,
        LENGTHS[0],
        LENGTHS[0],
        LENGTHS[1],
        LENGTHS[1],
        LENGTHS[2],
        LENGTHS[2],
    ]


def known(scores, tokens, domains):
    return Known(np.asarray(scores, float), np.asarray(tokens), domains)


def test_domains_and_lengths_have_their_own_threshold():
    count = 80
    scores = np.concatenate([np.arange(count), 100 + np.arange(count), 200 + np.arange(30)])
    tokens = [100] * count + [200] * count + [300] * 30
    made = Calibration.of(known(scores, tokens, ["a"] * 160 + ["b"] * 30), None, false_alarms=0.05)
    assert made.group("a", 100).threshold(0.05) == 76  # k = floor(.05 * 81) = 4
    assert made.group("a", 200).threshold(0.05) == 176
    # Too few of this length for a threshold of its own: all lengths of the domain together.
    assert made.group("a", 300).length == ALL_LENGTHS
    assert made.group("b", 300).threshold(0.05) == 229
    assert made.group("b", 63) is None
    assert made.group("c", 300) is None


def test_short_and_unscored_texts_calibrate_nothing():
    scores = [*range(40), *[1e9] * 40, np.nan]
    made = Calibration.of(known(scores, [100] * 40 + [63] * 40 + [100], [""] * 81), None, false_alarms=0.05)
    assert len(made.group("", 100).human) == 40


def test_machine_text_of_the_domain_before_any_other():
    human = known(range(200), [100] * 200, ["a"] * 100 + ["b"] * 100)
    machine = known(range(70), [100] * 70, ["a"] * 60 + ["c"] * 10)
    made = Calibration.of(human, machine, false_alarms=0.05)
    assert len(made.group("a", 100).machine) == 60
    assert len(made.group("b", 100).machine) == 70
