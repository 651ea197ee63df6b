import json
import shlex
import subprocess
import sys

import fsspec
import pytest

from uncollapse.corpora import read
from uncollapse.corpora.addresses import find, form, without_credentials
from uncollapse.corpora.plan import Format, Packing
from uncollapse.errors import InputError, MissingInput, UncollapseError
from uncollapse.execution import run


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("data/what?#is.jsonl", "data/what?#is.jsonl"),
        ("https://me:secret@host/a.jsonl", "https://host/a.jsonl"),
        ("https://host/a.jsonl?token=secret&x=1#f", "https://host/a.jsonl"),
        ("s3://key:secret@bucket/a", "s3://bucket/a"),
        ("zip://a.txt::https://u:secret@host/b.zip?key=secret", "zip://a.txt::https://host/b.zip"),
        ("hf://datasets/o/n@rev/a.parquet", "hf://datasets/o/n@rev/a.parquet"),
    ],
)
def test_what_is_written_down_of_an_address(address, clean):
    assert without_credentials(address) == clean


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", (Format.JSONL, Packing.NONE)),
        ("a.ndjson.gz", (Format.JSONL, Packing.GZIP)),
        ("a.JSON.zst", (Format.JSONL, Packing.ZSTD)),
        ("a.b.parquet", (Format.PARQUET, Packing.NONE)),
        ("a.md", (Format.TEXT, Packing.NONE)),
        ("a.parquet.gz", None),
        ("jsonl", None),
        ("a.exe", None),
    ],
)
def test_endings(name, expected):
    assert form(name) == expected


def test_a_folder_is_read_whole_and_what_is_left_out_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "d/b.jsonl": '{"text":"b"}\n',
        "d/a/x.txt": "x",
        "d/README.md": "papers",
        "d/i.png": "?",
        "d/.git/x.txt": "no",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    corpus = read("d")
    assert [document.source for document in corpus] == ["d/a/x.txt", "d/b.jsonl"]
    assert corpus.plan.as_json()["notices"] == {"files left out": ["d/i.png", "d/README.md"]}


def test_the_papers_beside_a_single_file_are_not_read_with_it(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text":"b"}\n')
    (tmp_path / "out").mkdir()
    run(read(tmp_path / "in.jsonl"), tmp_path / "out" / "one.jsonl")
    (tmp_path / "out" / "one.jsonl.report.json").write_text("{}")
    assert [document.text for document in read(tmp_path / "out")] == ["b"]


@pytest.fixture
def bucket():
    files = fsspec.filesystem("memory")
    files.pipe("/bucket/a.jsonl", b'{"text":"a"}\n')
    files.pipe("/bucket/deep/b.jsonl", b'{"text":"b"}\n')
    yield "memory://bucket"
    files.rm("/bucket", recursive=True)


def test_remote_files_and_folders(bucket, tmp_path):
    assert [document.text for document in read(f"{bucket}/a.jsonl")] == ["a"]
    corpus = read(bucket)
    assert [(document.text, document.source) for document in corpus] == [
        ("a", "memory://bucket/a.jsonl"),
        ("b", "memory://bucket/deep/b.jsonl"),
    ]
    assert run(corpus, tmp_path / "out").rows["out"] == 2
    with pytest.raises(MissingInput, match="there is nothing at memory://bucket/no"):
        read(f"{bucket}/no")


def test_a_remote_folder_keeps_its_ledger_with_a_slash_behind_it(bucket, tmp_path):
    run(read(f"{bucket}/a.jsonl", origin="synthetic"), tmp_path / "out")
    files = fsspec.filesystem("memory")
    for path in (tmp_path / "out").iterdir():
        files.pipe_file(f"/bucket/made/{path.name}", path.read_bytes())
    for address in (f"{bucket}/made", f"{bucket}/made/"):
        assert [document.origin for document in read(address)] == ["synthetic"]
        here = next(iter(read(tmp_path / "out").known()))
        assert next(iter(read(address).known())).column("depth") == here.column("depth")


def test_keys_reach_no_manifest_and_no_error(bucket, tmp_path, monkeypatch):
    with pytest.raises(UncollapseError) as raised:
        read("https://me:s3cret@127.0.0.1:9/a.jsonl?token=s3cret")
    assert "s3cret" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
    monkeypatch.setattr("uncollapse.corpora.corpus.find", with_key)
    result = run(read(f"{bucket}/a.jsonl"), tmp_path / "out.jsonl")
    assert "s3cret" not in json.dumps(result.manifest) + (tmp_path / "out.jsonl").read_text()


def with_key(addresses):
    """As if the address had a key in it that the storage needs."""
    from uncollapse.corpora.addresses import Found

    (address,) = addresses
    source = without_credentials(address.replace("memory://", "memory://me:s3cret@"))
    return [Found(address, source, Format.JSONL, Packing.NONE)], []


def test_what_is_to_be_tried_with_a_csv_works(tmp_path):
    source = tmp_path / "IN.csv"
    source.write_text('class,text\n3,"The cat, sat."\n')
    with pytest.raises(InputError) as caught:
        find([source])
    command = caught.value.hint.removeprefix("Convert it first: python ")
    subprocess.run([sys.executable, *shlex.split(command)], cwd=tmp_path, check=True)
    (document,) = read(tmp_path / "OUT.parquet")
    assert (document.text, document.extra) == ("The cat, sat.", {"class": 3})
