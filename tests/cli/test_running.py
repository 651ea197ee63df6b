"""Where the documents of a verb are worked: flags, recipes, and what a whole story is told."""

import json
import sys
from contextlib import nullcontext

import pytest

from uncollapse import execution
from uncollapse.cli import story
from uncollapse.cli.running import Running, unless_said
from uncollapse.errors import UsageError
from uncollapse.execution import Cluster


def test_here_unless_said_and_then_on_the_cluster_that_is_said():
    assert Running().cluster() is None
    assert Running(engine="ray").cluster() == Cluster()
    asked = Running(engine="ray", address="auto", gpus_per_worker=0.5)
    assert asked.cluster() == Cluster(address="auto", gpus_per_worker=0.5)


def test_what_a_verb_says_itself_comes_before_what_its_story_says():
    wanted = {"engine": "ray", "address": "auto", "workers": 3}
    assert unless_said({"seed": 1}, wanted) == {**wanted, "seed": 1}
    assert unless_said({"workers": 2}, wanted) == {**wanted, "workers": 2}
    # Half of what one says and half of what the other says would be neither.
    assert unless_said({"engine": "local"}, wanted) == {"engine": "local", "workers": 3}
    assert unless_said({"gpus-per-worker": 1, "engine": "ray"}, wanted) == {
        "gpus-per-worker": 1,
        "engine": "ray",
        "workers": 3,
    }


@pytest.fixture
def recipe(desk):
    path = desk / "story.yaml"
    path.write_text(
        "steps:\n"
        "  - mix: {human: essays.jsonl, output: mixed/}\n"
        "  - select: {inputs: mixed/, method: random, budget: 3, output: kept/, engine: local}\n"
        "  - verify: {corpus: kept/}\n"
    )
    return path


def test_a_story_runs_where_it_is_said_but_for_verbs_that_say_it_themselves(recipe):
    chapters = story.read_story(recipe, wanted={"engine": "ray", "address": "auto", "workers": 2})
    assert [getattr(chapter.job, "engine", None) for chapter in chapters] == ["ray", "local", None]
    assert [getattr(chapter.job, "address", None) for chapter in chapters] == ["auto", None, None]
    assert [getattr(chapter.job, "workers", None) for chapter in chapters] == [2, 2, None]


def test_what_makes_no_sense_is_refused_before_the_story_begins(uncollapse, recipe, desk):
    done = uncollapse("run", recipe, "--address", "auto")
    assert (done.code, (desk / "mixed").exists()) == (2, False)
    assert "--address has no meaning with --engine local" in done.err
    with pytest.raises(UsageError, match="engine"):
        story.read_story(recipe, wanted={"engine": "spark"})


@pytest.mark.parametrize(
    "words",
    [
        ["edit", "essays.jsonl", "--model", "model"],
        ["revert", "essays.jsonl"],
        ["generate", "--continue", "essays.jsonl", "--model", "model"],
        ["mix", "--human", "essays.jsonl", "--human-share", 1],
        ["select", "essays.jsonl", "--method", "random", "--budget", 3],
        ["arbitrate", "rivals.jsonl", "--score", "length", "--group", "n"],
    ],
    ids=lambda words: words[0],
)
def test_each_verb_runs_where_it_is_said_and_ray_does_not_speak_on_stdout(words, uncollapse, model, desk, monkeypatch):
    told = {}

    def note(*_, **options):
        told.update(options)
        sys.stdout.write("(raylet) a worker was lost\n")
        raise KeyboardInterrupt

    rivals = [{"text": "one", "n": 1, "length": 3}, {"text": "two and two", "n": 1, "length": 11}]
    (desk / "rivals.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rivals))
    (desk / "model").symlink_to(model)
    monkeypatch.setattr(execution, "run", note)
    monkeypatch.setattr("uncollapse.execution.there.there", lambda *_: nullcontext())
    monkeypatch.setattr("uncollapse.execution.cluster.connected", lambda *_: nullcontext())
    done = uncollapse(*words, "-o", "out", "--engine", "ray", "--gpus-per-worker", 1, "--workers", 4)
    assert (done.code, done.out) == (130, "")
    assert "(raylet) a worker was lost" in done.err
    assert (told["cluster"], told["workers"]) == (Cluster(gpus_per_worker=1.0), 4)
