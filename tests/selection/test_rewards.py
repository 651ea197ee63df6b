"""A reward model in a folder: one number for each text, whatever lies beside it in the batch."""

import pickle
import shutil

import numpy as np
import pyarrow as pa
import pytest

from tiny_models import byte_level_tokenizer
from uncollapse.errors import BrokenModel, UnknownModel, UsageError
from uncollapse.selection.rewards import LONGEST, Reward
from uncollapse.selection.scorers import NoScore


def folder_of(path, *, outputs):
    import torch
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(3)
    shape = {"vocab_size": 420, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
    config = GPT2Config(**shape, num_labels=outputs, pad_token_id=0, bos_token_id=None, eos_token_id=None)
    byte_level_tokenizer(path)
    PreTrainedTokenizerFast(tokenizer_file=str(path / "tokenizer.json")).save_pretrained(path)
    GPT2ForSequenceClassification(config).save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def reward(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("reward"), outputs=1)


def batch(texts, **columns):
    return pa.record_batch({"text": pa.array(texts, pa.large_string()), **columns})


def test_a_text_has_its_reward_whatever_lies_beside_it(reward):
    texts = ["the cat sat on the mat", "dogs", "cats and dogs, dogs and cats", "the mat"]
    together = Reward(reward).score(batch(texts))
    alone = np.array([Reward(reward).score(batch([text]))[0] for text in texts])
    assert len(set(together.tolist())) == 4
    # Sums of other widths in float32.
    assert together == pytest.approx(alone, abs=1e-5)


def test_the_prompt_is_read_first(reward):
    prompts = pa.array(["why the cat?", None])
    found = Reward(reward, prompt="prompt").score(batch(["it sat"], prompt=prompts[:1]))
    assert found != pytest.approx(Reward(reward).score(batch(["it sat"])))
    with pytest.raises(NoScore) as refused:
        Reward(reward, prompt="prompt").score(batch(["it sat", "it sat"], prompt=prompts))
    assert refused.value.unscored.row == 1


def test_what_is_too_long_is_refused_and_not_cut(reward):
    with pytest.raises(NoScore) as refused:
        Reward(reward).score(batch(["cat " * (LONGEST + 1)]))
    assert refused.value.unscored.row == 0


def test_what_is_no_reward_model_is_refused(tmp_path):
    with pytest.raises(UnknownModel, match="no reward model answers"):
        Reward(str(tmp_path / "nothing")).score(batch(["a"]))
    with pytest.raises(BrokenModel, match="2 outputs"):
        Reward(folder_of(tmp_path, outputs=2)).score(batch(["a"]))


def test_other_weights_where_it_travels_to_are_refused(tmp_path, reward):
    folder = tmp_path / "reward"
    shutil.copytree(reward, folder)
    sent = pickle.dumps(Reward(str(folder)))
    np.testing.assert_array_equal(pickle.loads(sent).score(batch(["it sat"])), Reward(reward).score(batch(["it sat"])))
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    with pytest.raises(UsageError, match="is another model on"):
        pickle.loads(sent).score(batch(["it sat"]))
