"""Corpora to verify: human sentences, edited by a model that takes milliseconds."""

import shutil
from pathlib import Path

import pytest

from desk import SENTENCES, write_rows
from uncollapse.corpora import read
from uncollapse.editing import ToEdit
from uncollapse.execution import run
from uncollapse.language_models.counted import CountedModel

BUSY = {"threshold": 0.3, "strategy": "full", "temperature": 2.0}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a counted model of the sentences."""
    folder = tmp_path_factory.mktemp("model")
    CountedModel.fit(SENTENCES, order=3).save(folder)
    return folder


@pytest.fixture(scope="session")
def essays(tmp_path_factory):
    """Twenty rows, some with the same text; nobody changes them."""
    path = tmp_path_factory.mktemp("essays") / "essays.jsonl"
    write_rows(path, [{"text": " ".join(SENTENCES[n % 4 :]) + f" It was day {n % 15}.", "n": n} for n in range(20)])
    return path


@pytest.fixture(scope="session")
def edit(model):
    """A function that edits one corpus into another, in several shards."""

    def edited(source, out, *, seed=7, shard_bytes=1500, **options):
        step = ToEdit(model=str(model), seed=seed, **BUSY)
        run(step(read(source, shard_bytes=shard_bytes)), out, **options)
        return out

    return edited


@pytest.fixture(scope="session")
def written(edit, essays, tmp_path_factory):
    """An edited corpus in a folder of several Parquet shards; nobody changes it."""
    return edit(essays, tmp_path_factory.mktemp("written") / "out")


@pytest.fixture
def out(written, tmp_path):
    """The same for one test to tamper with."""
    return Path(shutil.copytree(written, tmp_path / "out"))
