import json
from pathlib import Path

import pytest
import yaml

from desk import BUSY, read_rows, write_rows


def edit(uncollapse, model, *words):
    done = uncollapse("edit", "essays.jsonl", "--model", model, *words)
    assert done.code == 0, done.err
    return done


def recipe_of(place: Path) -> dict:
    return json.loads(place.read_text())["recipe"]


def test_a_folder_holds_shards_manifest_report_and_page(uncollapse, model, desk):
    done = edit(uncollapse, model, "-o", "edited/", *BUSY)
    names = {path.name for path in (desk / "edited").iterdir()}
    assert {"manifest.json", "report.json", "edits.html"} < names
    assert all(
        name.startswith("part-") and name.endswith(".parquet")
        for name in names - {"ledger.parquet", "manifest.json", "report.json", "edits.html"}
    )
    report = json.loads((desk / "edited" / "report.json").read_text())
    assert {"rows", "tokens", "histogram", "speed"} <= set(report)
    assert report["rows"] == {"in": 12, "out": 12, "dropped": {}, "failed": {}}
    assert "12  in" in " ".join(done.out.split(" ")).replace("   ", "  ")
    assert (desk / "edited" / "edits.html").read_text().lower().startswith("<!doctype html>")


def test_the_account_adds_up_and_says_what_the_documents_say(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "edited.jsonl", *BUSY)
    report = json.loads((desk / "edited.jsonl.report.json").read_text())
    tokens = report["tokens"]
    fates = ("protected", "kept", "changed", "taken_back", "over_budget")
    assert tokens["flagged"] == sum(tokens[fate] for fate in fates)
    assert sum(report["histogram"]["counts"]) == tokens["scored"]
    assert len(report["histogram"]["edges"]) == len(report["histogram"]["counts"]) + 1
    rows = read_rows(desk / "edited.jsonl")
    assert tokens["changed"] == sum(len(row["edits"]) for row in rows) > 0
    assert report["documents"]["changed"] == sum(row["origin"] == "edited" for row in rows)
    assert [row["n"] for row in rows] == list(range(12))


def test_revert_gives_the_first_text_back(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "once/", *BUSY)
    again = uncollapse("edit", "once/", "-o", "twice/", "--model", model, *BUSY[:-1], "8")
    assert again.code == 0, again.err
    assert uncollapse("revert", "twice/", "-o", "original.jsonl").code == 0
    before, after = read_rows(desk / "essays.jsonl"), read_rows(desk / "original.jsonl")
    assert [row["text"] for row in after] == [row["text"] for row in before]
    assert {row["origin"] for row in after} == {"human"}


@pytest.mark.parametrize("name", ["edited.jsonl", "edited.parquet"])
def test_one_file_has_its_things_beside_it_and_is_an_input_again(uncollapse, model, desk, name):
    edit(uncollapse, model, "-o", name, *BUSY)
    beside = {path.name for path in desk.iterdir()} - {"essays.jsonl"}
    assert beside == {
        name,
        f"{name}.ledger.parquet",
        f"{name}.manifest.json",
        f"{name}.report.json",
        f"{name}.edits.html",
    }
    assert uncollapse("revert", name, "-o", "original.jsonl").code == 0
    assert [row["n"] for row in read_rows(desk / "original.jsonl")] == list(range(12))


def test_json_is_the_report_and_nothing_else(uncollapse, model, desk):
    done = edit(uncollapse, model, "-o", "edited/", "--json")
    assert json.loads(done.out) == json.loads((desk / "edited" / "report.json").read_text())


def test_a_finished_run_does_nothing_and_says_so(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (desk / "edited").iterdir()}
    again = edit(uncollapse, model, "-o", "edited/", *BUSY)
    assert "nothing to do" in again.out
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (desk / "edited").iterdir()} == before


def test_a_finished_run_makes_a_missing_report_and_page_again(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    report, page = desk / "edited" / "report.json", desk / "edited" / "edits.html"
    before = json.loads(report.read_text())
    report.unlink()
    page.unlink()
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    after = json.loads(report.read_text())
    assert {name: after[name] for name in after if name != "speed"} == {
        name: before[name] for name in before if name != "speed"
    }
    assert after["speed"]["tokens_per_second"] is None  # nothing was done in this session
    assert page.is_file()


def test_another_recipe_into_the_same_folder_is_refused_by_name(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    before = {path.name: path.read_bytes() for path in (desk / "edited").iterdir()}
    done = uncollapse("edit", "essays.jsonl", "-o", "edited/", "--model", model, *BUSY[:-1], "8")
    assert done.code == 2
    assert "seed" in done.err
    assert {path.name: path.read_bytes() for path in (desk / "edited").iterdir()} == before


def test_preview_shows_and_writes_nothing(uncollapse, model, desk):
    done = edit(uncollapse, model, "--preview", 2, *BUSY)
    assert "The" in done.out
    assert [path.name for path in desk.iterdir()] == ["essays.jsonl"]


def test_next_to_nothing_is_called_so(uncollapse, model, desk):
    done = edit(uncollapse, model, "-o", "edited/", "--preset", "paper", "--threshold", "1")
    assert "close to the identity" in done.out
    assert "or the bold preset, changes more" in " ".join(done.out.split())
    bold = edit(uncollapse, model, "-o", "boldly/", "--preset", "bold", "--threshold", "1")
    assert "A lower threshold changes more" in " ".join(bold.out.split())


# Every option of the recipe, with a value that no preset has, and what then stands in the recipe.
OPTIONS = [
    (["--threshold", "0.625"], {"threshold": 0.625}),
    (["--positions", "hard"], {"positions": "hard"}),
    (["--positions", "random", "--rate", "0.375"], {"positions": "random", "rate": 0.375}),
    (["--spacing", "13"], {"spacing": 13}),
    (["--unit", "word"], {"unit": "word"}),
    (["--max-edit-share", "0.125"], {"max_edit_share": 0.125}),
    (["--replace", "drop"], {"replace": "drop", "recheck": False}),
    (["--strategy", "top-k", "--top-k", "17"], {"strategy": "top-k", "top_k": 17}),
    (["--strategy", "rejection", "--top-k", "17"], {"strategy": "rejection", "top_k": 17}),
    (["--strategy", "top-p", "--top-p", "0.875"], {"strategy": "top-p", "top_p": 0.875}),
    (["--strategy", "min-p", "--min-p", "0.0625"], {"strategy": "min-p", "min_p": 0.0625}),
    (["--strategy", "full"], {"strategy": "full"}),
    (["--temperature", "1.75"], {"temperature": 1.75}),
    (["--exclude-original"], {"exclude_original": True}),
    (["--include-original"], {"exclude_original": False}),
    (["--seed", "12345"], {"seed": 12345}),
    (["--protect", "numbers, urls"], {"protect": ["numbers", "urls"]}),
    (["--protect", "none"], {"protect": []}),
    (["--recheck"], {"recheck": True}),
    (["--no-recheck"], {"recheck": False}),
    (["--prompt-column", "question"], {"prompt_column": "question"}),
    (["--dtype", "float32"], {"dtype": "float32"}),
    (["--window", "512"], {"window": 512}),
]


@pytest.mark.parametrize(("words", "expected"), OPTIONS, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_each_option_reaches_the_recipe(uncollapse, model, desk, words, expected):
    write_rows(desk / "essays.jsonl", [{"text": "The cat sat on the mat.", "question": "Where did it sit?"}])
    edit(uncollapse, model, "-o", "edited/", *words)
    recipe = recipe_of(desk / "edited" / "report.json")
    assert {name: recipe[name] for name in expected} == expected


def test_every_field_of_the_step_has_its_option():
    from uncollapse.editing import ToEdit

    reached = {name for _, expected in OPTIONS for name in expected}
    in_files_alone = {"strict", "recheck_tokens", "recheck_nats", "recheck_total_nats", "recheck_rounds"}
    assert reached | {"model"} | in_files_alone == set(ToEdit.model_fields)


def test_flags_lie_over_the_file_and_the_file_over_the_preset(uncollapse, model, desk):
    from uncollapse.editing import PRESETS

    file = {
        "inputs": "../essays.jsonl",
        "output": "../edited",
        "preset": "released",
        "model": str(model),
        "top-k": 5,
        "seed": 1,
        "strict": False,
    }
    (desk / "recipes").mkdir()
    (desk / "recipes" / "mine.yaml").write_text(yaml.safe_dump(file))
    done = uncollapse("edit", "--config", "recipes/mine.yaml", "--seed", 2)
    assert done.code == 0, done.err
    recipe = recipe_of(desk / "edited" / "report.json")
    assert recipe["temperature"] == PRESETS["released"]["temperature"] == 1.5
    assert (recipe["top_k"], recipe["seed"], recipe["strict"]) == (5, 2, False)


@pytest.mark.parametrize("name", ["bold", "paper", "released"])
def test_a_preset_is_what_the_library_says(uncollapse, model, desk, name):
    from uncollapse.editing import preset

    edit(uncollapse, model, "-o", "edited/", "--preset", name)
    assert recipe_of(desk / "edited" / "report.json") == dict(preset(name, model=str(model)).recipe())


def test_bold_is_taken_unless_said(uncollapse, model, desk):
    from uncollapse.editing import preset

    edit(uncollapse, model, "-o", "edited/")
    assert recipe_of(desk / "edited" / "report.json") == dict(preset("bold", model=str(model)).recipe())


def test_reading_and_writing_options_reach_the_manifest(uncollapse, model, desk):
    write_rows(desk / "essays.jsonl", [{"body": "The cat sat on the mat.", "id": "a1"}])
    edit(
        uncollapse,
        model,
        "-o",
        "edited/",
        "--text-column",
        "body",
        "--rename",
        "id=my_id",
        "--origin",
        "unknown",
        "--format",
        "jsonl",
    )
    (shard,) = (desk / "edited").glob("part-*.jsonl")
    (row,) = read_rows(shard)
    assert (row["my_id"], row["origin"]) == ("a1", "unknown")
    assert row["text"].startswith("The")
    layout = json.loads((desk / "edited" / "manifest.json").read_text())["plan"]["layout"]
    assert (layout["text_column"], layout["origin"], layout["rename"]) == ("body", "unknown", {"id": "my_id"})


def test_two_workers_make_the_same_documents(uncollapse, model, desk):
    edit(uncollapse, model, "-o", "one.jsonl", *BUSY)
    edit(uncollapse, model, "-o", "two.jsonl", "--workers", 2, *BUSY)
    assert (desk / "one.jsonl").read_bytes() == (desk / "two.jsonl").read_bytes()


def test_a_page_that_cannot_be_written_leaves_the_documents(uncollapse, model, desk):
    (desk / "edited.jsonl.edits.html").mkdir()  # where the page should go
    done = uncollapse("edit", "essays.jsonl", "-o", "edited.jsonl", "--model", model, *BUSY)
    assert done.code == 2
    assert "edits.html cannot be written" in done.err
    assert len(read_rows(desk / "edited.jsonl")) == 12
    assert not list(desk.glob(".tmp-*"))
    (desk / "edited.jsonl.edits.html").rmdir()
    assert "nothing to do" in edit(uncollapse, model, "-o", "edited.jsonl", *BUSY).out
    assert (desk / "edited.jsonl.edits.html").is_file()


def test_a_preview_says_what_it_leaves_out(uncollapse, model, desk):
    (desk / "bad.jsonl").write_text('{"text": "The cat sat."}\n{"text"\n{"text": null}\n')
    done = uncollapse("edit", "bad.jsonl", "--preview", 3, "--model", model, "--max-rejects", 2)
    assert done.code == 0, done.err
    assert done.out.endswith("\n2 rows cannot be read and are not shown\n")
    assert "cannot be read" not in edit(uncollapse, model, "--preview", 1).out


@pytest.mark.parametrize("name", ["edited[/red]", "edited[bold]x", "odd\udcff\x1b[31m", "two\nlines"])
def test_a_name_is_shown_as_it_is_called_and_never_obeyed(uncollapse, model, desk, name):
    done = edit(uncollapse, model, "-o", name, *BUSY)
    assert (desk / name / "edits.html").is_file()
    shown = name.replace("\udcff", "\\udcff").replace("\x1b", "\\x1b").replace("\n", "\\n")
    assert f"page:   {shown}/edits.html" in done.out


def test_a_folder_that_is_named_like_a_file_holds_its_own_papers(uncollapse, model, desk):
    (desk / "edited.jsonl").mkdir()
    edit(uncollapse, model, "-o", "edited.jsonl", *BUSY)
    assert {path.name for path in desk.iterdir()} == {"essays.jsonl", "edited.jsonl"}
    assert {"manifest.json", "report.json", "edits.html"} < {path.name for path in (desk / "edited.jsonl").iterdir()}


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}"])
def test_a_damaged_report_is_made_again(uncollapse, model, desk, damage):
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    report = desk / "edited" / "report.json"
    before = json.loads(report.read_text())
    report.write_text(damage)
    edit(uncollapse, model, "-o", "edited/", *BUSY)
    assert json.loads(report.read_text())["tokens"] == before["tokens"]


def test_where_every_row_is_rejected_the_account_is_zeros(uncollapse, model, desk):
    (desk / "bad.jsonl").write_text('{"text": null}\n{"text": 3}\n')
    done = uncollapse("edit", "bad.jsonl", "-o", "edited/", "--model", model, "--max-rejects", 2)
    assert done.code == 3, done.err
    report = json.loads((desk / "edited" / "report.json").read_text())
    assert report["rows"] == {"in": 2, "out": 0, "dropped": {}, "failed": {"no text": 1, "text is not a string": 1}}
    assert set(report["tokens"].values()) == {0}
    assert {"read", "flagged", "changed", "protected", "taken_back", "over_budget"} <= set(report["tokens"])
    assert report["histogram"]["counts"] == [0] * 100
    assert "0 of 0 documents changed" in done.out
    assert (desk / "edited" / "edits.html").is_file()


def test_what_was_decided_about_the_input_is_said(uncollapse, model, desk):
    (desk / "in").mkdir()
    rows = [{"answer": row["text"], "id": 7} for row in read_rows(desk / "essays.jsonl")]
    write_rows(desk / "in" / "essays.jsonl", [{**row, "id": str(row["id"])} for row in rows])
    for number in range(7):
        (desk / "in" / f"{number}[b].png").write_text("")
    done = uncollapse("edit", "in", "-o", "edited/", "--model", model, "--text-column", "answer")
    assert done.code == 0, done.err
    assert "files left out: in/0[b].png, in/1[b].png, in/2[b].png, in/3[b].png, in/4[b].png and 2 more" in done.out
    assert "text column: answer -> text" in done.out
    assert "columns that bore one of our names: id -> user_id" in done.out
    assert "text column" not in uncollapse("revert", "edited/", "-o", "back/").out
