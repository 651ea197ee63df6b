"""`uncollapse mix`, and the story that it is a part of, as a person types them."""

import json
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
import yaml

from desk import SENTENCES, write_rows

FLOOR = "min_human_token_share = 0.5\nmax_unknown_share = 0.0\n"


@pytest.fixture
def desk(desk):
    write_rows(desk / "made.jsonl", [{"text": " ".join(SENTENCES[::-1][i % 4 :]) + f" {i}"} for i in range(12)])
    (desk / "floor.toml").write_text(FLOOR)
    return desk


def test_a_mixture_is_told_and_verified(uncollapse, desk):
    mix = ("mix", "--human", "essays.jsonl", "--synthetic", "made.jsonl", "--human-share", "0.6", "-o", "mixed/")
    done = uncollapse(*mix, "--policy", "floor.toml")
    assert done.code == 0, done.err
    assert "asked for a human share of 0.6, reached 0.6" in done.out
    assert "verdict kept" in done.out
    assert uncollapse("verify", "mixed/", "--policy", "floor.toml").code == 0
    again = uncollapse(*mix, "--policy", "floor.toml")
    assert again.code == 0
    assert "nothing to do" in again.out
    other = uncollapse(*mix[:-4], "--human-share", "0.7", "-o", "mixed/")
    assert other.code == 2
    assert "asked.human_share: 0.6, now 0.7" in other.err


def test_the_account_as_json_is_one_document(uncollapse, desk):
    done = uncollapse("mix", "--human", "essays.jsonl", "--human-share", "1", "-o", "mixed/", "--json")
    told = json.loads(done.out)
    assert told["rows"]["out"] == 12
    assert told["mixture"]["reached"]["human_share"] == 1.0


def test_what_breaks_the_policy_is_refused_with_rule_value_limit_and_files(uncollapse, desk):
    done = uncollapse(
        *("mix", "--human", "essays.jsonl", "--synthetic", "made.jsonl", "--human-share", "0.3"),
        *("--policy", "floor.toml", "-o", "mixed/"),
    )
    assert done.code == 1
    assert "min_human_token_share: 0.3" in done.err
    assert "allowed 0.5 in made.jsonl" in done.err
    assert not (desk / "mixed").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--human-share", "1"), "there is nothing to mix"),
        (("--human", "essays.jsonl", "--human-share", "most"), "--human-share"),
        (("--human", "essays.jsonl", "--human-share", "2"), "--human-share"),
        (("--human", "absent.jsonl", "--human-share", "1"), "absent.jsonl"),
        (("--human", "essays.jsonl", "--human-share", "0.5"), "there is no synthetic text"),
        (("--human", "essays.jsonl"), "no share of human text was asked for"),
        (("--human", "essays.jsonl", "--human-share", "1", "--total", "100000"), "100,000 words of human text"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(uncollapse, desk, words, said):
    done = uncollapse("mix", *words, "-o", "mixed/")
    assert done.code == 2
    assert said in done.err
    assert "try:" in done.err
    assert not (desk / "mixed").exists()


def test_edit_mix_verify_trace_and_card_are_one_story(uncollapse, desk, model, project, monkeypatch):
    recipe = yaml.safe_load((project / "recipes" / "human-floor.yaml").read_text())
    steps = {name: options for step in recipe["steps"] for name, options in step.items()}
    steps["edit"] |= {"inputs": "essays.jsonl", "output": "edited/", "model": str(model), "preset": "paper"}
    steps["edit"] |= {"threshold": 0.3, "strategy": "full", "temperature": 2}
    steps["mix"] |= {"human": "essays.jsonl", "synthetic": "edited/", "output": "mixed/", "policy": "floor.toml"}
    steps["verify"] |= {"corpus": "mixed/", "policy": "floor.toml", "source": ["essays.jsonl", "edited/"]}
    steps["trace"] |= {"corpus": "mixed/", "source": "essays.jsonl"}
    steps["card"] |= {"corpus": "mixed/", "output": "mixed/"}
    (desk / "story.yaml").write_text(yaml.safe_dump(recipe))
    # Paths are seen from the recipe's folder, wherever the command is given.
    monkeypatch.chdir(desk.parent)
    done = uncollapse("run", f"{desk.name}/story.yaml")
    assert done.code == 0, done.err
    assert "mixed/: holds" in done.out.replace("\n", "")
    croissant = json.loads((desk / "mixed" / "croissant.json").read_text())
    assert croissant["name"] == "A sample with a human floor"
    origins = {
        row["origin"] for row in pq.read_table(desk / "mixed" / croissant["distribution"][0]["name"]).to_pylist()
    }
    assert origins == {"human", "edited"}
    # The papers beside the documents are no part of them.
    assert uncollapse("verify", f"{desk.name}/mixed/").code == 0
    assert uncollapse("run", f"{desk.name}/story.yaml").code == 0
    steps["mix"] |= {"human-share": 0.4, "output": "less/"}
    (desk / "less.yaml").write_text(yaml.safe_dump(recipe))
    refused = uncollapse("run", f"{desk.name}/less.yaml")
    assert refused.code == 1
    assert "min_human_token_share: 0.4" in refused.err
    assert not (desk / "less").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from uncollapse.corpora import storage
import uncollapse as uc
from uncollapse.selection import aside
event, seen = int(sys.argv[1]), [0]

def touched(function):
    def around(*arguments, **options):
        if seen[0] == event:
            os.kill(os.getpid(), signal.SIGKILL)
        seen[0] += 1
        return function(*arguments, **options)
    return around

storage.Sink.write = touched(storage.Sink.write)
storage.Sink.sync = touched(storage.Sink.sync)
Path.replace = touched(Path.replace)
aside._Filling.flush = touched(aside._Filling.flush)
uc.write(uc.mix(human="essays.jsonl", synthetic="made.jsonl", human_share=0.6), "mixed/")
print(seen[0])
"""


def test_killed_anywhere_it_is_whole_or_goes_on_to_the_same_bytes(desk):
    def run(event):
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(event)], cwd=desk, capture_output=True, text=True, check=False
        )

    whole = run(-1)
    assert whole.returncode == 0, whole.stderr
    events = int(whole.stdout)
    (desk / "mixed").rename(desk / "whole")
    for event in sorted({0, 1, events // 3, 2 * events // 3, events - 1}):
        killed = run(event)
        assert killed.returncode == -signal.SIGKILL
        assert not (desk / "mixed" / "manifest.json").exists()
        assert run(-1).returncode == 0
        for path in (desk / "whole").iterdir():
            assert (desk / "mixed" / path.name).read_bytes() == path.read_bytes(), path.name
        assert {path.name for path in (desk / "mixed").iterdir()} == {path.name for path in (desk / "whole").iterdir()}
        (desk / "mixed").rename(desk / f"after-{event}")


def test_a_full_disk_is_said_and_nothing_is_half_written(desk, uncollapse, monkeypatch):
    import errno

    from uncollapse.selection import aside

    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(aside._Filling, "flush", full)
    mix = ("mix", "--human", "essays.jsonl", "--synthetic", "made.jsonl", "--human-share", "0.6", "-o", "mixed/")
    done = uncollapse(*mix)
    assert done.code == 2
    assert "there is no space left" in done.err
    assert not (desk / "mixed" / "manifest.json").exists()
    monkeypatch.undo()
    monkeypatch.chdir(desk)
    assert uncollapse(*mix).code == 0


def test_cards_are_written_read_and_never_over_somebody_elses_papers(uncollapse, desk):
    uncollapse("mix", "--human", "essays.jsonl", "--human-share", "1", "-o", "mixed/")
    (desk / "card").mkdir()
    (desk / "card" / "README.md").write_text("# Mine\n")
    refused = uncollapse("card", "mixed/", "-o", "card/")
    assert refused.code == 2
    assert "README.md is there already" in refused.err
    assert (desk / "card" / "README.md").read_text() == "# Mine\n"
    for _ in range(2):
        assert uncollapse("card", "mixed/", "-o", "mixed/").code == 0
    assert uncollapse("verify", "mixed/").code == 0
    told = json.loads(uncollapse("card", "--read", "mixed/croissant.json", "--json").out)
    assert (told["origin"], told["basis"], told["by record"]) == ("human", "publisher_declared", "origin")
    assert json.loads(uncollapse("card", "mixed/", "-o", "mixed/", "--json").out)["holdings"]["rows"] == 12
    for words in ((), ("mixed/",), ("mixed/", "--read", "mixed/croissant.json"), ("essays.jsonl", "-o", "x/")):
        assert uncollapse("card", *words, "--json").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "card/", "--date", "foo"), "--date"),
        (("-o", "card/", "--date", "2026-02-30"), "--date"),
        (("-o", "human.jsonl"), "-o takes a folder"),
        (("-o", "kept/"), "kept is a reserve"),
    ],
)
def test_papers_that_cannot_be_are_refused(uncollapse, desk, words, said):
    write_rows(desk / "human.jsonl", [{"text": f"An essay, the one numbered {n}."} for n in range(8)])
    write_rows(desk / "made.jsonl", [{"text": f"A made text, the one numbered {n}."} for n in range(8)])
    assert (
        uncollapse(
            "mix", "--human", "human.jsonl", "--synthetic", "made.jsonl", "--human-share", "0.5", "-o", "mixed/"
        ).code
        == 0
    )
    ground = ("--basis", "declaration", "--by", "me")
    assert uncollapse("reserve", "add", "kept", "human.jsonl", *ground).code == 0
    before = sorted(path.name for path in (desk / "kept").iterdir())
    done = uncollapse("card", "mixed/", *words)
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert sorted(path.name for path in (desk / "kept").iterdir()) == before
    assert not (desk / "card").exists()
