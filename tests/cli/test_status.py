"""`uncollapse status`: what a person and a script read of a run, and the exit codes."""

import json

import pytest

from cheap_steps import Sift
from uncollapse.cli import status_run
from uncollapse.corpora import read
from uncollapse.corpora.commit import Account
from uncollapse.execution import run
from uncollapse.execution.status import State, Status
from uncollapse.step import Fate


@pytest.fixture
def task(desk):
    return read(desk / "essays.jsonl", shard_bytes=1200).map(Sift(word="NEVER", fate=Fate.FAILED))


def test_a_stopped_and_a_finished_run(uncollapse, desk, task):
    shards = len(task.plan.shards)

    def stop(progress):
        if progress.shards_done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, "out", on_progress=stop)
    done = uncollapse("status", "out")
    assert done.code == 1
    assert done.out.startswith(f"stopped: interrupted\ndone: 1 of {shards} shards, ")
    assert done.out.endswith("the command that began it goes on from there\n")
    run(task, "out")
    done = uncollapse("status", "out")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"finished\ndone: {shards} of {shards} shards, 12 of 12 rows\nrows")
    told = json.loads(uncollapse("status", "out", "--json").out)
    assert told["state"] == "finished"
    assert told["rows"] == {"all": 12, "in": 12, "out": 12, "dropped": {}, "failed": {}}


def test_rows_that_failed_are_another_exit_code(uncollapse, desk):
    run(read("essays.jsonl").map(Sift(word=" ", fate=Fate.FAILED)), "out", max_rejects=12)
    done = uncollapse("status", "out")
    assert done.code == 3
    assert "12 failed: holds" in " ".join(done.out.split())


def test_a_run_at_work_as_it_is_told(capsys):
    found = Status(
        state=State.RUNNING,
        shards=20,
        shards_done=5,
        rows=2000,
        account=Account(500, 490, {"too short": 7}, {"broken JSON": 3}),
        under_way=tuple(range(5, 15)),
        lost={7: 2},
        tally={"tokens": {"read": 60_000}},
        seconds=30.0,
        text_bytes=1_000_000,
        text_bytes_left=500_000_000,
        silent=75.0,
    )
    record = status_run.as_record(found)
    assert record["tokens per second"] == 2000.0
    assert record["seconds left"] == 15_000
    assert record["shards"] == {"all": 20, "done": 5, "under way": list(range(5, 15)), "workers lost": {"7": 2}}
    from rich.console import Console

    status_run._tell(found, Console(width=100))
    told = capsys.readouterr().out
    for line in (
        "done: 5 of 20 shards, 500 of 2,000 rows",
        "running: shard 5, 6, 7, 8, 9, 10, 11, 12 and 2 more",
        "workers lost over: shard 7 (2)",
        "speed: 2,000 tokens/s",
        "left: about 4.2 h",
        "the driver's last word came 75 s ago",
    ):
        assert line in told
    assert "7 dropped: too short" in " ".join(told.split())


def test_what_is_no_output(uncollapse, desk):
    done = uncollapse("status", "essays")
    assert (done.code, done.out) == (2, "")
    assert "there is no essays" in done.err
