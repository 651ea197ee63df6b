"""Which answer is likeliest, by hand with a model that counts."""

import copy

import numpy as np
import pytest

from uncollapse.evaluation.choice import Answered, accuracies, answer, cut
from uncollapse.evaluation.questions import Question
from uncollapse.language_models.counted import CountedModel

TEXTS = ["a b c", "a b d", "a b c", "b d"]


@pytest.fixture(scope="module")
def model():
    return CountedModel.fit(TEXTS, order=2)


def asked(*pairs, gold=0):
    given, scored = zip(*pairs, strict=True)
    return Question(list(given), list(scored), gold)


def test_an_answer_has_the_sum_of_its_tokens_after_what_is_given(model):
    """Scored by hand: the model's own log-probabilities of the whole text, but for the tokens of what is given."""
    questions = [asked(("a b", " c"), ("a b", " d")), asked(("a", " b c"), ("a", " b d"), gold=1)]
    found = answer(model, questions)
    expected = []
    for question in questions:
        for given, scored in zip(question.given, question.scored, strict=True):
            reader = model.without_start()
            whole, before = reader.vocabulary.encode([given + scored]), reader.vocabulary.encode([given])
            scores = reader.score(whole)
            expected.append(float(scores.logprob[len(before.ids) :].sum()))
    assert found.logprob == pytest.approx(expected)
    assert found.offsets.tolist() == [0, 2, 4]
    assert found.gold.tolist() == [0, 1]
    assert found.characters.tolist() == [1, 1, 3, 3]
    assert found.logprob[0] > found.logprob[1]
    assert found.shortened == 0


def test_order_and_batches_do_not_matter(model, monkeypatch):
    questions = [asked((f"a b{' c' * n}", " c"), ("", "a b d")) for n in range(5)]
    whole = answer(model, questions)
    monkeypatch.setattr("uncollapse.evaluation.choice.AT_ONCE", 1)
    seen = []
    single = answer(model, questions, on_progress=lambda done, of: seen.append((done, of)))
    assert whole.logprob == pytest.approx(single.logprob)
    assert seen == [(n, 10) for n in range(1, 11)]


def answered(logprob, *, sizes, gold, characters=None, greedy=None):
    count = len(logprob)
    return Answered(
        logprob=np.array(logprob, np.float64),
        greedy=np.array(greedy if greedy is not None else [False] * count),
        characters=np.array(characters or [1] * count),
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
        gold=np.array(gold),
        shortened=0,
    )


def test_accuracies_by_hand():
    """The longer answer of the second question is less likely, and likelier for each character."""
    found = answered([-1, -2, -4, -3, -2, -2], sizes=[2, 2, 2], gold=[0, 0, 1], characters=[1, 1, 4, 2, 1, 1])
    values = accuracies(found)
    assert values["acc"].value == pytest.approx(1 / 3)  # of equal answers the first counts
    assert values["acc_norm"].value == pytest.approx(2 / 3)
    assert 0 <= values["acc"].low <= values["acc"].value <= values["acc"].high <= 1


def test_a_question_with_one_answer_asks_whether_it_would_have_been_written():
    found = answered([-1, -9, -2], sizes=[1, 1, 1], gold=[0, 0, 0], greedy=[True, False, True])
    assert list(accuracies(found)) == ["acc"]
    assert accuracies(found)["acc"].value == pytest.approx(2 / 3)


def test_intervals_are_those_of_a_share():
    """For 100 questions and a share of a half the 95 % interval of a binomial law reaches .40 to .60."""
    found = answered([0.0, -1.0] * 100, sizes=[2] * 100, gold=[0, 1] * 50)
    share = accuracies(found)["acc"]
    assert share.value == 0.5
    assert (share.low, share.high) == (pytest.approx(0.40, abs=0.015), pytest.approx(0.60, abs=0.015))


def test_what_is_too_long_loses_its_beginning(model):
    """A window of w rows reads w tokens and predicts the one behind each, so w + 1 of them stay."""
    whole = model.vocabulary.encode(["a b a b a b c"]).ids
    short = model.vocabulary.encode(["b c"]).ids
    window = len(whole) - 2
    assert window >= len(short)
    narrow = copy.copy(model)
    vars(narrow)["card"] = model.card._replace(window=window)  # kept there once it was asked for
    pieces = cut(narrow, [("a b a b a b", " c"), ("b", " c")])
    assert pieces.shortened == 1
    assert np.split(pieces.tokens.ids, pieces.tokens.offsets[1:-1])[0].tolist() == whole[1:].tolist()
    assert np.split(pieces.tokens.ids, pieces.tokens.offsets[1:-1])[1].tolist() == short.tolist()
    read = len(model.vocabulary.encode(["a b a b a b"]).ids) - 1
    assert pieces.tokens.scored()[: window + 1].tolist() == [False] * read + [True] * (window + 1 - read)
