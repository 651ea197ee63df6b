"""`uncollapse status` of what is no run over documents."""

import fcntl
import json
import os

from desk import write_rows
from uncollapse.cli import status_elsewhere
from uncollapse.cli.status_elsewhere import made_otherwise
from uncollapse.collapse import output, study
from uncollapse.collapse.contest import keeping as contest
from uncollapse.collapse.forecast import keeping as forecast
from uncollapse.collapse.trial import keeping as trial
from uncollapse.execution.status import State
from uncollapse.training import account, workshop


def test_names_are_those_that_the_rooms_use():
    own = status_elsewhere
    assert (own.PIECES, own.CLAIM, own.WORK) == (study.PIECES, study.CLAIM, study.WORK)
    assert (own.UNITS, own.CLAIM) == (contest.UNITS, contest.CLAIM)
    assert (own.FORECAST, own.TRIAL) == (forecast.SUMMARY_FILE, trial.SUMMARY_FILE)
    assert own.SUMMARY_FILE == output.SUMMARY_FILE == contest.SUMMARY_FILE
    assert (own.TRAINING, own.ACCOUNT, own.LOCK) == (workshop.WORK, account.FILE, workshop.LOCK)
    assert (own.PLAN, own.STEPS, own.WHOLE) == (workshop.PLAN, workshop.STEPS, workshop.WHOLE)


def test_a_training(uncollapse, desk):
    done = uncollapse("train", "essays.jsonl", "-o", "m", "--tokens", 1280, "--context", 32, "--batch-tokens", 128)
    assert done.code == 0, done.err
    steps = json.loads((desk / "m" / "training.json").read_text())["steps"]
    done = uncollapse("status", "m")
    assert (done.code, done.out) == (0, f"finished: a training\ndone: {steps} of {steps} steps\n")


def test_a_training_that_was_stopped_and_one_at_work(uncollapse, desk):
    for number, whole in ((5, True), (10, True), (15, False)):
        checkpoint = desk / "m" / ".training" / "steps" / f"checkpoint-{number}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "trainer_state.json").write_text(json.dumps({"max_steps": 20}))
        if whole:
            (checkpoint / "whole").touch()
    (desk / "m" / ".training" / "lock").touch()
    done = uncollapse("status", "m")
    assert done.code == 1
    assert done.out.startswith("stopped: a training")
    assert "done: 10 of 20 steps\n" in done.out
    with (desk / "m" / ".training" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = json.loads(uncollapse("status", "m", "--json").out)
    assert (told["state"], told["steps"]) == ("running", {"all": 20, "done": 10, "under way": []})


def test_a_study_in_pieces(uncollapse, desk):
    pieces = desk / "trial" / "pieces"
    pieces.mkdir(parents=True)
    (pieces / "claim.json").write_text("{}")
    for name in ("a", "b"):
        (pieces / f"{name}.parquet").touch()
    (pieces / "c.work").mkdir()
    done = uncollapse("status", "trial")
    assert done.code == 1
    assert done.out.splitlines()[:4] == [
        "stopped: a study in pieces",
        "done: 2 pieces",
        "how many pieces there will be, the command that began it says: more can be added",
        "begun: c",
    ]
    (pieces / "plan.json").write_text(json.dumps({"asked": {"sizes": ["tiny"], "shares": [0, 0.5, 1], "seeds": 2}}))
    assert made_otherwise(desk / "trial").of == 6
    (pieces / "c.work").rmdir()
    (desk / "trial" / "trial.json").write_text("{}")
    assert made_otherwise(desk / "trial").state is State.FINISHED
    # Another arm was begun after the summary was written.
    later = (desk / "trial" / "trial.json").stat().st_mtime_ns + 10**9
    (pieces / "d.parquet").touch()
    os.utime(pieces / "d.parquet", ns=(later, later))
    assert made_otherwise(desk / "trial").state is State.STOPPED


def test_what_is_written_at_once_says_what_to_look_at(uncollapse, desk):
    (desk / "result").mkdir()
    (desk / "result" / "metrics.json").write_text("{}")
    done = uncollapse("status", "result")
    assert (done.code, done.out.splitlines()[1]) == (0, "see: result/metrics.json")


def test_a_refused_training_leaves_nothing_behind(uncollapse, desk):
    write_rows(desk / "short.jsonl", [{"text": "The cat."}])
    done = uncollapse("train", "short.jsonl", "-o", "m", "--context", 32, "--batch-tokens", 4096, "--tokens", 4096)
    assert done.code == 2, done.out
    assert not (desk / "m").exists()
    (desk / "kept").mkdir()
    assert uncollapse("train", "short.jsonl", "-o", "kept", "--batch-tokens", 4096, "--tokens", 4096).code == 2
    assert list((desk / "kept").iterdir()) == []


def test_a_verb_that_is_not_there_is_called_a_verb(uncollapse, desk):
    (desk / "story.yaml").write_text("steps:\n  - edti: {inputs: essays.jsonl, output: edited/}\n")
    done = uncollapse("run", "story.yaml")
    assert done.code == 2
    assert "step 1: unknown verb 'edti'" in done.err
    assert "did you mean 'edit'?" in done.err
