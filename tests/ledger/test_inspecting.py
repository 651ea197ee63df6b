"""Each thing that somebody could change in a reserve is found and named."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uncollapse.corpora import from_documents
from uncollapse.document import Document, Origin
from uncollapse.errors import InputError, MissingInput
from uncollapse.fingerprint import canonical_json, content_id, file_digest
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import admit
from uncollapse.ledger.against import contained
from uncollapse.ledger.inspecting import inspect
from uncollapse.ledger.reserve import Reserve

OWN = Ground(basis="declaration", by="the test")
ESSAYS = ["The first essay is about the sea and the wind.", "The second is about a long road home.", "Third."]


@pytest.fixture
def folder(tmp_path):
    admit(tmp_path / "r", from_documents(ESSAYS), ground=OWN)
    admit(tmp_path / "r", from_documents(["A fourth one, which came later than the others."]), ground=OWN)
    return tmp_path / "r"


def told(folder, **options):
    return [
        f"{finding.where.removeprefix(str(folder))}: {finding.what}" for finding in inspect(folder, **options).findings
    ]


def test_a_sound_one_is_sound(folder):
    found = inspect(folder)
    assert (found.sound, found.rows, found.admissions) == (True, 4, 2)
    assert found.head == Reserve.open(folder).charter.head
    first = json.loads((folder / "manifest.json").read_bytes())["reserve"]["admissions"][1]["previous"]
    assert inspect(folder, head=first).sound
    assert inspect(folder, head=found.head).sound
    assert told(folder, head="0" * 64) == [f": no admission has the digest {'0' * 64}: this is not what was noted"]


@pytest.mark.parametrize("ending", ["parquet", "digests", "hashes", "postings", "documents"])
def test_a_changed_byte_and_a_missing_file(folder, ending):
    path = folder / f"00001.{ending}"
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    assert any(line.startswith(f"/00001.{ending}: its bytes were changed") for line in told(folder))
    path.write_bytes(data[:-1])
    assert any(line.startswith(f"/00001.{ending}: it has") for line in told(folder))
    path.unlink()
    assert any(line.startswith(f"/00001.{ending}: it is not there") for line in told(folder))
    with pytest.raises(InputError, match="is not there"):
        Reserve.open(folder)
    path.write_bytes(data)
    assert inspect(folder).sound


def rewritten(folder, change):
    path = folder / "manifest.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(canonical_json(content) + b"\n")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content["reserve"]["admissions"].pop(0), "stands at place 1"),
        (lambda content: content["reserve"]["admissions"].pop(), "not the one that the head names"),
        (lambda content: content["reserve"]["admissions"][0].update(rows=4), "does not follow from the one before"),
        (lambda content: content["reserve"]["admissions"][0]["ground"].update(by="you"), "does not follow"),
        (lambda content: content["reserve"]["admissions"][1]["ground"].update(by="you"), "the head names"),
        (lambda content: content["reserve"]["admissions"].reverse(), "stands at place"),
        (lambda content: content["roots"].update(contents="0" * 64), "root over all contents"),
        (lambda content: content["shards"][0].update(rows=7), "not as this program writes it"),
    ],
)
def test_a_changed_manifest(folder, change, named):
    rewritten(folder, change)
    assert any(named in line for line in told(folder)), told(folder)


def test_a_manifest_with_other_spaces_is_not_ours(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes())))
    assert told(folder) == ["/manifest.json: it is not as this program writes it: something in it was changed"]


def forged(folder, column, value):
    """A reserve whose second file was changed in one cell, with a manifest that vouches for it."""
    path = folder / "00002.parquet"
    rows = pq.read_table(path)
    at = rows.schema.get_field_index(column)
    kind = rows.schema.field(column).type
    rows = rows.set_column(at, rows.schema.field(column), pa.array([value], kind))
    pq.write_table(rows, path)

    def vouch(content):
        admission = content["reserve"]["admissions"][1]
        admission["files"]["00002.parquet"] = {"bytes": path.stat().st_size, "blake3": file_digest(path)}
        content["shards"][1].update(admission["files"]["00002.parquet"])
        from uncollapse.ledger.admissions import Admission

        content["reserve"]["head"] = Admission(**admission).digest

    rewritten(folder, vouch)


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("text", "Another text.", "/00002.parquet, row 1: its id is"),
        ("origin", "edited", "/00002.parquet, row 1: its origin is edited"),
        ("parents", ["f" * 32], "/00002.parquet, row 1: it was made from ffff"),
        ("generation", 1, "/00002.parquet, row 1: its generation is 1"),
        ("basis", "detector", "/00002.parquet, row 1: its basis is 'detector'"),
        ("domain", "news", "/00002.parquet, row 1: its domain is 'news'"),
        ("norm_hash", bytes(16), "/00002.parquet, row 1: its normalised text has another hash"),
        ("source", "elsewhere", "/00002.digests: these are not the digests of the texts"),
    ],
)
def test_a_row_that_was_changed_by_somebody_who_also_rewrote_the_manifest(folder, column, value, named):
    noted = Reserve.open(folder).charter.head
    forged(folder, column, value)
    assert any(line.startswith(named) for line in told(folder)), told(folder)
    assert any("not what was noted" in line for line in told(folder, head=noted))


def test_a_basis_of_a_detector_is_named(folder):
    rewritten(folder, lambda content: content["reserve"]["admissions"][1]["ground"].update(basis="detector"))
    assert any("its basis is 'detector'" in line for line in told(folder))


def test_a_text_that_was_admitted_twice(folder, tmp_path):
    # Somebody joins two reserves by hand: the second admission is a copy of the first.
    for ending in ("parquet", "digests", "hashes", "postings", "documents"):
        (folder / f"00002.{ending}").write_bytes((folder / f"00001.{ending}").read_bytes())
    assert any("was admitted before" in line for line in told(folder))


def test_what_a_stopped_addition_left_is_no_fault(folder):
    (folder / "00003.parquet").write_bytes(b"half")
    found = inspect(folder)
    assert found.sound
    assert found.notices == ["of no admission, removed by the next addition: 00003.parquet"]
    admit(folder, from_documents(["A fifth."]), ground=OWN)
    assert inspect(folder).sound


def test_what_is_no_reserve(tmp_path):
    with pytest.raises(MissingInput, match="there is no reserve"):
        inspect(tmp_path)
    broken = '{"uncollapse": "1", "reserve": {"form": 1, "admissions": [{"number": "x"}], "head": ""}, "roots": {}}'
    for text in ('{"uncollapse": 1}', "{", broken):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match="is not the manifest of a reserve"):
            inspect(tmp_path)


def test_texts_that_stand_in_generated_text_without_descent(folder):
    essay = content_id(ESSAYS[0])
    copy = "A model says: the first essay is about the sea and the wind."
    edited = "The first essay is about the sea and a wind."
    rows = [
        Document(text=edited, origin=Origin.EDITED, generation=1, parents=(essay,)),
        Document(text=edited + " More.", origin=Origin.EDITED, generation=2, parents=(content_id(edited), essay)),
        Document(text=edited + " Still more.", origin=Origin.SYNTHETIC, generation=2, parents=(content_id(edited),)),
        Document(text=ESSAYS[1] + " And back."),  # human text is nobody's business here
    ]
    assert list(contained(folder, from_documents(rows))) == []
    rows.append(Document(text=copy, origin=Origin.SYNTHETIC, generation=1))
    (found,) = contained(folder, from_documents(rows))
    assert found.where.endswith("00001.parquet, row 1")
    assert found.what == "100% of its word runs stand in the generated text (memory), row 5"
