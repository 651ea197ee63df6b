from pathlib import Path

import pytest

from uncollapse.cli.settings import edit_job, normal, read_recipe, refuse_unknown, seen_from
from uncollapse.errors import MissingInput, UsageError


def test_names_and_lists_come_into_one_form():
    given = {"top-k": 4, "inputs": "a.jsonl", "protect": "numbers, urls", "rename": ["id=my_id"], "seed": None}
    assert normal(given) == {
        "top_k": 4,
        "inputs": ("a.jsonl",),
        "protect": ["numbers", "urls"],
        "rename": {"id": "my_id"},
    }


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("a.jsonl", "stories/a.jsonl"),
        ("edited/", "stories/edited/"),
        ("/data/a.jsonl", "/data/a.jsonl"),
        ("hf://datasets/owner/name", "hf://datasets/owner/name"),
        (7, 7),
    ],
)
def test_paths_are_seen_from_the_recipe(address, seen):
    assert seen_from(Path("stories"), address) == seen


def test_what_is_unknown_is_guessed():
    with pytest.raises(UsageError) as caught:
        refuse_unknown(["treshold"], known=["threshold", "seed"], where="mine.yaml")
    assert "treshold" in caught.value.message
    assert caught.value.hint == "did you mean 'threshold'?"
    with pytest.raises(UsageError) as caught:
        refuse_unknown(["colour"], known=["threshold", "seed"], where="mine.yaml")
    assert caught.value.hint == "known are seed, threshold"


def test_what_is_given_lies_over_the_file(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("inputs: [a.jsonl]\nseed: 1\nworkers: 2\nthreshold: 0.5\n")
    job = edit_job({"seed": 2, "output": "out/", "inputs": None}, recipe=recipe)
    assert (job.inputs, job.output, job.workers) == ((f"{tmp_path}/a.jsonl",), "out/", 2)
    assert job.fields == {"seed": 2, "threshold": 0.5}
    assert job.preset == "bold"


def test_a_recipe_file_is_names_and_values(tmp_path):
    with pytest.raises(MissingInput):
        read_recipe(tmp_path / "nowhere.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(UsageError, match="name: value"):
        read_recipe(tmp_path / "list.yaml")
    (tmp_path / "object.yaml").write_text("seed: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(UsageError, match="YAML"):
        read_recipe(tmp_path / "object.yaml")
