from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.auditing.encoded import ORDERS, Part, encode
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch
from uncollapse.measures.concentration import BUCKETS

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=8)


def documents_of(texts):
    pool = Pool(tokens=10**6)
    pool.update(to_batch([Document(text=text) for text in texts]))
    return pool.result()


def cut_off(words, tokens):
    """The documents as lists of words, cut where so many words are reached."""
    kept = []
    for document in words:
        kept.append(document[: max(tokens, 0)])
        tokens -= len(document)
    return [document for document in kept if document]


def grams(document, order):
    return [tuple(document[at : at + order]) for at in range(len(document) - order + 1)]


def spectrum(counts):
    """Counts without the names, which are numbers of no order."""
    return sorted(counts[counts > 0].tolist())


@given(TEXTS, TEXTS, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_counter(texts, others, tokens):
    ours, theirs = documents_of(texts), documents_of(others)
    both = encode(ours, theirs)
    parts = [Part.of(sample, np.arange(sample.documents), tokens=tokens) for sample in both]
    words = [cut_off([text.split() for text in sample.texts], tokens) for sample in (ours, theirs)]
    for order in ORDERS:
        here, there = ([gram for document in each for gram in grams(document, order)] for each in words)
        for part, expected in zip(parts, (here, there), strict=True):
            assert spectrum(part.counts(order)) == sorted(Counter(expected).values())
            assert int(part.inside(order).sum()) == len(expected)
        # The same name stands for the same n-gram on both sides.
        shared = Counter(here) & Counter(there)
        assert np.minimum(*(part.counts(order) for part in parts)).sum() == shared.total()
        wide = Counter(gram for document in words[0] for gram in set(grams(document, order)))
        assert spectrum(parts[0].spread(order)) == sorted(wide.values())


@given(TEXTS, st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_repeats_are_counted_by_document(texts, tokens):
    sample = documents_of(texts)
    [encoded] = encode(sample)
    part = Part.of(encoded, np.arange(len(sample)), tokens=tokens)
    words = cut_off([text.split() for text in sample.texts], tokens)
    sets = [set(grams(document, 2)) for document in words]
    others = [
        sum(gram in other for gram in own for at, other in enumerate(sets) if at != here)
        for here, own in enumerate(sets)
    ]
    assert part.repeats(2) == pytest.approx(np.log1p(others).mean())


def test_a_part_has_exactly_so_many_words_and_cuts_the_last_document():
    sample = documents_of(["a b c d e", "f g h", "i j k l"])
    [encoded] = encode(sample)
    order = np.array([2, 0, 1])
    lengths = np.diff(sample.offsets)
    for tokens in range(13):
        part = Part.of(encoded, order, tokens=tokens)
        assert part.tokens == tokens == part.counts(1).sum() == sum(map(len, part.rows(99)))
        assert part.taken[2] == min(tokens, lengths[2])
        assert part.documents.tolist() == order[: len(part.documents)].tolist()
        assert all(part.taken[part.documents])
    assert Part.of(encoded, order, tokens=99).tokens == 12


def test_no_ngram_goes_across_two_documents():
    [encoded] = encode(documents_of(["a b", "c d e", "f"]))
    part = Part.of(encoded, np.arange(3), tokens=6)
    assert [int(part.counts(order).sum()) for order in ORDERS] == [6, 3, 1, 0, 0]


def test_buckets_hold_every_ngram_once():
    [encoded] = encode(documents_of(["a b a b", "b a c"]))
    part = Part.of(encoded, np.arange(2), tokens=7)
    buckets = part.buckets((1, 2))
    assert buckets.shape == (BUCKETS,)
    assert buckets.sum() == 7 + 5
    # a and b three times each, c once; "a b" twice, "b a" twice, "a c" once.
    assert spectrum(buckets) == sorted([3, 3, 1, 2, 2, 1])


def test_what_is_forgotten_is_counted_again():
    [encoded] = encode(documents_of(["a b a", "c"]))
    part = Part.of(encoded, np.arange(2), tokens=4)
    before = part.counts(1)
    part.forget()
    assert part.counts(1) is not before
    assert part.counts(1).tolist() == before.tolist()


def test_the_mean_leaves_out_what_is_not_a_number():
    [encoded] = encode(documents_of(["a", "b", "c"]))
    values = np.array([1.0, np.nan, 4.0])
    assert Part.of(encoded, np.arange(3), tokens=3).mean(values) == 2.5
    assert Part.of(encoded, np.array([2]), tokens=3).mean(values) == 4
    assert np.isnan(Part.of(encoded, np.array([1]), tokens=3).mean(values))


def test_a_sample_without_documents_has_no_counts():
    nothing, something = encode(documents_of([""]), documents_of(["a b a"]))
    part = Part.of(nothing, np.zeros(0, dtype=np.int64), tokens=5)
    assert part.tokens == 0
    assert part.counts(1).tolist() == [0] * something.sizes[1]
    assert np.isnan(part.repeats(1))
