"""The ledger's rows: the same bytes however they came about, joined to rows by position, never believed when changed."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from cheap_steps import Shout, Sift
from desk import SENTENCES, write_rows
from uncollapse.corpora import read, sidecar
from uncollapse.corpora.sidecar import SidecarReader
from uncollapse.editing import Revert, ToEdit
from uncollapse.errors import InputError, MissingInput
from uncollapse.execution import run
from uncollapse.language_models.counted import CountedModel

BUSY = {"threshold": 0.3, "strategy": "full", "temperature": 2.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with essays, a model, and the essays once edited, in several shards."""
    folder = tmp_path_factory.mktemp("sidecar")
    CountedModel.fit(SENTENCES, order=3).save(folder / "model")
    texts = [" ".join(SENTENCES[n % 4 :]) + f" It was day {n}." for n in range(30)]
    write_rows(folder / "essays.jsonl", [{"text": text} for text in texts])
    run(edit(folder)(read(folder / "essays.jsonl", shard_bytes=600)), folder / "one")
    return folder


def edit(place, seed=7):
    return ToEdit(model=str(place / "model"), seed=seed, **BUSY)


def rows_of(path):
    return pq.read_table(path).to_pylist()


@pytest.mark.parametrize(
    ("name", "options", "shard_bytes"),
    [
        ("out", {}, 10**6),
        ("out", {}, 200),
        ("out", {"workers": 2}, 600),
        ("out.jsonl", {}, 600),
        ("o.parquet", {}, 600),
    ],
)
def test_its_bytes_follow_from_the_rows_alone(name, options, shard_bytes, place, tmp_path):
    result = run(edit(place)(read(place / "essays.jsonl", shard_bytes=shard_bytes)), tmp_path / name, **options)
    entry = result.manifest["ledger"]
    assert (result.folder / entry["name"]).read_bytes() == (place / "one" / "ledger.parquet").read_bytes()
    assert entry["rows"] == 30


@pytest.mark.parametrize("group", [1, 7, 30, 31])
def test_groups_of_rows_are_cut_by_the_rows_alone(group, place, tmp_path, monkeypatch):
    monkeypatch.setattr(sidecar, "GROUP_ROWS", group)
    for shard_bytes in (200, 10**6):
        run(edit(place)(read(place / "essays.jsonl", shard_bytes=shard_bytes)), tmp_path / str(shard_bytes))
    files = [tmp_path / name / "ledger.parquet" for name in ("200", "1000000")]
    assert files[0].read_bytes() == files[1].read_bytes()
    whole = rows_of(place / "one" / "ledger.parquet")
    assert rows_of(files[0]) == whole
    reader = SidecarReader(str(files[0]))
    assert pq.ParquetFile(files[0]).num_row_groups == -(-30 // group)
    for asked in ([0], [29], [3, 4, 5, 6, 7, 8], [0, 10, 20, 29], []):
        assert reader.take(asked).to_pylist() == [whole[row] for row in asked]
    with pytest.raises(InputError, match="ends at row 30, and row 31 is asked for"):
        reader.take([30])


@pytest.mark.parametrize("name", ["two", "two.jsonl", "two.parquet"])
def test_depth_grows_with_each_edit_and_goes_with_revert(name, place, tmp_path):
    run(edit(place, 8)(read(place / "one", shard_bytes=500)), tmp_path / name)
    back = run(Revert()(read(tmp_path / name)), tmp_path / "back")
    two = list(read(tmp_path / name).known())
    depths = [depth for batch in two for depth in batch.column("depth").to_pylist()]
    generations = [generation for batch in two for generation in batch.column("generation").to_pylist()]
    assert depths == [generation + 1 if generation else 0 for generation in generations]
    assert 3 in depths
    assert {
        (row["human_share"], row["depth"], row["generator"]) for row in rows_of(back.folder / "ledger.parquet")
    } == {(1.0, 0, None)}


def test_rows_keep_theirs_when_others_before_them_are_left_out(place, tmp_path):
    run(Sift(word="day 3.")(read(place / "one")), tmp_path / "less")
    whole = rows_of(place / "one" / "ledger.parquet")
    assert rows_of(tmp_path / "less" / "ledger.parquet") == [row for number, row in enumerate(whole) if number != 3]


def test_several_corpora_keep_theirs_together(place, tmp_path):
    run(Shout()(read(place / "essays.jsonl")), tmp_path / "loud.jsonl")
    run(read(place / "one", place / "essays.jsonl", tmp_path / "loud.jsonl"), tmp_path / "all")
    parts = [place / "one" / "ledger.parquet", tmp_path / "loud.jsonl.ledger.parquet"]
    one, loud = (rows_of(path) for path in parts)
    found = rows_of(tmp_path / "all" / "ledger.parquet")
    assert (found[:30], found[60:]) == (one, loud)
    assert {(row["depth"], row["origin_basis"]) for row in found[30:60]} == {(0, "publisher_declared")}


def test_a_ledger_that_was_changed_or_is_gone_is_refused_where_it_is_read(place, tmp_path):
    path = shutil.copytree(place / "one", tmp_path / "one") / "ledger.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=r"ledger of .* is not the file that its manifest lists"):
        read(tmp_path / "one")
    path.unlink()
    with pytest.raises(MissingInput, match="is listed in its manifest and cannot be read"):
        read(tmp_path / "one")


def test_a_manifest_of_an_older_version_is_read(place, tmp_path):
    folder = shutil.copytree(place / "one", tmp_path / "one")
    content = json.loads((folder / "manifest.json").read_bytes())
    for name in ("ledger", "models", "seal"):
        del content[name]
    (folder / "manifest.json").write_text(json.dumps(content))
    (folder / "ledger.parquet").unlink()
    rows = [row for batch in read(folder).known() for row in batch.to_pylist()]
    assert {(row["origin"], row["origin_basis"], row["depth"]) for row in rows if row["recipe"]} == {
        ("edited", "ledger_match", 2)
    }


def test_a_glob_that_names_the_ledger_too_leaves_it_out(place):
    files = sorted((place / "one").glob("*.parquet"))
    assert files[0].name == "ledger.parquet"
    corpus = read(*files)
    assert corpus.rows == 30
    assert [notice.names for notice in corpus.plan.notices] == [(str(files[0]),)]
    with pytest.raises(MissingInput, match="is the ledger of a corpus and holds no documents"):
        read(files[0])
