"""The command line under test: run in this process, as a person would type it, with a model that takes milliseconds."""

import sys
from pathlib import Path

import pytest

from desk import SENTENCES, Command, Done, write_rows
from uncollapse.cli import main
from uncollapse.language_models.counted import CountedModel


@pytest.fixture
def uncollapse(monkeypatch, capsys) -> Command:
    """A function that runs `uncollapse` with some words."""

    def command(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["uncollapse", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main.run()
        out, err = capsys.readouterr()
        return Done(int(stopped.value.code or 0), out, err)

    return command


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """The folder of a counted model of the sentences."""
    folder = tmp_path_factory.mktemp("model")
    CountedModel.fit(SENTENCES, order=3).save(folder)
    return folder


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A folder of its own to work in, with twelve essays in `essays.jsonl`."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "essays.jsonl", [{"text": " ".join(SENTENCES[i % 4 :]), "n": i} for i in range(12)])
    return tmp_path
