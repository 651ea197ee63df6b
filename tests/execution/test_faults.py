"""A few trials of each fault; `python -m benchmarks.faults` makes hundreds, docs/reliability.md holds their table."""

import os
import random

import pytest

import fault_trials as faults
from fault_trials import Trials


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    return Trials(tmp_path_factory.mktemp("faults"), random.Random(8))


def test_the_check_sees_what_is_wrong(trials):
    whole = trials.folder / "whole"
    trials.check(whole)
    (shard, *_) = sorted(whole.glob("part-*"))
    for damage, says in (
        ((whole / ".tmp-00001-1-0123abcd").touch, "temporary files"),
        ((whole / "more").touch, "other bytes"),
        (lambda: shard.write_bytes(sorted(whole.glob("part-*"))[1].read_bytes()), "a row twice"),
    ):
        before = faults.tree(whole)
        damage()
        with pytest.raises(faults.NotSurvived, match=says):
            trials.check(whole)
        for name in faults.differing(faults.tree(whole), before):
            (whole / name).unlink() if name not in before else (whole / name).write_bytes(before[name])
    trials.check(whole)


@pytest.mark.parametrize("number", range(3))
def test_a_driver_that_is_killed_at_a_touch_of_the_storage(trials, number):
    faults.driver_struck(trials)


def test_a_worker_that_is_killed_at_a_touch_of_the_storage(trials):
    faults.worker_struck(trials, workers=2)


def test_a_worker_that_is_killed_at_a_random_moment(trials):
    faults.worker_killed(trials, workers=2)


def test_two_drivers_on_one_output(trials):
    faults.two_drivers(trials, workers=1)


def test_a_clock_that_is_set_back(trials):
    faults.clock_set_back(trials, workers=1)


@pytest.mark.parametrize("number", range(3))
def test_an_input_that_changes_before_the_resume(trials, number):
    faults.input_changed(trials)


def test_a_power_cut(trials):
    faults.power_cut(trials, workers=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="disk full: only root can mount a small one")
def test_a_disk_that_is_full(trials):
    faults.disk_filled(trials, workers=1)
