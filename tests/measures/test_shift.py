"""Divergences and what chance adds to them."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from uncollapse.errors import UsageError
from uncollapse.measures import (
    attribute,
    energy_distance,
    hashed_vectors,
    jensen_shannon,
    kullback_leibler,
    sampled_energy_distance,
)
from uncollapse.ngrams import EqualTokens

BUCKETS, TOKENS = 200, 20_000


def draws(seed, shares, size=TOKENS):
    return default_rng(seed).multinomial(size, shares)


@pytest.fixture(scope="module")
def shares():
    weight = 1 / np.arange(1, BUCKETS + 1)
    return weight / weight.sum()


@pytest.mark.parametrize("divergence", [jensen_shannon, kullback_leibler])
@pytest.mark.parametrize("sizes", [(TOKENS, TOKENS), (TOKENS, 4 * TOKENS)])
def test_the_correction_takes_off_what_chance_adds(divergence, sizes, shares):
    found = np.array(
        [divergence(draws(2 * n, shares, sizes[0]), draws(2 * n + 1, shares, sizes[1])) for n in range(60)]
    )
    observed, corrected = found.mean(axis=0)
    error = found[:, 1].std(ddof=1) / 60**0.5
    # The second-order term is about a tenth of the first; beyond that, five standard errors of the mean.
    assert abs(corrected) < 5 * error + 0.1 * observed
    assert observed > 20 * error


def test_the_correction_leaves_a_true_shift(shares):
    other = np.roll(shares, 1)
    middle = (shares + other) / 2
    truth = float((shares * np.log(shares / middle) + other * np.log(other / middle)).sum() / 2)
    found = np.array([jensen_shannon(draws(n, shares), draws(n + 1000, other)) for n in range(60)])
    assert found[:, 1].mean() == pytest.approx(truth, abs=5 * found[:, 1].std(ddof=1) / 60**0.5 + 1e-4)


def test_divergences_are_symmetric_or_not(shares):
    x, y = draws(1, shares), draws(2, np.roll(shares, 3))
    assert jensen_shannon(x, y) == pytest.approx(jensen_shannon(y, x), abs=1e-15)
    assert kullback_leibler(x, y).observed != kullback_leibler(y, x).observed
    assert jensen_shannon(x, x).observed == 0


def test_nothing_and_the_impossible():
    none, some = np.zeros(3, dtype=int), np.array([1, 0, 2])
    assert np.isnan(jensen_shannon(none, some)).all()
    assert np.isnan(kullback_leibler(none, some)).all()
    assert kullback_leibler(some, np.array([1, 1, 0]), pseudo_count=0.0).observed == float("inf")
    assert np.isfinite(kullback_leibler(some, none).observed)
    with pytest.raises(UsageError):
        kullback_leibler(some, some, pseudo_count=-1.0)
    assert attribute(none, some) == ()


def test_the_parts_of_a_shift_add_up(shares):
    x, y = draws(1, shares), draws(2, np.roll(shares, 3))
    parts = attribute(x, y, most=BUCKETS)
    assert sum(part.nats for part in parts) == pytest.approx(jensen_shannon(x, y).observed)
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert [part.nats for part in parts] == sorted((part.nats for part in parts), reverse=True)


def test_a_shift_in_one_bucket_is_found_there():
    (first, *_) = attribute(np.array([10, 10, 80]), np.array([45, 45, 10]))
    assert first.bucket == 2
    assert (first.corpus, first.reference) == (0.8, 0.1)


def test_energy_by_a_double_loop():
    x, y = default_rng(1).normal(size=(30, 4)), default_rng(2).normal(size=(20, 4)) + 1

    def total(a, b):
        return sum(float(np.sqrt(((p - q) ** 2).sum())) for p in a for q in b)

    across = 2 * total(x, y) / 600
    assert energy_distance(x, y) == pytest.approx(across - total(x, x) / 900 - total(y, y) / 400)
    assert energy_distance(x, y, unbiased=True) == pytest.approx(across - total(x, x) / 870 - total(y, y) / 380)
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-12)


def test_energy_in_one_dimension_is_scipys():
    from scipy.stats import energy_distance as oracle

    x, y = default_rng(3).normal(size=700), default_rng(4).exponential(size=600)
    assert energy_distance(x[:, None], y[:, None]) ** 0.5 == pytest.approx(oracle(x, y))


def test_energy_needs_rows():
    with pytest.raises(UsageError, match="0 and 1 rows"):
        energy_distance(np.zeros((0, 2)), np.zeros((1, 2)))
    with pytest.raises(UsageError):
        energy_distance(np.zeros((1, 2)), np.zeros((5, 2)), unbiased=True)


def test_energy_of_a_sample_has_the_mean_of_that_of_all_rows():
    x, y = default_rng(5).normal(size=(300, 3)), default_rng(6).normal(size=(200, 3)) + 0.3
    whole = energy_distance(x, y, unbiased=True)
    found = np.array([sampled_energy_distance(x, y, random=default_rng(n), rows=40) for n in range(100)])
    # Five standard errors of the mean are passed once in 1.7 million. The V-statistic would be .12 higher.
    assert found.mean() == pytest.approx(whole, abs=5 * found.std(ddof=1) / 10)
    assert 5 * found.std(ddof=1) / 10 < 0.06
    assert sampled_energy_distance(x, y, random=default_rng(1), rows=300) == pytest.approx(whole, abs=1e-12)
    assert sampled_energy_distance(x, x, random=default_rng(1), rows=40) < 0.1
    with pytest.raises(UsageError, match="rows = 1"):
        sampled_energy_distance(x, y, random=default_rng(1), rows=1)


def rows_of(texts):
    sample = EqualTokens()
    sample.update(pa.record_batch({"text": pa.array(texts)}))
    return sample.result().rows()


def test_hashed_vectors_keep_the_angle_between_bags_of_words():
    words = [f"w{n}" for n in range(300)]
    half = " ".join(words[:150] + [f"v{n}" for n in range(150)])
    vectors = hashed_vectors(rows_of([" ".join(words), half]), dimensions=4096)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1])
    # Half of the words are common: cosine .5, sd about 1 / sqrt(4096) = .016; five of them.
    assert float(vectors[0] @ vectors[1]) == pytest.approx(0.5, abs=5 / 64)


def test_the_energy_between_kinds_of_text_is_larger_than_within():
    random = default_rng(12)
    kinds = [[" ".join(f"{kind}{n}" for n in random.zipf(1.5, 60).clip(max=99)) for _ in range(80)] for kind in "aab"]
    one, like, unlike = (hashed_vectors(rows_of(texts)) for texts in kinds)
    assert energy_distance(one, unlike) > 20 * energy_distance(one, like)


def test_a_text_without_words_has_no_direction():
    assert hashed_vectors([np.zeros(0, dtype=np.uint64)], dimensions=3).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("seed", range(5))
def test_divergences_are_scipys_on_random_counts(seed):
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy

    random = default_rng(seed)
    x, y = random.poisson(1.5, 500), random.poisson(2.5, 500)
    assert jensen_shannon(x, y).observed == pytest.approx(jensenshannon(x, y) ** 2)
    assert kullback_leibler(x, y).observed == pytest.approx(entropy(x, y + 0.5))
