"""`uncollapse generate` as a person types it."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

from desk import read_rows

SHORT = ("--opening-tokens", 5, "--max-tokens", 12)
SECRET = "a secret of the tests, long enough"


def test_a_file_goes_in_and_new_text_comes_out(uncollapse, desk, model):
    done = uncollapse("generate", "--continue", "essays.jsonl", "-o", "made.jsonl", "--model", model, *SHORT)
    assert done.code == 0, done.err
    rows = read_rows(desk / "made.jsonl")
    assert len(rows) == 12
    assert {row["origin"] for row in rows} == {"synthetic"}
    essays = read_rows(desk / "essays.jsonl")
    assert all(row["text"].startswith(essay["text"][:15]) for row, essay in zip(rows, essays, strict=True))
    assert "144  written" in done.out
    report = json.loads((desk / "made.jsonl.report.json").read_text())
    assert report["tokens"] == {"prompt": 60, "written": 144}
    # The start token is never drawn, and has next to no probability.
    assert report["entropy"]["drawn"] == pytest.approx(report["entropy"]["model"], rel=1e-4)
    assert report["entropy"]["model"] > 0.1
    assert report["model"]["backend"] == "counted"


def test_the_same_command_does_nothing_twice_and_another_seed_is_refused(uncollapse, desk, model):
    words = ("generate", "--continue", "essays.jsonl", "-o", "made", "--model", model, *SHORT)
    assert uncollapse(*words).code == 0
    shard = next((desk / "made").glob("part-*.parquet"))
    before = shard.read_bytes()
    again = uncollapse(*words)
    assert (again.code, shard.read_bytes()) == (0, before)
    assert "nothing to do" in again.out
    other = uncollapse(*words, "--seed", 1)
    assert other.code == 2
    assert "seed: 0, now 1" in other.err


def test_workers_write_the_same_texts(uncollapse, desk, model):
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT)
    uncollapse(*words, "-o", "one.jsonl")
    uncollapse(*words, "-o", "two.jsonl", "--workers", 2)
    assert (desk / "one.jsonl").read_bytes() == (desk / "two.jsonl").read_bytes()


def test_settings_that_narrow_are_warned_of_with_their_cost(uncollapse, desk, model):
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT)
    done = uncollapse(*words, "-o", "cool.jsonl", "--decoding", "temperature=0.3")
    assert "warning: temperature 0.3 narrows what the model writes: about 0." in done.err
    report = json.loads((desk / "cool.jsonl.report.json").read_text())
    assert report["entropy"]["drawn"] < report["entropy"]["model"]
    assert report["recipe"]["decoding"]["temperature"] == 0.3
    assert "warning" not in uncollapse(*words, "-o", "own.jsonl").err


def test_all_samples_are_rows_of_one_output(uncollapse, desk, model):
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT)
    done = uncollapse(*words, "--n", 3, "--keep", "all", "-o", "made")
    assert done.code == 0, done.err
    rows = [row for path in sorted((desk / "made").glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert [row["draw"] for row in rows] == [0, 1, 2] * 12
    assert [row["n"] for row in rows] == [n for n in range(12) for _ in range(3)]
    assert len({row["text"] for row in rows}) > 4  # three draws for each of four different essays
    assert "24  more than went in" in done.out
    assert uncollapse("verify", "made").code == 0


def test_the_best_of_several(uncollapse, desk, model):
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT, "--n", 3)
    assert uncollapse(*words, "-o", "made.jsonl").code == 0
    report = json.loads((desk / "made.jsonl.report.json").read_text())
    assert report["documents"] == {"made": 12, "empty": 0, "not_kept": 24}
    assert report["tokens"]["written"] == 12 * 36


def test_a_watermark(uncollapse, desk, model):
    (desk / "mark.key").write_text(SECRET)
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT, "--watermark", "mark.key")
    done = uncollapse(*words, "-o", "made")
    assert done.code == 0, done.err
    assert "distinct pairs of words" in done.err
    manifest = (desk / "made" / "manifest.json").read_text()
    assert SECRET not in manifest
    assert '"scheme": "synthid-text"' in manifest
    for path in (desk / "made").rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no source was named"),
        (("--continue", "a", "--rephrase", "b"), "several sources: continue, rephrase"),
        (("--continue", "essays.jsonl", "--decoding", "heat=2"), "decoding: heat"),
        (("--continue", "essays.jsonl", "--decoding", "top_p=2"), "decoding: top_p"),
        (("--continue", "essays.jsonl", "--decoding", "top_p"), "is no setting"),
        (("--continue", "essays.jsonl", "--keep", "all"), "no meaning where one text is written"),
        (("--continue", "essays.jsonl", "--opening-tokens", 4, "--opening-share", 0.5), "twice"),
        (("--continue", "essays.jsonl", "--preset", "blocks", "--drop-opening"), "no meaning with --preset blocks"),
        (("--continue", "essays.jsonl", "--styles", "plain"), "--styles has no meaning with --continue"),
        (("--continue", "essays.jsonl", "--watermark", "none.key"), "none.key"),
        (("--continue", "essays.jsonl", "--max-tokens", 0), "--max-tokens"),
        (("--continue", "essays.jsonl", "--n", 0), "--n: "),
        (("--continue", "nothing.jsonl"), "nothing.jsonl"),
        (("--rephrase", "essays.jsonl"), "cannot be asked"),
        (("--prompts", "essays.jsonl"), "cannot be asked"),
        (("--continue", "essays.jsonl", "--plain"), "it belongs to --prompts"),
        (("--prompts", "essays.jsonl", "--preset", "blocks"), "no meaning with --prompts"),
        (("--rephrase", "essays.jsonl", "--styles", "verse"), "no style verse"),
        (("--rephrase", "essays.jsonl", "--styles", "plain", "--instruction", "Say it."), "give one of them"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(uncollapse, desk, model, words, said):
    done = uncollapse("generate", *words, "-o", "made", "--model", model)
    assert done.code == 2
    assert said in done.err
    assert not (desk / "made").exists()


def test_rows_that_cannot_be_used(uncollapse, desk, model):
    with (desk / "essays.jsonl").open("a") as file:
        file.write(json.dumps({"text": " ", "n": 12}) + "\n")
    words = ("generate", "--continue", "essays.jsonl", "--model", model, *SHORT)
    assert uncollapse(*words, "-o", "made").code == 2
    done = uncollapse(*words, "-o", "made", "--max-rejects", 1)
    assert done.code == 3
    assert "failed: no text" in done.out


def test_a_recipe_file_edits_what_was_written(uncollapse, desk, model):
    story = {
        "steps": [
            {
                "generate": {
                    "continue": "essays.jsonl",
                    "output": "all/",
                    "model": str(model),
                    "max-tokens": 9,
                    "n": 2,
                    "keep": "all",
                }
            },
            {"generate": {"continue": "essays.jsonl", "output": "made/", "model": str(model), "max-tokens": 12}},
            {"edit": {"inputs": ["made/", "all/"], "output": "edited/", "model": str(model), "preset": "paper"}},
        ]
    }
    (desk / "story.yaml").write_text(yaml.safe_dump(story))
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert len(_texts(desk / "edited")) == 36


def _texts(folder):
    return [text for path in sorted(folder.glob("part-*.parquet")) for text in pq.read_table(path)["text"].to_pylist()]


def test_prompts_are_gone_on_from(uncollapse, desk, model):
    (desk / "prompts.jsonl").write_text('{"prompt": "The cat sat"}\n{"prompt": "The dog"}\n')
    words = ("generate", "--prompts", "prompts.jsonl", "--text-column", "prompt", "--plain", "--max-tokens", 9)
    done = uncollapse(*words, "-o", "made.jsonl", "--model", model)
    assert done.code == 0, done.err
    rows = read_rows(desk / "made.jsonl")
    assert len(rows) == 2
    assert all(row["origin"] == "synthetic" and len(row["parents"]) == 1 for row in rows)
    assert all(row["text"].split() for row in rows)
