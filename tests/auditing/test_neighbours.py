import numpy as np
import pytest
from scipy.stats import binom

from uncollapse.auditing.neighbours import FARTHEST, MOST, Cloud, neighbours


def heaps(counts, *, seed, dimensions=8, spread=0.1):
    """Unit vectors around the axes, so many around each; and which axis each is from."""
    random = np.random.default_rng(seed)
    axis = np.repeat(np.arange(len(counts)), counts)
    vectors = np.eye(dimensions)[axis] + spread * random.standard_normal((len(axis), dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axis


def cloud(vectors):
    return Cloud(vectors, np.arange(len(vectors)))


def asked(corpus, human, **options):
    return neighbours(cloud(corpus), cloud(human), random=np.random.default_rng(1), **options)


def by_hand(corpus, human, *, count):
    """The same by a loop over documents, with sorted distances."""
    pooled = np.vstack([corpus, human])
    own, total = len(corpus), len(pooled)

    def too_few(share, left):
        return [x for x in range(count + 1) if binom.cdf(x, count, share) < 0.01 and x <= left * count * share]

    lost = []
    for place in range(own, total):
        others = [at for at in np.argsort(-pooled @ pooled[place]).tolist() if at != place][:count]
        lost.append(sum(at < own for at in others) in too_few(own / (total - 1), 0.5))
    strange = []
    for place in range(own):
        others = [at for at in np.argsort(-pooled @ pooled[place]).tolist() if at != place][:count]
        strange.append(sum(at >= own for at in others) in too_few((total - own) / (total - 1), 0.25))
    return lost, strange


@pytest.mark.parametrize(("ours", "theirs"), [((60, 60, 0), (40, 40, 40)), ((30, 0, 50), (30, 30, 0)), ((99,), (200,))])
def test_the_lonely_are_those_of_a_loop(ours, theirs):
    (corpus, _), (human, _) = heaps(ours, seed=1), heaps(theirs, seed=2)
    found = asked(corpus, human, shuffles=3)
    lost, strange = by_hand(corpus, human, count=min(30, (len(corpus) + len(human)) // 4))
    assert found.lost.lonely.tolist() == lost
    assert found.strange.lonely.tolist() == strange
    assert found.lost.share == pytest.approx(np.mean(lost))
    assert found.strange.share == pytest.approx(np.mean(strange))


def test_a_topic_that_is_gone_is_lost_and_none_else():
    (corpus, _), (human, axis) = heaps((100, 100, 0), seed=1), heaps((66, 67, 67), seed=2)
    found = asked(corpus, human)
    assert found.lost.lonely[axis == 2].all()
    assert not found.lost.lonely[axis != 2].any()
    assert found.lost.z == FARTHEST
    assert found.strange.share == 0


def test_documents_of_another_kind_are_strange_and_lose_nothing():
    (corpus, axis), (human, _) = heaps((75, 75, 50), seed=1), heaps((100, 100, 0), seed=2)
    found = asked(corpus, human)
    assert found.strange.lonely[axis == 2].all()
    assert not found.strange.lonely[axis != 2].any()
    assert found.strange.z == FARTHEST
    assert found.lost.share == 0


def test_of_one_kind_the_share_is_that_of_chance():
    """Binomial of 30 at .5 gives 7 or fewer with probability .0026; 40 pairs of 200, and 5.5 standard errors."""
    shares = []
    for seed in range(40):
        (corpus, _), (human, _) = heaps((100, 100), seed=2 * seed), heaps((100, 100), seed=2 * seed + 1)
        shares.append(asked(corpus, human, shuffles=0).lost.share)
    expected = binom.cdf(7, 30, 200 / 399)
    assert np.mean(shares) < expected + 5.5 * np.std(shares, ddof=1) / len(shares) ** 0.5
    assert max(shares) < 0.05


def test_passages_of_one_document_are_one_neighbour():
    """Forty documents, one of each side with a hundred passages on a subject of its own: no topic is lost by it."""
    (corpus, axis), (human, its) = heaps((39, 100, 0), seed=1), heaps((39, 0, 100), seed=2)
    clouds = [Cloud(v, np.where(a == 0, np.arange(len(a)), 39)) for v, a in ((corpus, axis), (human, its))]
    found = neighbours(*clouds, random=np.random.default_rng(1))
    assert found.lost.share == found.strange.share == 0
    apart = asked(corpus, human)
    assert apart.lost.share > 0.5
    assert apart.strange.share > 0.5


def test_too_few_documents_have_no_neighbours():
    (corpus, _), (human, _) = heaps((19,), seed=1), heaps((20,), seed=2)
    assert asked(corpus, human) is None
    assert asked(np.vstack([corpus, corpus[:1]]), human) is not None
    one = Cloud(np.vstack([corpus] * 9), np.zeros(9 * 19, dtype=np.int64))
    assert neighbours(one, cloud(human), random=np.random.default_rng(1)) is None


def test_of_many_documents_some_are_asked():
    (corpus, _), (human, _) = heaps((MOST + 300,), seed=1), heaps((MOST + 50,), seed=2)
    found = asked(corpus, human, shuffles=2)
    assert len(found.lost.asked) == len(found.strange.lonely) == MOST
    assert len(set(found.lost.asked.tolist())) == MOST
    assert found.lost.asked.max() < len(human)


def test_it_comes_again_with_the_same_stream():
    (corpus, _), (human, _) = heaps((60, 40), seed=1), heaps((50, 50), seed=2)
    one, other = asked(corpus, human), asked(corpus, human)
    assert (one.lost.share, one.lost.z, one.strange.z) == (other.lost.share, other.lost.z, other.strange.z)
