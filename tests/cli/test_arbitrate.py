"""`uncollapse arbitrate` as a person types it."""

import json

import pytest

from desk import SENTENCES, read_rows, write_rows


@pytest.fixture
def desk(desk):
    for at, name in enumerate("ab"):
        rows = [
            {"text": f"{SENTENCES[(i + at) % 4]} {name}{i}", "prompt": i % 6, "good": (i * 7 + at * 3) % 11}
            for i in range(12)
        ]
        write_rows(desk / f"{name}.jsonl", rows)
    return desk


ASKED = ("arbitrate", "a.jsonl", "b.jsonl", "--score", "good", "--group", "prompt")


def test_winners_are_told_by_teacher_and_verified(uncollapse, desk):
    done = uncollapse(*ASKED, "--cap-teacher", "0.5", "-o", "best/")
    assert done.code == 0, done.err
    assert "of 24 candidates in 6 groups 6 are kept, by column good" in done.out
    assert "50.0 %" in done.out
    assert uncollapse("verify", "best/").code == 0
    again = uncollapse(*ASKED, "--cap-teacher", "0.5", "-o", "best/")
    assert "nothing to do" in again.out
    other = uncollapse(*ASKED, "-o", "best/")
    assert other.code == 2
    assert "cap_teacher" in other.err


def test_the_account_as_json_is_one_document(uncollapse, desk):
    done = uncollapse(*ASKED, "--lowest", "-o", "best.jsonl", "--json")
    told = json.loads(done.out)
    assert told["rows"]["out"] == 6
    rows = read_rows(desk / "best.jsonl")
    assert told["arbitration"]["mean score"]["kept"] == sum(row["good"] for row in rows) / 6
    assert {row["arbitration_rivals"] for row in rows} == {3}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.jsonl",), "no score was named"),
        (("--score", "good"), "no pool was named"),
        (("a.jsonl", "--score", "good"), "row 1: its ledger names no parent"),
        (("absent.jsonl", "--score", "good"), "absent.jsonl"),
        (("a.jsonl", "a.jsonl", "--score", "good", "--group", "prompt"), "named twice"),
        (("a.jsonl", "--score", "good", "--group", "prompt", "--cap-teacher", "0.5"), "do not allow it"),
        (("a.jsonl", "--score", "good", "--group", "prompt", "--random-floor", "2"), "--random-floor"),
        (("a.jsonl", "--score", "good", "--group", "prompt", "--cap-stratum", "prompt"), "--cap-stratum"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(uncollapse, desk, words, said):
    done = uncollapse("arbitrate", *words, "-o", "best/")
    assert done.code == 2
    assert said in done.err
    assert "try:" in done.err
    assert not (desk / "best").exists()


def test_a_story_arbitrates(uncollapse, desk):
    (desk / "story.yaml").write_text(
        "steps:\n  - arbitrate:\n      pools: [a.jsonl, b.jsonl]\n      score: good\n      group: prompt\n"
        "      cap-stratum: prompt=0.5\n      output: best/\n"
    )
    assert uncollapse("run", "story.yaml").code == 0
    assert (desk / "best" / "manifest.json").exists()


@pytest.mark.parametrize("score", ["likelihood", "lexical-diversity"])
def test_two_workers_find_the_winners_of_one(uncollapse, desk, model, score):
    words = ["arbitrate", "a.jsonl", "b.jsonl", "--score", score, "--group", "prompt"]
    words += ["--model", model] if score == "likelihood" else []
    assert uncollapse(*words, "-o", "one/").code == 0
    done = uncollapse(*words, "-o", "two/", "--workers", 2)
    assert done.code == 0, done.err
    one, two = (
        {path.name: path.read_bytes() for path in (desk / name).rglob("*") if path.is_file()} for name in ("one", "two")
    )
    assert one == two


def test_a_row_that_cannot_be_scored_is_named_by_workers_too(uncollapse, desk):
    write_rows(desk / "c.jsonl", [{"text": "some words", "prompt": 1}, {"text": "...", "prompt": 1}])
    words = ("arbitrate", "c.jsonl", "--score", "lexical-diversity", "--group", "prompt", "-o", "best/")
    here, there = uncollapse(*words), uncollapse(*words, "--workers", 2)
    assert (here.code, here.err) == (there.code, there.err)
    assert (here.code, "c.jsonl, row 2 cannot be scored: the text has no word" in here.err) == (2, True)
    assert not (desk / "best").exists()


def test_the_first_row_that_is_wrong_is_named_by_any_number_of_workers(uncollapse, desk):
    rows = [{"text": f"words {n}" if n else "...", "prompt": n // 2 if n < 150 else None} for n in range(200)]
    write_rows(desk / "c.jsonl", rows)
    words = ("arbitrate", "c.jsonl", "--score", "lexical-diversity", "--group", "prompt", "-o", "best/")
    for workers in (1, 2):
        done = uncollapse(*words, "--workers", workers)
        assert (done.code, "c.jsonl, row 1 cannot be scored" in done.err) == (2, True), done.err
