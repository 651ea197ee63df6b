"""Repetition and richness in a bounded sample, against plain loops."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.measures import SampledLexical, SampledRepetition
from uncollapse.measures.lexical import mattr, mtld
from uncollapse.measures.repetition import self_bleu
from uncollapse.ngrams import EqualTokens

RANDOM = np.random.default_rng(6)
TEXTS = [" ".join(f"w{n}" for n in RANDOM.zipf(1.4, size) % 300) for size in RANDOM.integers(1, 90, 60)]


def done(statistic, texts):
    statistic.update(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    return statistic.result()


def test_a_sample_has_just_the_tokens_asked_for():
    whole = done(EqualTokens(tokens=10**6), TEXTS)
    assert not whole.enough
    assert sorted(whole.texts) == sorted(TEXTS)
    for tokens in (1, 17, 500):
        sample = done(EqualTokens(tokens=tokens), TEXTS)
        assert sample.enough
        assert sample.tokens == tokens == sum(len(row) for row in sample.rows())
        assert sample.texts == whole.texts[: len(sample.texts)]
        assert sample.words.tolist() == whole.words[:tokens].tolist()


def test_copies_come_along():
    sample = done(EqualTokens(tokens=10**6), ["a b", "c d", "a b", "", " "])
    assert Counter(sample.texts) == {"a b": 2, "c d": 1}


def test_memory_does_not_grow_with_the_corpus():
    statistic = EqualTokens(tokens=100)
    for n in range(300):
        statistic.update(pa.record_batch({"text": pa.array([f"a b c {n} {m}" for m in range(20)])}))
    assert len(statistic._held) * 5 <= 2 * 100 + 20 * 5
    assert statistic.result().tokens == 100


def test_repetition_of_nothing():
    result = done(SampledRepetition(tokens=5), [])
    assert (result.tokens, result.texts, result.enough) == (0, 0, False)
    assert np.isnan([*result.distinct, result.self_repetition, result.compression, result.self_bleu]).all()


def test_self_bleu_by_a_plain_loop():
    rows = [row for row in done(EqualTokens(tokens=10**6), TEXTS).rows() if len(row) >= 4]
    scores = []
    for index, row in enumerate(rows[:60]):
        others = rows[:index] + rows[index + 1 :]
        logs = []
        for order in (1, 2, 3, 4):
            grams = [Counter(tuple(r[i : i + order]) for i in range(len(r) - order + 1)) for r in [row, *others]]
            matched = sum(min(n, max(g[key] for g in grams[1:])) for key, n in grams[0].items())
            logs.append(np.log((matched or 0.5) / (len(row) - order + 1)))
        closest = min((len(o) for o in others), key=lambda n: (abs(n - len(row)), n))
        scores.append(np.exp(np.mean(logs) + min(0, 1 - closest / len(row))))
    assert self_bleu(rows) == pytest.approx(np.mean(scores))


def test_mattr_by_a_plain_loop():
    row = max(done(EqualTokens(tokens=10**6), TEXTS).rows(), key=len)
    ratios = [len(set(row[at : at + 30].tolist())) / 30 for at in range(len(row) - 29)]
    assert mattr(row, window=30) == pytest.approx(np.mean(ratios))


def test_the_ends_of_richness():
    every, same = np.arange(80, dtype=np.uint64), np.zeros(80, dtype=np.uint64)
    assert mtld(every) == 80
    assert mattr(every) == 1
    # Two equal words have a ratio of .5, so each pair is a run.
    assert mtld(same) == 2
    assert mattr(same) == 1 / 50
    assert np.isnan([mtld(every[:0]), mattr(every[:0])]).all()


def test_lexical_counts_words_and_no_marks():
    result = done(SampledLexical(tokens=1000), ["One, two; three." * 3, "word " * 60])
    assert result.texts == 1
    assert (result.mtld, result.mattr) == (2, 1 / 50)
