"""What no step can have written is found though every digest, root, ledger row and seal was made to fit."""

import pyarrow.parquet as pq
import pytest

from forging import forge, manifest_of, shard_of
from uncollapse.document import Edit
from uncollapse.fingerprint import content_id
from uncollapse.ledger import verify
from uncollapse.ledger.lineage import edit_problems, origin_problems

JUNK = "not-an-id"


def as_human(row, **columns):
    row.update({"origin": "human", "generation": 0, "parents": [], "edits": [], "recipe": None, **columns})


def first_edit(row, **fields):
    row["edits"][0].update(fields)


def undo(row):
    """The row with its first parent's text, its edits all put for themselves."""
    text = row["text"].encode()
    shift = 0
    for edit in row["edits"]:
        start = edit["position"] + shift
        before, after = edit["before"].encode(), edit["after"].encode()
        text = text[:start] + before + text[start + len(after) :]
        edit["after"] = edit["before"]
    row["text"] = text.decode()


def lengthen(row):
    """A second parent behind the first text, which was human and can have none."""
    row["parents"] = [*row["parents"], "0" * 32]


FORGED = {
    "a human row with a recipe": (lambda row: as_human(row, recipe=row["recipe"]), "origin"),
    "a human row with a parent": (lambda row: as_human(row, parents=row["parents"]), "origin"),
    "a human row of generation 1": (lambda row: as_human(row, generation=1), "origin"),
    "edits that change nothing": (undo, "edits"),
    "generation 0": (lambda row: row.update(generation=0), "origin"),
    "generation 0 of a synthetic row": (lambda row: row.update(origin="synthetic", generation=0), "origin"),
    "no generation": (lambda row: row.update(generation=None), "origin"),
    "an edit of no round": (lambda row: first_edit(row, rounds=0), "edits"),
    "an edit of rounds that were not": (lambda row: first_edit(row, rounds=2), "edits"),
    "a parent that is no id": (lambda row: row.update(parents=[*row["parents"], JUNK], generation=2), "parents"),
    "a parent in capitals": (lambda row: row.update(parents=[row["parents"][0].upper()]), "parents"),
    "fewer generations than parents": (lengthen, "origin"),
    "no edits": (lambda row: row.update(edits=[]), "origin"),
    "no parents": (lambda row: row.update(parents=[]), "origin"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_row_that_no_step_wrote_is_found_though_all_digests_fit(name, out):
    change, rule = FORGED[name]
    place = next(at for at, row in enumerate(pq.read_table(shard_of(out)).to_pylist()) if row["edits"])
    before = manifest_of(out)["roots"]["records"]

    def changed(rows):
        change(rows[place])

    forge(out, changed)
    assert manifest_of(out)["roots"]["records"] != before
    found = verify(str(out))
    assert not found.holds
    named = {(finding.rule, finding.file, finding.row) for finding in found.findings}
    assert (rule, shard_of(out).name, place + 1) in named
    # No digest, root or seal gives it away, and no other row is blamed.
    assert {finding.rule for finding in found.findings} <= {"origin", "edits", "parents", "ledger"}
    assert {(finding.file, finding.row) for finding in found.findings} == {(shard_of(out).name, place + 1)}


def row(**columns):
    text = columns.pop("text", "A cat sat.")
    return {"text": text, "id": content_id(text), "recipe": "f" * 32, **columns}


def edit(**fields):
    return {**Edit(2, "dog", "cat", 0.5, 1)._asdict(), **fields}


def test_what_two_rounds_exchanged_and_gave_back_is_no_fault():
    dog, cat = content_id("A dog sat."), content_id("A cat sat.")
    there_and_back = row(origin="edited", generation=2, parents=[dog, cat], edits=[edit(before="cat", rounds=2)])
    assert [*origin_problems(there_and_back), *edit_problems(there_and_back)] == []
    once = {**there_and_back, "edits": [edit(before="cat", rounds=1)]}
    assert [problem.rule for problem in edit_problems(once)] == ["edits"]


def test_a_text_that_is_its_own_parent_was_not_edited():
    itself = row(origin="edited", generation=1, parents=[content_id("A cat sat.")], edits=[edit(before="cat")])
    assert {problem.found for problem in origin_problems(itself)} == {"a text that is its own parent"}


def test_a_first_text_at_generation_0_has_no_parents_of_its_own():
    dog = content_id("A dog sat.")
    known = {"origin": "edited", "edits": [edit()]}
    assert list(edit_problems(row(**known, generation=1, parents=[dog]))) == []
    assert list(edit_problems(row(**known, generation=2, parents=[dog, "0" * 32]))) == []
    (problem,) = edit_problems(row(**known, generation=1, parents=[dog, "0" * 32]))
    assert "human" in problem.expected
