"""Kill -9 at every step of the commit and at random moments: the output is that of an undisturbed run."""

import json
import multiprocessing
import random
import shutil
import signal
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


def write_essays(path, count):
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(count)))


def start(function, *arguments, **options):
    process = CONTEXT.Process(target=function, args=arguments, kwargs=options)
    process.start()
    return process


@pytest.mark.parametrize("name", ["out", "out.parquet"])
def test_killed_at_every_touch_of_the_storage(name, tmp_path):
    essays, tally = tmp_path / "essays.jsonl", tmp_path / "tally"
    write_essays(essays, 10)
    whole = tmp_path / "whole"
    first = start(work_until, -1, essays, whole / name, tally)
    first.join()
    assert first.exitcode == 0
    moments = int(tally.read_text())
    assert moments >= 60
    expected = tree(whole)
    for moment in range(moments):
        place = tmp_path / "cut"
        shutil.rmtree(place, ignore_errors=True)
        killed = start(work_until, moment, essays, place / name, tally)
        killed.join()
        assert killed.exitcode == -signal.SIGKILL, moment
        again = start(work, essays, place / name, shard_bytes=180, steps=[Shout(), Sift(word="ESSAY 7")])
        again.join()
        assert again.exitcode == 0, moment
        assert tree(place) == expected, moment


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_twenty_random_moments(workers, tmp_path):
    essays, out, whole = tmp_path / "essays.jsonl", tmp_path / "out", tmp_path / "whole"
    write_essays(essays, 400)
    steps = [Trouble(nap=0.01), Shout()]
    began = time.monotonic()
    first = start(work, essays, whole, shard_bytes=300, steps=steps, workers=workers)
    first.join()
    assert first.exitcode == 0
    takes = time.monotonic() - began
    chance = random.Random(20)
    kills = 0
    while kills < 20:
        process = start(work, essays, out, shard_bytes=300, steps=steps, workers=workers)
        process.join(chance.uniform(0, takes))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        else:
            assert process.exitcode == 0
            assert tree(out) == tree(whole)
            shutil.rmtree(out)
    final = start(work, essays, out, shard_bytes=300, steps=steps, workers=workers)
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
