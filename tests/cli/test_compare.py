"""`uncollapse compare` as a person types it."""

import json

import pytest

from desk import SENTENCES, write_rows
from uncollapse.language_models.counted import CountedModel


@pytest.fixture
def run(uncollapse, desk):
    """Two seeds of two arms: `whole` has counted all sentences, `half` only two of them."""
    write_rows(desk / "heldout.jsonl", [{"text": f"{sentence} {n}"} for n, sentence in enumerate(SENTENCES * 3)])
    for seed in range(2):
        for arm, texts in (("whole", SENTENCES), ("half", SENTENCES[:2])):
            (desk / f"{arm}-s{seed}").mkdir()
            CountedModel.fit([*texts, f"seed {seed}"], order=3).save(desk / f"{arm}-s{seed}")
    done = uncollapse("evaluate", "whole-s0", "whole-s1", "half-s0", "half-s1", "--on", "heldout.jsonl", "-o", "run")
    assert done.code == 0, done.err
    return "run"


def test_a_difference_is_seen_and_told(uncollapse, desk, run):
    done = uncollapse("compare", run, "--control", "whole", "-o", "table.json")
    assert done.code == 0, done.err
    assert "higher" in done.out
    told = json.loads((desk / "table.json").read_text())
    found = {each["measure"]: each for each in told["differences"]}
    assert (found["bits_per_byte"]["arm"], found["bits_per_byte"]["seeds"]) == ("half", 2)
    assert found["bits_per_byte"]["low"] > 0


def test_one_seed_is_said(uncollapse, run, desk):
    uncollapse("evaluate", "whole-s0", "half-s0", "--on", "heldout.jsonl", "-o", "one")
    done = uncollapse("compare", "one", "--control", "whole")
    assert "says nothing of what another training" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "no control"),
        (("run", "--control", "plain"), "there are half, whole"),
        (("nowhere", "--control", "whole"), "no such file"),
        (("heldout.jsonl", "--control", "whole"), "no result of evaluate"),
        (("run", "run", "--control", "whole"), "twice"),
    ],
)
def test_what_cannot_be(uncollapse, run, words, said):
    done = uncollapse("compare", *words)
    assert done.code == 2
    assert said in done.err


def test_models_that_were_not_read_in_one_way_are_named(uncollapse, run, desk):
    assert "one way" not in uncollapse("compare", run, "--control", "whole").err
    path = desk / run / "metrics.json"
    told = json.loads(path.read_text())
    told["models"][0]["dtype"] = "bfloat16"
    path.write_text(json.dumps(told))
    done = uncollapse("compare", run, "--control", "whole")
    assert (done.code, "not read in one way (bfloat16 by 1; float64 by 1)" in done.err) == (0, True)
    told.pop("models")  # as earlier versions wrote it
    path.write_text(json.dumps(told))
    assert uncollapse("compare", run, "--control", "whole").err == ""
