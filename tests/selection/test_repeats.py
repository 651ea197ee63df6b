"""One of each: what is the same or nearly is left behind for one that stays, whichever was read first, and says why."""

import numpy as np
import pytest

from made_text import made
from pools import chosen, pool
from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id
from uncollapse.selection.choosing import Budget
from uncollapse.selection.repeats import Duplicates

BASE = made(30, seed=1, length=120)
ALL = Budget  # a budget of the whole pool takes all that is different


def near(text, *, words):
    """The text with some of its words exchanged, far from each other."""
    parts = text.split(" ")
    for at in range(5, 5 + 20 * words, 20):
        parts[at] = "elsewhere"
    return " ".join(parts)


def select(texts, **fields):
    return Duplicates(**fields).choose(pool(texts), budget=ALL(len(texts)))


def test_the_same_text_stays_once():
    texts = [*BASE, BASE[3], BASE[3]]
    choice = select(texts, sameness="text")
    assert choice.account["the same text"] == 2
    assert sorted(chosen(texts, choice)) == sorted(BASE)


def test_the_same_words_are_the_same_but_for_capitals_and_white_space():
    texts = [*BASE, BASE[3].upper().replace(" ", "\n")]
    assert select(texts, sameness="text").account["different documents"] == 31
    assert select(texts, sameness="words").account["the same words"] == 1


def test_what_is_near_is_left_for_the_lowest_id_with_its_id_and_similarity():
    texts = [*BASE, near(BASE[0], words=1)]
    choice = select(texts)
    left = int(np.flatnonzero(choice.counts == 0)[0])
    stays = 30 if left == 0 else 0
    assert {left, stays} == {0, 30}
    assert content_id(texts[stays]) < content_id(texts[left])
    why = choice.reasons.detail(left)
    assert why.startswith(f"of {content_id(texts[stays])}, similarity 0.")
    # One word of about 120 in runs of 5: 5 of 116 runs differ, 111 / 121 = .917; its estimate has a sd of .025.
    assert abs(float(why[-4:]) - 0.917) < 5 * 0.025
    assert choice.reasons.detail(stays) == ""


def test_what_is_only_somewhat_alike_stays():
    # 5 of 6 words exchanged: 30 runs differ of each: 86 / 146 = .59, far below .8.
    texts = [BASE[0], near(BASE[0], words=6)]
    assert select(texts).counts.tolist() == [1, 1]
    assert select(texts, threshold=0.5).counts.sum() == 1


def test_a_chain_leads_nobody_away():
    """A is like B and B like C, but A is not like C: A or C goes only for one that stays itself."""
    one = BASE[0].split(" ")
    shift = len(one) // 12
    texts = [" ".join([*one[at * shift :], *BASE[1].split(" ")[: at * shift]]) for at in range(8)]
    choice = select(texts)
    taken = chosen(texts, choice)
    assert 1 < len(taken) < 8
    for row in np.flatnonzero(choice.counts == 0).tolist():
        assert choice.reasons.detail(row).split(",")[0][3:] in {content_id(text) for text in taken}
        assert float(choice.reasons.detail(row)[-4:]) >= 0.795


def test_empty_texts_are_the_same():
    assert select(["", "", "one"], sameness="near").counts.sum() == 2


def test_a_budget_below_takes_some_of_those_that_stay():
    texts = [*BASE, *BASE[:10]]
    choice = Duplicates().choose(pool(texts), budget=Budget(12))
    assert len(set(chosen(texts, choice))) == choice.counts.sum() == 12


def test_a_budget_beyond_what_is_different_says_what_there_is():
    with pytest.raises(UsageError, match="of 40 no more than 30 are different"):
        Duplicates().choose(pool([*BASE, *BASE[:10]]), budget=Budget(35))
