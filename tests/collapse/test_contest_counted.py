"""The counted student by hand: its probabilities, and that it writes with them."""

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from uncollapse.collapse.contest.counted import FLOOR, CountedStudent
from uncollapse.collapse.contest.students import Lesson, student
from uncollapse.collapse.contest.text import Piece, Pieces
from uncollapse.errors import UsageError

TEXTS = ["a b c a b d", "a b c b a c"]


def lesson(texts=TEXTS, words=6):
    return Lesson(texts, texts, Pieces([Piece(text, 0) for text in texts], words=words, corpus="c"))


def learned(texts=TEXTS, *, weights=(0.149, 0.45, 0.40)):
    return CountedStudent(weights=weights).learn(lesson(texts), seed=0)


def by_hand(line, texts=TEXTS, weights=(0.149, 0.45, 0.40)):
    """Probabilities out of plain counters."""
    counts = [Counter() for _ in weights]
    follows = [Counter() for _ in weights]
    for text in texts:
        words = text.split()
        for at in range(len(words)):
            for back in range(min(at + 1, len(weights))):
                counts[back][*words[at - back : at + 1]] += 1
                follows[back][tuple(words[at - back : at])] += 1
    types = len({word for text in texts for word in text.split()})
    words, result = line.split(), []
    for at, word in enumerate(words):
        single = counts[0][word,] / follows[0][()]
        total = FLOOR / types + weights[0] * single
        for back in range(1, len(weights)):
            context = tuple(words[at - back : at])
            known = at >= back and follows[back][context] > 0
            total += weights[back] * (counts[back][*context, word] / follows[back][context] if known else single)
        result.append(np.log(total))
    return result


@pytest.mark.parametrize("weights", [(0.149, 0.45, 0.40), (0.249, 0.75), (0.999,)])
def test_probabilities_are_those_of_the_formula(weights):
    pupil = learned(weights=weights)
    for line in (*TEXTS, "d d d d d d", "c a d b a b"):
        ids = pupil.vocabulary.read([line], words=6)
        assert pupil.log_probability(ids)[0] == pytest.approx(by_hand(line, weights=weights), rel=1e-12)
        assert pupil.nats([line])[0] == pytest.approx(-np.mean(by_hand(line, weights=weights)[2:]))


def test_probabilities_add_up_to_one():
    pupil = learned()
    types = len(pupil.vocabulary)
    for a in range(types):
        for b in range(types):
            lines = np.array([[a, b, c, a, a, a] for c in range(types)])
            assert np.exp(pupil.log_probability(lines)[:, 2]).sum() == pytest.approx(1)


def test_texts_begin_with_their_opening_and_are_drawn_with_these_probabilities():
    pupil = learned()
    many = 20_000
    texts = pupil.write(["a b"] * many, rng=np.random.default_rng(0))
    assert all(text.startswith("a b ") and len(text.split()) == 6 for text in texts)
    seen = Counter(text.split()[2] for text in texts)
    for word in "abcd":
        # Without the floor, which is not drawn from.
        exact = np.exp(by_hand(f"a b {word} a a a")[2]) - FLOOR / 4
        share = exact / (1 - FLOOR)
        assert seen[word] / many == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / many))


def test_a_model_of_pairs_keeps_the_whole_opening():
    texts = learned(weights=(0.249, 0.75)).write(["b a", "c d"], rng=np.random.default_rng(0))
    assert [text[:3] for text in texts] == ["b a", "c d"]


def test_an_edit_changes_its_share_and_leaves_the_opening():
    texts = [" ".join(np.random.default_rng(seed).choice(list("abcd"), 6)) for seed in range(3000)]
    edited = learned().edit(texts, rate=0.3, rng=np.random.default_rng(1))
    before, after = (np.array([text.split() for text in lines]) for lines in (texts, edited))
    changed = before != after
    assert not changed[:, :2].any()
    # A word that is drawn again by chance counts as unchanged, so the share is at most .3, with an error of .0042.
    assert 0.15 < changed[:, 2:].mean() < 0.3 + 4 * 0.0042
    assert learned().edit(texts, rate=0.0, rng=np.random.default_rng(1)) == texts


def test_three_teachers_differ():
    own = learned()
    teachers = CountedStudent().teachers(own, lesson(), seed=1)
    assert len(teachers) == 3
    line = ["a b c b a c"]
    assert len({float(pupil.nats(line)[0]) for pupil in teachers.values()}) == 3
    assert teachers["triples"] is own


def test_weights_that_are_no_law_and_students_that_are_none():
    with pytest.raises(ValidationError, match=r"add up to 0\.999"):
        CountedStudent(weights=(0.5, 0.5))
    with pytest.raises(UsageError, match="no student 'large'"):
        student("large")
