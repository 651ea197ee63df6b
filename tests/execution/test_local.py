import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from uncollapse.corpora.plan import Shard
from uncollapse.execution import local
from uncollapse.execution.local import Processes, threads_each
from uncollapse.execution.progress import Retried

SOURCE = Path(local.__file__).parents[2]


def name_it(shard):
    """What a worker makes of a shard here."""
    yield shard.index


def test_cores_are_shared_and_none_has_none(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert [threads_each(workers) for workers in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]


def test_a_system_that_does_not_say_which_cores_may_be_used(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert threads_each(2) == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads_each(2) == 1


@pytest.mark.parametrize("when", ["before its work comes", "before its shard comes"])
def test_a_worker_that_dies_while_it_is_spoken_to_is_replaced(monkeypatch, when):
    victims = []
    send = local._send

    def send_to_the_dead(pipe, content):
        pool = next(worker for worker in processes._workers if worker.pipe is pipe)
        wanted = isinstance(content, Shard) if when == "before its shard comes" else callable(content)
        if wanted and not victims:
            os.kill(pool.process.pid, signal.SIGKILL)
            pool.process.join()
            victims.append(pool.process.pid)
            time.sleep(0.1)  # its end of the pipe is closed by now
        send(pipe, content)

    processes = Processes(1)
    monkeypatch.setattr(local, "_send", send_to_the_dead)
    shards = [Shard(index, (), 0) for index in range(3)]
    found = list(processes.run(shards, name_it))
    assert len(victims) == 1
    assert found == [Retried(0), 0, 1, 2]


def test_a_script_without_a_guard_is_told_where_the_call_belongs(tmp_path):
    (tmp_path / "essays.jsonl").write_text('{"text": "The cat sat."}\n')
    script = tmp_path / "script.py"
    script.write_text("import uncollapse as uc\nuc.write(uc.Revert()(uc.read('essays.jsonl')), 'out', workers=2)\n")
    done = subprocess.run(
        [sys.executable, script],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert done.returncode == 1
    assert "UsageError: a worker reads this script from its top" in done.stderr
    assert "OutputBusy" not in done.stderr
    assert "WorkerLost: shard 0 has cost 3 workers; the last ended with exit code 1" in done.stderr
