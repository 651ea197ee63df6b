"""`uncollapse collapse language` as a person types it."""

import json

import pyarrow.parquet as pq
import pytest

from desk import write_rows
from language_desk import documents

QUICK = (
    *("--block", "8", "--blocks", "24", "--held-blocks", "8", "--generations", "1", "--epochs", "1"),
    *("--batch-blocks", "4", "--seeds", "2", "--workers", "1", "-o", "lab/"),
)


@pytest.fixture
def desk(desk):
    write_rows(desk / "human.jsonl", [{"text": text} for text in documents()])
    return desk


def test_a_study_is_told_kept_and_gone_on_with(uncollapse, desk):
    done = uncollapse("collapse", "language", "human.jsonl", "--regime", "replace", *QUICK)
    assert done.code == 0, done.err
    assert "replace: after 1 generation the perplexity of held-out human text is" in done.out
    assert "30 documents; left out: 0 empty, 0 copies, 0 near copies" in done.out
    assert sorted(path.name for path in (desk / "lab").iterdir()) == [
        *("first", "histograms.parquet", "index.html", "pieces", "results.parquet", "summary.json", "text")
    ]
    assert sorted(path.name for path in (desk / "lab" / "first").iterdir()) == ["seed-0", "seed-1"]
    before = pq.read_table(desk / "lab" / "results.parquet").to_pylist()
    assert {row["regime"] for row in before} == {"real", "replace"}
    more = uncollapse("collapse", "language", "--corpus", "human.jsonl", "--regime", "replace,edit", *QUICK, "--json")
    told = json.loads(more.out)
    assert list(told["regimes"]) == ["real", "replace", "edit"]
    assert {told["regimes"][arm]["tokens"] for arm in told["regimes"]} == {24 * 8}
    after = pq.read_table(desk / "lab" / "results.parquet").to_pylist()
    assert str([row for row in after if row["regime"] != "edit"]) == str(before)
    histograms = pq.read_table(desk / "lab" / "histograms.parquet")
    assert sum(histograms["blocks"].to_pylist()) == 3 * 2 * 2 * 24
    page = (desk / "lab" / "index.html").read_text()
    for heading in ("Perplexity", "Tail perplexity", "Histograms: edit", "Beside Shumailov et al. 2024", "In words"):
        assert heading in page
    other = uncollapse("collapse", "language", "human.jsonl", "--regime", "replace", *QUICK, "--rate", "0.2")
    assert other.code == 2
    assert "--rate has no meaning without edit" in other.err
    other = uncollapse("collapse", "language", "human.jsonl", "--regime", "edit", *QUICK, "--rate", "0.2")
    assert other.code == 2
    assert "other settings" in other.err


def test_what_cannot_be_is_refused_before_anything_is_written(uncollapse, desk):
    asked = (
        ((), "no text was named"),
        (("human.jsonl",), "no output was named"),
        (("human.jsonl", "-o", "lab/", "--regime", "collapse"), "there is no regime 'collapse'"),
        (("human.jsonl", "-o", "lab/", "--regime", "mixed"), "one of laws"),
        (("human.jsonl", "-o", "lab/", "--beams", "3"), "--decoding beam"),
        (("human.jsonl", "-o", "lab/", "--generations", "0"), "--generations"),
        (("human.jsonl", "-o", "lab/", "--model", "nowhere/", "--size", "tiny"), "--size"),
        (("human.jsonl", "-o", "lab/", "--model", "nowhere/"), "nowhere"),
        (("absent.jsonl", "-o", "lab/"), "absent.jsonl"),
        (("human.jsonl", "-o", "lab/", "--block", "1000"), "--block"),
    )
    for words, said in asked:
        done = (
            uncollapse("collapse", "language", *words, "--json")
            if words
            else uncollapse("collapse", "language", "--json")
        )
        assert done.code == 2, words
        assert said in done.err, (words, done.err)
    assert not (desk / "lab").exists()


def test_a_folder_of_something_else_is_left_alone(uncollapse, desk):
    (desk / "lab").mkdir()
    (desk / "lab" / "letters.txt").write_text("dear")
    done = uncollapse("collapse", "language", "human.jsonl", "--regime", "replace", *QUICK)
    assert done.code == 2
    assert "no study has written" in done.err
    assert [path.name for path in (desk / "lab").iterdir()] == ["letters.txt"]
