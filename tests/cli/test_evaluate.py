"""`uncollapse evaluate` as a person types it."""

import json
import math
import shutil

import pyarrow.parquet as pq
import pytest

from desk import SENTENCES, write_rows


@pytest.fixture
def heldout(desk):
    write_rows(desk / "heldout.jsonl", [{"text": sentence} for sentence in SENTENCES])
    return "heldout.jsonl"


@pytest.fixture
def tasks(desk):
    (desk / "tasks").mkdir()
    rows = [
        {"query": "The cat sat on the", "choices": ["mat", "of of"], "gold": 0},
        {"query": "The dog sat on the ", "choices": ["the the", "cat"], "gold": 1},
    ]
    write_rows(desk / "tasks" / "sits.jsonl", rows)
    return "tasks"


def test_measures_with_intervals(uncollapse, desk, model, heldout):
    done = uncollapse("evaluate", model, "--on", heldout, "-o", "result")
    assert done.code == 0, done.err
    assert "tail_perplexity" in done.out
    written = json.loads((desk / "result" / "metrics.json").read_text())
    assert [(card["backend"], card["dtype"]) for card in written["models"]] == [("counted", "float64")]
    told = written["metrics"]
    found = {line["measure"]: line for line in told}
    documents = pq.read_table(desk / "result" / "documents.parquet").to_pydict()
    nats, tokens = sum(documents["nats"]), sum(documents["tokens"])
    assert found["perplexity"]["value"] == pytest.approx(math.exp(nats / tokens))
    assert found["perplexity"]["low"] < found["perplexity"]["value"] < found["perplexity"]["high"]
    assert set(found["perplexity"]) == {"model", "file", "measure", "value", "low", "high"}


def test_models_side_by_side_and_files_as_domains(uncollapse, desk, model, heldout):
    uncollapse("train", "essays.jsonl", "-o", "small", "--tokens", 500, "--context", 32, "--batch-tokens", 128)
    done = uncollapse("evaluate", model, "small", "--on", heldout, "--on", "essays.jsonl", "--json")
    assert done.code == 0, done.err
    lines = json.loads(done.out)
    assert {(line["model"], line["file"]) for line in lines} == {
        (name, file) for name in (str(model), "small") for file in (heldout, "essays.jsonl")
    }
    # The counted model has read these very sentences, the other next to nothing.
    bits = {line["model"]: line["value"] for line in lines if line["measure"] == "bits_per_byte"}
    assert bits[str(model)] < bits["small"]


def test_questions(uncollapse, model, tasks):
    done = uncollapse("evaluate", model, "--tasks", "sits", "--task-files", tasks, "--json")
    assert done.code == 0, done.err
    found = {line["measure"]: line["value"] for line in json.loads(done.out)}
    assert found["acc"] == 1.0
    assert set(found) == {"acc", "acc_norm"}
    some = uncollapse("evaluate", model, "--tasks", "sits", "--task-files", tasks, "--limit", 1)
    assert some.code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no model was named"),
        (("{model}",), "nothing was named"),
        (("{model}", "--on", "none.jsonl"), "none.jsonl"),
        (("nobody", "--on", "heldout.jsonl"), "no model answers to 'nobody'"),
        (("{model}", "--tasks", "sits"), "--task-files DIR"),
        (("{model}", "--tasks", "stands", "--task-files", "tasks"), "stands.jsonl"),
        (("{model}", "--tasks", "broken", "--task-files", "tasks"), "line 2"),
        (("{model}", "--tasks", "strange", "--task-files", "tasks"), "no known form"),
        (("{model}", "--on", "blank.jsonl"), "blank.jsonl"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(uncollapse, desk, model, heldout, tasks, words, said):
    (desk / "tasks" / "broken.jsonl").write_text('{"query": "a", "choices": ["b"], "gold": 0}\n{"query\n')
    (desk / "tasks" / "strange.jsonl").write_text('{"riddle": "a"}\n')
    write_rows(desk / "blank.jsonl", [{"text": " "}])
    done = uncollapse("evaluate", *(str(model) if word == "{model}" else word for word in words), "-o", "result")
    assert done.code == 2, done.out
    assert said in done.err
    assert not (desk / "result").exists()


def test_a_folder_of_others_is_not_written_into(uncollapse, desk, model, heldout):
    (desk / "notes").mkdir()
    (desk / "notes" / "mine.txt").write_text("mine")
    done = uncollapse("evaluate", model, "--on", heldout, "-o", "notes")
    assert (done.code, "mine.txt" in done.err) == (2, True)


def test_rows_that_cannot_be_read_are_left_out_as_far_as_is_allowed(uncollapse, desk, model, heldout):
    whole = uncollapse("evaluate", model, "--on", heldout, "--json")
    with (desk / heldout).open("a") as file:
        file.write('{"text": \n')
    refused = uncollapse("evaluate", model, "--on", heldout)
    assert refused.code == 2
    assert "heldout.jsonl, line 5: broken JSON" in refused.err
    done = uncollapse("evaluate", model, "--on", heldout, "--max-rejects", 1, "--json")
    assert done.code == 3
    assert "heldout.jsonl: 1 rows cannot be read and were left out" in done.err
    assert json.loads(done.out) == json.loads(whole.out)


def test_two_workers_give_the_bytes_of_one(uncollapse, desk, model, tasks, monkeypatch):
    write_rows(desk / "long.jsonl", [{"text": f"{' '.join(SENTENCES)} It was number {n}. " * 20} for n in range(300)])
    words = ("evaluate", model, "--on", "long.jsonl", "--on", "essays.jsonl", "--tasks", "sits", "--task-files", tasks)
    assert uncollapse(*words, "-o", "one").code == 0
    done = uncollapse(*words, "-o", "two", "--workers", 2)
    assert done.code == 0, done.err
    for name in ("metrics.json", "documents.parquet"):
        assert (desk / "two" / name).read_bytes() == (desk / "one" / name).read_bytes()


def test_where_it_runs_is_refused_before_anything_is_read(uncollapse, model, heldout):
    done = uncollapse("evaluate", model, "--on", heldout, "--gpus-per-worker", 1)
    assert (done.code, "--gpus-per-worker has no meaning with --engine local" in done.err) == (2, True)


def test_a_model_that_has_learned_from_the_text_is_named(uncollapse, desk, heldout):
    uncollapse("train", "essays.jsonl", "-o", "small", "--tokens", 500, "--context", 32, "--batch-tokens", 128)
    done = uncollapse("evaluate", "small", "--on", heldout, "--on", "essays.jsonl")
    assert done.code == 0
    assert "small has learned from essays.jsonl, as its training.json says" in done.err
    assert heldout not in done.err


def test_models_are_told_apart_by_how_they_were_named(uncollapse, desk, model, heldout):
    for name in ("one", "two"):
        shutil.copytree(model, desk / name / "same")
    done = uncollapse("evaluate", "one/same", "two/same", "--on", heldout, "-o", "out/")
    assert done.code == 0, done.err
    lines = json.loads((desk / "out/metrics.json").read_text())["metrics"]
    assert {line["model"] for line in lines} == {"one/same", "two/same"}


def test_the_harness_has_nothing_for_workers(uncollapse, model, monkeypatch):
    from uncollapse.evaluation import harness

    monkeypatch.setattr(harness, "run_harness", lambda *_, **__: iter([("t", "accuracy", 0.5, 0.4, 0.6)]))
    done = uncollapse("evaluate", model, "--harness", "t", "--workers", "2")
    assert done.code == 0, done.err
    assert "there is nothing here for workers" in done.err


def test_an_interrupt_says_that_nothing_is_kept(uncollapse, desk, model, heldout, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("uncollapse.evaluation.gathered_texts", interrupt)
    done = uncollapse("evaluate", model, "--on", heldout, "-o", "result")
    assert done.code == 130
    assert done.err.startswith("stopped: nothing was written; the same command begins anew\n")
    assert not (desk / "result").exists()
