import numpy as np
import pytest

from uncollapse.detection.word_model import WORDS, WordModel, count_buckets, word_counts

HUMAN = ["the old man walked home slowly", "rain fell on the quiet town all day", "she never liked that song"] * 4
MACHINE = ["delve into the rich tapestry of ideas", "it is important to note that", "in conclusion we delve"] * 4


@pytest.fixture(scope="module")
def model():
    return WordModel.fit(HUMAN + MACHINE, np.repeat([False, True], 12))


def test_counting_by_hand():
    (found,) = count_buckets(["a b a", "", "A  B a"])
    # Runs of a b a: a (twice), b, ab, ba, aba.
    assert np.diff(found.offsets).tolist() == [5, 0, 5]
    np.testing.assert_allclose(np.sort(found.counts[:5]), [1, 1, 1, 1, 1 + np.log(2)])
    np.testing.assert_array_equal(found.buckets[:5], found.buckets[5:])


def test_words_are_counted_in_every_script():
    assert word_counts(["one two, three", "", "日本語"]).tolist() == [4, 0, 3]


def test_only_the_first_words_count():
    long = " ".join(f"w{n}" for n in range(300))
    (found,) = count_buckets([long])
    assert len(found.buckets) <= 3 * WORDS - 3
    assert len(found.buckets) > 3 * WORDS - 8  # a bucket may be met twice


def test_the_log_odds_are_those_of_the_formula(model):
    text = "delve into the old town"
    (counted,) = count_buckets([text])
    value = counted.counts * model.rarity[counted.buckets]
    wanted = (value * model.weight[counted.buckets]).sum() / np.sqrt((value**2).sum()) + model.bias
    assert model.log_odds([text])[0] == pytest.approx(wanted, abs=1e-9)
    assert model.log_odds([""])[0] == pytest.approx(model.bias)
    assert len(model.log_odds([])) == 0


def test_it_learns_what_there_is_to_learn(model):
    assert (model.log_odds(MACHINE) > 0).all()
    assert (model.log_odds(HUMAN) < 0).all()
    assert model.log_odds(["let us delve into that tapestry"])[0] > model.log_odds(["the man liked rain"])[0]


def test_together_as_alone_and_the_same_each_time(model):
    texts = HUMAN + MACHINE + ["words that were never met anywhere"]
    together = model.log_odds(texts)
    np.testing.assert_array_equal(together, np.concatenate([model.log_odds([text]) for text in texts]))
    again = WordModel.fit(HUMAN + MACHINE, np.repeat([False, True], 12))
    np.testing.assert_array_equal(again.weight, model.weight)


def test_the_tensors_give_it_back(model):
    again = WordModel.of_tensors(model.tensors())
    texts = [*HUMAN, *MACHINE, "never met before, any of it"]
    np.testing.assert_array_equal(again.log_odds(texts), model.log_odds(texts))
