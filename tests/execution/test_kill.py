"""Kill -9 at every step of the commit and at random moments: the output is that of an undisturbed run."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from cheap_steps import Shout, Sift, Trouble
from killable import work, work_until
from uncollapse.errors import OutputBusy, WorkerLost

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["uncollapse.execution.run", "killable"])


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_essays(path, count, *, first=0):
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(first, first + count)))


@pytest.fixture
def in_memory(tmp_path):
    """A folder in memory where the system has one, as fsync is two thirds of a small run on a disk.

    What a process that is killed has given to the system stays, on a disk or in memory, synced or not.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="uncollapse-") as folder:
        yield Path(folder)


def start(function, *arguments, **options):
    process = CONTEXT.Process(target=function, args=arguments, kwargs=options)
    process.start()
    return process


def undisturbed(essays, out, log):
    """What an undisturbed run leaves, and how it touches the storage on the way."""
    run = start(work_until, -1, essays, out, log)
    run.join()
    assert run.exitcode == 0
    return tree(out.parent), log.read_text().splitlines()


def check_killed_at(moments, name, tmp_path, *, expected):
    for moment in moments:
        place = tmp_path / "cut"
        shutil.rmtree(place, ignore_errors=True)
        killed = start(work_until, moment, tmp_path / "essays.jsonl", place / name, tmp_path / "log")
        killed.join()
        assert killed.exitcode == -signal.SIGKILL, moment
        again = start(
            work, tmp_path / "essays.jsonl", place / name, shard_bytes=180, steps=[Shout(), Sift(word="ESSAY 7")]
        )
        again.join()
        assert again.exitcode == 0, moment
        assert tree(place) == expected, moment


@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_killed_at_each_kind_of_touch_of_the_storage(name, tmp_path):
    write_essays(tmp_path / "essays.jsonl", 10)
    expected, touches = undisturbed(tmp_path / "essays.jsonl", tmp_path / "whole" / name, tmp_path / "log")
    kinds = {
        f"{when} {what}" for what in ("fsync", "rename", "unlink", "fsync of a folder") for when in ("before", "after")
    }
    assert set(touches) >= kinds | {"before a write", "inside a write"}
    chance = random.Random(1)
    moments = [
        chance.choice([at for at, touch in enumerate(touches) if touch == kind]) for kind in sorted(set(touches))
    ]
    check_killed_at([*moments, *range(len(touches) - 12, len(touches), 3)], name, tmp_path, expected=expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_killed_at_every_touch_of_the_storage(name, in_memory):
    # Four shards: a first one, a last one, one with a rejected row between them, and one without.
    write_essays(in_memory / "essays.jsonl", 4, first=5)
    expected, touches = undisturbed(in_memory / "essays.jsonl", in_memory / "whole" / name, in_memory / "log")
    assert len(touches) > 300
    check_killed_at(range(len(touches)), name, in_memory, expected=expected)


@pytest.mark.parametrize(("workers", "times"), [(1, 20), (2, 4), pytest.param(2, 20, marks=pytest.mark.slow)])
def test_killed_at_random_moments(workers, times, tmp_path):
    essays, out, whole = tmp_path / "essays.jsonl", tmp_path / "out", tmp_path / "whole"
    write_essays(essays, 120)
    task = {"shard_bytes": 300, "steps": [Trouble(nap=0.01), Shout()], "workers": workers}
    began = time.monotonic()
    first = start(work, essays, whole, **task)
    first.join()
    assert first.exitcode == 0
    takes = time.monotonic() - began
    chance = random.Random(20)
    kills = 0
    while kills < times:
        run = start(work, essays, out, **task)
        run.join(chance.uniform(0, takes))
        if run.exitcode is None:
            run.kill()
            run.join()
            kills += 1
        else:
            assert run.exitcode == 0
            assert tree(out) == tree(whole)
            shutil.rmtree(out)
    final = start(work, essays, out, **task)
    final.join()
    assert final.exitcode == 0
    assert tree(out) == tree(whole)


def test_a_worker_that_is_killed_is_replaced(tmp_path):
    essays, out, whole = tmp_path / "essays.jsonl", tmp_path / "out", tmp_path / "whole"
    write_essays(essays, 30)
    essays.write_text(essays.read_text().replace("essay 11", "die 11"))
    marks = tmp_path / "marks"
    marks.mkdir()
    (marks / "died-0").touch()
    (marks / "died-1").touch()
    step = Trouble(folder=str(marks), times=2)
    work(essays, whole, shard_bytes=300, steps=[step], workers=1)
    for mark in marks.iterdir():
        mark.unlink()
    work(essays, out, shard_bytes=300, steps=[step], workers=2)
    assert len(list(marks.iterdir())) == 2
    assert tree(out) == tree(whole)


def test_a_shard_that_kills_every_worker_is_named_and_the_rest_stays(tmp_path):
    essays, out = tmp_path / "essays.jsonl", tmp_path / "out"
    write_essays(essays, 30)
    essays.write_text(essays.read_text().replace("essay 29", "die 29"))
    marks = tmp_path / "marks"
    marks.mkdir()
    steps = [Trouble(folder=str(marks), times=99)]
    with pytest.raises(WorkerLost, match=r"shard \d+ has cost 3 workers; the last ended with signal SIGKILL"):
        work(essays, out, shard_bytes=300, steps=steps, workers=2)
    assert len(list(marks.iterdir())) == 3
    assert list(out.glob("part-*"))
    assert not list(out.rglob(".tmp-*"))


def test_workers_end_with_their_driver(tmp_path):
    essays, out = tmp_path / "essays.jsonl", tmp_path / "out"
    write_essays(essays, 400)
    driver = start(work, essays, out, shard_bytes=2000, steps=[Trouble(nap=0.05)], workers=2)
    workers = wait_for(lambda: children(driver.pid), count=2)
    wait_for(lambda: list(out.glob("part-*")), count=1)
    with pytest.raises(OutputBusy):
        work(essays, out, shard_bytes=2000, steps=[Trouble(nap=0.05)])
    driver.kill()
    driver.join()
    wait_for(lambda: [pid for pid in workers if not Path(f"/proc/{pid}/stat").exists() or is_dead(pid)], count=2)
    work(essays, out, shard_bytes=2000, steps=[Trouble(nap=0.05)])
    assert not list(out.rglob(".tmp-*"))


def wait_for(look, *, count):
    end = time.monotonic() + 20
    while len(found := look()) < count:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def children(pid):
    """Processes that a process has started to work for it (its tracker of resources is no worker)."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if Path(f"/proc/{pid}").exists() else []
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_dead(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
