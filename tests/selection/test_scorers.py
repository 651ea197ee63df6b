"""Scorers against what they are made of: columns, MTLD, a counted model, hashed counts."""

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.errors import ColumnClash, InputError
from uncollapse.language_models.counted import CountedModel
from uncollapse.measures.lexical import mtld
from uncollapse.ngrams import bucket_of, cut
from uncollapse.selection.scorers import BUCKETS, Distance, LexicalDiversity, Likelihood, NoScore, OfColumn

FIXTURE = (
    "measure of textual lexical diversity computed as the mean length of sequential words in a text that maintains a "
    "minimum threshold ttr score iterates over words until ttr scores falls below a threshold then increase factor "
    "counter by and start over mccarthy and jarvis pg recommends a factor threshold in the range of mccarthy mccarthy "
    "and jarvis"
)


def batch(texts, **columns):
    return pa.record_batch({"text": pa.array(texts, pa.large_string()), **columns})


def test_a_column_is_taken_as_it_is_and_a_hole_is_named():
    column = pa.array([1.5, 2.0, None])
    scorer = OfColumn("quality", column.type)
    assert scorer.score(batch(["a", "b"], quality=column[:2])).tolist() == [1.5, 2.0]
    for bad, said in ((column, "quality is missing"), (pa.array([1.0, 2.0, float("nan")]), "quality is nan")):
        with pytest.raises(NoScore) as refused:
            scorer.score(batch(["a", "b", "c"], quality=bad))
        assert refused.value.unscored == (2, said)
    assert OfColumn("good", pa.bool_()).score(batch(["a"], good=pa.array([True]))).tolist() == [1.0]
    with pytest.raises(ColumnClash, match="not of numbers"):
        OfColumn("name", pa.string())


def test_lexical_diversity_is_mtld():
    found = LexicalDiversity().score(batch([FIXTURE, "a a a"]))
    assert found[0] == pytest.approx(46.7922636103)
    assert found[1] == mtld(np.zeros(3, np.uint64))
    with pytest.raises(NoScore) as refused:
        LexicalDiversity().score(batch(["a", "..."]))
    assert refused.value.unscored.row == 1


def test_likelihood_is_the_mean_over_tokens_and_not_their_sum(tmp_path):
    model = CountedModel.fit(["the cat sat on the mat", "the dog sat"], order=2)
    model.save(tmp_path)
    texts = ["the cat sat", "the dog sat on the mat"]
    tokens = model.vocabulary.encode(texts)
    logprob = model.score(tokens).logprob
    expected = [logprob[tokens.document_of() == row].mean() for row in range(2)]
    found = Likelihood(str(tmp_path)).score(batch(texts))
    assert found == pytest.approx(expected, rel=1e-6)
    assert Likelihood(str(tmp_path)).score(batch([texts[1]]))[0] == pytest.approx(found[1], rel=1e-6)


def test_distance_is_the_surprise_of_words_and_pairs_by_hand():
    scorer = Distance([batch(["a b", "a"])], called="reference")
    counts = np.zeros(BUCKETS)
    reference = [next(cut(batch(["a b", "a"])))]
    for order in (1, 2):
        np.add.at(counts, bucket_of(reference[0].ngrams(order), BUCKETS), 1)
    assert counts.sum() == 4
    nats = -np.log((counts + 0.5) / (4 + 0.5 * BUCKETS))
    tokens = next(cut(batch(["a b"])))
    places = [*bucket_of(tokens.ngrams(1), BUCKETS), *bucket_of(tokens.ngrams(2), BUCKETS)]
    assert scorer.score(batch(["a b"]))[0] == pytest.approx(nats[places].mean())
    near, far = scorer.score(batch(["a b", "x y z"]))
    assert near < far
    # Twice the same words: only the pair at the seam is new.
    assert scorer.score(batch(["a a a a"]))[0] == pytest.approx((4 * nats[places[0]] + 3 * _nats_of("a a", nats)) / 7)


def _nats_of(pair, nats):
    return nats[bucket_of(next(cut(batch([pair]))).ngrams(2), BUCKETS)][0]


def test_a_reference_without_words_and_a_text_without_words_are_refused():
    with pytest.raises(InputError, match="the reference nothing holds no word"):
        Distance([batch([""])], called="nothing")
    with pytest.raises(NoScore):
        Distance([batch(["a"])], called="r").score(batch(["a", ""]))
