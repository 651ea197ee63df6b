import json

import pytest

from desk import read_rows, write_rows

GROUND = ("--basis", "declaration", "--by", "A. Writer")


@pytest.fixture
def essays(desk):
    texts = [f"Essay number {n} is about a road that goes home through wood {n}." for n in range(6)]
    write_rows(desk / "human.jsonl", [{"text": text, "p": n / 10} for n, text in enumerate(texts)])
    return texts


def test_add_list_check_and_find_as_one_story(uncollapse, desk, essays):
    done = uncollapse("reserve", "add", "r", "human.jsonl", *GROUND, "--domain", "essays", "--exclude", "p>0.4")
    assert done.code == 0
    assert ["admitted", "as", "number", "1", "5"] in [line.split() for line in done.out.splitlines()]
    done = uncollapse("reserve", "add", "r", "human.jsonl", *GROUND, "--json")
    told = json.loads(done.out)
    assert (told["read"], told["admitted"], told["present"], told["texts"]) == (6, 1, 5, 6)
    listed = json.loads(uncollapse("reserve", "list", "r", "--json").out)
    assert [one["rows"] for one in listed["admissions"]] == [5, 1]
    assert listed["admissions"][0]["excluded"] == {"p>0.4": 1}
    assert listed["head"] == told["head"]
    assert "A. Writer" in uncollapse("reserve", "list", "r").out
    done = uncollapse("reserve", "check", "r", "--head", told["head"])
    assert (done.code, done.out.split(":")[0]) == (0, "sound")
    write_rows(desk / "copies.jsonl", [{"text": essays[2].replace("goes", "runs")}, {"text": "of something else"}])
    done = uncollapse("find", "copies.jsonl", "--in", "r", "-o", "found.jsonl", "--top", 1, "--json")
    assert done.code == 0
    found = read_rows(desk / "found.jsonl")
    # Thirteen words, eleven runs, three of which hold the exchanged one.
    assert [(row["parent_row"], row["containment"]) for row in found] == [(3, 8 / 11), (None, None)]
    assert json.loads(done.out)["with_a_parent"] == 1
    assert not (desk / "report.json").exists()


def test_find_into_a_folder_and_in_files(uncollapse, desk, essays):
    done = uncollapse("find", "human.jsonl", "--in", "human.jsonl", "-o", "found/")
    assert done.code == 0
    assert "with a human parent" in done.out
    assert {path.name for path in (desk / "found").iterdir()} == {"found.parquet", "report.json"}
    assert json.loads((desk / "found" / "report.json").read_text())["evidence"]["exact"] == 6


def test_check_says_what_is_wrong_and_ends_with_one(uncollapse, desk, essays):
    uncollapse("reserve", "add", "r", "human.jsonl", *GROUND)
    path = desk / "r" / "00001.parquet"
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"PAR2", 1))
    done = uncollapse("reserve", "check", "r")
    assert done.code == 1
    assert "00001.parquet: its bytes were changed" in done.out
    assert json.loads(uncollapse("reserve", "check", "r", "--json").out)["sound"] is False


def test_check_against_generated_text(uncollapse, desk, essays):
    uncollapse("reserve", "add", "r", "human.jsonl", *GROUND)
    write_rows(desk / "made.jsonl", [{"text": f"A model wrote: {essays[1]}"}])
    assert uncollapse("reserve", "check", "r", "--against", "made.jsonl").code == 0  # what is unknown says nothing
    from uncollapse.corpora import from_documents
    from uncollapse.execution import run

    run(from_documents([f"A model wrote: {essays[1]}"], origin="synthetic"), desk / "made")
    done = uncollapse("reserve", "check", "r", "--against", "made")
    assert done.code == 1
    assert "row 2: 100% of its word runs stand in the generated text" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reserve", "add", "r", "human.jsonl", "--basis", "dated"), "add --date"),
        (("reserve", "add", "r", "human.jsonl", "--basis", "dated", "--date", "2023-01-01"), "not older than"),
        (("reserve", "add", "r", "human.jsonl", "--basis", "dated", "--date", "soon"), "--date"),
        (("reserve", "add", "r", "human.jsonl", "--basis", "detector"), "detector"),
        (("reserve", "add", "r", "human.jsonl", *GROUND, "--exclude", "p"), "is no rule"),
        (("reserve", "add", "r", "absent.jsonl", *GROUND), "no file"),
        (("reserve", "list", "r"), "there is no reserve"),
        (("reserve", "check", "r", "--threshold", "2"), "--threshold"),
        (("find", "human.jsonl", "--in", "absent.jsonl"), "no file"),
        (("find", "human.jsonl", "--in", "human.jsonl", "--threshold", "0"), "--threshold"),
        (("find", "human.jsonl", "--in", "human.jsonl", "-o", "found.csv"), ".csv"),
    ],
)
def test_bad_usage_leaves_nothing(uncollapse, desk, essays, words, said):
    before = sorted(path.name for path in desk.iterdir())
    done = uncollapse(*words)
    assert done.code == 2
    assert said in done.err
    assert sorted(path.name for path in desk.iterdir()) == before


def test_as_a_story(uncollapse, desk, essays):
    (desk / "story.yaml").write_text(
        "steps:\n"
        "  - reserve add: {reserve: r, inputs: human.jsonl, basis: dated, date: 2019-12-31}\n"
        "  - reserve check: {reserve: r}\n"
        "  - find: {inputs: human.jsonl, in: r, output: found/}\n"
        "  - marks: {inputs: human.jsonl, output: clean/}\n"
    )
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    assert json.loads((desk / "found" / "report.json").read_text())["with_a_parent"] == 6
    assert (desk / "clean" / "marks.parquet").exists()


@pytest.mark.parametrize("name", ["own.jsonl", "own.parquet"])
def test_find_does_not_write_over_what_it_did_not_make(uncollapse, desk, name):
    write_rows(desk / "human.jsonl", [{"text": "one two three four five"}])
    (desk / name).write_text("precious")
    done = uncollapse("find", "human.jsonl", "--in", "human.jsonl", "-o", name)
    assert (done.code, (desk / name).read_text()) == (2, "precious")
    assert "is there already" in done.err
    assert uncollapse("find", "human.jsonl", "--in", "human.jsonl", "-o", f"new-{name}").code == 0
    assert uncollapse("find", "human.jsonl", "--in", "human.jsonl", "-o", f"new-{name}").code == 0


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"origin": "synthetic"}, "its column origin says synthetic"),
        ({"generation": 2}, "its column generation says 2"),
        ({"parents": ["a" * 32]}, "its column parents names"),
        ({"edits": [{"position": 0}]}, "its column edits has 1"),
    ],
)
def test_columns_that_did_not_pass_for_a_ledger_are_heard(uncollapse, desk, columns, said):
    write_rows(desk / "made.jsonl", [{"text": "one two three four five", **columns}])
    write_rows(desk / "other.jsonl", [{"text": "six seven eight nine ten"}])
    done = uncollapse("reserve", "add", "kept", "made.jsonl", "--basis", "declaration", "--by", "A")
    assert done.code == 2
    assert said in done.err
    mixed = uncollapse(
        "mix", "--human", "made.jsonl", "--synthetic", "other.jsonl", "--human-share", "0.5", "-o", "out"
    )
    assert mixed.code == 2
    assert said in mixed.err
    assert not (desk / "out").exists()


def test_columns_that_are_about_something_else_are_not(uncollapse, desk):
    write_rows(desk / "human.jsonl", [{"text": "one two three", "origin": "reddit", "generation": 0}])
    assert uncollapse("reserve", "add", "kept", "human.jsonl", "--basis", "declaration", "--by", "A").code == 0


def test_rows_without_a_score_are_admitted_counted_and_said(uncollapse, desk):
    rows = [{"text": f"Essay {n} about a road.", **({} if n < 2 else {"p": n / 10})} for n in range(6)]
    write_rows(desk / "scored.jsonl", rows)
    done = uncollapse("reserve", "add", "r", "scored.jsonl", *GROUND, "--exclude", "p>0.4")
    assert done.code == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "left out, p>0.4 1" in lines
    assert "admitted without a score, p>0.4 2" in lines
    told = json.loads(uncollapse("reserve", "add", "s", "scored.jsonl", *GROUND, "--exclude", "p>0.4", "--json").out)
    assert (told["admitted"], told["excluded"], told["without_a_score"]) == (5, {"p>0.4": 1}, {"p>0.4": 2})


@pytest.mark.parametrize("head", ["00", "z" * 64, "0" * 63])
def test_a_head_that_is_no_digest_is_bad_usage(uncollapse, desk, essays, head):
    uncollapse("reserve", "add", "r", "human.jsonl", *GROUND)
    done = uncollapse("reserve", "check", "r", "--head", head)
    assert done.code == 2
    assert "--head" in done.err
    assert uncollapse("reserve", "check", "r", "--head", "0" * 64).code == 1


def test_a_head_may_be_in_capitals(uncollapse, desk, essays):
    head = json.loads(uncollapse("reserve", "add", "r", "human.jsonl", *GROUND, "--json").out)["head"]
    assert uncollapse("reserve", "check", "r", "--head", head.upper()).code == 0


def test_find_says_that_it_replaces_what_it_found_before(uncollapse, desk, essays):
    words = ("find", "human.jsonl", "--in", "human.jsonl", "-o", "found/")
    assert uncollapse(*words).err == ""
    assert "holds what find found of an earlier start, which is replaced" in uncollapse(*words).err
