"""How it stands with an output, while it is made, after it was stopped, and when it is done."""

import json

import pytest

from cheap_steps import Shout, Sift
from uncollapse.corpora import read
from uncollapse.errors import MissingInput, OutputBusy, OutputRefused, TooManyRejects, UsageError
from uncollapse.execution import notes, run
from uncollapse.execution.status import State, read_status
from uncollapse.step import Fate


@pytest.fixture
def essays(tmp_path):
    path = tmp_path / "essays.jsonl"
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(20)))
    return path


def corpus(essays, *steps):
    result = read(essays, shard_bytes=1200)
    for step in steps:
        result = result.map(step)
    return result


def stop_after(shards, task, out, seen=lambda: None):
    def watch(progress):
        if progress.shards_done == shards:
            seen()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, out, on_progress=watch)


@pytest.mark.parametrize("name", ["out", "out.jsonl"])
def test_a_run_at_work_stopped_and_finished(name, essays, tmp_path):
    out, task = tmp_path / name, corpus(essays, Sift(word="essay 1"))
    sizes = [shard.rows for shard in task.plan.shards]
    assert sizes == [6, 6, 6, 2]
    at_work = []
    stop_after(2, task, out, seen=lambda: at_work.append(read_status(out)))
    (first,) = at_work
    assert (first.state, first.shards, first.shards_done, first.rows) == (State.RUNNING, 4, 2, 20)
    assert first.account.as_json() == {"in": 12, "out": 9, "dropped": {"holds essay 1": 3}, "failed": {}}
    stopped = read_status(out)
    assert (stopped.state, stopped.ended, stopped.account) == (State.STOPPED, "interrupted", first.account)
    assert stopped.text_bytes == sum(len(f"essay {n}") for n in range(12))
    assert stopped.text_bytes_left == sum(len(f"essay {n}") for n in range(12, 20))
    assert stopped.seconds_left is None
    assert stopped.silent >= 0
    result = run(task, out)
    done = read_status(out)
    assert (done.state, done.shards_done, done.rows, done.account) == (State.FINISHED, 4, 20, result.account)
    assert done.tally == result.tally


def test_the_time_left_is_at_the_pace_of_the_session(essays, tmp_path, monkeypatch):
    monkeypatch.setattr(notes, "EVERY", 0.0)
    out, task, seen = tmp_path / "out", corpus(essays), []
    run(task, out, on_progress=lambda _: seen.append(read_status(out)))
    for status in seen:
        assert status.text_bytes + status.text_bytes_left == task.plan.text_bytes
        assert status.seconds_left == pytest.approx(status.seconds * status.text_bytes_left / status.text_bytes)
    assert seen[0].under_way == (0,)
    assert [status.shards_done for status in seen] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_why_a_run_stopped_is_told(essays, tmp_path):
    with pytest.raises(TooManyRejects):
        run(corpus(essays, Sift(word="essay 3", fate=Fate.FAILED)), tmp_path / "out")
    stopped = read_status(tmp_path / "out")
    assert stopped.state is State.STOPPED
    assert stopped.ended == "TooManyRejects: 1 rows failed, 0 are allowed: 1 x holds essay 3"
    assert stopped.account.failed == {"holds essay 3": 1}


def test_notes_that_are_missing_or_broken_change_nothing_that_counts(essays, tmp_path):
    out, task = tmp_path / "out", corpus(essays, Shout())
    stop_after(2, task, out)
    before = read_status(out)
    for content in (b"{", b"[]", b'{"at": 1}'):
        (out / ".progress" / notes.NOTES).write_bytes(content)
        status = read_status(out)
        assert (status.shards_done, status.account, status.ended) == (2, before.account, None)
    (out / ".progress" / notes.NOTES).unlink()
    (out / ".progress" / notes.NOTES).mkdir()  # the storage takes no notes
    assert run(task, out).shards_done_before == 2


def test_a_shard_counts_as_done_only_with_its_data(essays, tmp_path):
    out = tmp_path / "out"
    stop_after(3, corpus(essays), out)
    first, second, _ = sorted(out.glob("part-*"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    assert read_status(out).shards_done == 1


def test_looking_neither_touches_nor_keeps_others_out(essays, tmp_path):
    out, task = tmp_path / "out", corpus(essays)
    stop_after(2, task, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    read_status(out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before

    def meddle(progress):
        assert read_status(out).state is State.RUNNING
        with pytest.raises(OutputBusy):
            run(task, out)

    run(task, out, on_progress=meddle)


def test_what_is_no_output(tmp_path):
    with pytest.raises(MissingInput, match="there is no"):
        read_status(tmp_path / "nothing")
    with pytest.raises(OutputRefused, match="is not an output of this program"):
        read_status(tmp_path)
    for content in ("[]", "{", "{}"):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(OutputRefused):
            read_status(tmp_path)
    with pytest.raises(UsageError):
        read_status("gs://bucket/out")
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
