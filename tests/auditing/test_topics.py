import numpy as np
import pytest

from made_text import made
from uncollapse.auditing.encoded import encode
from uncollapse.auditing.pool import Pool
from uncollapse.auditing.topics import shares, topics_of
from uncollapse.document import Document, to_batch


def encoded(*texts):
    pools = [Pool(tokens=10**6) for _ in texts]
    for pool, own in zip(pools, texts, strict=True):
        pool.update(to_batch([Document(text=text) for text in own]))
    return encode(*(pool.result() for pool in pools))


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
