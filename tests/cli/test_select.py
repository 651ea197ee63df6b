"""`uncollapse select` as a person types it: the table, the page, the exit codes, a story."""

import json

import pytest
import yaml

from desk import write_rows
from made_text import made

POOL = [*made(90, seed=1, length=60), *made(30, seed=2, length=60, subjects=(1,))]


@pytest.fixture
def desk(desk):
    write_rows(
        desk / "pool.jsonl", [{"text": text, "score": n % 5, "topic": f"t{n % 3}"} for n, text in enumerate(POOL)]
    )
    write_rows(desk / "human.jsonl", [{"text": text} for text in made(40, seed=3)])
    return desk


def test_a_choice_is_told_beside_chance_and_verified(uncollapse, desk):
    words = (
        "select",
        "pool.jsonl",
        "--method",
        "coverage",
        "--reference",
        "human.jsonl",
        "--budget",
        "40",
        "-o",
        "kept/",
    )
    done = uncollapse(*words, "--strata", "topic")
    assert done.code == 0, done.err
    assert "judged by held-out reference" in done.out
    assert "rare words of the judge that are there" in done.out
    assert "share of words by topic" in done.out
    assert "80 rows left out: not chosen" in done.out
    assert (desk / "kept" / "index.html").is_file()
    assert uncollapse("verify", "kept/").code == 0
    again = uncollapse(*words, "--strata", "topic")
    assert again.code == 0
    assert "nothing to do" in again.out
    other = uncollapse(*words[:-3], "41", "-o", "kept/", "--strata", "topic")
    assert other.code == 2
    assert "asked.budget: 40, now 41" in other.err


def test_the_account_as_json_is_one_document(uncollapse, desk):
    done = uncollapse("select", "pool.jsonl", "--budget", "30", "-o", "kept.jsonl", "--json")
    told = json.loads(done.out)
    assert told["rows"]["out"] == 30
    assert told["selection"]["asked"]["method"] == "random"
    assert (desk / "kept.jsonl.index.html").is_file()


def test_a_loss_is_refused_with_its_table_and_nothing_is_written(uncollapse, desk):
    rows = [{"text": text, "surprise": 1.0} for text in POOL] + [{"text": "the cat sat", "surprise": 0.0}] * 100
    write_rows(desk / "poor.jsonl", rows)
    words = (
        "select",
        "poor.jsonl",
        "--method",
        "likelihood",
        "--score",
        "surprise",
        "--band",
        "0:0.4",
        "--budget",
        "80",
    )
    done = uncollapse(*words, "-o", "kept/")
    assert done.code == 1
    assert "would lose" in done.err
    assert "rare words of the judge that are there" in done.err
    assert not (desk / "kept").exists()
    assert uncollapse(*words, "-o", "kept/", "--force").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--budget", "500"), "the pool holds 120"),
        (("--method", "coverage", "--budget", "5"), "--reference"),
        (("--method", "quality", "--score", "grade", "--budget", "5"), "no column 'grade'"),
        (("--method", "random", "--alpha", "0.5", "--budget", "5"), "random has no 'alpha'"),
        (("--budget", "5", "--cap", "topic"), "--cap topic names no column and share"),
        (("--method", "coverage", "--orders", "a", "--budget", "5"), "--orders a"),
        ((), "random needs a budget"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(uncollapse, desk, words, said):
    done = uncollapse("select", "pool.jsonl", *words, "-o", "kept/")
    assert done.code == 2
    assert said in done.err
    assert not (desk / "kept").exists()


def test_a_cap_holds(uncollapse, desk):
    done = uncollapse(
        "select", "pool.jsonl", "--budget", "30", "--cap", "topic=0.34", "-o", "kept/", "--strata", "topic", "--json"
    )
    assert done.code == 0, done.err
    rows = [each["rows"]["chosen"] for each in json.loads(done.out)["selection"]["strata"]["topic"]["listed"]]
    assert sorted(rows) == [10, 10, 10]


def test_a_story_may_choose(uncollapse, desk):
    steps = [
        {"select": {"inputs": "pool.jsonl", "method": "duplicates", "output": "kept/"}},
        {"verify": {"corpus": "kept/"}},
    ]
    (desk / "story.yaml").write_text(yaml.safe_dump({"steps": steps}))
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert (desk / "kept" / "manifest.json").is_file()


def test_two_workers_choose_what_one_chooses(uncollapse, desk, model):
    words = ("select", "pool.jsonl", "--method", "likelihood", "--model", model, "--budget", 30, "--force")
    assert uncollapse(*words, "-o", "one/").code == 0
    done = uncollapse(*words, "-o", "two/", "--workers", 2)
    assert done.code == 0, done.err
    one, two = (
        {path.name: path.read_bytes() for path in (desk / name).rglob("*") if path.is_file()} for name in ("one", "two")
    )
    assert one == two
