"""`uncollapse contest` as a person types it."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def desk(desk):
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(80)]
    weights = 1 / np.arange(1, 81)
    (desk / "book.txt").write_text(" ".join(rng.choice(words, 2000, p=weights / weights.sum())))
    return desk


ASKED = ("contest", "book.txt", "--length", "20", "--generations", "2", "--seeds", "2", "-o", "out/")


def test_a_contest_is_told_kept_and_gone_on_with(uncollapse, desk):
    done = uncollapse(*ASKED, "--arms", "replace,real,human50")
    assert done.code == 0, done.err
    assert "1. real" in done.out
    assert "By the counted student, a toy, human50 stays nearest" in done.out
    table = pq.read_table(desk / "out" / "results.parquet")
    assert table.num_rows == 3 * 2 * 3 * 7
    assert (desk / "out" / "index.html").read_text().startswith("<!DOCTYPE html>")
    before = table.to_pylist()
    more = uncollapse(*ASKED, "--arms", "replace,real,human50,arbitrate-capped", "--json")
    told = json.loads(more.out)
    assert len(told["students"]["counted"]["arms"]) == 4
    after = pq.read_table(desk / "out" / "results.parquet").to_pylist()
    assert [row for row in after if row["arm"] != "arbitrate-capped"] == before
    other = uncollapse(*ASKED, "--arms", "replace", "--generations", "3")
    assert other.code == 2
    assert "units of another contest" in other.err


def test_a_story_holds_a_contest(uncollapse, desk):
    (desk / "story.yaml").write_text(
        "steps:\n  - contest:\n      corpus: book.txt\n      arms: [replace, real]\n      seeds: 1\n"
        "      generations: 1\n      length: 20\n      output: out/\n"
    )
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert (desk / "out" / "index.html").exists()


def test_copies_and_broken_rows_are_counted_and_texts_say_what_was_asked(uncollapse, desk):
    words = (desk / "book.txt").read_text().split()
    half = [" ".join(words[:1000]), " ".join(words[1000:])]
    (desk / "rows.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in [*half, half[0]]) + "{broken\n"
    )
    asked = ("contest", "rows.jsonl", *ASKED[2:], "--seeds", "1", "--arms", "replace,best-of-n", "--oversampled", "2")
    refused = uncollapse(*asked)
    assert refused.code == 2
    assert "--max-rejects" in refused.err
    done = uncollapse(*asked, "--max-rejects", "1")
    assert done.code == 3, done.err
    assert "left out, since the same text came before: 1 documents, 0 pieces" in done.out
    assert "left out, since they cannot be read: 1 rows" in done.out
    told = json.loads((desk / "out" / "summary.json").read_text())
    left = [told["text"][name] for name in ("pieces", "copied documents left out", "rows that cannot be read")]
    assert left == [100, 1, 1]
    said = {each["arm"]: each["what"] for each in told["students"]["counted"]["arms"]}
    assert said["best-of-n"] == "for each opening the likeliest of 2 samples"
    page = (desk / "out" / "index.html").read_text()
    assert said["best-of-n"] in page
    assert "1 documents and 0 pieces that came before left out" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no text was named"),
        (("absent.txt",), "absent.txt"),
        (("book.txt", "--length", "200"), "a contest needs 50"),
        (("book.txt", "--arms", "replace,collapse"), "no arm 'collapse'"),
        (("book.txt", "--arms", ","), "--arms"),
        (("book.txt", "--students", "large"), "no student 'large'"),
        (("book.txt", "--students", "counted,counted"), "once each"),
        (("book.txt", "--generations", "0"), "--generations"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(uncollapse, desk, words, said):
    done = uncollapse("contest", *words, "-o", "out/")
    assert done.code == 2
    assert said in done.err
    assert "try:" in done.err
    assert not (desk / "out").exists()
