import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.errors import BrokenModel, UsageError
from uncollapse.language_models import CountedModel, load, resolve

TEXTS = ["the cat sat", "the cat ran", "the dog"]
# Pieces longer than a byte: " cat", " dog", " ran", " sat", "the"; with 256 bytes and the start token, 262 in all.
SIZE = 262
HALF = Fraction(1, 2)


def smoothed(count, total, shorter, pseudo=HALF):
    """The formula at the head of counted.py, in exact arithmetic."""
    return (count + pseudo * shorter) / (total + pseudo)


@pytest.fixture
def model():
    return CountedModel.fit(TEXTS, order=3, pseudo_count=0.5)


def test_vocabulary_is_the_pieces_seen_and_all_bytes(model):
    assert model.vocabulary.words == (" cat", " dog", " ran", " sat", "the")
    assert len(model.vocabulary) == SIZE
    assert model.vocabulary.surfaces[0] is None
    assert model.vocabulary.surfaces[1:257] == tuple(bytes([value]) for value in range(256))


def test_probabilities_by_hand(model):
    uniform = Fraction(1, SIZE)
    # Eight words in all: the 3, cat 2, sat, ran, dog.
    p_the, p_cat, p_sat = (smoothed(count, 8, uniform) for count in (3, 2, 1))
    # After the start: the 3 of 3. After "the": cat 2, dog 1. After " cat": sat 1, ran 1.
    first = smoothed(3, 3, p_the)
    after_the = smoothed(2, 3, p_cat)
    second = smoothed(2, 3, after_the)  # after (start, the): the same counts once more
    third = smoothed(1, 2, smoothed(1, 2, p_sat))
    scores = model.score(model.vocabulary.encode(["the cat sat"]))
    np.testing.assert_allclose(np.exp(scores.logprob), [float(first), float(second), float(third)], rtol=1e-6)
    assert scores.is_argmax.tolist() == [True, True, True]  # " sat" and " ran" tie
    np.testing.assert_array_equal(scores.logsumexp, 0)


def test_unseen_contexts_fall_back_to_shorter_ones(model):
    # "ran" was never followed; "dog ran" was never seen, so " sat" after it has the probability of " sat" alone.
    assert model.probability([" dog", " ran"], " sat") == pytest.approx(
        float(smoothed(1, 8, Fraction(1, SIZE))), rel=1e-12
    )


def test_probability_names_the_context(model):
    uniform = Fraction(1, SIZE)
    assert model.probability([" cat"], " sat") == pytest.approx(
        float(smoothed(1, 2, smoothed(1, 8, uniform))), rel=1e-12
    )


def test_candidates_are_in_order_with_ties_by_id(model):
    tokens = model.vocabulary.encode(["the cat sat"])
    _, found = model.score_and_choose(tokens, chooser=lambda rows, *_: rows == 2, k=3)
    assert found.rows.tolist() == [2]
    pieces = [model.vocabulary.surfaces[index] for index in found.ids[0]]
    assert pieces == [b" ran", b" sat", b"the"]
    assert found.logprob[0, 0] == found.logprob[0, 1] > found.logprob[0, 2]


@pytest.mark.parametrize("order", [1, 2, 4])
def test_each_distribution_sums_to_one_and_holds_what_score_says(order):
    model = CountedModel.fit(TEXTS, order=order, pseudo_count=0.1)
    tokens = model.vocabulary.encode(["the cat sat on the dog", "xyz"])
    scores, found = model.score_and_choose(tokens, chooser=lambda rows, *_: rows >= 0, k=SIZE)
    assert found.ids.shape == (len(tokens.ids), SIZE)
    np.testing.assert_allclose(np.exp(found.logprob.astype(float)).sum(axis=1), 1, rtol=1e-6)
    own = np.take_along_axis(found.logprob, np.argmax(found.ids == tokens.ids[:, None], axis=1)[:, None], axis=1)
    np.testing.assert_array_equal(own[:, 0], scores.logprob)
    np.testing.assert_array_equal(scores.is_argmax, scores.logprob == found.logprob[:, 0])


def test_a_sure_token_can_be_had():
    model = CountedModel.fit(["New York"] * 20, pseudo_count=0.01)
    assert model.probability(["New"], " York") > 0.999


def test_prompts_are_read_and_never_scored(model):
    plain = model.vocabulary.encode(["the cat sat"])
    asked = model.vocabulary.encode([" sat"], prompts=["the cat"])
    assert asked.ids.tolist() == plain.ids.tolist()
    assert asked.scored().tolist() == [False, False, True]
    assert asked.spans.tolist() == [[0, 0], [0, 0], [0, 4]]
    scores = model.score(asked)
    assert np.isnan(scores.logprob[:2]).all()
    assert not scores.is_argmax[:2].any()
    assert scores.logprob[2] == model.score(plain).logprob[2]


def test_documents_do_not_see_each_other(model):
    texts = ["the cat sat", "", "the dog ran", "é"]
    together = model.score(model.vocabulary.encode(texts)).logprob
    alone = np.concatenate([model.score(model.vocabulary.encode([text])).logprob for text in texts])
    np.testing.assert_array_equal(together, alone)


def test_nothing_at_all(model):
    tokens = model.vocabulary.encode([])
    scores, found = model.score_and_choose(tokens, chooser=lambda rows, *_: rows >= 0, k=5)
    assert scores.logprob.shape == (0,)
    assert found.ids.shape == (0, 5)


@given(st.lists(st.text(), max_size=4))
@settings(max_examples=200, deadline=None)
def test_surfaces_and_spans_give_any_text_back(texts):
    model = CountedModel.fit(TEXTS)
    tokens = model.vocabulary.encode(texts)
    for document, text in enumerate(texts):
        own = slice(tokens.offsets[document], tokens.offsets[document + 1])
        surfaces = [model.vocabulary.surfaces[index] for index in tokens.ids[own]]
        assert b"".join(surfaces) == text.encode()
        spans = tokens.spans[own]
        assert [text.encode()[a:b] for a, b in spans] == surfaces


def test_a_saved_model_is_an_address(model, tmp_path):
    model.save(tmp_path / "m")
    address = str(tmp_path / "m")
    again = load(address)
    tokens = model.vocabulary.encode(["the cat sat on the mat"])
    np.testing.assert_array_equal(again.score(tokens).logprob, model.score(tokens).logprob)
    assert resolve(address) == again.card
    assert again.card.address == address
    assert again.card.revision == model.card.revision


def test_fitting_does_not_depend_on_the_order_of_texts(model):
    assert CountedModel.fit(reversed(TEXTS), order=3, pseudo_count=0.5).card == model.card


def test_rare_words_can_be_left_to_bytes():
    model = CountedModel.fit(TEXTS, least=2)
    assert model.vocabulary.words == (" cat", "the")


@pytest.mark.parametrize("wrong", [{"order": 0}, {"pseudo_count": 0.0}, {"least": 0}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(UsageError, match="counted model"):
        CountedModel.fit(TEXTS, **wrong)


@pytest.mark.parametrize("content", ["", "{}", "[1]", json.dumps({"format": 99}), '{"format": 1, "ngrams": [[[1]]]}'])
def test_a_broken_file_is_named(content, tmp_path):
    (tmp_path / "counted.json").write_text(content)
    with pytest.raises(BrokenModel, match=r"counted\.json"):
        load(str(tmp_path))


def test_confidence_is_the_log_probability_of_the_likeliest():
    model = CountedModel.fit(TEXTS, order=3)
    tokens = model.vocabulary.encode(TEXTS)
    scores, candidates = model.score_and_choose(tokens, chooser=lambda rows, _, __: np.ones(len(rows), np.bool_), k=1)
    np.testing.assert_allclose(scores.confidence[candidates.rows], candidates.logprob[:, 0], rtol=1e-6)
    assert (scores.confidence[scores.is_argmax] == scores.logprob[scores.is_argmax]).all()
