"""Texts as tokens on disk."""

import numpy as np
import pytest

from uncollapse.errors import InputError
from uncollapse.training import tokens
from uncollapse.training.tokenizer import END, LEAST, fit_tokenizer
from uncollapse.training.tokens import Pair, plain, write_tokens


@pytest.fixture(scope="module")
def tokenizer(texts):
    return fit_tokenizer(texts, vocabulary=300)


def test_documents_lie_end_to_end_and_read_back(tokenizer, texts, tmp_path):
    found = write_tokens(texts, tokenizer, tmp_path)
    assert len(found.sizes) == len(texts)
    assert found.ids.dtype == np.uint16
    pieces = np.split(found.ids, found.offsets[1:-1])
    assert [tokenizer.decode(piece) for piece in pieces] == texts
    assert not found.read.any()
    assert found.weights is None


def test_a_question_is_framed_and_read(tokenizer, tmp_path):
    found = write_tokens([Pair("Name a bird.", "Wren."), "It rains."], tokenizer, tmp_path)
    first, second = np.split(found.ids, found.offsets[1:-1])
    assert tokenizer.decode(first[: found.read[0]]) == "Name a bird.\n\n"
    assert tokenizer.decode(first[found.read[0] :]) == "Wren."
    assert (tokenizer.decode(second), found.read[1]) == ("It rains.", 0)


def test_the_digest_names_texts_questions_and_weights(tokenizer, tmp_path):
    def digest(texts, weights=None):
        return write_tokens(texts, tokenizer, tmp_path, weights=weights).digest

    found = {
        digest(["a b", "c"]),
        digest(["a", "b c"]),
        digest(["c", "a b"]),
        digest([Pair("a", "b"), "c"]),
        digest(["a b", "c"], [1.0, 2.0]),
        digest(["a b", "c"], [2.0, 1.0]),
    }
    assert len(found) == 6
    assert digest(["a b", "c"]) == digest(iter(["a b", "c"]))


def test_weights_have_the_mean_one_over_what_is_learned(tokenizer, tmp_path):
    """A text of n tokens has n + 1 predictions: its own and its end."""
    found = write_tokens(["It rains on the house.", Pair("Why", "Rain")], tokenizer, tmp_path, weights=[1.0, 3.0])
    learned = found.sizes - found.read + 1
    assert float(found.weights @ learned) == pytest.approx(float(learned.sum()))
    assert found.weights[1] / found.weights[0] == pytest.approx(3.0)


@pytest.mark.parametrize("nothing", [[], ["", ""]])
def test_no_text(tokenizer, tmp_path, nothing):
    with pytest.raises(InputError, match="no text to learn from"):
        write_tokens(nothing, tokenizer, tmp_path)


def test_the_name_of_a_special_token_in_a_text_is_plain_text(tokenizer, tmp_path):
    found = write_tokens([f"He said {END}!"], tokenizer, tmp_path)
    assert tokenizer.eos_token_id not in found.ids.tolist()
    assert tokenizer.decode(found.ids) == f"He said {END}!"


def test_both_sides_of_a_pair_are_spelled():
    assert list(plain(["one", Pair("two", "three")])) == ["one", "two\n\nthree"]


def test_a_tokenizer_knows_every_byte(tokenizer):
    wild = "\u0000 naïve 東京 \U0001f600 \t\r\n"
    assert tokenizer.decode(tokenizer(wild)["input_ids"]) == wild
    assert len(tokenizer) <= 300


def test_a_tokenizer_that_is_too_small(texts):
    with pytest.raises(InputError):
        fit_tokenizer([], vocabulary=LEAST)


def test_long_texts_are_cut_a_few_at_a_time_into_the_same_tokens(tmp_path, monkeypatch):
    texts = ["a word and another " * 40] * 9 + ["short"] * 5
    tokenizer = fit_tokenizer(texts, vocabulary=300)
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = write_tokens(texts, tokenizer, tmp_path / "whole")
    monkeypatch.setattr(tokens, "CHARACTERS_AT_ONCE", 1_000)
    assert [len(some) for some in tokens._stretches(texts)] == [2, 2, 2, 2, 6]
    parts = write_tokens(texts, tokenizer, tmp_path / "parts")
    assert parts.digest == whole.digest
    assert parts.ids.tolist() == whole.ids.tolist()
