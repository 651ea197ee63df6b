"""`uncollapse trial` as a person types it, with a prior and models that take moments."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from desk import write_rows
from uncollapse.language_models import CountedModel

NAMES = ("cat", "dog", "bird")
PLACES = ("mat", "rug", "wall")


def sentences(seed: int, count: int) -> list[str]:
    """Texts of sentences much like those that the prior has counted."""
    rng = np.random.default_rng(seed)
    return [
        " ".join(
            f"The {NAMES[rng.integers(3)]} sat on the {PLACES[rng.integers(3)]} and looked at {rng.integers(1000)} birds."
            for _ in range(int(rng.integers(4, 9)))
        )
        for _ in range(count)
    ]


@pytest.fixture
def desk(desk):
    write_rows(desk / "web.jsonl", [{"text": text} for text in sentences(0, 60)])
    write_rows(desk / "made.jsonl", [{"text": "blue blue green red " * 12 + f"number {at}."} for at in range(60)])
    write_rows(desk / "wiki.jsonl", [{"text": text + " So it was."} for text in sentences(1, 40)])
    write_rows(
        desk / "asked.jsonl",
        [{"instruction": f"What did they do on day {at}?", "output": text} for at, text in enumerate(sentences(2, 60))],
    )
    write_rows(
        desk / "answered.jsonl",
        [{"instruction": f"Which colours has flag {at}?", "output": "blue blue green red " * 12} for at in range(60)],
    )
    return desk


ASKED = (
    "--words",
    "700",
    "--answer-words",
    "500",
    "--held-out",
    "10",
    "--context",
    "32",
    "--batch-tokens",
    "256",
    "--workers",
    "1",
)


def test_a_trial_is_told_kept_and_gone_on_with(uncollapse, desk, model):
    asked = (
        *("trial", "web.jsonl", "--synthetic", "made.jsonl", "--prior", model, *ASKED, "--tokens", "6000"),
        *("--seeds", "2", "-o", "out/"),
    )
    done = uncollapse(*asked, "--arms", "bold,random,delete,half-synthetic")
    assert done.code == 0, done.err
    told = json.loads((desk / "out/trial.json").read_text())
    edits = told["edits"]["plain"]
    assert edits["bold"]["changed"] == edits["random"]["changed"] == edits["delete"]["changed"] > 0
    arms = told["objectives"]["scratch"]["arms"]
    assert list(arms) == ["none", "bold", "random", "delete", "half-synthetic"]
    learned = [arm["tokens learned"] for arm in arms.values()]
    assert max(learned) - min(learned) <= 256
    half = arms["half-synthetic"]["against"]["none"]["perplexity"]
    assert half["value"] > 0
    assert told["sentence"] in done.out
    assert "Holm's p" in done.out
    assert "tail perplexity" not in done.out  # 80 columns
    assert "too narrow for stand in out/trial.md" in done.out
    assert "… " not in (desk / "out/index.html").read_text()
    table = pq.read_table(desk / "out/results.parquet")
    assert table.num_rows == 5 * 2 * 10
    assert (desk / "out/index.html").read_text().startswith("<!DOCTYPE html>")
    assert told["sentence"] in (desk / "out/trial.md").read_text()
    more = uncollapse(*asked, "--arms", "paper,bold,random,delete,half-synthetic", "--json")
    assert more.code == 0, more.err
    again = json.loads(more.out)["objectives"]["scratch"]["arms"]
    assert again["bold"]["values"] == arms["bold"]["values"]
    assert "paper" in again
    unchanged = [arm for arm, each in json.loads(more.out)["edits"]["plain"].items() if not each["changed"]]
    said = [line for line in json.loads(more.out)["text"]["accounts"] if line.startswith("warning: ")]
    assert [line.split()[1] for line in said] == unchanged
    other = uncollapse(*asked, "--arms", "paper,half-synthetic", "--words", "600")
    assert other.code == 2
    assert "another study" in other.err


def test_other_questions_and_another_prior_under_the_same_names_are_another_study(uncollapse, desk, model):
    question = {"query": "the cat sat on the", "choices": ["mat", "blue"], "gold": 0}
    write_rows(desk / "quiz.jsonl", [question] * 3)
    shutil.copytree(model, desk / "prior")
    asked = (
        *("trial", "web.jsonl", "--prior", "prior", *ASKED, "--tokens", "600", "--seeds", "1", "--arms", "paper"),
        *("--tasks", "quiz", "--task-files", ".", "-o", "out/"),
    )
    assert uncollapse(*asked).code == 0
    write_rows(desk / "quiz.jsonl", [{**question, "gold": 1}] * 3)
    other = uncollapse(*asked)
    assert other.code == 2
    assert "another study: other tasks" in other.err
    write_rows(desk / "quiz.jsonl", [question] * 3)
    shutil.rmtree(desk / "prior")
    CountedModel.fit(sentences(7, 5), order=3).save(desk / "prior")
    other = uncollapse(*asked)
    assert other.code == 2
    assert "another study: other prior" in other.err


def test_all_three_objectives(uncollapse, desk, model):
    done = uncollapse(
        *("trial", "web.jsonl", "--synthetic", "made.jsonl", "--base", "wiki.jsonl", "--pairs", "asked.jsonl"),
        *("--synthetic-pairs", "answered.jsonl", "--prior", model, *ASKED, "--tokens", "2500", "--base-tokens", "2500"),
        *("--seeds", "2", "--arms", "released,half-synthetic", "-o", "out/", "--json"),
    )
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert list(told["objectives"]) == ["scratch", "continual", "instruct"]
    assert set(told["edits"]) == {"plain", "pairs"}
    assert told["comparisons"] == 6
    parts = sorted((desk / "out/text/pairs/released").glob("part-*.parquet"))
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    human = {row["row"]: row["text"] for row in pq.read_table(desk / "out/text/pairs/none.parquet").to_pylist()}
    assert all(row["question"].startswith("What did they do on day") for row in rows)
    changed = [row for row in rows if row["text"] != human[row["row"]]]
    assert len(changed) == told["edits"]["pairs"]["released"]["documents_changed"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--synthetic", "made.jsonl"), "no text was named"),
        (("web.jsonl", "--synthetic", "made.jsonl"), "no output was named"),
        (("web.jsonl", "-o", "out/"), "half-synthetic needs text written by models"),
        (("web.jsonl", "--arms", "bald", "-o", "out/"), "there is no arm 'bald'"),
        (("web.jsonl", "--arms", "none", "-o", "out/"), "nothing is held against text as it is"),
        (("web.jsonl", "--arms", "bold", "--objective", "continual", "-o", "out/"), "go on from a model"),
        (("web.jsonl", "--arms", "bold", "--pairs", "asked.jsonl", "-o", "out/"), "no objective learns from pairs"),
        (("web.jsonl", "--arms", "bold", "--tasks", "quiz", "-o", "out/"), "tasks stand in files"),
        (
            ("web.jsonl", "--arms", "bold", "--objective", "scratch", "--from", "x", "-o", "out/"),
            "goes on from no model",
        ),
        (("web.jsonl", "--arms", "bold", "--objective", "scratsch", "-o", "out/"), "objective"),
        (("nothing.jsonl", "--arms", "bold", "-o", "out/"), "nothing.jsonl"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(uncollapse, desk, asked, said):
    done = uncollapse("trial", *asked)
    assert done.code == 2
    assert said in done.err
    assert not (desk / "out").exists()


def test_a_context_beyond_the_model_that_is_gone_on_from_is_refused_at_once(uncollapse, desk, model):
    short = ("train", "wiki.jsonl", "-o", "short/", "--context", "32", "--tokens", "600", "--batch-tokens", "256")
    assert uncollapse(*short).code == 0
    done = uncollapse(
        *("trial", "web.jsonl", "--synthetic", "made.jsonl", "--objective", "continual", "--from", "short/"),
        *("--prior", model, "--context", "64", "-o", "out/"),
    )
    assert done.code == 2
    assert "a context of 64 is more than the model's 32" in done.err
    assert not (desk / "out").exists()


def test_the_same_file_on_both_sides_is_refused(uncollapse, desk, model):
    done = uncollapse("trial", "web.jsonl", "--synthetic", "web.jsonl", "--prior", model, *ASKED, "-o", "out/")
    assert done.code == 2
    assert "has 0 bytes of text that is apart from held-out text and not given as human too" in done.err
    assert not (desk / "out").exists()


def test_a_foreign_folder_is_left_alone(uncollapse, desk, model):
    (desk / "out").mkdir()
    (desk / "out/mine.txt").write_text("mine")
    done = uncollapse("trial", "web.jsonl", "--arms", "paper", "--prior", model, *ASKED, "-o", "out/")
    assert done.code == 2
    assert "holds files that no study has written" in done.err
    assert [path.name for path in (desk / "out").iterdir()] == ["mine.txt"]
