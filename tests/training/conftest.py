"""Small text to learn from, and what is trained on it once."""

import json

import pytest

from desk import SENTENCES


@pytest.fixture(scope="session")
def texts():
    """120 texts of two to nine words and some of several sentences."""
    short = [" ".join(sentence.split()[: 2 + number % 8]) for number in range(25) for sentence in SENTENCES]
    return [*short, *(" ".join(SENTENCES[number % 4 :] * 3) for number in range(20))]


def _tiny(kind, folder):
    from transformers import AutoModelForCausalLM

    from tiny_models import byte_level_tokenizer, tiny_config

    AutoModelForCausalLM.from_config(tiny_config(kind)).save_pretrained(folder)
    byte_level_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    return folder


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory):
    return _tiny("gpt2", tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def tiny_mamba(tmp_path_factory):
    return _tiny("mamba", tmp_path_factory.mktemp("mamba"))
