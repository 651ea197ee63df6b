"""Each kind of tampering is found and named; what is rewritten consistently is found from outside alone."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forging import change_rows, forge, manifest_of, settle, shard_of
from uncollapse.corpora import read
from uncollapse.errors import MissingInput, UsageError
from uncollapse.ledger import Evidence, verify
from uncollapse.ledger.findings import KEPT
from uncollapse.ledger.kin import Ids, Kin
from uncollapse.provenance import Policy


def broken(out, **evidence):
    found = verify(str(out), evidence=Evidence(**evidence))
    assert found.holds == (not found.findings)
    return found.findings


def rules(out, **evidence):
    return {finding.rule for finding in broken(out, **evidence)}


@pytest.mark.parametrize("name", ["folder", "one.parquet", "one.jsonl"])
def test_what_a_run_wrote_holds_and_every_part_of_it_was_checked(name, edit, essays, tmp_path):
    out = edit(essays, tmp_path / name)
    found = verify(str(out))
    assert found.holds
    assert found.findings == ()
    checked = {rule: done for rule, (done, _) in found.rules.items()}
    assert checked["id"] == checked["origin"] == checked["recipe"] == 20
    assert checked["edits"] == found.totals.by["edited", "generated_here"].rows > 0
    assert checked["ledger"] == 20 + 4  # its rules, its size, its digest, its number of rows
    assert checked["roots"] == 2
    assert found.totals.rows == 20
    assert [note for note in found.notes if "only a signature" in note]


def test_json_lines_in_shards_hold_too(edit, essays, tmp_path):
    out = edit(essays, tmp_path / "out", format="jsonl")
    assert len(manifest_of(out)["shards"]) > 1
    assert broken(out) == ()


def test_a_corpus_edited_twice_and_one_taken_back_hold(edit, out, tmp_path):
    from uncollapse.editing import Revert
    from uncollapse.execution import run

    twice = edit(out, tmp_path / "twice", seed=8)
    run(Revert()(read(twice)), tmp_path / "back")
    assert broken(twice) == broken(tmp_path / "back") == ()
    totals = verify(str(twice)).totals
    assert set(totals.depth) <= {0, 2, 3}
    assert totals.edits_of_a_position == 2
    assert verify(str(tmp_path / "back")).totals.depth == {0: 20}
    assert verify(str(tmp_path / "back")).totals.human_share == 1.0


def edited_row(rows):
    return next(number for number, row in enumerate(rows) if row["edits"])


def swap_letter(rows):
    row = rows[edited_row(rows)]
    row["text"] = row["text"][:-1] + ("!" if row["text"][-1] != "!" else "?")


def other_origin(rows):
    rows[edited_row(rows)]["origin"] = "human"


def other_parent(rows):
    rows[edited_row(rows)]["parents"] = ["0" * 32]


def other_generation(rows):
    rows[edited_row(rows)]["generation"] = 0


def other_probability(rows):
    edits = rows[edited_row(rows)]["edits"]
    edits[0]["probability"] = 2.0


def other_edit(rows):
    rows[edited_row(rows)]["edits"][0]["before"] = " elephant"


def no_edits(rows):
    rows[edited_row(rows)]["edits"] = []


def other_recipe(rows):
    rows[edited_row(rows)]["recipe"] = "f" * 32


def other_id(rows):
    rows[0]["id"] = "0" * 32


def less(rows):
    return rows[1:]


def more(rows):
    return [*rows, rows[0]]


def reordered(rows):
    return rows[::-1]


def other_user_column(rows):
    rows[0]["n"] = 99


# What a change of rows breaks besides the digest of the file and the roots.
ROWS = {
    swap_letter: {"id", "edits", "ledger"},
    other_origin: {"origin", "ledger"},
    other_parent: {"edits"},
    other_generation: {"origin", "ledger"},
    other_probability: {"edits"},
    other_edit: {"edits"},
    no_edits: {"ledger"},
    other_recipe: {"recipe", "ledger"},
    other_id: {"id"},
    less: {"ledger"},
    more: {"ledger"},
    reordered: {"ledger"},
    other_user_column: set(),
}


@pytest.mark.parametrize("change", ROWS, ids=lambda change: change.__name__)
def test_a_changed_row_is_found_and_named(change, out):
    path = shard_of(out, 1)
    change_rows(path, change)
    found = broken(out)
    digest = [finding for finding in found if finding.rule == "shard" and "BLAKE3" in finding.found]
    assert [finding.file for finding in digest] == [path.name]
    assert {finding.rule for finding in found} >= ROWS[change] | {"shard"}
    assert all(finding.remedy for finding in found)


def test_the_row_of_a_changed_text_is_named(out):
    path = shard_of(out, 1)
    number = edited_row(pq.read_table(path).to_pylist())
    change_rows(path, swap_letter)
    (finding,) = [finding for finding in broken(out) if finding.rule == "id"]
    assert (finding.file, finding.row) == (path.name, number + 1)
    text = pq.read_table(path).column("text")[number].as_py()
    from uncollapse.fingerprint import content_id

    assert finding.expected == f"id {content_id(text)}"


def test_the_order_of_rows_leaves_the_roots_and_is_found_by_the_file(out):
    change_rows(shard_of(out, 1), reordered)
    assert "roots" not in rules(out)
    assert "shard" in rules(out)


@pytest.mark.parametrize("place", [10, -10, 0.5])
def test_one_byte_of_a_shard(place, out):
    path = shard_of(out)
    data = bytearray(path.read_bytes())
    data[int(len(data) * place) if isinstance(place, float) else place] ^= 1
    path.write_bytes(data)
    assert path.name in {finding.file for finding in broken(out) if finding.rule == "shard"}


def test_one_byte_of_a_json_line(edit, essays, tmp_path):
    out = edit(essays, tmp_path / "out", format="jsonl")
    path = shard_of(out)
    text = path.read_text()
    path.write_text(
        text.replace('"text": "', '"text": "?', 1) if '"text": "' in text else text.replace('"text":"', '"text":"?', 1)
    )
    assert rules(out) >= {"shard", "id", "roots"}
    path.write_text(text[1:])
    (unread,) = [finding for finding in broken(out) if finding.rule == "row"]
    assert unread.row == 1


def test_a_truncated_shard(out):
    path = shard_of(out, 2)
    path.write_bytes(path.read_bytes()[:-200])
    assert {finding.file for finding in broken(out) if finding.rule == "shard"} == {path.name}


def test_a_missing_shard(out):
    path = shard_of(out, 2)
    path.unlink()
    found = broken(out)
    assert [(finding.file, finding.found) for finding in found if finding.rule == "shard"] == [(path.name, "no file")]
    assert "roots" in {finding.rule for finding in found}


def test_swapped_shards(out):
    first, second = shard_of(out, 0), shard_of(out, 1)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert {finding.file for finding in broken(out) if finding.rule == "shard"} == {first.name, second.name}


def test_a_shard_that_nobody_listed_is_not_read(out):
    (out / "part-99999-000000000000.parquet").write_bytes(shard_of(out).read_bytes())
    assert broken(out) == ()
    assert read(out).rows == 20


LEDGER_CHANGES = {
    "norm_hash": b"\0" * 16,
    "origin_basis": "none",
    "human_share": 0.125,
    "depth": 9,
    "words": 1000,
    "generator": None,
}


@pytest.mark.parametrize("name", LEDGER_CHANGES)
def test_a_changed_value_of_the_ledger_is_found_and_its_row_named(name, out):
    table = pq.read_table(out / "ledger.parquet")
    first = manifest_of(out)["shards"][0]["rows"]
    inside = edited_row(pq.read_table(shard_of(out, 1)).to_pylist())
    values = table.column(name).to_pylist()
    values[first + inside] = LEDGER_CHANGES[name]
    column = pa.array(values, pa.string()).dictionary_encode() if name in ("origin_basis", "generator") else values
    changed = table.set_column(
        table.schema.names.index(name),
        name,
        pa.array(column, table.schema.field(name).type) if isinstance(column, list) else column,
    )
    pq.write_table(changed, out / "ledger.parquet")
    named = {(finding.file, finding.row) for finding in broken(out) if finding.rule == "ledger" and finding.row}
    assert named == {(shard_of(out, 1).name, inside + 1)}


def test_a_ledger_that_is_damaged_short_or_gone(out):
    path = out / "ledger.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"?")
    assert rules(out) == {"ledger"}
    pq.write_table(pq.read_table(pa.BufferReader(data)).slice(0, 10), path)
    assert rules(out) == {"ledger"}
    path.unlink()
    (finding,) = broken(out)
    assert (finding.rule, finding.file, finding.found) == ("ledger", "ledger.parquet", "no file")


def test_a_corpus_without_a_ledger(essays):
    (finding,) = broken(essays)
    assert finding.rule == "no ledger"
    assert "origin" in finding.remedy


def test_a_run_that_is_not_finished(out):
    (out / "manifest.json").unlink()
    (out / ".progress").mkdir()
    (finding,) = broken(out)
    assert "is not finished" in finding.found


def test_nothing_there_and_not_here(tmp_path):
    with pytest.raises(MissingInput, match="there is no"):
        verify(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="not on this machine"):
        verify("s3://bucket/corpus")


def pass_off_as_human(rows):
    for row in rows:
        row |= {"origin": "human", "generation": 0, "parents": [], "edits": [], "recipe": None}


def test_a_consistent_rewrite_is_found_from_outside_alone(out):
    before = verify(str(out)).roots
    forge(out, pass_off_as_human)
    found = verify(str(out))
    assert found.holds
    assert any("only a signature" in note for note in found.notes)
    # The texts are the same, and so is their root.
    assert {name for name, value in before.items() if rules(out, root=value)} == {"seal", "records"}


def test_a_root_says_what_it_vouches_for(out):
    for name, value in verify(str(out)).roots.items():
        found = verify(str(out), evidence=Evidence(root=value.upper()))
        assert found.holds
        (said,) = found.notes
        assert name in said


def test_forging_without_a_change_gives_the_same_corpus(out):
    before = manifest_of(out)
    settle(out)
    assert manifest_of(out) == before


def test_rejects_that_the_account_does_not_know(essays, tmp_path):
    from cheap_steps import Sift
    from uncollapse.execution import run

    run(Sift(word="day 7")(read(essays)), tmp_path / "out")
    assert broken(tmp_path / "out") == ()
    path = tmp_path / "out" / "rejects.jsonl"
    whole = path.read_text()
    for text in (whole + whole, whole.replace("day 7.", "day 8."), "nonsense\n"):
        path.write_text(text)
        assert rules(tmp_path / "out") == {"rejects"}
    path.unlink()
    assert rules(tmp_path / "out") == {"rejects"}


def test_more_findings_than_are_shown_are_counted(edit, essays, tmp_path):
    many = tmp_path / "many.jsonl"
    many.write_text(essays.read_text() * 3)
    out = edit(many, tmp_path / "many", shard_bytes=10**6)
    change_rows(shard_of(out), lambda rows: [{**row, "id": "0" * 32} for row in rows])
    found = verify(str(out))
    assert found.rules["id"] == (60, 60)
    assert len([finding for finding in found.findings if finding.rule == "id"]) == KEPT


def test_sources_say_whether_generations_follow(edit, essays, out, tmp_path):
    kin = Kin.of([read(essays, origin="human")])
    found = verify(str(out), evidence=Evidence(sources=kin))
    assert found.holds
    asked = found.totals.by["edited", "generated_here"].rows
    assert found.notes[-1] == f"Of {asked} rows with parents, {asked} have theirs in the sources that were named."
    # Were the same essays already edited text, what was made of them would be at generation 2.
    edited = Kin.of([read(essays, origin="edited")])
    assert rules(out, sources=edited) == {"source"}


def test_policy_and_reserve(essays, out):
    totals = verify(str(out)).totals
    assert rules(out, policy=Policy(max_depth=2)) == set()
    assert rules(out, policy=Policy(max_depth=1)) == {"policy"}
    kept = Policy(min_written_share=totals.written_share)
    assert rules(out, policy=kept) == set()
    assert rules(out, policy=Policy(min_written_share=totals.written_share + 1e-6)) == {"policy"}
    reserve = Ids.of(read(essays))
    assert rules(out, policy=Policy(min_reserve_share=0.001), reserve=reserve) == {"policy"}
    with pytest.raises(UsageError, match="min_reserve_share needs"):
        broken(out, policy=Policy(min_reserve_share=0.1))
