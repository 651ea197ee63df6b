import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from made_text import made
from uncollapse.auditing.encoded import encode
from uncollapse.auditing.pool import Pool
from uncollapse.auditing.topics import DOUBT, FARTHEST, LEFT, lost_topics, shares, topics_of
from uncollapse.document import Document, to_batch


def encoded(*texts):
    pools = [Pool(tokens=10**6) for _ in texts]
    for pool, own in zip(pools, texts, strict=True):
        pool.update(to_batch([Document(text=text) for text in own]))
    return encode(*(pool.result() for pool in pools))


def dealt(*counts):
    """So many documents of each topic."""
    return np.repeat(np.arange(len(counts)), counts)


TABLES = [
    ((40, 1, 30, 29), (25, 25, 25, 25)),
    ((40, 16, 24, 20), (25, 25, 25, 25)),
    ((100, 0, 0, 0), (70, 10, 12, 8)),
    ((10, 0, 5, 5), (100, 40, 30, 30)),
    ((3, 2), (2, 3)),
    ((0, 50, 0), (20, 0, 20)),
]


@pytest.mark.parametrize(("here", "there"), TABLES)
def test_lost_topics_are_those_of_the_exact_test(here, there):
    found = lost_topics(dealt(*here), dealt(*there), count=len(here))
    expected = []
    for topic, (own, human) in enumerate(zip(here, there, strict=True)):
        p = fisher_exact([[own, sum(here) - own], [human, sum(there) - human]], alternative="less").pvalue
        if p < DOUBT / len(here) and own / sum(here) <= LEFT * human / sum(there):
            expected.append(topic)
    assert found.topics.tolist() == expected
    assert found.share == pytest.approx(sum(there[topic] for topic in expected) / sum(there))


def test_the_tables_lose_something_and_nothing():
    lost = [lost_topics(dealt(*here), dealt(*there), count=len(here)).topics.tolist() for here, there in TABLES]
    assert lost == [[1], [], [1, 2], [], [], [0, 2]]


def test_the_z_is_that_of_pearsons_chi_square():
    # 30, 20 against 20, 30: chi-square 4 with one degree of freedom, 3.24 with Yates's correction, p = 0.07186.
    assert lost_topics(dealt(30, 20), dealt(20, 30), count=2).z == pytest.approx(1.4619, abs=1e-3)


def test_the_z_is_a_number_for_equal_topics_and_for_disjoint_ones():
    same = lost_topics(dealt(20, 20), dealt(20, 20), count=2)
    assert same.z == -FARTHEST
    assert len(same.topics) == same.share == 0
    assert lost_topics(dealt(5000, 0), dealt(0, 5000), count=2).z == FARTHEST
    assert math.isfinite(lost_topics(dealt(0), dealt(20), count=1).z)


def test_topics_follow_the_subjects_of_made_text():
    subjects = [made(25, seed=subject + 1, subjects=(subject,)) for subject in range(4)]
    texts = [text for own in subjects for text in own]
    topics = topics_of(*encoded(texts, made(60, seed=9, subjects=(0, 1, 2, 3))), random=np.random.default_rng(1))
    assert topics.count == 4
    assert topics.corpus_vectors.shape[0] == 100
    assert np.linalg.norm(topics.reference_vectors, axis=1) == pytest.approx(1)
    assert all(len(set(names)) == 3 for names in topics.words)
    pool = Pool(tokens=10**6)
    pool.update(to_batch([Document(text=text) for text in texts]))
    held = pool.result()
    subject = np.array([next(at for at, own in enumerate(subjects) if text in own) for text in held.texts])
    for number in range(4):
        of = topics.corpus[subject == number]
        assert np.bincount(of).max() >= 23  # of 25


def test_topics_come_again_with_the_same_stream():
    samples = encoded(made(40, seed=1), made(40, seed=2))
    one, other = (topics_of(*samples, random=np.random.default_rng(5)) for _ in range(2))
    assert one.corpus.tolist() == other.corpus.tolist()
    assert one.words == other.words


@pytest.mark.parametrize("texts", [["a b c"], ["a b c", "a b d"], ["a b c", *map(str, range(9))]])
def test_too_few_documents_have_no_topics(texts):
    assert topics_of(*encoded(texts, texts), random=np.random.default_rng(1)) is None


def test_documents_of_common_words_alone_have_no_topics():
    texts = [" ".join(np.random.default_rng(at).permutation(list("abcdefgh"))) for at in range(40)]
    assert topics_of(*encoded(texts, texts), random=np.random.default_rng(1)) is None


def test_shares_by_hand():
    assert shares(np.array([0, 2, 2, 1]), 4).tolist() == [0.25, 0.25, 0.5, 0]
    assert shares(np.zeros(0, dtype=np.int64), 2).tolist() == [0, 0]
