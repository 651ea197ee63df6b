"""Counts, against Python's Counter."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.errors import UsageError
from uncollapse.ngrams import (
    BucketTable,
    Frequent,
    Sieve,
    Spelling,
    TypeCounts,
    bucket_of,
    counting,
    cut,
    cut_texts,
    feed,
    mix,
    together,
)

TEXTS = [
    "the cat sat on the mat and the dog sat on the log",
    "the cat sat",
    "",
    "a",
    "on the mat the cat sat on the mat",
] * 3 + ["one of a kind 你好 你好"]


def batch_of(texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def counted(texts, order):
    rows = cut_texts(texts)
    return Counter(" ".join(row[at : at + order]) for row in rows for at in range(len(row) - order + 1))


def done(statistic, texts):
    statistic.update(batch_of(texts))
    return statistic.result()


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_type_counts_are_those_of_a_counter(order):
    types = done(TypeCounts(order=order), TEXTS)
    expected = counted(TEXTS, order)
    assert types.exact
    assert types.total == expected.total()
    assert types.different == len(expected)
    spelling = done(Spelling(types.keys, order=order), TEXTS)
    assert {spelling[key]: n for key, n in zip(types.keys.tolist(), types.counts.tolist(), strict=True)} == expected


def test_a_limit_leaves_a_uniform_sample_with_exact_counts():
    texts = [f"w{n} w{n}" if n % 2 else f"w{n}" for n in range(4000)]
    every, some = done(TypeCounts(), texts), done(TypeCounts(limit=500), texts)
    assert len(some.keys) == 500
    assert not some.exact
    assert some.total == every.total == 6000
    assert some.of(every.keys[:500]).tolist() == every.counts[:500].tolist()
    assert every.keys[500] == np.uint64(some.share * 2.0**64) or some.share == int(every.keys[500]) / 2.0**64
    # The relative sd of the estimate is 1/sqrt(500) = 4.5 %; five of them are passed once in 1.7 million.
    assert abs(some.different / 4000 - 1) < 5 / 500**0.5


def test_two_samples_are_compared_where_both_reach():
    one = done(TypeCounts(limit=100), [f"w{n}" for n in range(1000)])
    other = done(TypeCounts(), [f"w{n}" for n in range(500, 1500)])
    keys, left, right = together(one, other)
    assert len(keys) == 100 + int((~np.isin(other.below(one.share).keys, one.keys)).sum())
    assert left.sum() == 100
    assert right.sum() == len(other.below(one.share).keys)


def test_an_empty_count_answers():
    types = done(TypeCounts(), [""])
    assert (types.total, types.different, types.of(np.array([7], np.uint64)).tolist()) == (0, 0.0, [0])


def test_a_bucket_table_adds_the_orders():
    table = done(BucketTable(orders=(1, 2), buckets=50), TEXTS)
    (tokens,) = cut(batch_of(TEXTS))
    expected = Counter(bucket for order in (1, 2) for bucket in bucket_of(tokens.ngrams(order), 50).tolist())
    assert table.tolist() == [expected[bucket] for bucket in range(50)]
    assert table.sum() == counted(TEXTS, 1).total() + counted(TEXTS, 2).total()


def test_large_and_small_tables_are_counted_alike():
    # 10 buckets go through bincount, 10,000 through add.at.
    small, large = done(BucketTable(buckets=10), TEXTS), done(BucketTable(buckets=10_000), TEXTS)
    assert large.reshape(10, 1000).sum(axis=1).tolist() == small.tolist()


def test_buckets_are_even():
    keys = np.unique(np.random.default_rng(1).integers(0, 2**64, 100_000, dtype=np.uint64))
    for half in (0, 1):
        counts = np.bincount(bucket_of(keys, 1000, half=half), minlength=1000)
        # Chi-squared with 999 degrees of freedom: mean 999, sd 44.7; six sd are passed less than once in 10^6.
        assert abs(((counts - 100) ** 2 / 100).sum() - 999) < 6 * 44.7


@pytest.mark.parametrize("buckets", [4, 64, 1 << 16])
@pytest.mark.parametrize("at_least", [1, 3, 6, 1000])
def test_frequent_ngrams_are_exact_in_any_table(buckets, at_least):
    bounds = done(Sieve(orders=(1, 2, 3), buckets=buckets), TEXTS)
    found = done(Frequent(bounds, at_least=at_least), TEXTS)
    expected = Counter({(order, text): n for order in (1, 2, 3) for text, n in counted(TEXTS, order).items()})
    assert {(n.order, n.text): n.seen for n in found.ngrams} == {k: n for k, n in expected.items() if n >= at_least}
    assert [n.seen for n in found.ngrams] == sorted((n.seen for n in found.ngrams), reverse=True)
    assert found.totals == {order: counted(TEXTS, order).total() for order in (1, 2, 3)}


def test_the_threshold_bounds_how_many_buckets_are_looked_into():
    bounds = done(Sieve(orders=(1, 2), buckets=64), TEXTS)
    for keep in (1, 5, 20, 64):
        least = bounds.threshold(keep=keep)
        assert ((bounds.counts >= least).sum(axis=1) <= keep).all()
        assert least == 1 or ((bounds.counts >= least - 1).sum(axis=1) > keep).any()


def test_one_cutting_feeds_many_counts():
    several = [TypeCounts(order=1), TypeCounts(order=2), BucketTable()]
    feed(several, batch_of(TEXTS))
    assert several[0].result().counts.tolist() == done(TypeCounts(order=1), TEXTS).counts.tolist()
    assert several[1].result().counts.tolist() == done(TypeCounts(order=2), TEXTS).counts.tolist()
    assert several[2].result().tolist() == done(BucketTable(), TEXTS).tolist()


def test_unlike_counts_cannot_be_added():
    with pytest.raises(UsageError, match="same thing"):
        TypeCounts(order=1).merge(TypeCounts(order=2))


@pytest.mark.parametrize(
    "wrong", [lambda: TypeCounts(order=0), lambda: BucketTable(buckets=0), lambda: Sieve(orders=())]
)
def test_what_cannot_be_counted_is_refused(wrong):
    with pytest.raises(UsageError):
        wrong()


@pytest.mark.parametrize("most", [None, 1, 300])
@pytest.mark.parametrize("gathered", [1, 50, 1 << 20])
def test_sums_are_those_of_one_count_whatever_the_lots(most, gathered, monkeypatch):
    monkeypatch.setattr(counting, "_GATHERED", gathered)
    random = np.random.default_rng(3)
    # Few upper bits, many repetitions, and the two ends of the range.
    lots = [mix(random.integers(0, 400, 90, dtype=np.uint64)) >> np.uint64(n % 3) for n in range(40)]
    lots += [np.zeros(0, np.uint64), np.array([0, 2**64 - 1, 0], np.uint64)]
    sums, settled = counting.Sums(most), []
    for n, lot in enumerate(lots):
        sums.add(*((lot,) if n % 2 else np.unique(lot, return_counts=True)))
        if n % 10 == 0:
            settled.append([each.copy() for each in sums.settled()])
            settled.append(sums.settled())
    keys, counts = np.unique(np.concatenate(lots), return_counts=True)
    found = sums.settled()
    assert found[0].tolist() == keys[:most].tolist()
    assert found[1].tolist() == counts[:most].tolist()
    # What was handed out before has not changed under its owner.
    for before, now in zip(settled[::2], settled[1::2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))
