"""Segments of the index are put together by size; nothing is found otherwise, and no moment of it can be a wrong one."""

import json
import math
import multiprocessing
import shutil
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from killable import admit_until
from uncollapse.corpora import from_documents
from uncollapse.duplicates.postings import Segment
from uncollapse.errors import InputError, OutputRefused
from uncollapse.ledger import merging
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import admit
from uncollapse.ledger.inspecting import inspect
from uncollapse.ledger.merging import FAN, due
from uncollapse.ledger.reserve import Reserve
from uncollapse.ledger.searching import Search

GROUND = Ground(basis="declaration", by="a test")
WORDS = [f"w{number}" for number in range(60)]


def essays(number, count=3):
    rng = np.random.default_rng(number)
    return [f"essay {number} {row} " + " ".join(rng.choice(WORDS, 30)) for row in range(count)]


def add(folder, number, count=3):
    return admit(folder, from_documents(essays(number, count)), ground=GROUND)


def index_files(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".hashes")


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ([], 0),
        ([5], 0),
        ([1, 1, 1], 0),
        ([1, 1, 1, 1], 4),
        ([100, 1, 1, 1], 0),
        ([100, 1, 1, 1, 1], 4),
        ([4, 4, 4, 1], 4),
        ([100, 1, 100, 1], 4),  # a small one behind a large one does not keep the large ones apart for ever
        ([1] * 100, 100),
    ],
)
def test_what_is_due_by_hand(sizes, count):
    assert due(sizes) == count


@given(st.lists(st.integers(1, 10**6), max_size=300))
def test_there_are_never_many_segments(added):
    sizes = []
    for size in added:
        sizes.append(size)
        count = due(sizes)
        if count:
            sizes[-count:] = [sum(sizes[-count:])]
        assert len(sizes) <= FAN - 1 + math.log(sum(sizes), FAN + 1) + 1
    assert sum(sizes) == sum(added)


@given(st.lists(st.integers(1, 1000), max_size=300))
def test_what_is_written_again_stays_within_five_times_what_there_is(added):
    sizes, written = [], 0
    for size in added:
        sizes.append(size)
        count = due(sizes)
        if count:
            sizes[-count:] = [sum(sizes[-count:])]
            written += sizes[-1]
    assert written <= (FAN + 1) * sum(sizes)


def test_many_additions_leave_few_segments_and_the_same_answers(tmp_path):
    many, once = tmp_path / "many", tmp_path / "once"
    for number in range(9):
        add(many, number)
    admit(once, from_documents([text for number in range(9) for text in essays(number)]), ground=GROUND)
    reserve = Reserve.open(many)
    assert reserve.charter.to_bytes() == (many / "manifest.json").read_bytes()
    assert [(part.first, part.last) for part in reserve.charter.segments] == [(1, 7), (8, 8), (9, 9)]
    assert index_files(many) == ["00001-00007.hashes", "00008.hashes", "00009.hashes"]
    assert inspect(many).sound
    queries = from_documents([f"{text} and more" for text in essays(2)] + ["w1 w2 w3 stranger"])
    found = [[batch.to_pylist() for batch in Search(Reserve.open(folder)).over(queries)] for folder in (many, once)]
    places = [[(row.pop("parent_source"), row.pop("parent_row")) for row in rows] for (rows,) in found]
    assert found[0] == found[1]
    # Each is found in the file of its own admission.
    first = [place for place, row in zip(places[0], found[0][0], strict=True) if row["rank"] == 1]
    assert first[:3] == [(str(many / "00003.parquet"), row) for row in (1, 2, 3)]


def test_a_merged_segment_is_that_of_its_documents_in_order(tmp_path):
    for number in range(4):
        add(tmp_path / "many", number)
    admit(tmp_path / "once", from_documents([t for n in range(4) for t in essays(n)]), ground=GROUND)
    for ending in (".hashes", ".postings", ".documents"):
        assert (tmp_path / "many" / f"00001-00004{ending}").read_bytes() == (
            tmp_path / "once" / f"00001{ending}"
        ).read_bytes()


def test_heads_that_were_noted_still_hold(tmp_path):
    heads = [add(tmp_path / "r", number).reserve.charter.head for number in range(6)]
    assert len(index_files(tmp_path / "r")) == 3
    for head in heads:
        assert inspect(tmp_path / "r", head=head).sound


def test_what_is_there_is_known_in_merged_segments_too(tmp_path):
    for number in range(5):
        add(tmp_path / "r", number)
    again = add(tmp_path / "r", 1)
    assert (again.admission, again.present) == (None, 3)


@pytest.mark.parametrize("ending", [".hashes", ".postings", ".documents"])
def test_a_changed_merged_segment_is_found_though_the_manifest_vouches_for_it(ending, tmp_path):
    folder = tmp_path / "r"
    for number in range(4):
        add(folder, number)
    path = folder / f"00001-00004{ending}"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert {finding.what for finding in inspect(folder).findings} == {"its bytes were changed"}
    from uncollapse.fingerprint import file_digest

    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["reserve"]["merged"][0]["files"][path.name]["blake3"] = file_digest(path)
    from uncollapse.fingerprint import canonical_json

    (folder / "manifest.json").write_bytes(canonical_json(manifest) + b"\n")
    (finding,) = inspect(folder).findings
    assert finding.where == str(path)
    assert "not that of the texts" in finding.what


def test_a_missing_merged_segment_is_named(tmp_path):
    for number in range(4):
        add(tmp_path / "r", number)
    (tmp_path / "r" / "00001-00004.postings").unlink()
    with pytest.raises(InputError, match="postings is not there"):
        Reserve.open(tmp_path / "r")


def test_who_opened_a_reserve_before_segments_became_one_is_told_so(tmp_path):
    for number in range(3):
        add(tmp_path / "r", number)
    late, early = Reserve.open(tmp_path / "r"), Reserve.open(tmp_path / "r")
    assert early.index.documents == 9
    add(tmp_path / "r", 3)
    # What is mapped stays readable.
    assert early.holds([early.index.ids(np.array([8]))[0].tobytes().hex()]) == [True]
    with pytest.raises(InputError, match="was added to meanwhile"):
        _ = late.index


def test_merged_segments_that_cannot_be_are_refused(tmp_path):
    for number in range(4):
        add(tmp_path / "r", number)
    path = tmp_path / "r" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"last":4', b'"last":5'))
    with pytest.raises(InputError, match="does not hold"):
        Reserve.open(tmp_path / "r")


def test_a_storage_that_is_full_leaves_the_segments_as_they_were(tmp_path, monkeypatch):
    folder = tmp_path / "r"
    for number in range(3):
        add(folder, number)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    real = merging.fill_whole

    def full(path, fill):
        if "-" in path.name:
            raise OSError(28, "No space left on device")
        return real(path, fill)

    monkeypatch.setattr(merging, "fill_whole", full)
    with pytest.raises(OutputRefused, match="no space left"):
        add(folder, 3)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"} == {
        name: data for name, data in before.items() if name != ".lock"
    }
    assert inspect(folder).sound


def start(*arguments):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["uncollapse.ledger.admitting", "killable"])
    process = context.Process(target=admit_until, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def test_killed_while_segments_are_put_together_the_old_ones_are_valid(tmp_path):
    folder, log = tmp_path / "before", tmp_path / "log"
    for number in range(3):
        add(folder, number)
    (tmp_path / "new.jsonl").write_text(json.dumps({"text": "the essay that brings it about"}) + "\n")
    shutil.copytree(folder, tmp_path / "after")
    assert start(-1, tmp_path / "new.jsonl", tmp_path / "after", log) == 0
    assert index_files(tmp_path / "after") == ["00001-00004.hashes"]
    touches = log.read_text().splitlines()
    # From the last file of the addition's own segment on: the merged files, the manifest, the clearing away.
    moments = sorted({*range(len(touches) // 2, len(touches), 14), *range(len(touches) - 3, len(touches))})
    states = set()
    for moment in moments:
        place = tmp_path / "cut"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        assert start(moment, tmp_path / "new.jsonl", place, log) == -signal.SIGKILL, moment
        found = inspect(place)
        assert found.sound, (moment, found.findings)
        states.add(tuple(part.stem for part in Reserve.open(place).charter.segments))
        assert all(Segment.open(place / part.stem).documents for part in Reserve.open(place).charter.segments)
        assert start(-1, tmp_path / "new.jsonl", place, log) == 0, moment
        names = {path.name: path.read_bytes() for path in place.iterdir() if path.name != ".lock"}
        assert names == {p.name: p.read_bytes() for p in (tmp_path / "after").iterdir() if p.name != ".lock"}, moment
    assert states == {("00001", "00002", "00003"), ("00001-00004",)}
