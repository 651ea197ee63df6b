import pickle
from dataclasses import replace

import numpy as np
import pytest

from uncollapse.errors import UnknownModel, UsageError
from uncollapse.language_models import load
from uncollapse.language_models.counted import CountedModel
from uncollapse.language_models.lent import Lent

TEXTS = ["the cat sat on the mat", "a dog sat"]


class Summed:
    """A piece of two texts."""

    def read_by(self, model):
        """The log-probabilities of all tokens."""
        return model.score(model.vocabulary.encode(TEXTS)).logprob


@pytest.fixture
def folder(tmp_path, monkeypatch):
    CountedModel.fit(TEXTS, order=2).save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "model"


def test_it_opens_where_it_is_called_and_travels_without_what_it_opened(folder, tmp_path, monkeypatch):
    lent = Lent.of("model")
    assert lent.card == load("model").card
    expected = lent(Summed())
    assert "model" in lent.__dict__
    there = pickle.loads(pickle.dumps(lent))
    assert "model" not in there.__dict__
    # Another process may stand in another folder.
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    np.testing.assert_array_equal(there(Summed()), expected)
    assert there.vocabulary.encode(TEXTS).ids.tolist() == there.model.vocabulary.encode(TEXTS).ids.tolist()


def test_other_weights_under_the_same_address_are_refused(folder):
    lent = Lent.of("model")
    CountedModel.fit(["something else"], order=2).save(folder)
    with pytest.raises(UsageError, match=r"model is another model on .*: its revision is"):
        lent(Summed())


def test_other_versions_and_devices_are_refused(folder):
    lent = Lent.of("model")
    other = replace(lent, card=lent.card._replace(backend_version="uncollapse 0.0, cuda"))
    with pytest.raises(UsageError, match=r"its backend version is .* and not uncollapse 0\.0, cuda"):
        other(Summed())


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3"])
def test_how_a_model_cuts_text_is_known_without_its_weights(family, tiny):
    lent = Lent.of(str(tiny(family)), dtype="float32")
    vocabulary = lent.vocabulary
    assert "model" not in lent.__dict__
    assert (len(vocabulary), vocabulary.surfaces) == (len(lent.model.vocabulary), lent.model.vocabulary.surfaces)
    assert vocabulary.encode(TEXTS).ids.tolist() == lent.model.vocabulary.encode(TEXTS).ids.tolist()


def test_what_was_closed_is_opened_again(folder):
    lent = Lent.of("model")
    expected = lent(Summed())
    lent.close()
    assert "model" not in lent.__dict__
    np.testing.assert_array_equal(lent(Summed()), expected)


def test_a_folder_with_the_name_of_a_model_is_not_that_model(folder):
    folder.rename(folder.parent / "smollm2-135m")
    assert Lent.of("smollm2-135m").place == "smollm2-135m"
    assert Lent.of("./smollm2-135m").place == str(folder.parent / "smollm2-135m")


def test_an_address_to_which_nothing_answers_is_refused_at_once():
    with pytest.raises(UnknownModel, match="nobody"):
        Lent.of("nobody")
