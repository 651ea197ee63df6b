"""The papers of a corpus hold its numbers, validate, and come back as declarations."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

import uncollapse as uc
from cheap_steps import Shout
from uncollapse.document import Origin
from uncollapse.ledger.card import cards
from uncollapse.ledger.croissant import About
from uncollapse.ledger.declared import declared_in


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, count in (("human", 3), ("made", 2)):
        Path(f"{name}.jsonl").write_text(
            "".join(f'{{"text": "{name} text number {n}", "n": {n}}}\n' for n in range(count))
        )
    uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, by="documents"), "mixed/")
    return tmp_path / "mixed"


def write(folder, **more):
    found = cards(str(folder), About(name="A name: of ours", licence="cc-by-4.0", **more), beside=folder)
    (folder / "croissant.json").write_text(json.dumps(found.croissant))
    (folder / "README.md").write_text(found.readme)
    return found


def test_every_number_comes_out_of_the_ledger(mixed):
    found = write(mixed)
    assert "| human | 3 | 12 | 60.00 % |" in found.table
    assert "| synthetic | 2 | 8 | 40.00 % |" in found.table
    assert "| 0 | 3 |\n| 2 | 2 |" in found.table
    assert found.table in found.readme
    front = yaml.safe_load(found.readme.split("---\n")[1])
    assert front["pretty_name"] == "A name: of ours"
    assert front["language_creators"] == ["found", "machine-generated"]
    assert "synthetic" in front["tags"]
    assert front["size_categories"] == ["n<1K"]


def test_croissant_names_files_runs_and_what_they_were_derived_from(mixed):
    content = write(mixed).croissant
    manifest = json.loads((mixed / "manifest.json").read_text())
    file = content["distribution"][0]
    assert file["sha256"] == sha256((mixed / file["contentUrl"]).read_bytes()).hexdigest()
    assert [each["@id"] for each in content["prov:wasDerivedFrom"]] == [
        f"urn:blake3:{entry['blake3']}" for entry in manifest["plan"]["inputs"]
    ]
    assert content["prov:wasGeneratedBy"]["@id"] == f"urn:uncollapse:run:{manifest['run']}"
    fields = {field["name"]: field for field in content["recordSet"][0]["field"]}
    assert fields["text"]["annotation"]["equivalentProperty"] == "prov:wasAttributedTo"
    assert fields["n"]["dataType"] == "sc:Integer"
    assert "edits" not in fields


def test_what_was_written_comes_back_as_a_declaration(mixed):
    write(mixed)
    found = declared_in(mixed / "croissant.json")
    assert (found.origin, found.by_record) == (Origin.UNKNOWN, "origin")
    assert "3 documents of origin human" in found.said
    assert declared_in(mixed / "README.md").origin is Origin.UNKNOWN


def test_what_is_of_one_origin_is_declared_so(mixed):
    uc.write(Shout()(uc.read("made.jsonl", origin="synthetic")), "made/")
    write(Path("made"))
    assert declared_in(Path("made/croissant.json")).origin is Origin.SYNTHETIC
    assert declared_in(Path("made/README.md")).origin is Origin.SYNTHETIC


@pytest.mark.parametrize(
    ("creators", "origin"),
    [("machine-generated", "synthetic"), ("[expert-generated, crowdsourced]", "human"), ("found", "unknown")],
)
def test_somebody_elses_dataset_card(tmp_path, creators, origin):
    (tmp_path / "README.md").write_text(f"---\nlanguage_creators: {creators}\n---\n# A card\n")
    assert declared_in(tmp_path / "README.md").origin == origin


@pytest.mark.parametrize("text", ["", "{}", "[1]", "---\n- 1\n---\n", "---\na: [\n---\n"])
def test_papers_that_are_none(tmp_path, text):
    (tmp_path / "paper").write_text(text)
    with pytest.raises(uc.InputError):
        declared_in(tmp_path / "paper")


def test_a_corpus_without_a_ledger_has_no_card(mixed):
    with pytest.raises(uc.UsageError, match="has no ledger") as refused:
        cards("human.jsonl", About(name="x"), beside=Path())
    assert "uc.write" in refused.value.hint


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("out", ["folder/", "lines.jsonl", "table.parquet"])
def test_mlcroissant_validates_and_reads_every_record(mixed, out):
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant: the extra `croissant` is not installed")
    uc.write(uc.read("mixed/"), out)
    folder = Path(out) if out.endswith("/") else Path()
    found = cards(out, About(name="mixed", licence="cc-by-4.0"), beside=folder)
    (folder / "croissant.json").write_text(json.dumps(found.croissant))
    dataset = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert not dataset.metadata.issues.errors
    rows = list(dataset.records("documents"))
    assert len(rows) == 5
    assert {row["documents/origin"] for row in rows} == {b"human", b"synthetic"}
