"""Kill -9 at every touch of the storage: the reserve is as before or as after, and the same addition goes through."""

import json
import multiprocessing
import random
import shutil
import signal

import pytest

from killable import admit_until
from uncollapse.corpora import from_documents
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import admit
from uncollapse.ledger.inspecting import inspect
from uncollapse.ledger.reserve import Reserve

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["uncollapse.ledger.admitting", "killable"])


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def start(*arguments):
    process = CONTEXT.Process(target=admit_until, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def check_killed_at(moments, folder, *, expected, before):
    for moment in moments:
        place = folder / "cut"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder / "before", place)
        assert start(moment, folder / "new.jsonl", place, folder / "log") == -signal.SIGKILL, moment
        head = Reserve.open(place).charter.head
        assert head in (before, expected["head"]), moment
        assert inspect(place).sound, moment
        assert start(-1, folder / "new.jsonl", place, folder / "log") == 0, moment
        assert tree(place) == expected["tree"], moment


@pytest.fixture
def made(tmp_path):
    admit(
        tmp_path / "before", from_documents(["one essay", "another essay"]), ground=Ground(basis="declaration", by="b")
    )
    (tmp_path / "new.jsonl").write_text("".join(json.dumps({"text": f"new essay {n}"}) + "\n" for n in range(5)))
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    assert start(-1, tmp_path / "new.jsonl", tmp_path / "after", tmp_path / "log") == 0
    expected = {"tree": tree(tmp_path / "after"), "head": Reserve.open(tmp_path / "after").charter.head}
    touches = (tmp_path / "log").read_text().splitlines()
    return tmp_path, touches, expected, Reserve.open(tmp_path / "before").charter.head


def test_killed_at_each_kind_of_touch_of_the_storage(made):
    folder, touches, expected, before = made
    assert {"inside a write", "before rename", "after rename", "after fsync"} <= set(touches)
    chance = random.Random(3)
    moments = [chance.choice([at for at, name in enumerate(touches) if name == kind]) for kind in sorted(set(touches))]
    check_killed_at([*moments, *range(len(touches) - 4, len(touches), 2)], folder, expected=expected, before=before)


@pytest.mark.slow
def test_killed_at_every_touch_of_the_storage(made):
    folder, touches, expected, before = made
    check_killed_at(range(len(touches)), folder, expected=expected, before=before)


def test_an_interruption_after_the_manifest_is_there_takes_nothing_away(tmp_path, monkeypatch):
    from uncollapse.corpora import storage

    def interrupted(folder):
        if (folder / "manifest.json").exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(storage, "sync_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        admit(tmp_path / "r", from_documents(["one essay"]), ground=Ground(basis="declaration", by="b"))
    assert inspect(tmp_path / "r").sound
    assert Reserve.open(tmp_path / "r").rows == 1
