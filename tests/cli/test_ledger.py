"""`verify`, `trace`, `sign` and `edit --policy` as a person types them."""

import json

import pyarrow.parquet as pq
import pytest

from desk import BUSY, read_rows, write_rows
from forging import change_rows, forge, manifest_of, shard_of

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def edited(uncollapse, model, desk):
    """The essays edited into a folder."""
    assert uncollapse("edit", "essays.jsonl", "-o", "edited", "--model", model, *BUSY).code == 0
    return desk / "edited"


def test_verify_says_what_it_checked_and_what_it_cannot_find(uncollapse, edited):
    done = uncollapse("verify", "edited")
    assert (done.code, done.err) == (0, "")
    assert "edited: holds" in done.out
    assert "edits change the text, and undone give an ancestor on record" in done.out
    assert manifest_of(edited)["seal"] in done.out
    assert "only a signature" in " ".join(done.out.split())


def test_verify_names_what_is_broken_and_what_to_do(uncollapse, edited):
    change_rows(shard_of(edited), lambda rows: [{**row, "text": row["text"] + "?"} for row in rows])
    done = uncollapse("verify", "edited")
    assert done.code == 1
    assert f"broken: id in {shard_of(edited).name}, row 1" in done.out
    assert "edited: does not hold" in done.out
    found = json.loads(uncollapse("verify", "edited", "--json").out)
    assert not found["holds"]
    assert found["rules"]["id"] == {"checked": 12, "broken": 12}
    assert {finding["remedy"] for finding in found["findings"]} >= {
        "restore the row: its text is not the one that it was named after"
    }


def test_verify_names_file_row_and_rule_of_a_row_that_was_forged_with_all_its_digests(uncollapse, edited):
    place = next(at for at, row in enumerate(pq.read_table(shard_of(edited)).to_pylist()) if row["edits"])
    forge(edited, lambda rows: rows[place].update(parents=[*rows[place]["parents"], "a draft"], generation=2))
    done = uncollapse("verify", "edited")
    assert done.code == 1
    assert f"broken: parents in {shard_of(edited).name}, row {place + 1}" in done.out
    assert "parent 'a draft'" in done.out


def test_verify_of_a_corpus_without_a_ledger_says_how_to_declare_it(uncollapse, desk):
    done = uncollapse("verify", "essays.jsonl")
    assert done.code == 1
    assert "uc.write(uc.read(CORPUS, origin='human'), OUT)" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "there is no nowhere"),
        (("essays.jsonl", "--root", "abc"), "--root"),
        (("essays.jsonl", "--policy", "none.toml"), "none.toml"),
        (("essays.jsonl", "--source", "none.jsonl"), "none.jsonl"),
    ],
)
def test_bad_input_of_verify_is_2(words, said, uncollapse):
    done = uncollapse("verify", *words)
    assert done.code == 2
    assert said in done.err


def test_a_policy_is_kept_or_refused(uncollapse, edited, desk):
    (desk / "strict.toml").write_text("max_depth = 1\n")
    (desk / "mild.toml").write_text("max_depth = 2\n")
    assert uncollapse("verify", "edited", "--policy", "mild.toml").code == 0
    done = uncollapse("verify", "edited", "--policy", "strict.toml")
    assert done.code == 1
    assert f"max_depth: 2, allowed 1 in {shard_of(edited).name}" in done.out
    (desk / "wrong.toml").write_text("max_dept = 1\n")
    done = uncollapse("verify", "edited", "--policy", "wrong.toml")
    assert done.code == 2
    assert "wrong.toml: no rule is called 'max_dept'" in done.err
    assert "did you mean max_depth?" in done.err


def test_edit_refuses_what_the_policy_does_not_allow(uncollapse, model, edited, desk):
    (desk / "two.toml").write_text("max_depth = 2\n")
    for words in (("-o", "again"), ("--preview", "1")):
        done = uncollapse("edit", "edited", "--model", model, *BUSY, "--policy", "two.toml", *words)
        assert done.code == 1
        assert "max_depth: texts would lie at depth 3, the policy allows 2" in done.err
    assert not (desk / "again").exists()
    (desk / "three.toml").write_text("max_depth = 3\n")
    done = uncollapse("edit", "edited", "-o", "again", "--model", model, *BUSY, "--policy", "three.toml")
    assert done.code == 0


def test_a_signature_of_the_command_line(uncollapse, edited):
    pytest.importorskip("cryptography", reason="the extra sign is not installed")
    assert uncollapse("sign", "--new-key", "me.key").code == 0
    assert uncollapse("sign", "edited", "--key", "me.key").code == 0
    assert uncollapse("verify", "edited", "--public-key", "me.key.pub").code == 0
    assert uncollapse("sign", "--new-key", "other.key").code == 0
    done = uncollapse("verify", "edited", "--public-key", "other.key.pub")
    assert done.code == 1
    assert "a signature that is not this key's" in done.out
    assert uncollapse("sign", "edited").code == uncollapse("sign", "--key", "me.key").code == 2


def test_trace_of_a_corpus(uncollapse, edited, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = uncollapse("trace", "edited", "--source", "essays.jsonl")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    words = json.loads(uncollapse("trace", "edited", "--json").out)["holdings"]["words"]
    assert f"12 documents, {words} words" in done.out
    assert "generated here" in done.out
    assert "12 of 12 rows with parents" in done.out
    found = json.loads(uncollapse("trace", "edited", "--json").out)
    assert found["holdings"]["rows"] == 12
    assert found["run"]["rows"]["in"] == 12
    assert uncollapse("trace", "essays.jsonl").code == 0


def test_trace_of_a_document_by_row_and_by_id(uncollapse, edited, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = uncollapse("trace", "edited", "--row", "2", "--source", "essays.jsonl")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert "essays.jsonl, row 2" in done.out
    assert "gives a parent back" in done.out
    found = json.loads(uncollapse("trace", "edited", "--row", "2", "--json").out)
    assert found["row"] == 2
    assert found["depth"] == 2
    assert found["restored"] is True
    assert [parent["where"] for parent in found["parents"]] == [None]
    again = json.loads(uncollapse("trace", "edited", found["id"][:8], "--json").out)
    assert again["id"] == found["id"]
    edit = found["edits"][0]
    assert f"{edit['left']}{edit['after']}{edit['right']}" in found["text"].replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--row", "13"), "there is no row 13 among 12 rows"),
        (("--row", "0"), "--row"),
        (("ffffffff",), "no id that begins with ffffffff"),
        (("ff",), "too little of an id"),
        (("ffffffff", "--row", "1"), "two documents"),
    ],
)
def test_bad_input_of_trace_is_2(words, said, uncollapse):
    done = uncollapse("trace", "essays.jsonl", *words)
    assert done.code == 2
    assert said in done.err


def test_a_story_verifies_what_it_made(uncollapse, model, desk):
    (desk / "policy.toml").write_text("max_depth = 1\n")
    steps = (
        f"- edit: {{inputs: essays.jsonl, output: made, model: {model}, threshold: 0.3, preset: paper}}",
        "- trace: {corpus: made, row: 1, source: essays.jsonl}",
        "- verify: {corpus: made, policy: policy.toml}",
    )
    (desk / "story.yaml").write_text("steps:\n" + "\n".join(steps) + "\n")
    done = uncollapse("run", "story.yaml")
    assert done.code == 1
    assert "step 3 of 3: verify" in done.out
    assert "max_depth: 2, allowed 1" in done.out


def test_texts_that_would_move_the_terminal_are_spelled_out(uncollapse, model, desk):
    write_rows(desk / "odd.jsonl", [{"text": "The cat sat \x1b[31m on the mat and looked at the dog."}])
    assert uncollapse("edit", "odd.jsonl", "-o", "odd", "--model", model, *BUSY).code == 0
    done = uncollapse("trace", "odd", "--row", "1")
    assert "\x1b" not in done.out
    assert read_rows(desk / "odd.jsonl")[0]["text"].count("\x1b") == 1


def test_a_file_is_not_vouched_for_by_the_papers_of_another(uncollapse, model, desk):
    assert uncollapse("edit", "essays.jsonl", "-o", "one.jsonl", "--model", model, *BUSY).code == 0
    (desk / "other.jsonl.manifest.json").write_bytes((desk / "one.jsonl.manifest.json").read_bytes())
    (desk / "other.jsonl").write_text((desk / "one.jsonl").read_text().replace('"text":"', '"text":"Forged '))
    done = uncollapse("verify", "other.jsonl")
    assert done.code == 1
    assert "broken: shard in other.jsonl.manifest.json" in done.out


def test_a_reserve_that_a_model_wrote_is_none(uncollapse, model, edited, desk):
    (desk / "policy.toml").write_text("min_reserve_share = 0.01\n")
    done = uncollapse("verify", "edited", "--policy", "policy.toml", "--reserve", "edited")
    assert done.code == 1
    assert "min_reserve_share" in done.out


def test_what_a_policy_declares_of_models_is_told_checked_and_written_into_the_papers(uncollapse, edited, model, desk):
    root = "ab" * 32
    (desk / "models.toml").write_text(f'[model_depth]\n"{model}" = 3\n[trained_on]\n"{model}" = ["{root}"]\n')
    (desk / "strict.toml").write_text(f'max_depth = 3\n[model_depth]\n"{model}" = 3\n')
    told = uncollapse("trace", "edited").out
    assert "training text not on record" in told
    told = " ".join(uncollapse("trace", "edited", "--policy", "models.toml").out.split())
    assert "trained on text of depth 3, as the policy declares" in told
    assert f"trained on the corpus {root}" in told
    traced = json.loads(uncollapse("trace", "edited", "--policy", "models.toml", "--json").out)
    assert [entry["model_depth"] for entry in traced["models"].values()] == [3]
    # Human text edited by a model of unknown depth lies at 2; with training text at depth 3 it lies at 4.
    assert traced["deepest"] == 4
    assert uncollapse("verify", "edited", "--policy", "models.toml").code == 0
    refused = uncollapse("verify", "edited", "--policy", "strict.toml")
    assert refused.code == 1
    assert "max_depth: 4, allowed 3" in " ".join(refused.out.split())
    done = uncollapse("edit", "essays.jsonl", "-o", "again", "--model", model, *BUSY, "--policy", "strict.toml")
    assert done.code == 1
    assert "texts would lie at depth 4, the policy allows 3" in " ".join(done.err.split())
    assert uncollapse("card", "edited", "-o", "card", "--policy", "models.toml").code == 0
    assert "| 3 (declared) |" in (desk / "card" / "synthetic.md").read_text()
    assert f"urn:blake3:{root}" in (desk / "card" / "croissant.json").read_text()
