"""A small model that has learned a few sentences, in the hands of two readers."""

import pytest

from desk import SENTENCES
from uncollapse.training import Training, fit


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A model of a few thousand tokens' learning: neither random nor sure of itself."""
    texts = [" ".join([*SENTENCES[number % 4 :], f"It was number {number}."]) for number in range(60)]
    settings = Training(tokens=8_000, context=256, batch_tokens=512)
    return fit(texts, tmp_path_factory.mktemp("judge") / "model", settings).folder
