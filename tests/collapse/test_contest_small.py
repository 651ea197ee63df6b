"""The small student: the same from the same texts and seed, texts of a piece's length, surprise by the word."""

import numpy as np
import pytest

from uncollapse.collapse.contest.arms import arms_of
from uncollapse.collapse.contest.run import Contest, Settings, Unit
from uncollapse.collapse.contest.small import SmallStudent
from uncollapse.collapse.contest.students import Lesson, student
from uncollapse.collapse.contest.text import batch_of, pieces_of
from uncollapse.errors import InputError

LENGTH = 12
STUDENT = SmallStudent(epochs=1)


@pytest.fixture(scope="module")
def pieces():
    rng = np.random.default_rng(0)
    words = ["river", "town", "sheep", "market", "rain", "house", "tree", "road", "night", "ship"]
    return pieces_of([batch_of([" ".join(rng.choice(words, 130 * LENGTH))])], words=LENGTH, most=None, corpus="c")


@pytest.fixture(scope="module")
def lesson(pieces):
    texts = pieces.parted(0).training
    return Lesson(texts, texts, pieces)


@pytest.fixture(scope="module")
def pupil(lesson):
    return STUDENT.learn(lesson, seed=1)


def test_the_same_texts_and_seed_give_the_same_model_and_another_seed_another(lesson, pupil):
    before = pupil.nats(lesson.texts)
    assert (STUDENT.learn(lesson, seed=1).nats(lesson.texts) == before).all()
    assert (STUDENT.learn(lesson, seed=2).nats(lesson.texts) != before).all()


def test_surprise_is_by_the_word_and_leaves_the_opening_out(lesson, pupil):
    text = lesson.texts[0]
    vocabulary = pupil.model.vocabulary
    opening = " ".join(text.split()[:2])
    tokens = vocabulary.encode([text[len(opening) :]], prompts=[opening])
    whole = np.nansum(pupil.model.score(tokens).logprob.astype(np.float64))
    assert pupil.nats([text])[0] == pytest.approx(-whole / (LENGTH - 2))


def test_texts_begin_with_their_opening_and_are_a_piece_long(pupil):
    openings = ["river town", "ship rain"] * 10
    texts = pupil.write(openings, rng=np.random.default_rng(0))
    # A model of one reading spells words of its own, and may go on within the opening's last word.
    assert all(text.startswith(opening) for text, opening in zip(texts, openings, strict=True))
    lengths = [len(text.split(" ")) for text in texts]
    assert max(lengths) == LENGTH
    assert np.mean(np.array(lengths) == LENGTH) > 0.5
    assert texts == pupil.write(openings, rng=np.random.default_rng(0))
    assert texts != pupil.write(openings, rng=np.random.default_rng(1))


def test_an_edit_of_none_changes_nothing_and_of_some_some(lesson, pupil):
    assert pupil.edit(lesson.texts, rate=0.0, rng=np.random.default_rng(0)) == lesson.texts
    edited = pupil.edit(lesson.texts, rate=0.2, rng=np.random.default_rng(0))
    assert edited != lesson.texts
    assert [text.split()[0] for text in edited] == [text.split()[0] for text in lesson.texts]


def test_three_teachers_of_two_kinds_write_to_the_same_openings(lesson, pupil):
    teachers = STUDENT.teachers(pupil, lesson, seed=0)
    assert list(teachers) == ["transformer", "triples", "pairs"]
    assert teachers["transformer"] is pupil
    for each in teachers.values():
        assert each.write(["river town"], rng=np.random.default_rng(0))[0].startswith("river town")


def test_too_little_text_is_refused_with_what_can_be_done_here(lesson):
    with pytest.raises(InputError, match="less than one batch") as refused:
        STUDENT.learn(lesson._replace(texts=lesson.texts[:3]), seed=0)
    assert "--length" in refused.value.hint


def test_it_plays_a_generation(pieces):
    assert type(student("small")) is SmallStudent
    contest = Contest(pieces, Settings(generations=1, length=LENGTH))
    rows = contest(Unit(STUDENT, arms_of(["arbitrate-capped"])[0], 0))
    assert {row.student for row in rows} == {"small"}
    # Of ten words none is rare, and there is nothing to be had of them.
    assert {row.measure for row in rows if not np.isfinite(row.value)} == {"rare_coverage"}
