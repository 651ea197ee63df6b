import math

import numpy as np
import pytest

from uncollapse.auditing.encoded import Part, encode
from uncollapse.auditing.panel import (
    EXCESS_FEWEST,
    STATISTICS,
    Group,
    Side,
    excess_phrases,
    measure_against,
    measure_own,
)
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch

NONE = Side()


def parts(*texts):
    """For each list of texts the part that is all of it."""
    pools = [Pool(tokens=10**6) for _ in texts]
    for pool, own in zip(pools, texts, strict=True):
        pool.update(to_batch([Document(text=text) for text in own]))
    encoded = encode(*(pool.result() for pool in pools))
    return [Part.of(sample, np.arange(sample.documents), tokens=10**6) for sample in encoded]


def own(*texts):
    [part] = parts(texts)
    return measure_own(part, Side(texts=texts))


def against(here, there):
    part, human = parts(here, there)
    return measure_against(part, NONE, against=human, human=NONE, topics=None)


def test_types_and_entropies_by_hand():
    found = own("a b a c", "d e")
    # a twice, b c d e once: six words, five types, four of them once.
    assert (found["types"], found["hapax"], found["unseen_mass"]) == (5, 4 / 5, 4 / 6)
    assert found["entropy_1"] == pytest.approx(1 / 3 * math.log(3) + 4 / 6 * math.log(6))
    # Pairs a b, b a, a c and d e, each once; no pair goes across two documents.
    assert found["entropy_2"] == pytest.approx(math.log(4))
    assert found["entropy_3"] == pytest.approx(math.log(2))
    assert [found[f"distinct_{order}"] for order in (1, 2, 3, 4)] == [5 / 6, 1, 1, 1]


def test_a_document_that_repeats_itself_is_less_distinct():
    found = own("a b a b a b", "c")
    assert found["distinct_1"] == 3 / 7
    assert found["distinct_2"] == 2 / 5
    assert found["distinct_3"] == 2 / 4


def test_documents_that_share_runs_of_four_repeat_each_other():
    assert own("a b c d", "x y z w")["self_repetition"] == 0
    assert own("a b c d", "a b c d e")["self_repetition"] == pytest.approx(math.log(2))


def test_the_mean_of_a_number_of_each_document():
    [part] = parts(["a", "b c"])
    found = measure_own(part, Side(texts=("a", "b c"), values={"looped": np.array([0.5, np.nan])}))
    assert found["looped"] == 0.5


def test_spread_is_nothing_where_all_documents_are_one_and_most_where_none_meets_another():
    texts = ("a", "b", "c", "d")
    [part] = parts(texts)
    assert measure_own(part, Side(texts=texts, vectors=np.tile([1.0, 0.0], (4, 1))))["spread"] == pytest.approx(0)
    assert measure_own(part, Side(texts=texts, vectors=np.eye(4)))["spread"] == pytest.approx(
        0.5
    )  # the centre has length 1 / 2


def test_rare_words_of_the_reference_that_occur():
    # Once or twice in the reference: b, c, d, e. Here: c and e.
    found = against(["a c e e x"], ["a a a b", "c c d e"])
    assert found["rare_coverage"] == 2 / 4


def test_the_tail_is_what_the_reference_has_less_than_once_in_ten_thousand():
    human = ["w " * 19_999 + "rare", "x"]  # 20,001 words: a word that occurs once is below the line, by a hair
    assert against(["w rare new x"], human)["tail_mass"] == 3 / 4
    assert against(["w rare new x"], ["w " * 9_998 + "rare", "x"])["tail_mass"] == 1 / 4  # one in 10,000 is not below


def test_divergence_of_equal_and_of_disjoint_text():
    same, apart = against(["a b c"], ["a b c"]), against(["a b c"], ["x y z"])
    assert (same["jsd_1"], same["jsd_2"]) == (pytest.approx(0), pytest.approx(0))
    assert (apart["jsd_1"], apart["jsd_2"]) == (pytest.approx(1), pytest.approx(1))  # bits
    # a, b against a, c: the middle has a 1/2, b and c 1/4; each side is log2(2) / 2 away.
    assert against(["a b"], ["a c"])["jsd_1"] == pytest.approx(0.5)


def test_new_words_are_those_of_three_documents_that_the_reference_never_has():
    here = ["new a", "new b", "new c", "two d", "two e", "a a"]
    assert against(here, ["a b c d e"])["new_words"] == 3 / 12


def test_excess_phrases_are_wide_and_four_times_too_frequent():
    fillers = [f"f{at} g{at} h{at}" for at in range(10)]

    def excess(times, human):
        part, there = parts([*fillers, *(f"rich new tapestry x{at}" for at in range(times))], human)
        return int(part.counts(3)[excess_phrases(part, there, order=3)].sum())

    assert excess(EXCESS_FEWEST, fillers) == EXCESS_FEWEST
    assert excess(EXCESS_FEWEST - 1, fillers) == 0
    assert excess(7, [*fillers, "rich new tapestry y"]) == 0  # 4 x (1 + 1) = 8 are needed
    assert excess(8, [*fillers, "rich new tapestry y"]) == 8


def test_one_document_that_repeats_a_phrase_is_not_wide():
    part, there = parts(["rich new tapestry " * 20, "a b c"], ["a b c"])
    assert not excess_phrases(part, there, order=3).any()


def test_every_statistic_is_said_in_words():
    assert {described.group for described in STATISTICS.values()} == set(Group)
    assert all(described.worse in (-1, 0, 1) and described.words for described in STATISTICS.values())
    assert len({described.words for described in STATISTICS.values()}) == len(STATISTICS)


def test_next_to_no_text_has_numbers_or_none():
    for found in (own("a"), against(["a"], ["b"])):
        assert all(isinstance(value, float) for value in found.values())
        assert not any(math.isinf(value) for value in found.values())
