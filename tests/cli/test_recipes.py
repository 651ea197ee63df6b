import json

import pytest
import yaml

from desk import read_rows


@pytest.fixture
def story(desk, model):
    folder = desk / "stories"
    folder.mkdir()

    def write(*steps):
        (folder / "story.yaml").write_text(yaml.safe_dump({"steps": list(steps)}))
        return "stories/story.yaml"

    return write


@pytest.fixture
def once(model):
    busy = {"preset": "paper", "threshold": 0.3, "strategy": "full", "temperature": 2.0, "model": str(model)}
    return {"edit": {"inputs": ["../essays.jsonl"], "output": "../once", "seed": 1, **busy}}


def test_a_story_is_told_in_order_and_once(uncollapse, desk, story, once):
    back = {"revert": {"inputs": "../once", "output": "../original.jsonl"}}
    path = story(once, back)
    done = uncollapse("run", path)
    assert done.code == 0, done.err
    assert done.out.index("step 1 of 2: edit") < done.out.index("step 2 of 2: revert")
    assert [r["text"] for r in read_rows(desk / "original.jsonl")] == [
        r["text"] for r in read_rows(desk / "essays.jsonl")
    ]
    assert json.loads((desk / "once" / "report.json").read_text())["tokens"]["changed"] > 0
    again = uncollapse("run", path)
    assert again.code == 0
    assert again.out.count("nothing to do") == 2


def test_a_story_goes_on_where_it_failed(uncollapse, desk, story, once):
    back = {"revert": {"inputs": "../once", "output": "../original"}}
    (desk / "original").mkdir()
    (desk / "original" / "mine.txt").write_text("in the way")
    path = story(once, back)
    assert uncollapse("run", path).code == 2
    assert (desk / "once" / "manifest.json").is_file()
    (desk / "original" / "mine.txt").unlink()
    done = uncollapse("run", path)
    assert done.code == 0, done.err
    assert done.out.count("nothing to do") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"revert": {"inputs": "../once"}}, ["step 2", "output"]),
        ({"revert": {"inputs": "../onse", "output": "../o"}}, ["step 2", "onse"]),
        ({"rewert": {"inputs": "../once", "output": "../o"}}, ["step 2", "rewert", "revert"]),
        ({"revert": {"inputs": "../once", "output": "../o", "sede": 1}}, ["step 2", "sede"]),
        ({"edit": {"inputs": "../once", "output": "../o", "treshold": 0.5}}, ["step 2", "treshold", "threshold"]),
        ({"edit": {"inputs": "../once", "output": "../o", "threshold": 1.5}}, ["threshold", "1.5"]),
        ({"edit": {"inputs": "../once", "output": "../o", "rate": 0.5}}, ["--rate", "--positions random"]),
        ("revert", ["step 2"]),
        ({"revert": None}, ["step 2"]),
    ],
)
def test_the_whole_story_is_checked_before_it_begins(uncollapse, desk, story, once, change, says):
    done = uncollapse("run", story(once, change))
    assert done.code == 2
    for part in says:
        assert part in done.err
    assert not (desk / "once").exists()


def test_a_file_without_steps(uncollapse, desk):
    (desk / "story.yaml").write_text("edit: {}\n")
    assert uncollapse("run", "story.yaml").code == 2
    assert uncollapse("run", "nowhere.yaml").code == 2
