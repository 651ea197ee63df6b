import numpy as np
import pytest

from uncollapse.detection.detector import Detector
from uncollapse.detection.overlap import text_keys
from uncollapse.detection.reading import Reader
from uncollapse.detection.training import Lesson, train
from uncollapse.errors import InputError, UsageError


@pytest.fixture(scope="module")
def detector(people, machines, counted):
    return train(Lesson(human=people[:80], machine=machines[:80]), reader=Reader(counted), model_texts=60)


def test_it_learns_and_says_how_well(detector, people, machines):
    assert detector.card["trained_on"]["human"]["texts"] == 80
    accuracy = detector.card["accuracy"]
    assert set(accuracy) == {"words", "likelihood", "fused"}
    assert accuracy["fused"]["auroc"] > 0.9
    fresh = [detector.words.log_odds(texts[80:160]) for texts in (people, machines)]
    assert np.mean(fresh[1][:, None] > fresh[0]) > 0.8


def test_the_same_each_time_and_whatever_the_order(detector, people, machines, counted):
    lesson = Lesson(human=people[:80][::-1], machine=machines[:80][::-1])
    again = train(lesson, reader=Reader(counted), model_texts=60)
    assert again.card == detector.card
    same = train(Lesson(human=people[:80], machine=machines[:80]), reader=Reader(counted), model_texts=60)
    assert same.contents() == detector.contents()


def test_a_folder_gives_it_back(detector, people, tmp_path):
    for name, content in detector.contents().items():
        (tmp_path / name).write_bytes(content)
    again = Detector.load(tmp_path)
    assert again.fusion == detector.fusion
    assert again.card == detector.card
    np.testing.assert_array_equal(again.words.log_odds(people), detector.words.log_odds(people))
    np.testing.assert_array_equal(again.seen, detector.seen)


def test_it_knows_what_it_has_learned(detector, people):
    assert np.isin(text_keys(people[:80]), detector.seen).all()
    assert not np.isin(text_keys(people[80:]), detector.seen).any()


def test_what_is_left_out_is_counted(people, machines):
    human = [*people[:60], *people[:3], "too short to learn from", machines[0]]
    found = train(Lesson(human=human, machine=machines[:70], against=[people[5][:200], machines[6]]), reader=None)
    assert found.card["left_out"] == {
        "fewer than 20 words": 1,
        "on both sides": 2,
        "a run of 10 words of the texts to be kept apart": 2,
        "the same text again": 3,
    }
    assert found.card["trained_on"]["human"]["texts"] == 59
    assert found.card["trained_on"]["machine"]["texts"] == 68
    assert found.fusion is None
    assert found.model is None


def test_pairs_lose_what_they_share(people, machines):
    shared = "Strange beginnings of every single pair of texts come first"
    human, machine = ([f"{shared} {text}" for text in side[:60]] for side in (people, machines))
    plain = train(Lesson(human=people[:60], machine=machines[:60], paired=True), reader=None)
    paired = train(Lesson(human=human, machine=machine, paired=True), reader=None)
    np.testing.assert_array_equal(plain.words.weight, paired.words.weight)
    with pytest.raises(UsageError, match="60 human and 59 machine's texts are no pairs"):
        train(Lesson(human=human, machine=machine[:59], paired=True), reader=None)


def test_too_few_texts(people, machines):
    with pytest.raises(InputError, match="49 human texts are left to learn from, and it takes 50"):
        train(Lesson(human=people[:49], machine=machines), reader=None)
