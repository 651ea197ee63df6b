"""Tails: by hand, and against samples whose law is known."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from uncollapse.measures import Tails, fit_power_law, lost_types, plausibility, rare_coverage, spectrum, tail_mass
from uncollapse.measures.powerlaw import draw_power_law
from uncollapse.ngrams import Spelling, TypeCounts


def batch_of(*texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def done(statistic, *texts):
    statistic.update(batch_of(*texts))
    return statistic.result()


def test_the_tail_of_a_short_text_by_hand():
    tail = done(Tails(), "a a a a b b c d", "e")
    assert (tail.tokens, tail.different, tail.exact) == (9, 5, True)
    assert tail.hapax == 3 / 5
    assert tail.unseen == pytest.approx(3 / 9)
    assert tail.entropy == pytest.approx(spectrum.entropy(np.array([4, 2, 1, 1, 1])))
    assert np.isnan(tail.heaps)
    assert np.isnan(tail.hill).all()


def test_nothing_has_no_tail():
    tail = done(Tails(), "")
    assert tail.tokens == tail.different == tail.entropy == 0
    assert np.isnan([tail.hapax, tail.unseen, tail.heaps, tail.zipf, tail.power_law.exponent]).all()


REFERENCE = "the the the the cat cat sat on a mat"


@pytest.mark.parametrize(
    ("corpus", "coverage", "mass"),
    [
        (REFERENCE, 1, 0.6),
        ("the the the", 0, 0),
        ("cat on dog the", 2 / 5, 3 / 4),
    ],
)
def test_coverage_and_mass_of_rare_words_by_hand(corpus, coverage, mass):
    here, there = done(TypeCounts(), corpus), done(TypeCounts(), REFERENCE)
    assert rare_coverage(corpus=here, reference=there) == coverage
    # Rarer than 30 % in the reference: all but "the".
    assert tail_mass(corpus=here, reference=there, below=0.3) == pytest.approx(mass)


def test_lost_words_are_named():
    here, there = done(TypeCounts(), "the mat"), done(TypeCounts(), REFERENCE)
    keys = lost_types(corpus=here, reference=there)
    spelling = done(Spelling(keys), REFERENCE)
    assert spelling[int(keys[0])] == "cat"
    assert sorted(spelling.values()) == ["a", "cat", "on", "sat"]


def test_a_sample_of_types_estimates_the_same_tail():
    random = default_rng(5)
    counts = draw_power_law(8000, 2.0, minimum=1, random=random).clip(max=1000)
    text = " ".join(f"w{word} " * count for word, count in enumerate(counts.tolist()))
    whole, part = done(Tails(), text), done(Tails(limit=1500), text)
    assert whole.exact
    assert not part.exact
    # f1 and V are sums over 1500 types drawn evenly: five sd of a share p are 5 sqrt(p (1 - p) / 1500) < .065.
    assert part.hapax == pytest.approx(whole.hapax, abs=0.065)
    assert part.different == pytest.approx(whole.different, rel=5 / 1500**0.5)
    assert part.unseen == pytest.approx(whole.unseen, rel=5 / 1500**0.5 + 0.065)


@pytest.mark.parametrize(("exponent", "minimum"), [(1.8, 1), (2.5, 1), (2.2, 6)])
def test_the_exponent_is_found_within_its_own_error(exponent, minimum):
    counts = draw_power_law(20_000, exponent, minimum=minimum, random=default_rng(11))
    fit = fit_power_law(counts, minimum=minimum)
    assert fit.tail == 20_000
    assert abs(fit.exponent - exponent) < 4.5 * fit.error  # passed by chance once in 150,000
    assert 0.5 < fit.error * 20_000**0.5 / (exponent - 1) < 1.5  # the continuous law's error, roughly
    assert fit.distance < 2 / 20_000**0.5  # Kolmogorov's bound for one draw in 1500


def test_the_minimum_is_found():
    random = default_rng(3)
    tail = draw_power_law(5000, 2.5, minimum=20, random=random)
    counts = np.concatenate([random.integers(1, 20, 5000), tail])
    fit = fit_power_law(counts)
    assert 17 <= fit.minimum <= 30
    assert fit.exponent == pytest.approx(2.5, abs=0.15)


def test_a_power_law_is_plausible_and_a_bell_is_not():
    random = default_rng(8)
    law = draw_power_law(400, 2.5, minimum=1, random=random)
    bell = random.poisson(30, 400) + 1
    # A true law's value is uniform: below .02 once in fifty; the seed is fixed.
    assert plausibility(law, fit_power_law(law), draws=50, random=random) > 0.02
    fit = fit_power_law(bell, minimum=20)
    assert plausibility(bell, fit, draws=50, random=random) < 0.1


def test_heaps_and_zipf_at_the_ends():
    every = np.ones(1000, dtype=np.int64)
    assert spectrum.heaps_exponent(every, total=1000) == pytest.approx(1, abs=1e-9)
    assert spectrum.heaps_exponent(np.array([1000]), total=1000) == pytest.approx(0, abs=1e-9)
    exact = np.array([round(1e6 / rank) for rank in range(1, 200)])
    assert spectrum.zipf_slope(exact) == pytest.approx(1, abs=1e-4)


def test_hill_by_hand():
    # ln(8/2) and ln(4/2): mean 1.5 ln 2.
    assert spectrum.hill_index(np.array([1, 8, 2, 4]), k=2) == pytest.approx(1 / (1.5 * np.log(2)))
    assert spectrum.hill_index(np.array([3, 3, 3]), k=2) == float("inf")


@pytest.mark.shared_data
def test_moby_dick_has_the_published_exponent(shared_data):
    text = (shared_data / "gutenberg_nltk" / "melville-moby_dick.txt").read_text(errors="replace")
    fit = done(Tails(), text).power_law
    # Published for another cutting of the same book: 1.95 from 7 on.
    assert fit.exponent == pytest.approx(1.95, abs=0.05)


def test_scripts_without_spaces_are_said():
    assert done(Tails(), "他说 hello", "x").unspaced == 2 / 4
    assert done(Tails(), "hello").unspaced == 0
    assert np.isnan(done(Tails(), "").unspaced)
