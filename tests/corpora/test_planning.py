"""What is known before anything is written: every way in which an input can be bad, and what is said of it."""

import gzip
import json
import os
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.corpora import opening, read
from uncollapse.corpora.plan import Format, Packing
from uncollapse.errors import (
    BrokenRow,
    ColumnClash,
    InputError,
    MissingColumn,
    MissingInput,
    TooManyRejects,
    UncollapseError,
    UsageError,
)

PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def refused(tmp_path, monkeypatch, name, data, *, kind, words, **options):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(kind) as raised:
        read(name, **options)
    assert re.search(words, raised.value.message), raised.value.message
    assert raised.value.hint
    return raised.value


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize(
    ("lines", "kind", "words"),
    [
        (b'{"text":"a"}\n{"text":"b"\n', BrokenRow, r"^x\.jsonl\S*, line 2: broken JSON: expected ',' or '}' at character"),
        (b'{"text":"a"}\n\n\n"b"\n', BrokenRow, r"line 4: not a JSON object"),
        (b'{"text":"a"}\n{"text":"\xe4"}\n', BrokenRow, r"line 2: broken UTF-8: byte 0xe4 at byte 22 of the file"),
        ('{"text":"a"}\n'.encode("utf-16"), BrokenRow, r"line 1: broken UTF-8: byte 0xff at byte 0 .* looks like UTF-16"),
        (b'{"text":"a","text":"b"}\n', BrokenRow, r"line 1: duplicate key: 'text'"),
        (b'{"text":"a"}\n{"text":null}\n', BrokenRow, r"line 2: no text: column 'text' is null"),
        (b'{"text":"a"}\n{"txt":"b"}\n', BrokenRow, r"line 2: no text: column 'text' is missing"),
        (b'{"text":"a"}\n{"text":7}\n', BrokenRow, r"line 2: text is not a string: column 'text' holds int"),
        (b'{"text":"\\ud800"}\n', BrokenRow, r"line 1: lone surrogate in the text"),
        (b'{"title":"a","body":"b"}\n', MissingColumn, r"line 1 has no column 'text'; its columns: 'title', 'body'"),
        (b'[\n{"text":"a"},\n{"text":"b"}\n]\n', InputError, r"holds one JSON array, not JSON lines"),
        (b'\xef\xbb\xbf [{"text":"a"}]', InputError, r"holds one JSON array"),
        (b"", MissingInput, r"x\.jsonl\S* is empty"),
        (b"\n \n", MissingInput, r"is empty"),
        (b'{"text":"a","id":7}\n', ColumnClash, r"the column 'id' has type int64, but that name is ours, with type string"),
        (b'{"text":"a","generation":"x"}\n', ColumnClash, r"'generation' has type string.* with type integer"),
        (b'{"text":"a","id":"x","user_id":"y"}\n', ColumnClash, r"'id' and 'user_id' would both be called 'user_id'"),
    ],
)  # fmt: skip
def test_json_lines(lines, kind, words, packing, tmp_path, monkeypatch):
    refused(tmp_path, monkeypatch, f"x.jsonl{packing}", PACK[packing](lines), kind=kind, words=words)


@pytest.mark.parametrize("packing", PACK)
def test_text(packing, tmp_path, monkeypatch):
    name = f"x.txt{packing}"
    words = r"document 1: broken UTF-8: byte 0xff at byte 4 of the file"
    refused(tmp_path, monkeypatch, name, PACK[packing](b"abc \xff"), kind=BrokenRow, words=words)
    refused(tmp_path, monkeypatch, name, PACK[packing](b""), kind=MissingInput, words=r"x\.txt\S* is empty")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("cut", [5, 100])
def test_a_packed_file_that_is_cut_short(packing, cut, tmp_path, monkeypatch):
    rows = b"".join(b'{"text":"%d"}\n' % n for n in range(2000))
    data = PACK[packing](rows)
    words = r"^x\.jsonl\S* cannot be unpacked after [\d,]+ bytes: Truncated"
    refused(tmp_path, monkeypatch, f"x.jsonl{packing}", data[:-cut], kind=InputError, words=words)
    words = r"cannot be unpacked"
    refused(tmp_path, monkeypatch, f"x.jsonl{packing}", data + b"more", kind=InputError, words=words)
    broken = data[:40] + bytes([data[40] ^ 255]) + data[41:]
    refused(tmp_path, monkeypatch, f"x.jsonl{packing}", broken, kind=UncollapseError, words=r"x\.jsonl")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_several_packed_parts_in_one_file_are_all_read(packing, tmp_path):
    path = tmp_path / f"x.jsonl{packing}"
    path.write_bytes(PACK[packing](b'{"text":"a"}\n') + PACK[packing](b'{"text":"b"}\n'))
    assert [document.text for document in read(path)] == ["a", "b"]


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("unit", [b"\n", b" "])
def test_a_file_that_unpacks_without_end_is_bounded(unit, packing, tmp_path, monkeypatch):
    bomb = PACK[packing](unit * (64 << 20))
    assert len(bomb) < 100_000
    words = r"unpacks to more than 200 times its size"
    refused(tmp_path, monkeypatch, f"x.jsonl{packing}", bomb, kind=InputError, words=words)
    refused(tmp_path, monkeypatch, f"x.txt{packing}", bomb, kind=InputError, words=words)


def test_a_row_that_is_too_long_is_one_bad_row(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LONGEST_ROW", 1000)
    line = b'{"text":"' + b"a" * 2000 + b'"}\n'
    data = b'{"text":"a"}\n' + line + b'{"text":"b"}\n'
    refused(tmp_path, monkeypatch, "x.jsonl", data, kind=BrokenRow, words=r"line 2: too long")
    corpus = read("x.jsonl", max_rejects=1)
    assert corpus.plan.broken_rows == 1
    assert [document.text for document in corpus] == ["a", "b"]


def test_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "essays.jsonl").write_text('{"text":"a"}\n')
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInput, match=r"there is no file 'essay\.jsonl'") as raised:
        read("essay.jsonl")
    assert raised.value.hint == "Did you mean essays.jsonl?"
    with pytest.raises(MissingInput, match="the folder empty holds nothing that is read"):
        read("empty")
    with pytest.raises(UsageError, match="there is no input"):
        read()
    with pytest.raises(InputError, match=r"essays\.jsonl is named twice"):
        read("essays.jsonl", "./essays.jsonl")
    with pytest.raises(UsageError, match="there is no origin 'alien'"):
        read("essays.jsonl", origin="alien")


@pytest.mark.parametrize("name", ["table.csv", "book.pdf", "all.zip", "data.arrow", "x.jsonl.bz2"])
def test_kinds_of_files_that_are_not_read(name, tmp_path, monkeypatch):
    refused(tmp_path, monkeypatch, name, b"text\nhello\n", kind=InputError, words="is of a kind that is not read")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    # The tests may run as root, whom no permission stops; so the system's answer is played.
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.jsonl").write_text('{"text":"a"}\n')
    monkeypatch.setattr("uncollapse.corpora.planning.open_address", refuse)
    with pytest.raises(InputError, match=r"x\.jsonl cannot be read: Permission denied"):
        read(tmp_path / "x.jsonl")


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"body": ["a"], "n": [1]}), "x.parquet")
    with pytest.raises(MissingColumn, match=r"x\.parquet has no column 'text'; its columns: 'body', 'n'"):
        read("x.parquet")
    with pytest.raises(MissingColumn, match=r"has no column 'question'; its columns: 'body', 'n'"):
        read("x.parquet", text_column="body", prompt_column="question")
    (tmp_path / "x.jsonl").write_text('{"text":"a"}\n')
    with pytest.raises(MissingColumn, match="has no column 'question'"):
        read("x.jsonl", prompt_column="question")
    with pytest.raises(MissingColumn, match="has no column 'body'"):
        read("x.jsonl", text_column="body", max_rejects=10)
    (tmp_path / "x.txt").write_text("a")
    with pytest.raises(MissingColumn, match="has no column 'question'"):
        read("x.txt", prompt_column="question")


@pytest.mark.parametrize(
    ("columns", "options", "kind", "words"),
    [
        ({"text": [1]}, {}, ColumnClash, r"the column 'text' has type int64, texts are strings"),
        ({"text": ["a"], "source": [1.5]}, {}, ColumnClash, r"'source' has type double.*with type string"),
        ({"text": ["a"], "edits": ["x"]}, {}, ColumnClash, r"'edits' has type string.*list of structs"),
        ({"text": ["a"], "q": [1]}, {"prompt_column": "q"}, ColumnClash, r"the prompt column 'q' has type int64"),
        ({"text": ["a"], "n": [1]}, {"rename": {"n": "id"}}, UsageError, r"'n' cannot be renamed to 'id'"),
        ({"text": ["a"]}, {"rename": {"text": "t"}}, UsageError, r"the text column 'text' cannot be renamed"),
        ({"text": ["a"], "n": [1], "m": [1]}, {"rename": {"n": "k", "m": "k"}}, UsageError, r"renamed to the same name"),
        ({"text": ["a"], "n": [1], "m": [1]}, {"rename": {"n": "m"}}, ColumnClash, r"'n' and 'm' would both be called 'm'"),
        ({"text": ["a"], "n": [1]}, {"rename": {"k": "m"}}, MissingColumn, r"has no column 'k'; its columns: 'text', 'n'"),
    ],
)  # fmt: skip
def test_columns_that_clash(columns, options, kind, words, tmp_path):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(kind, match=words):
        read(tmp_path / "x.parquet", **options)


def test_one_column_has_one_type_in_all_files(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["a"], "n": ["x"]}), tmp_path / "b.parquet")
    with pytest.raises(ColumnClash, match=r"'n' has type int64 in \S*a\.parquet and string in \S*b\.parquet"):
        read(tmp_path)


def test_rows_that_cannot_be_read_may_be_allowed_up_to_a_number(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text":"a"}\n{"text":\n{"text":"\xff"}\n{"text":"b"}\n')
    assert read(path, max_rejects=2).plan.broken_rows == 2
    assert read(path, max_rejects=2).rows == 4
    with pytest.raises(TooManyRejects, match=r"more than 1 rows cannot be read; the last: .*line 3: broken UTF-8"):
        read(path, max_rejects=1)


class TestParquet:
    @pytest.fixture
    def table(self, tmp_path):
        path = tmp_path / "x.parquet"
        rows = 3000
        table = pa.table({"text": [f"text {n}" for n in range(rows)], "n": list(range(rows))})
        pq.write_table(table, path, row_group_size=500, write_page_checksum=True)
        return path

    @pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.9, 0.999])
    def test_cut_short(self, keep, table):
        data = table.read_bytes()
        table.write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(InputError, match=r"x\.parquet (cannot be read as Parquet|is empty)"):
            read(table)

    def test_a_footer_that_promises_more_rows_than_there_are(self, table):
        # The footer of one file behind the pages of another that has fewer rows in its last group.
        small = table.with_name("small.parquet")
        full = pa.table({"text": ["abcd"] * 1000})
        pq.write_table(full, table, compression="none", use_dictionary=False, write_statistics=False)
        pq.write_table(full.slice(0, 999), small, compression="none", use_dictionary=False, write_statistics=False)
        data, footer = small.read_bytes(), table.read_bytes()
        length = int.from_bytes(footer[-8:-4], "little")
        pages = data[: -8 - int.from_bytes(data[-8:-4], "little")]
        small.write_bytes(pages + b"\0" * 8 + footer[-8 - length :])
        assert pq.read_metadata(small).num_rows == 1000
        with pytest.raises(InputError, match=r"small\.parquet(:| cannot be read)"):
            read(small)

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_whatever_byte_is_wrong_it_is_an_error_of_ours_or_the_same_rows(self, data):
        # Written here and not by the fixture, which hypothesis would share between its examples.
        sink = pa.BufferOutputStream()
        rows = pa.table({"text": [f"text {n}" for n in range(300)], "n": list(range(300))})
        pq.write_table(rows, sink, row_group_size=100, write_page_checksum=True)
        content = bytearray(sink.getvalue().to_pybytes())
        tail = data.draw(st.booleans())
        at = data.draw(st.integers(len(content) - 900 if tail else 4, len(content) - 5))
        content[at] ^= data.draw(st.integers(1, 255))
        path = os.path.join(os.environ["PYTEST_TMP"], "fuzz.parquet")  # noqa: PTH118
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(content)
        try:
            corpus = read(path, shard_bytes=10_000)
            documents = list(corpus)
        except UncollapseError:
            return
        assert len(documents) == corpus.rows

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path_factory, monkeypatch):
        monkeypatch.setenv("PYTEST_TMP", str(tmp_path_factory.mktemp("fuzz")))

    def test_strings_that_are_not_utf8(self, table):
        texts = pa.Array.from_buffers(
            pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\x02\0\0\0\x04\0\0\0"), pa.py_buffer(b"aba\xff")]
        )
        pq.write_table(pa.table({"text": texts}), table)
        with pytest.raises(BrokenRow, match=r"row 2: broken UTF-8: byte 0xff at byte 1 of the text"):
            read(table)
        pq.write_table(pa.table({"text": ["a", "b"], "note": texts}), table)
        with pytest.raises(BrokenRow, match=r"row 2: broken UTF-8: column 'note'"):
            read(table)

    def test_null_texts_and_no_rows(self, table):
        pq.write_table(pa.table({"text": ["a", None]}), table)
        with pytest.raises(BrokenRow, match=r"row 2: no text: column 'text' is null"):
            read(table)
        pq.write_table(pa.table({"text": pa.array([], pa.string())}), table)
        with pytest.raises(MissingInput, match="is empty"):
            read(table)

    def test_two_columns_of_one_name(self, table):
        twice = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["text", "n", "n"])
        pq.write_table(twice, table)
        with pytest.raises(InputError, match="has two columns called 'n'"):
            read(table)


def test_a_plan_says_what_was_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b'{"text":"\xc3\xa4","n":1}\n\n{"text":"bc"}\n')
    (tmp_path / "b.txt").write_text("def")
    plan = read("a.jsonl", "b.txt", origin="unknown").plan
    assert [(entry.source, entry.format, entry.packing, entry.rows, entry.bytes) for entry in plan.inputs] == [
        ("a.jsonl", Format.JSONL, Packing.NONE, 2, 35),
        ("b.txt", Format.TEXT, Packing.NONE, 1, 3),
    ]
    assert plan.rows == 3
    assert plan.text_bytes == 2 + 2 + 3
    assert plan.columns.field("n").type == pa.int64()
    assert plan.as_json()["shards"] == [[[0, 0, 35, 1, 2], [1, 0, 3, 1, 1]]]
    assert json.loads(json.dumps(plan.as_json())) == plan.as_json()


def test_the_plan_depends_on_content_and_layout_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text":"a"}\n')
    first = read("a.jsonl").plan.fingerprint
    os.utime("a.jsonl", (0, 0))
    assert read("./a.jsonl").plan.fingerprint == first
    assert read("a.jsonl", max_rejects=3).plan.fingerprint == first
    assert read("a.jsonl", origin="unknown").plan.fingerprint != first
    (tmp_path / "a.jsonl").write_text('{"text":"b"}\n')
    assert read("a.jsonl").plan.fingerprint != first
