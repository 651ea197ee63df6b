import math

import numpy as np
import pytest

from made_text import made
from uncollapse.auditing.compared import FARTHEST, Statistic, summarise, z_of
from uncollapse.auditing.controls import splits
from uncollapse.auditing.encoded import encode
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch

NONE_KIN = -1


def documents_of(texts):
    pool = Pool(tokens=10**6)
    pool.update(to_batch([Document(text=text) for text in texts]))
    return pool.result()


def random():
    return np.random.default_rng(3)


def strangers(sample):
    return np.full(len(sample), NONE_KIN, dtype=np.int64)


@pytest.fixture(scope="module")
def pair():
    corpus, human = documents_of(made(30, seed=1, length=40)), documents_of(made(50, seed=2, length=40))
    return corpus, human, encode(corpus, human)


def test_all_parts_of_all_splits_have_the_same_number_of_words(pair):
    corpus, _, encoded = pair
    ways = splits(*encoded, kin=strangers(corpus), random=random(), count=10)
    assert len(ways) == 10
    [tokens] = {part.tokens for way in ways for part in way}
    # The corpus is the smaller: half of its words, but for one document more or less.
    assert corpus.tokens / 2 - 54 <= tokens <= corpus.tokens / 2


def test_control_and_reference_share_no_document_and_halve_the_words(pair):
    corpus, human, encoded = pair
    for way in splits(*encoded, kin=strangers(corpus), random=random(), count=10):
        assert not set(way.control.documents.tolist()) & set(way.reference.documents.tolist())
    # Without a corpus that is smaller, both halves hold the whole reference, but for what is cut for equal size.
    own = encode(human, human)
    for way in splits(*own, kin=strangers(human), random=random(), count=10):
        halves = [set(part.documents.tolist()) for part in (way.control, way.reference)]
        assert len(halves[0] | halves[1]) >= len(human) - 4
        assert way.control.tokens >= human.tokens / 2 - 2 * 54


def test_splits_differ_and_come_again_with_the_same_stream(pair):
    corpus, _, encoded = pair

    def dealt():
        ways = splits(*encoded, kin=strangers(corpus), random=random(), count=6)
        return [tuple(part.documents.tolist()) for way in ways for part in way]

    assert dealt() == dealt()
    assert len(set(dealt())) == 18


def test_a_document_never_meets_its_own_source():
    human = documents_of(made(40, seed=2, length=40))
    both = documents_of([*human.texts[:20], *made(30, seed=5, length=40)])
    known = {row.id: place for place, row in enumerate(human.rows)}
    kin = np.array([known.get(row.id, NONE_KIN) for row in both.rows])
    assert (kin >= 0).sum() == 20
    met = set()
    for way in splits(*encode(both, human), kin=kin, random=random(), count=24):
        sources = kin[way.corpus.documents]
        met |= set(sources[sources >= 0].tolist())
        assert not set(sources.tolist()) & set(way.reference.documents.tolist())
    assert len(met) == 20  # and each of them has its turn


def test_the_spread_over_half_samples_is_the_standard_error_of_a_mean():
    # Documents of one length, each with a number: the mean over a half has variance s^2 / n over the splits.
    size, count = 200, 400
    values = random().exponential(size=size)
    sample = documents_of([" ".join(f"d{number}w{at}" for at in range(5)) for number in range(size)])
    [encoded] = encode(sample)
    ways = splits(encoded, encoded, kin=strangers(sample), random=random(), count=count)
    assert {len(way.corpus.documents) for way in ways} == {size // 2}
    means = np.array([way.corpus.mean(values) for way in ways])
    error = values.std(ddof=1) / math.sqrt(size)
    # A standard deviation over `count` draws of a nearly normal number is off by 1 / sqrt(2 count); five of these are
    # exceeded once in a million times.
    assert means.std(ddof=1) == pytest.approx(error, rel=5 / math.sqrt(2 * count))
    assert means.mean() == pytest.approx(values.mean(), abs=5 * error / math.sqrt(count))


class TestCompared:
    def test_a_line_by_hand(self):
        corpus = [{"types": value} for value in (10.0, 12.0, 14.0)]
        control = [{"types": value} for value in (20.0, 21.0, 25.0)]
        [line] = summarise(corpus, control, [{"types": 30.0}] * 3)
        # Differences -10, -9, -11: mean -10, standard deviation 1. Student's t at .975 with 2 degrees: 4.30265.
        assert line.z == pytest.approx(-10)
        assert (line.corpus, line.control, line.reference) == (12, 22, 30)
        assert (line.low, line.high) == (pytest.approx(12 - 4.30265 * 2, 1e-5), pytest.approx(12 + 4.30265 * 2, 1e-5))
        assert line.group == "tails"
        assert line.effect == pytest.approx(12 / 22 - 1)
        assert line.difference == -10

    def test_lines_stand_in_the_order_of_the_panel_and_a_gap_is_no_number(self):
        values = [{"yule": 1.0, "types": 5.0, "mtld": math.nan}, {"yule": 1.0, "types": 6.0, "mtld": 3.0}]
        lines = summarise(values, values, [{}, {}])
        assert [line.name for line in lines] == ["types", "mtld", "yule"]
        assert lines[1][2:] == (None,) * 6
        assert [line.reference for line in lines] == [None] * 3
        assert [line.z for line in lines] == [0, None, 0]

    def test_where_nothing_varies_any_difference_is_beyond_doubt(self):
        assert z_of(np.array([2.0, 2.0])) == FARTHEST
        assert z_of(np.array([-2.0, -2.0])) == -FARTHEST
        assert z_of(np.zeros(3)) == 0
        assert z_of(np.array([1e6, 1e6 + 1e-9])) == FARTHEST
        assert math.isnan(z_of(np.array([1.0, math.nan])))

    @pytest.mark.parametrize(("corpus", "control"), [(None, 1.0), (1.0, None), (1.0, 0.0)])
    def test_without_a_control_or_with_one_of_zero_there_is_no_effect(self, corpus, control):
        line = Statistic("types", "tails", corpus, control, None, None, None, None)
        assert line.effect is None
        assert line.difference == (1.0 if control == 0 else None)
