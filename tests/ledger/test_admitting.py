import datetime
import json

import pytest

from uncollapse.corpora import from_documents, read
from uncollapse.document import Document, Edit, Origin
from uncollapse.errors import InputError, MissingColumn, OutputBusy, OutputRefused, UsageError
from uncollapse.fingerprint import canonical_json, content_id
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import Exclusion, admit
from uncollapse.ledger.reserve import Reserve, held

OWN = Ground(basis="declaration", by="the test")
ESSAYS = ["The first essay is about the sea.", "The second is about a long road home.", "Third."]


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_new_texts_are_admitted_and_those_that_are_there_are_counted(tmp_path):
    first = admit(tmp_path / "r", from_documents([*ESSAYS, ESSAYS[0]]), ground=OWN)
    assert (first.read, first.admission.rows, first.present, first.near) == (4, 3, 1, 0)
    again = admit(
        tmp_path / "r", from_documents(["the  FIRST essay is about the sea.", ESSAYS[2], "Fourth."]), ground=OWN
    )
    assert (again.admission.number, again.admission.rows, again.present) == (2, 2, 1)
    assert again.near_copies == [
        ("(memory)", 1, content_id("the  FIRST essay is about the sea."), content_id(ESSAYS[0]), 1.0)
    ]
    assert again.admission.previous == first.admission.digest
    reserve = Reserve.open(tmp_path / "r")
    assert reserve.rows == 5
    assert reserve.holds([content_id("Fourth."), content_id("Fifth.")]) == [True, False]


def test_nothing_new_changes_nothing(tmp_path):
    admit(tmp_path / "r", from_documents(ESSAYS), ground=OWN)
    before = tree(tmp_path / "r")
    assert admit(tmp_path / "r", from_documents(ESSAYS[:2]), ground=OWN).admission is None
    assert tree(tmp_path / "r") == before
    assert admit(tmp_path / "n", from_documents(ESSAYS), ground=OWN, exclude=[]).admission is not None


def test_the_same_additions_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        admit(tmp_path / name, from_documents(ESSAYS), ground=OWN)
        admit(tmp_path / name, from_documents(["Fourth."]), ground=OWN)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_reserve_is_a_corpus(tmp_path):
    admit(tmp_path / "r", from_documents(ESSAYS), ground=Ground(basis="publisher", publisher="P", domain="essays"))
    rows = list(read(tmp_path / "r", origin="unknown"))
    assert [row.text for row in rows] == ESSAYS
    assert {row.origin for row in rows} == {Origin.HUMAN}
    assert {(row.extra["basis"], row.extra["domain"]) for row in rows} == {("publisher", "essays")}


def test_the_manifest_is_canonical_and_the_root_does_not_hang_on_the_order(tmp_path):
    admit(tmp_path / "a", from_documents(ESSAYS), ground=OWN)
    admit(tmp_path / "b", from_documents(ESSAYS[::-1]), ground=OWN)
    texts = [(tmp_path / name / "manifest.json").read_bytes() for name in "ab"]
    contents = [json.loads(text) for text in texts]
    assert [canonical_json(content) + b"\n" for content in contents] == texts
    assert contents[0]["roots"]["contents"] == contents[1]["roots"]["contents"]
    assert contents[0]["reserve"]["head"] != contents[1]["reserve"]["head"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (Document(text="b", origin=Origin.EDITED, generation=1), "its origin is edited"),
        (Document(text="b", origin=Origin.UNKNOWN, generation=None), "its origin is unknown"),
        (Document(text="b", parents=("f" * 32,)), "it was made from ffffffff"),
        (Document(text="b", edits=(Edit(0, "a", "b", 0.5),)), "it carries 1 edits"),
        (Document(text="b", generation=2), "its generation is 2"),
    ],
)
def test_what_is_not_human_is_refused_by_row_and_nothing_is_left(tmp_path, row, why):
    with pytest.raises(InputError, match=rf"\(memory\), row 2: {why}"):
        admit(tmp_path / "r", from_documents([Document(text="a"), row]), ground=OWN)
    assert not (tmp_path / "r").exists()
    admit(tmp_path / "r", from_documents(ESSAYS), ground=OWN)
    before = tree(tmp_path / "r")
    with pytest.raises(InputError):
        admit(tmp_path / "r", from_documents([Document(text="a"), row]), ground=OWN)
    assert tree(tmp_path / "r") == before


@pytest.mark.parametrize(
    "ground",
    [
        {"basis": "dated"},
        {"basis": "dated", "date": datetime.date(2022, 11, 30)},
        {"basis": "publisher", "by": "me"},
        {"basis": "declaration", "publisher": "P"},
    ],
)
def test_a_basis_needs_what_it_rests_on(tmp_path, ground):
    with pytest.raises(UsageError):
        admit(tmp_path / "r", from_documents(ESSAYS), ground=Ground(**ground))
    assert not (tmp_path / "r").exists()


def test_there_is_no_basis_for_a_detector():
    with pytest.raises(ValueError, match="basis"):
        Ground(basis="detector", by="a detector")


def test_the_last_day_before_the_cutoff_will_do(tmp_path):
    ground = Ground(basis="dated", date=datetime.date(2022, 11, 29))
    assert admit(tmp_path / "r", from_documents(ESSAYS), ground=ground).admission.ground["date"] == "2022-11-29"


def test_a_score_excludes_and_never_admits(tmp_path):
    rows = [{"text": text, "p": p} for text, p in zip(ESSAYS, (0.9, 0.91, None), strict=True)]
    done = admit(tmp_path / "r", from_documents(rows), ground=OWN, exclude=[Exclusion.of("p > 0.9")])
    assert (done.admission.rows, done.excluded) == (2, {"p>0.9": 1})
    assert done.admission.excluded == {"p>0.9": 1}
    assert not Reserve.open(tmp_path / "r").holds([content_id(ESSAYS[1])])[0]
    done = admit(tmp_path / "s", from_documents(rows), ground=OWN, exclude=[Exclusion.of("p>=0.9")])
    assert done.excluded == {"p>=0.9": 2}


@pytest.mark.parametrize("rule", ["p", "p<3", ">3", "p>x", ""])
def test_a_rule_that_is_none(rule):
    with pytest.raises(UsageError, match="is no rule"):
        Exclusion.of(rule)


def test_a_score_that_is_not_there_or_no_number(tmp_path):
    rows = [{"text": "a", "p": "high"}]
    with pytest.raises(MissingColumn, match="no column 'q'"):
        admit(tmp_path / "r", from_documents(rows), ground=OWN, exclude=[Exclusion.of("q>1")])
    with pytest.raises(InputError, match="holds no numbers"):
        admit(tmp_path / "r", from_documents(rows), ground=OWN, exclude=[Exclusion.of("p>1")])
    assert not (tmp_path / "r").exists()


def test_another_process_is_named(tmp_path):
    admit(tmp_path / "r", from_documents(ESSAYS), ground=OWN)
    import os

    with held(tmp_path / "r"), pytest.raises(OutputBusy, match=f"process {os.getpid()} is adding"):
        admit(tmp_path / "r", from_documents(["new"]), ground=OWN)
    assert Reserve.open(tmp_path / "r").rows == 3
    assert admit(tmp_path / "r", from_documents(["new"]), ground=OWN).admission.number == 2


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputRefused, match=r"notes\.txt"):
        admit(tmp_path, from_documents(ESSAYS), ground=OWN)
    (tmp_path / "notes.txt").unlink()
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(OutputRefused, match="another kind"):
        admit(tmp_path, from_documents(ESSAYS), ground=OWN)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_text_of_the_middle_of_a_longer_one_is_no_near_copy_but_the_longer_is_not_either(tmp_path):
    # Containment of the new text in an old one: a passage is a near copy, a text around it is not.
    long = " ".join(f"w{n}" for n in range(100))
    admit(tmp_path / "r", from_documents([long]), ground=OWN)
    done = admit(
        tmp_path / "r", from_documents([" ".join(long.split()[20:60]), long + " " + long.replace("w", "v")]), ground=OWN
    )
    assert [(copy.row, copy.containment) for copy in done.near_copies] == [(1, 1.0)]
