"""Runs whose output lies in a store of objects: the same bytes as on a disk, whatever gets lost on the way."""

import json
import multiprocessing
import random
import signal
import threading
import time

import pytest

from cheap_steps import Shout, Sift, Trouble
from killable import work
from object_store import FAULTS, object_store
from uncollapse.corpora import objects, read
from uncollapse.corpora.commit import Room
from uncollapse.corpora.objects import Objects
from uncollapse.errors import MissingInput, OutputBusy, OutputRefused, RecipeDiffers, TooManyRejects, UsageError
from uncollapse.execution import holding, run
from uncollapse.execution.status import read_status
from uncollapse.provenance import Policy
from uncollapse.step import Fate

pytest.importorskip("moto")
pytest.importorskip("s3fs")

OUT = "s3://bucket/made/out"
SPAWN = multiprocessing.get_context("spawn")  # a new process sees the store that this test has started


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_essays(path, count):
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(count)))


def start(function, *arguments, **options):
    process = SPAWN.Process(target=function, args=arguments, kwargs=options)
    process.start()
    return process


@pytest.fixture
def way(monkeypatch, tmp_path):
    monkeypatch.setattr(objects, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(holding, "BEAT", 0.2)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "passing"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "passing").mkdir()
    with object_store(monkeypatch) as way:
        yield way
    monkeypatch.setattr("tempfile.tempdir", None)


@pytest.fixture
def essays(tmp_path):
    write_essays(tmp_path / "essays.jsonl", 20)
    return tmp_path / "essays.jsonl"


def corpus(path, *steps, shard_bytes=600):
    found = read(path, shard_bytes=shard_bytes)
    for step in steps:
        found = found.map(step)
    return found


def held():
    """All objects of the output."""
    store = Objects.at(OUT)
    return {name: store.get(name) for name in store.names()}


def test_the_objects_are_the_files_that_a_disk_would_have(way, essays, tmp_path):
    steps = [Shout(), Sift(word="ESSAY 7")]
    here = run(corpus(essays, *steps), tmp_path / "here")
    there = run(corpus(essays, *steps), OUT)
    assert held() == tree(tmp_path / "here")
    assert there.manifest == here.manifest
    assert [str(path) for path in there.paths] == [f"{OUT}/{path.name}" for path in here.paths]
    assert not list((tmp_path / "passing").iterdir())
    assert [batch.to_pydict() for batch in read(OUT).known()] == [
        {**batch.to_pydict(), "source": batch.to_pydict()["source"]} for batch in read(tmp_path / "here").known()
    ]


def test_a_finished_run_does_nothing_and_another_is_refused(way, essays):
    run(corpus(essays, Shout()), OUT)
    before = held()
    asked = len(way.asked)
    again = run(corpus(essays, Shout()), OUT)
    assert again.already_done
    assert held() == before
    assert not any("part-" in each.path for each in way.asked[asked:] if each.method == "PUT")
    with pytest.raises(RecipeDiffers, match=f"{OUT} holds the result of another run: .*times: 1, now 2"):
        run(corpus(essays, Shout(times=2)), OUT)
    store = Objects.at(OUT)
    shard = next(name for name in store.names() if name.startswith("part-"))
    store.put(shard, b"spoilt")
    with pytest.raises(OutputRefused, match=f"{shard} is damaged or missing"):
        run(corpus(essays, Shout()), OUT)


def test_other_objects_are_left_alone(way, essays):
    Objects.at(OUT).put("thesis.txt", b"mine")
    with pytest.raises(OutputRefused, match=r"holds other objects, such as thesis\.txt"):
        run(corpus(essays, Shout()), OUT)
    assert held() == {"thesis.txt": b"mine"}


def test_uploads_of_others_are_left_alone_where_the_output_is_refused(way, essays):
    store = Objects.at(OUT)
    store.put("thesis.txt", b"mine")
    objects._system().call_s3("create_multipart_upload", Bucket="bucket", Key=store.key("backup.tar"))
    with pytest.raises(OutputRefused, match="holds other objects"):
        run(corpus(essays, Shout()), OUT)
    assert len(objects._system().call_s3("list_multipart_uploads", Bucket="bucket")["Uploads"]) == 1
    assert store.names() == ["thesis.txt"]


def test_what_is_left_on_this_machine_of_a_run_that_the_store_forgot_is_no_hindrance(way, essays, tmp_path):
    way.fault = lambda asked: "503" if "part-00001" in asked.path else None
    with pytest.raises(OutputRefused):
        run(corpus(essays, Shout()), OUT)
    way.fault = lambda _: None
    (passing,) = (tmp_path / "passing").iterdir()
    assert list(passing.glob("part-*"))
    store = Objects.at(OUT)
    store.remove(store.names())
    run(corpus(essays, Shout()), tmp_path / "here")
    run(corpus(essays, Shout()), OUT)
    assert held() == tree(tmp_path / "here")
    run(corpus(essays, Shout()), OUT)
    assert not list((tmp_path / "passing").iterdir())


def test_too_many_rejects_are_told_wherever_the_papers_lie(way, essays, tmp_path, monkeypatch):
    monkeypatch.setattr(Room, "hand_over", _and_forget(Room.hand_over))
    step = Sift(word="essay 1", fate=Fate.FAILED)
    with pytest.raises(TooManyRejects, match="3 rows failed, 2 are allowed") as caught:
        run(corpus(essays, step), OUT, max_rejects=2)
    assert f"See {OUT}/.progress" in caught.value.hint


def _and_forget(hand_over):
    """As on another machine: the papers of a shard are in the store alone."""

    def handed_over(room, receipt):
        hand_over(room, receipt)
        for paper in room.papers(receipt.shard):
            paper.unlink()

    return handed_over


def test_a_shard_that_is_not_what_its_receipt_says_stops_the_run(way, essays, monkeypatch):
    whole = Room.hand_over

    def spoilt(room, receipt):
        whole(room, receipt)
        room.store.put(receipt.name, b"of another run")

    monkeypatch.setattr(Room, "hand_over", spoilt)
    with pytest.raises(OutputBusy, match="is not what its receipt says"):
        run(corpus(essays, Shout()), OUT)
    monkeypatch.setattr(Room, "hand_over", whole)
    assert run(corpus(essays, Shout()), OUT).shards_done_before == 0


def test_what_cannot_be_an_output(way, essays):
    with pytest.raises(UsageError, match="has a mark"):
        run(corpus(essays, Shout()), f"{OUT}?versionId=1")
    with pytest.raises(UsageError, match="one file cannot be joined"):
        run(corpus(essays, Shout()), f"{OUT}.jsonl")
    run(corpus(essays, Shout()), f"{OUT}/inner")
    with pytest.raises(UsageError, match="lies inside of the output"):
        run(read(f"{OUT}/inner").map(Shout()), OUT)


@pytest.mark.parametrize("seed", [1, 2])
def test_requests_and_replies_that_get_lost_change_nothing(way, essays, tmp_path, seed):
    run(corpus(essays, Shout()), tmp_path / "here")
    chance = random.Random(seed)
    way.fault = lambda _: chance.choice(FAULTS) if chance.random() < 0.15 else None
    run(corpus(essays, Shout()), OUT)
    way.fault = lambda _: None
    assert set(way.faults) == set(FAULTS)
    assert held() == tree(tmp_path / "here")


def test_a_store_that_goes_away_and_comes_back(way, essays, tmp_path):
    run(corpus(essays, Shout()), tmp_path / "here")
    way.fault = lambda asked: "503" if "part-00003" in asked.path else None
    with pytest.raises(OutputRefused, match="put_object failed 5 times"):
        run(corpus(essays, Shout()), OUT)
    way.fault = lambda _: None
    kept = [name for name in held() if name.startswith("part-")]
    assert len(kept) == 3
    result = run(corpus(essays, Shout()), OUT)
    assert result.shards_done_before == 3
    assert held() == tree(tmp_path / "here")


def test_two_drivers_on_one_output(way, essays):
    """The second is refused while the first lives; neither waits for the other's clock."""
    first = threading.Thread(target=lambda: run(corpus(essays, Trouble(nap=0.15)), OUT))
    first.start()
    while not any(name == holding.NAME for name in Objects.at(OUT).names()):
        time.sleep(0.01)
    with pytest.raises(OutputBusy, match=f"another run is writing to {OUT}"):
        run(corpus(essays, Trouble(nap=0.15)), OUT)
    first.join()
    assert run(corpus(essays, Trouble(nap=0.15)), OUT).already_done


def test_a_holder_that_does_not_change_is_taken_for_dead(way, essays, monkeypatch):
    dead = json.dumps({"host": "elsewhere", "process": 1, "holder": "x", "beats": 7}).encode()
    Objects.at(OUT).create(holding.NAME, dead)
    began = time.monotonic()
    run(corpus(essays, Shout()), OUT)
    assert time.monotonic() - began >= holding.BEAT * holding.PATIENCE
    assert holding.NAME not in held()


def test_who_slept_too_long_finds_that_another_has_taken_over(way):
    store = Objects.at(OUT)
    with holding.Holding(store) as mine:
        mine.check()
        store.put(holding.NAME, b"theirs")
        with pytest.raises(OutputBusy, match="another run has taken over"):
            mine.check()
    assert store.get(holding.NAME) == b"theirs"


def test_killed_at_random_moments(way, tmp_path):
    essays = tmp_path / "essays.jsonl"
    write_essays(essays, 40)
    task = {"shard_bytes": 300, "steps": [Trouble(nap=0.02), Shout()]}
    whole = start(work, essays, tmp_path / "here", **task)
    whole.join()
    chance = random.Random(20)
    kills = 0
    while kills < 4:
        one = start(work, essays, OUT, **task)
        one.join(chance.uniform(1.0, 4.0))
        if one.exitcode is not None:
            assert one.exitcode == 0
            break
        one.kill()
        one.join()
        assert one.exitcode == -signal.SIGKILL
        kills += 1
    assert kills
    last = start(work, essays, OUT, **task)
    last.join()
    assert last.exitcode == 0
    assert held() == tree(tmp_path / "here")


def test_how_it_stands_is_told_from_outside(way, essays):
    with pytest.raises(MissingInput, match=f"there is no {OUT}"):
        read_status(OUT)
    way.fault = lambda asked: "503" if "part-00003" in asked.path else None
    with pytest.raises(OutputRefused):
        run(corpus(essays, Shout()), OUT)
    way.fault = lambda _: None
    stopped = read_status(OUT)
    assert (stopped.state, stopped.shards_done, stopped.rows) == ("stopped", 3, 20)
    with holding.Holding(Objects.at(OUT)):
        assert read_status(OUT).state == "running"
    run(corpus(essays, Shout()), OUT)
    assert read_status(OUT).state == "finished"
    assert read_status(OUT).account.rows_out == 20


def test_rows_that_were_committed_before_are_held_against_a_policy(way, essays, tmp_path):
    run(corpus(essays, Shout()), tmp_path / "here")
    way.fault = lambda asked: "503" if "part-00003" in asked.path else None
    with pytest.raises(OutputRefused):
        run(corpus(essays, Shout()), OUT)
    way.fault = lambda _: None
    first = len(way.asked)
    run(corpus(essays, Shout()), OUT, policy=Policy(max_depth=3))
    read_again = {each.path.split("/")[-1][:10] for each in way.asked[first:] if each.method == "GET"}
    assert {"part-00000", "part-00001", "part-00002"} <= read_again
    assert held() == tree(tmp_path / "here")
