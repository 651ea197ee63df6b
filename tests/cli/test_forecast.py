"""`uncollapse forecast` as a person types it."""

import json

import pyarrow.parquet as pq
import pytest

from desk import write_rows
from made_text import made
from uncollapse.corpora.storage import locked

SIDES = ("--human", "h.jsonl", "--synthetic", "s.jsonl")
ASKED = ("forecast", *SIDES, "--sizes", "counted", "--seeds", "2", "--shares", "0,.5,1", "--tokens", "8000")


@pytest.fixture
def desk(desk):
    write_rows(desk / "h.jsonl", [{"text": text, "topic": "ab"[at % 2]} for at, text in enumerate(made(150, seed=1))])
    write_rows(desk / "s.jsonl", [{"text": text} for text in made(120, seed=2, known=300)])
    question = {"query": "the sky is", "choices": ["blue", "a"], "gold": 0}
    write_rows(desk / "sky.jsonl", [question] * 3)
    return desk


def test_a_forecast_is_told_kept_and_read_again_with_another_tolerance(uncollapse, desk):
    asked = (*ASKED, "--by", "topic", "--held-out", "0.2", "--task-files", "sky.jsonl", "--workers", "1", "-o", "out/")
    done = uncollapse(*asked)
    assert done.code == 0, done.err
    assert "plan: 6 proxies of 8,000 tokens (as asked), 1 at once" in done.err
    assert "the training loss (of counts, that on documents of the mixture which are not counted yet)" in done.out
    assert "perplexity of held-out human text rises" in done.out
    told = json.loads((desk / "out" / "forecast.json").read_text())
    assert told["shape"].endswith("the published shape, of counts and not of networks.")
    assert "Counts have no loss while they learn" in (desk / "out" / "index.html").read_text()
    assert set(told["sizes"]["counted"]["domains"]) == {"a", "b"}
    assert set(told["sizes"]["counted"]["tasks"]) == {"sky acc", "sky acc_norm"}
    assert told["text"]["human"] + told["text"]["held-out"] == 150
    rows = pq.read_table(desk / "out" / "results.parquet").to_pylist()
    assert {(row["share"], row["seed"]) for row in rows} == {(share, seed) for share in (0, 0.5, 1) for seed in (0, 1)}
    assert (desk / "out" / "index.html").read_text().startswith("<!DOCTYPE html>")
    again = uncollapse(*asked, "--tolerance", "40%", "--json")
    assert again.code == 0, again.err
    wider = json.loads(again.out)
    assert wider["settings"]["tolerance"] == 0.4
    shares = [each["sizes"]["counted"]["recommended"]["share"] for each in (told, wider)]
    assert shares[0] < shares[1]
    # Counts of words drawn without order know their frequencies, and there is nothing else to know.
    assert told["recommended_share"] is None
    assert "have not learned enough" in told["answer"]
    assert wider["sizes"]["counted"]["measures"] == told["sizes"]["counted"]["measures"]
    before = (desk / "out" / "pieces" / "text.parquet").read_bytes()
    other = uncollapse(*asked, "--seed", "5")
    assert other.code == 2
    assert "pieces of another study: other seed" in other.err
    write_rows(desk / "sky.jsonl", [{"query": "the sky is", "choices": ["blue", "a"], "gold": 1}] * 3)
    other = uncollapse(*asked)
    assert other.code == 2
    assert "pieces of another study: other questions" in other.err
    assert (desk / "out" / "pieces" / "text.parquet").read_bytes() == before


def test_a_folder_that_another_study_has_claimed_or_holds_keeps_its_text(uncollapse, desk):
    place = desk / "out" / "pieces"
    place.mkdir(parents=True)
    (place / "text.parquet").write_text("theirs")
    with locked(place, what=place):
        busy = uncollapse(*ASKED, "--held-out", "0.2", "-o", "out/")
    assert busy.code == 2
    assert "another run is writing" in busy.err
    (place / "plan.json").write_text(json.dumps({"asked": {"text": "theirs"}}))  # claimed, and not yet planned
    other = uncollapse(*ASKED, "--held-out", "0.2", "-o", "out/")
    assert other.code == 2
    assert "pieces of another study" in other.err
    assert (place / "text.parquet").read_text() == "theirs"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--human", "h.jsonl", "-o", "out/"), "--synthetic is missing"),
        ((*SIDES,), "-o is missing"),
        ((*SIDES, "-o", "out/", "--shares", ".5,1"), "share 0 is what all others are held against"),
        ((*SIDES, "-o", "out/", "--shares", "0,2"), "less than or equal to 1"),
        ((*SIDES, "-o", "out/", "--sizes", "huge"), "no size 'huge'"),
        ((*SIDES, "-o", "out/", "--tokens", "50"), "50 tokens are less than a batch"),
        ((*SIDES, "-o", "out/", "--tokens", "5000", "--held-out", "0.01"), "held-out documents, and intervals need 20"),
        ((*SIDES, "-o", "out/", "--tokens", "5000", "--by", "colour"), "no column 'colour'"),
        ((*SIDES, "-o", "out/", "--task-files", "absent.jsonl"), "absent.jsonl"),
        (("--human", "absent.jsonl", "--synthetic", "s.jsonl", "-o", "out/"), "absent.jsonl"),
        ((*SIDES, "-o", "h.jsonl"), "h.jsonl is a file"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_result(uncollapse, desk, words, said):
    refused = (
        uncollapse("forecast", "--held-out", "0.2", *words)
        if "--held-out" not in words
        else uncollapse("forecast", *words)
    )
    assert refused.code == 2
    assert said in refused.err
    assert not (desk / "out" / "forecast.json").exists()


def test_a_folder_of_others_is_left_alone(uncollapse, desk):
    (desk / "mine").mkdir()
    (desk / "mine" / "note.txt").write_text("mine")
    refused = uncollapse(*ASKED, "-o", "mine/")
    assert refused.code == 2
    assert "holds files that no study has written" in refused.err


def test_a_story_holds_a_forecast(uncollapse, desk):
    (desk / "story.yaml").write_text(
        "steps:\n  - forecast:\n      human: h.jsonl\n      synthetic: s.jsonl\n      shares: [0, 1]\n      seeds: 1\n"
        "      sizes: counted\n      tokens: 3000\n      held-out: 0.2\n      workers: 1\n      output: out/\n"
    )
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert "one seed says nothing of what another would give" in done.out
