"""What goes in comes out: users' columns in value and type, over both formats and back."""

import gzip
import json
import random
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from cheap_steps import Shout
from uncollapse.corpora import read
from uncollapse.document import OUR_COLUMNS, SCHEMA, Origin
from uncollapse.errors import InputError, MissingInput
from uncollapse.execution import run
from uncollapse.fingerprint import content_id

ROWS = [
    '{"text":"first","z":9007199254740993,"big":123456789012345678901234567890,"f":1.0,"mix":1,"o":{"b":1,"a":[1.50,2e400]}}',
    '{"z":null,"text":"","big":1,"f":-0.0,"mix":"1","o":{"a":{"k":1,"k":2}},"late":[]}',
    '{"text":"a\\u0000b\\u2028c","z":-1,"f":1e-7,"mix":1.0,"o":{},"nul":null,"late":null}',
    '{"text":"\\ud83d\\ude00 \\u00e4","z":0,"f":0.1,"mix":true,"o":null,"nul":null,"cut":"\\udc00","deep":NaN}',
]


def user_cells(line, *, ours=OUR_COLUMNS):
    from uncollapse.corpora.jsonl import take_apart

    cells = take_apart(line.encode(), start=1)
    return {
        name: cell.raw if kind_of(cell) == "json" else cell.value for name, cell in cells.items() if name not in ours
    }


def kind_of(cell):
    return "json" if isinstance(cell.value, dict | list | int) and not isinstance(cell.value, bool) else "plain"


def test_json_values_pass_through_exactly(tmp_path):
    (tmp_path / "in.jsonl").write_text("\n".join(ROWS) + "\n")
    run(read(tmp_path / "in.jsonl"), tmp_path / "one.jsonl")
    run(read(tmp_path / "one.jsonl"), tmp_path / "two.parquet")
    run(read(tmp_path / "two.parquet"), tmp_path / "three.jsonl")
    for name in ("one.jsonl", "three.jsonl"):
        lines = (tmp_path / name).read_bytes().split(b"\n")[:-1]
        assert len(lines) == len(ROWS)
        for line, row in zip(lines, ROWS, strict=True):
            ours = user_cells(line.decode())
            assert repr(sorted(ours.items())) == repr(sorted(user_cells(row).items()))
            assert json.loads(line)["text"] == json.loads(row)["text"]
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "three.jsonl").read_bytes()


def test_any_type_of_parquet_passes_through_both_formats(tmp_path):
    columns = {
        "i8": pa.array([1, None, -3], pa.int8()),
        "u64": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "f16": pa.array([1.5, None, -2]).cast(pa.float16()),
        "f32": pa.array([0.1, float("nan"), None], pa.float32()),
        "dec": pa.array([Decimal("1.10"), None, Decimal("-2.00")], pa.decimal128(9, 2)),
        "when": pa.array([1, None, -(2**60)], pa.timestamp("ns", "Europe/Vienna")),
        "day": pa.array([1, None, 3], pa.date32()),
        "span": pa.array([1, None, 3], pa.duration("ms")),
        "raw": pa.array([b"\x00\xff", None, b""], pa.binary()),
        "words": pa.array(["a", None, "a"]).dictionary_encode(),
        "large": pa.array(["a", None, "b"], pa.large_string()),
        "list": pa.array([[1, None], None, []], pa.large_list(pa.int16())),
        "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
        "struct": pa.array([{"x": 1, "y": ["a"]}, None, {"x": None, "y": None}]),
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
        "json": pa.array(['{"a": 1}', None, "[1.50]"], pa.json_()),
        "nothing": pa.nulls(3),
        "flag": pa.array([True, None, False]),
    }
    table = pa.table({"text": pa.array(["a", "b", "c"]), **columns})
    pq.write_table(table, tmp_path / "in.parquet")
    stored = pq.read_table(tmp_path / "in.parquet")
    run(read(tmp_path / "in.parquet"), tmp_path / "one.parquet")
    run(read(tmp_path / "one.parquet"), tmp_path / "two.jsonl")
    run(read(tmp_path / "two.jsonl"), tmp_path / "three.parquet")
    for name in ("one.parquet", "three.parquet"):
        out = pq.read_table(tmp_path / name)
        for column in columns:
            assert out.schema.field(column).type == stored.schema.field(column).type, column
            ours, theirs = out.column(column).combine_chunks(), stored.column(column).combine_chunks()
            if column == "f32":
                ours, theirs = ours.view(pa.int32()), theirs.view(pa.int32())
            assert ours.equals(theirs), column
    papers = [json.loads((tmp_path / f"{name}.manifest.json").read_bytes()) for name in ("one.parquet", "two.jsonl")]
    assert papers[0]["roots"] == papers[1]["roots"]


def test_our_columns_for_texts_that_bring_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfline\r\nend\0")
    (document,) = read("a.txt", origin="unknown")
    assert document.text == "\ufeffline\r\nend\0"
    assert (document.id, document.source) == (content_id(document.text), "a.txt")
    assert (document.origin, document.generation, document.parents) == (Origin.UNKNOWN, None, ())
    assert read("a.txt").schema == SCHEMA


def test_a_name_of_ours_that_means_something_else_goes_aside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text":"x","id":"7","source":"web","body":"hello"}\n')
    corpus = read("a.jsonl", text_column="body")
    (document,) = corpus
    assert document.text == "hello"
    assert document.extra == {"user_text": "x", "user_id": "7", "user_source": "web"}
    assert corpus.plan.as_json()["notices"] == {
        "text column": ["body -> text"],
        "columns that bore one of our names": ["text -> user_text", "id -> user_id", "source -> user_source"],
    }
    (document,) = read("a.jsonl", text_column="body", rename={"id": "key"})
    assert document.extra["key"] == "7"


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_our_own_output_keeps_its_provenance(form, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text":"x","n":1}\n{"text":"y","n":2}\n')
    first = run(read(tmp_path / "a.jsonl", origin="synthetic").map(Shout()), tmp_path / "out", format=form)
    again = read(tmp_path / "out", origin="human")
    assert [(each.text, each.origin, each.recipe, each.source) for each in again] == [
        (text, Origin.SYNTHETIC, Shout().fingerprint, str(tmp_path / "a.jsonl")) for text in "XY"
    ]
    assert [entry.source for entry in again.plan.inputs] == [str(path) for path in first.paths]
    path = first.paths[0]
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(InputError, match="is not the file that its manifest lists"):
        read(tmp_path / "out")
    path.unlink()
    with pytest.raises(MissingInput, match="is listed in its manifest and is not there"):
        read(tmp_path / "out")


def test_an_unfinished_run_is_no_input(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text":"x"}\n')

    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(read(tmp_path / "a.jsonl"), tmp_path / "out", on_progress=stop)
    with pytest.raises(InputError, match="out holds an unfinished run"):
        read(tmp_path / "out")


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet"])
def test_shards_in_any_order_hold_each_row_once(ending, tmp_path):
    from uncollapse.corpora.reading import Reader

    texts = [f"document {n} " + "x" * (n % 37) for n in range(300)]
    path = tmp_path / f"a{ending}"
    lines = "".join(json.dumps({"text": text}) + "\n" + "\n" * (len(text) % 3) for text in texts).encode()
    if ending == ".parquet":
        pq.write_table(pa.table({"text": texts}), path, row_group_size=90)
    else:
        path.write_bytes({".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)(lines))
    corpus = read(path, shard_bytes=2000)
    shards = list(corpus.plan.shards)
    assert len(shards) > 10
    random.Random(3).shuffle(shards)
    reader = Reader(corpus.plan)
    seen = {}
    for shard in shards:
        for part in reader.parts(shard):
            assert len(part.batch) <= 64
            for text, place in zip(part.batch.column("text").to_pylist(), part.places, strict=True):
                seen[place.row] = text
    assert [seen[row] for row in sorted(seen)] == texts


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"x"}\n' * 3)
    corpus = read(path)
    path.write_text('{"text":"y"}\n' * 3)
    with pytest.raises(InputError, match=r"a\.jsonl was changed while it was being read"):
        list(corpus)


def test_documents_of_any_length(tmp_path):
    long = "word " * 300_000
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("", long, "x")))
    assert [document.text for document in read(path)] == ["", long, "x"]


def test_more_workers_and_another_order_give_the_same_rows(tmp_path):
    texts = [f"essay {n}" for n in range(40)]
    one, two = tmp_path / "one", tmp_path / "two"
    manifests = []
    for folder, order in ((one, texts), (two, texts[::-1])):
        folder.mkdir()
        (folder / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in order))
    for folder, workers in ((one, 1), (one, 2), (two, 1)):
        out = tmp_path / f"{folder.name}-{workers}"
        manifests.append(run(read(folder, shard_bytes=2000).map(Shout()), out, workers=workers).manifest)
    assert manifests[0] == manifests[1]
    assert manifests[0]["roots"]["contents"] == manifests[2]["roots"]["contents"]
