"""`uncollapse train` as a person types it."""

import json

import pytest
import yaml

from desk import SENTENCES, read_rows, write_rows

SHORT = ("--tokens", 3_000, "--context", 32, "--batch-tokens", 128)


@pytest.fixture
def pairs(desk):
    rows = [
        {"instruction": SENTENCES[i % 4], "input": "a cat" * (i % 2), "output": SENTENCES[(i + 1) % 4]}
        for i in range(12)
    ]
    write_rows(desk / "pairs.jsonl", rows)
    return "pairs.jsonl"


def account_of(folder):
    return json.loads((folder / "training.json").read_text())


def test_a_model_from_scratch_that_the_other_verbs_take(uncollapse, desk):
    done = uncollapse("train", "essays.jsonl", "-o", "model", *SHORT)
    assert done.code == 0, done.err
    assert "note: the texts were read" in done.out
    assert "0 (learned from people alone), so that what it writes is 1 deep" in done.out
    account = account_of(desk / "model")
    assert (account["model_depth"], account["origins"]) == (0, {"human": 12})
    made = uncollapse(
        "generate",
        "--continue",
        "essays.jsonl",
        "-o",
        "made",
        "--model",
        "model",
        "--opening-tokens",
        4,
        "--max-tokens",
        8,
    )
    assert made.code == 0, made.err
    # The ledger says how deep a text is that a model of known descent wrote: one more than what it learned from.
    traced = json.loads(uncollapse("trace", "made", "--json").out)
    assert "1" in json.dumps(traced)
    verified = uncollapse("verify", "made", "--json")
    models = json.loads((desk / "made" / "manifest.json").read_text())["models"]
    (entry,) = models.values()
    assert (entry["model_depth"], entry["trained_on"]) == (0, account["trained_on"])
    assert verified.code == 0


def test_a_model_that_learned_from_a_models_text_is_deeper(uncollapse, desk, model):
    uncollapse(
        "generate",
        "--continue",
        "essays.jsonl",
        "-o",
        "made",
        "--model",
        model,
        "--opening-tokens",
        4,
        "--max-tokens",
        30,
    )
    done = uncollapse("train", "made", "-o", "second", *SHORT, "--json")
    assert done.code == 0, done.err
    account = json.loads(done.out)
    contents = json.loads((desk / "made" / "manifest.json").read_text())["roots"]["contents"]
    assert contents in account["trained_on"]
    assert account["origins"] == {"synthetic": 12}
    # The counted model that wrote it does not say what it learned from: it counts with depth 1.
    assert account["model_depth"] == 2


def test_twice_and_another(uncollapse, desk):
    words = ("train", "essays.jsonl", "-o", "model", *SHORT)
    uncollapse(*words)
    before = (desk / "model" / "model.safetensors").read_bytes()
    again = uncollapse(*words)
    assert (again.code, (desk / "model" / "model.safetensors").read_bytes()) == (0, before)
    assert "nothing to do" in again.out
    other = uncollapse(*words, "--seed", 3)
    assert other.code == 2
    assert "seed: 0, now 3" in other.err


def test_instructions_are_learned_by_their_answers(uncollapse, desk, pairs):
    uncollapse("train", "essays.jsonl", "-o", "base", *SHORT)
    words = ("train", pairs, "-o", "tuned", "--from", "base", "--objective", "instruct", *SHORT)
    done = uncollapse(*words, "--learning-rate", 0.01, "--json")
    assert done.code == 0, done.err
    account = json.loads(done.out)
    assert account["losses"][-1][1] < account["losses"][0][1]
    # Answers and their ends alone: fewer than the tokens that are there.
    assert account["tokens"] < account["epochs"] * account["data"]["tokens"]


def test_adapters(uncollapse, desk):
    pytest.importorskip("peft")
    uncollapse("train", "essays.jsonl", "-o", "base", *SHORT)
    done = uncollapse("train", "essays.jsonl", "-o", "tuned", "--from", "base", "--lora", 4, *SHORT)
    assert done.code == 0, done.err
    assert (desk / "tuned" / "model.safetensors").read_bytes() != (desk / "base" / "model.safetensors").read_bytes()
    assert not list((desk / "tuned").glob("adapter*"))


def test_a_story_that_trains_and_writes(uncollapse, desk):
    story = {
        "steps": [
            {
                "train": {
                    "inputs": "essays.jsonl",
                    "output": "model/",
                    "tokens": 500,
                    "context": 32,
                    "batch-tokens": 128,
                }
            },
            {
                "generate": {
                    "continue": "essays.jsonl",
                    "output": "made.jsonl",
                    "model": "model/",
                    "opening-tokens": 4,
                    "max-tokens": 6,
                }
            },
        ]
    }
    (desk / "story.yaml").write_text(yaml.safe_dump(story))
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert len(read_rows(desk / "made.jsonl")) == 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no input"),
        (("nothing.jsonl",), "nothing.jsonl"),
        (("essays.jsonl", "--tokens", 0), "--tokens"),
        (("essays.jsonl", "--from", "nobody"), "no model answers to 'nobody'"),
        (("essays.jsonl", "--from", "smollm2-135m", "--size", "tiny"), "its own"),
        (("essays.jsonl", "--objective", "continual"), "nothing to go on from"),
        (("essays.jsonl", "--objective", "pretrain", "--from", "smollm2-135m"), "is trained already"),
        (("essays.jsonl", "--objective", "instruct"), "--answer-column NAME"),
        (("essays.jsonl", "--answer-column", "n"), "no meaning with --objective pretrain"),
        (("essays.jsonl", "--lora", 8), "adapters learn beside"),
        (("essays.jsonl", "--batch-tokens", 1_000_000), "less than one batch"),
    ],
)
def test_what_cannot_be_is_refused_and_no_model_is_there(uncollapse, desk, words, said):
    done = uncollapse("train", *words, "-o", "model")
    assert done.code == 2
    assert said in done.err
    assert not (desk / "model" / "config.json").exists()


def test_answers_that_are_not_there(uncollapse, desk):
    write_rows(desk / "asked.jsonl", [{"instruction": "Say it."}])
    done = uncollapse("train", "asked.jsonl", "-o", "model", "--objective", "instruct", "--from", "smollm2-135m")
    assert done.code == 2
    assert "no column with the answer" in done.err


def test_rows_that_cannot_be_read_are_left_out_as_far_as_is_allowed(uncollapse, tmp_path):
    rows = [json.dumps({"text": f"{SENTENCES[number % 4]} {number}"}) for number in range(60)]
    (tmp_path / "mostly.jsonl").write_text("\n".join([*rows, '{"text": ', json.dumps({"text": 5})]))
    words = ("train", tmp_path / "mostly.jsonl", "-o", tmp_path / "model", *SHORT)
    refused = uncollapse(*words)
    assert refused.code == 2
    done = uncollapse(*words, "--max-rejects", 2)
    assert done.code == 3, done.err
    assert "60, and 2 rows that cannot be read" in done.out
