"""Where the documents of a verb are worked: flags, recipes, and what a whole story is told."""

import pytest

from uncollapse.cli import editing_run, mixing_run, selecting_run, story
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


@pytest.mark.parametrize("room", [editing_run, mixing_run, selecting_run])
def test_each_verb_hands_the_cluster_on(room, uncollapse, model, desk, monkeypatch):
    told = {}

    def note(*_, **options):
        told.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(room.execution, "run", note)
    words = {
        editing_run: ["edit", "essays.jsonl", "--model", model],
        mixing_run: ["mix", "--human", "essays.jsonl", "--human-share", 1],
        selecting_run: ["select", "essays.jsonl", "--method", "random", "--budget", 3],
    }[room]
    assert uncollapse(*words, "-o", "out", "--engine", "ray", "--gpus-per-worker", 1, "--workers", 4).code == 130
    assert (told["cluster"], told["workers"]) == (Cluster(gpus_per_worker=1.0), 4)
