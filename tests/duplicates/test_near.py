"""Near copies: signatures against the true similarity, clusters against planted ones."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from uncollapse.duplicates import NearDuplicates, Sameness, document_keys
from uncollapse.duplicates.minhash import signatures, similarity
from uncollapse.errors import UsageError
from uncollapse.ngrams import cut

SIZE = 4000


def batch_of(texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def done(statistic, texts):
    statistic.update(batch_of(texts))
    return statistic.result()


def signed(texts, size=SIZE, shingle=5):
    (tokens,) = cut(batch_of(texts))
    return signatures(tokens, shingle=shingle, size=size)


def prose(seed, length=120):
    return [f"w{n}" for n in default_rng(seed).integers(0, 2000, length)]


def altered(words, every):
    """The words with one in `every` replaced."""
    return [f"x{place}" if place % every == 0 else word for place, word in enumerate(words)]


def jaccard(one, other, shingle=5):
    a, b = ({tuple(words[at : at + shingle]) for at in range(len(words) - shingle + 1)} for words in (one, other))
    return len(a & b) / len(a | b)


@pytest.mark.parametrize("every", [7, 20, 60, 200])
def test_signatures_estimate_the_similarity(every):
    one = prose(1)
    other = altered(one, every)
    _, rows = signed([" ".join(one), " ".join(other)])
    truth = jaccard(one, other)
    # Five standard errors: passed by chance once in 1.7 million.
    bound = 5 * (truth * (1 - truth) / SIZE) ** 0.5
    assert similarity(rows[:1], rows[1:])[0] == pytest.approx(truth, abs=bound)


def test_short_documents_are_alike_only_when_equal():
    held, rows = signed(["a b", "a b", "b a", "", "a b c", "a", "z a b", "a b"], size=125)
    assert held.tolist() == [0, 1, 2, 4, 5, 6, 7]
    equal = (rows[:, None, :] == rows[None, :, :]).all(axis=2)
    assert equal.sum() == 7 + 6  # each with itself, and the three of "a b" with each other
    assert equal[0].tolist() == [True, True, False, False, False, False, True]


def test_planted_clusters_are_found_and_nothing_else():
    texts = []
    for family in range(30):
        words = prose(100 + family)
        texts += [" ".join(words), " ".join([*words, "and", "more"]), " ".join(words[1:])]
    texts += [" ".join(prose(1000 + n)) for n in range(200)]
    texts += [texts[0], texts[3].upper()]
    near = done(NearDuplicates(), texts)
    assert near.documents == 292
    assert near.groups == 230
    assert near.repeated == pytest.approx(62 / 292)
    assert [cluster.documents for cluster in near.clusters] == [4, 4] + [3] * 28
    keys = document_keys(batch_of(texts), sameness=Sameness.WORDS)
    (zero,) = [cluster for cluster in near.clusters if int(keys[0]) in cluster.keys]
    assert set(zero.keys) == {int(key) for key in keys[:3]}
    assert 0.8 <= zero.similarity < 1


def test_a_chain_is_one_cluster():
    words = prose(4, 240)
    rows = [words[4 * n : 4 * n + 200] for n in range(6)]
    assert jaccard(rows[0], rows[1]) > 0.95
    assert jaccard(rows[0], rows[5]) < 0.85
    near = done(NearDuplicates(threshold=0.9), [" ".join(row) for row in rows])
    assert near.groups == 1


def test_what_is_less_alike_is_left_apart():
    one = prose(9)
    near = done(NearDuplicates(), [" ".join(one), " ".join(altered(one, 10))])
    assert jaccard(one, altered(one, 10)) < 0.5
    assert (near.groups, near.clusters) == (2, ())


def test_equal_documents_are_a_cluster_of_one_content():
    near = done(NearDuplicates(), ["a b c", "A b  c", "d"])
    (cluster,) = near.clusters
    assert (len(cluster.keys), cluster.documents, cluster.similarity) == (1, 2, 1.0)


def test_nothing():
    near = done(NearDuplicates(), ["", None])
    assert (near.documents, near.groups, near.clusters) == (0, 0, ())
    assert np.isnan(near.repeated)


def test_many_documents_are_gathered_in_lots():
    texts = [f"a{n} b{n} c{n} d{n} e{n} f{n}" for n in range(300)]
    statistic = NearDuplicates()
    for _ in range(60):
        statistic.update(batch_of(texts))
    near = statistic.result()
    assert (near.documents, near.groups) == (18_000, 300)
    assert sum(len(part.keys) for part in statistic._waiting) == 300


def test_thresholds_that_the_bands_cannot_find_are_refused():
    with pytest.raises(UsageError, match=r"threshold = 0\.2"):
        NearDuplicates(threshold=0.2)
