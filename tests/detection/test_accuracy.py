import numpy as np
import pytest
from scipy.stats import norm

from uncollapse.detection.accuracy import auroc, clopper_pearson, true_positive_interval, true_positives


def test_the_area_by_counting_pairs():
    human, machine = np.array([1.0, 2.0, 3.0, 3.0]), np.array([2.0, 3.0, 4.0])
    pairs = [(m > h) + 0.5 * (m == h) for m in machine for h in human]
    assert auroc(human, machine).value == pytest.approx(np.mean(pairs))
    assert auroc(machine, human).value == pytest.approx(1 - np.mean(pairs))


def test_perfect_sides_have_an_interval_all_the_same():
    found = auroc(np.arange(10.0), np.arange(20.0, 30.0))
    assert found.value == found.high == 1.0
    # None of 10 in the wrong order: 1 - .025^(1/10) may be.
    assert found.low == pytest.approx(0.025**0.1)


def test_the_interval_of_the_area_holds_it():
    """Normal sides one sd apart: AUROC Phi(1/sqrt 2) = .7602. 300 trials; a true 95 % fails 270 with chance 4e-4."""
    generator = np.random.default_rng(5)
    area = norm.cdf(1 / np.sqrt(2))
    held = 0
    for _ in range(300):
        found = auroc(generator.normal(0, 1, 60), generator.normal(1, 1, 60))
        held += found.low <= area <= found.high
    assert held >= 270


def test_true_positives_by_the_convention():
    human = np.arange(1.0, 51.0)
    # floor(.05 * 50) = 2: the third largest human score, 48, is the threshold, and 2 of 50 lie above it.
    assert true_positives(human, np.array([48.0, 48.5, 60.0, 1.0]), false_alarms=0.05) == 0.5
    assert (human > 48).mean() == 0.04


def test_the_bootstrap_holds_the_middle():
    generator = np.random.default_rng(1)
    human, machine = generator.normal(0, 1, 150), generator.normal(2, 1, 150)
    found = true_positive_interval(human, machine, false_alarms=0.05, generator=generator)
    assert found.low < found.value < found.high
    # Phi(2 - 1.645) = .639, known to about four hundredths twice over.
    assert found.low < 0.639 < found.high


def test_clopper_pearson_by_its_definition():
    assert clopper_pearson(0, 10).high == pytest.approx(1 - 0.025**0.1)
    assert clopper_pearson(10, 10).low == pytest.approx(0.025**0.1)
    # The published interval of 3 in 10: .0667 to .6525.
    assert clopper_pearson(3, 10)[1:] == pytest.approx((0.0667, 0.6525), abs=1e-4)
    assert clopper_pearson(0, 0)[1:] == (0.0, 1.0)
