"""Where the documents of a verb are worked: flags, recipes, and what a whole story is told."""

import json
import sys
from contextlib import nullcontext

import pytest

from uncollapse import execution, step
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
    monkeypatch.setattr(Running, "by_a_worker", lambda _, work: step.here(work))
    done = uncollapse(*words, "-o", "out", "--engine", "ray", "--gpus-per-worker", 1, "--workers", 4)
    assert (done.code, done.out) == (130, "")
    assert "(raylet) a worker was lost" in done.err
    assert (told["cluster"], told["workers"]) == (Cluster(gpus_per_worker=1.0), 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["edit", "absent.jsonl", "--model", "model"], "absent.jsonl"),
        (["edit", "essays.jsonl", "--model", "nobody"], "no model answers to 'nobody'"),
        (["edit", "essays.jsonl", "--model", "nobody", "--preview", 1], "no model answers to 'nobody'"),
        (["edit", "essays.jsonl", "--model", "model", "--threshold", 7], "--threshold"),
        (["generate", "--continue", "absent.jsonl", "--model", "model"], "absent.jsonl"),
        (["generate", "--continue", "essays.jsonl", "--model", "nobody"], "no model answers to 'nobody'"),
        (["select", "absent.jsonl", "--method", "likelihood", "--model", "model", "--budget", 3], "absent.jsonl"),
        (["select", "essays.jsonl", "--method", "likelihood", "--model", "nobody", "--budget", 3], "nobody"),
        (["arbitrate", "absent.jsonl", "--score", "likelihood", "--model", "model"], "absent.jsonl"),
        (["arbitrate", "essays.jsonl", "--score", "likelihood", "--model", "nobody"], "nobody"),
        (["audit", "essays.jsonl", "--model", "nobody"], "nobody"),
        (["detect", "essays.jsonl", "--model", "nobody"], "nobody"),
        (["evaluate", "nobody", "--on", "essays.jsonl"], "nobody"),
        (["evaluate", "model", "--on", "absent.jsonl"], "absent.jsonl"),
    ],
    ids=lambda words: " ".join(map(str, words[:2])) if isinstance(words, list) else "",
)
def test_bad_input_is_refused_before_a_cluster_is_asked(words, said, uncollapse, model, desk):
    pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
    (desk / "model").symlink_to(model)
    output = [] if "--preview" in words else ["-o", "out"]
    done = uncollapse(*words, *output, "--engine", "ray", "--address", "127.0.0.1:1")
    assert done.code == 2
    assert said in done.err
    assert "no Ray cluster answers" not in done.err
    assert not (desk / "out").exists()


def test_a_driver_without_the_engine_of_its_workers_asks_them(uncollapse, desk, tiny, monkeypatch):
    pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
    monkeypatch.setattr("uncollapse.language_models.precision.find_spec", lambda _: None)
    address = f"vllm:{tiny('llama')}"
    (desk / "story.yaml").write_text(f"steps:\n- edit: {{inputs: essays.jsonl, model: '{address}', output: edited}}\n")
    for words in (
        ["edit", "essays.jsonl", "--model", address, "-o", "out"],
        ["generate", "--continue", "essays.jsonl", "--model", address, "-o", "out"],
        ["detect", "essays.jsonl", "--model", address, "-o", "out"],
        ["audit", "essays.jsonl", "--model", address, "-o", "out"],
        ["evaluate", address, "--on", "essays.jsonl", "-o", "out"],
        ["run", "story.yaml"],
    ):
        here = uncollapse(*words)
        assert "vLLM is not installed" in here.err, words
        afar = uncollapse(*words, "--engine", "ray", "--address", "127.0.0.1:1")
        assert "no Ray cluster answers" in afar.err, words


def test_what_no_machine_of_ours_reads_asks_none(desk, model):
    job = Running(engine="ray", address="127.0.0.1:1")
    assert not job.read_here(str(model))
    assert job.read_here("smollm2-135m")
