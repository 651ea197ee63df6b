"""Differences on the same documents: by hand, at their rate, and surer than either side."""

import numpy as np
import pytest

from uncollapse.errors import InputError
from uncollapse.evaluation.paired import Difference, differences, run_of


def sums(nats, tokens=10.0):
    """Documents of so many nats in ten tokens of four bytes, none of them rare but one."""
    nats = np.asarray(nats, float)
    columns = [nats, np.full(len(nats), tokens), np.full(len(nats), 4 * tokens)]
    return np.stack([*columns, nats / 10, np.full(len(nats), 1.0), np.full(len(nats), 4.0)], axis=1)


def named(found, measure):
    return next(each for each in found if each.measure == measure)


def test_by_hand():
    """40 against 30 nats in 20 tokens of 80 bytes: exp(2) - exp(1.5), and 10 / 80 / ln 2 bits a byte."""
    found = differences({"0": sums([20.0, 20.0])}, {"0": sums([15.0, 15.0])}, names=("arm", "file"))
    assert named(found, "perplexity").value == pytest.approx(np.exp(2) - np.exp(1.5))
    assert named(found, "bits_per_byte").value == pytest.approx(10 / 80 / np.log(2))
    assert named(found, "perplexity").low == pytest.approx(named(found, "perplexity").value)
    assert named(found, "perplexity").told == "higher"
    assert (found[0].seeds, found[0].documents) == (1, 2)


def test_seeds_are_averaged_in_pairs():
    """Differences of 2.9 and 0 have mean 1.45 and a standard error of 1.45; Student's t for one degree is 12.7062."""
    arm = {"0": sums([20.0, 20.0]), "1": sums([10.0, 10.0])}
    control = {"0": sums([15.0, 15.0]), "1": sums([10.0, 10.0]), "7": sums([99.0, 99.0])}
    found = named(differences(arm, control, names=("a", "f")), "perplexity")
    half = (np.exp(2) - np.exp(1.5)) / 2
    assert found.value == pytest.approx(half)
    assert found.seeds == 2
    assert (found.low, found.high) == pytest.approx((half - 12.7062 * half, half + 12.7062 * half), rel=1e-4)
    # The 80 % point of one degree of freedom is 1.37638.
    assert found.smallest == pytest.approx((12.7062 + 1.37638) * half, rel=1e-4)
    assert found.told == "not told apart"


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_trainings_that_differ_by_chance_alone_are_told_apart_at_the_stated_rate(seeds):
    """Of 300 pairs of equal arms whose trainings differ, at most 30 are told apart: 5 % with 4 standard errors."""
    generator = np.random.default_rng(seeds)
    wrong = 0
    for trial in range(300):
        hardness = generator.uniform(5, 40, 40)
        arm, control = (
            {str(n): sums(hardness * np.exp(generator.normal(0, 0.05))) for n in range(seeds)} for _ in range(2)
        )
        found = named(differences(arm, control, names=("a", "f"), seed=trial, draws=100), "bits_per_byte")
        wrong += found.told != "not told apart"
    assert wrong <= 30


def test_perplexities_of_unequal_tokens_are_left_out():
    found = differences({"0": sums([20.0, 20.0], tokens=8.0)}, {"0": sums([20.0, 20.0])}, names=("a", "f"))
    assert {each.measure for each in found} == {"bits_per_byte", "tail_bits_per_byte"}


def test_one_document_says_nothing_of_others():
    found = named(differences({"0": sums([20.0])}, {"0": sums([15.0])}, names=("a", "f")), "perplexity")
    assert np.isnan([found.low, found.high, found.smallest]).all()
    assert found.told == "not told apart"


def test_pairing_is_surer_than_either_side():
    """Hard and easy documents differ by far more than the arms do, and the difference is seen all the same."""
    generator = np.random.default_rng(0)
    hardness = generator.uniform(5, 40, 100)
    arm = {"0": sums(hardness + 0.5 + generator.normal(0, 0.2, 100))}
    found = named(differences(arm, {"0": sums(hardness)}, names=("a", "f")), "bits_per_byte")
    assert found.told == "higher"
    other = named(
        differences({"0": sums(generator.permutation(hardness) + 0.5)}, {"0": sums(hardness)}, names=("a", "f")),
        "bits_per_byte",
    )
    assert other.smallest > 5 * found.smallest


def test_equal_arms_are_told_apart_at_the_stated_rate():
    """Of 200 pairs of equal arms (60 documents) at most 22 are told apart: 5 % with 3.9 standard errors of room."""
    generator = np.random.default_rng(2)
    wrong = 0
    for trial in range(200):
        hardness = generator.uniform(5, 40, 60)
        sides = [{"0": sums(hardness + generator.normal(0, 1, 60))} for _ in range(2)]
        wrong += (
            named(differences(*sides, names=("a", "f"), seed=trial, draws=200), "bits_per_byte").told
            != "not told apart"
        )
    assert wrong <= 22


@pytest.mark.parametrize(
    ("name", "arm", "seed"),
    [
        ("edited-s2", "edited", "2"),
        ("runs/no-edit/seed3/", "runs/no-edit", "3"),
        ("smollm2-135m", "smollm2-135m", "0"),
        ("human-25", "human-25", "0"),
        ("plain/", "plain", "0"),
        ("a_seed_12", "a", "12"),
    ],
)
def test_names(name, arm, seed):
    assert run_of(name) == (arm, seed)


def test_what_cannot_be():
    with pytest.raises(InputError, match="share no seed"):
        differences({"0": sums([1.0])}, {"1": sums([1.0])}, names=("a", "f"))
    with pytest.raises(InputError, match="unequal documents"):
        differences({"0": sums([1.0])}, {"0": sums([1.0, 2.0])}, names=("a", "f"))
    assert Difference("a", "f", "m", 0.1, -1.0, -0.5, 0.1, 1, 1).told == "lower"


def test_p_values_are_those_of_the_law_behind_the_interval():
    """Where the interval just touches zero the p-value is .05, whatever the degrees of freedom."""
    from uncollapse.evaluation.paired import _bounds

    rng = np.random.default_rng(0)
    over = rng.normal(0, 0.3, 1000)
    each = rng.normal(0, 1, 4)
    low, high, _, _ = _bounds(each, over, count=50)
    shifted = each - each.mean() + (high - low) / 2
    assert _bounds(shifted, over, count=50).p == pytest.approx(0.05, abs=1e-9)
    assert _bounds(each - each.mean(), over, count=50).p == pytest.approx(1.0)


def test_accuracies_differ_by_the_share_of_questions():
    """Of 40 questions 30 are right against 20, at both seeds: 25 points, and no spread over seeds."""
    from uncollapse.evaluation.paired import accuracy_difference

    ours = {seed: (np.arange(40) % 4 < 3).astype(float)[:, None] for seed in "01"}
    theirs = {seed: (np.arange(40) % 4 < 2).astype(float)[:, None] for seed in "01"}
    found = accuracy_difference(ours, theirs, names=("a", "quiz"))
    assert found.value == pytest.approx(0.25)
    # One question in four differs: the standard error of their share is sqrt(.25 * .75 / 40).
    assert (found.high - found.low) / 2 == pytest.approx(2.02 * np.sqrt(0.25 * 0.75 / 40), rel=0.1)
    assert (found.seeds, found.documents) == (2, 40)
