"""Trials of faults on the way to a store of objects: as in `fault_trials`, and the objects must be the files of a disk."""

import multiprocessing

from fault_runs import drive
from fault_trials import NotSurvived, Trials, differing
from object_store import FAULTS, Way
from uncollapse.corpora.objects import Objects

SPAWN = multiprocessing.get_context("spawn")  # a new process finds the store by its environment
OUT = "s3://bucket/out"
RATE = 0.12  # of requests that a fault meets


def lost_on_the_way(trials: Trials, way: Way) -> None:
    """Requests and replies get lost, and the store is out of breath, in one start after the other until one is done."""
    _fresh(trials)
    first = len(way.faults)
    way.fault = lambda _: trials.chance.choice(FAULTS) if trials.chance.random() < RATE else None
    for _ in range(20):
        if _drive(trials) == 0:
            break
    else:
        raise NotSurvived("twenty starts were not enough")
    way.fault = lambda _: None
    trials.struck.update(way.faults[first:])
    _check(trials)


def driver_killed(trials: Trials, way: Way) -> None:
    """The driver is killed at the start of a request that chance has chosen, and given again."""
    _fresh(trials)
    wanted = trials.chance.randrange(200)
    first = len(way.asked)
    process = SPAWN.Process(target=drive, args=(trials.folder, OUT), kwargs={"nap": trials.nap})

    def kill(asked) -> str | None:
        if asked.number - first == wanted:
            process.kill()
            trials.struck[asked.method] += 1
        return None

    way.fault = kill
    process.start()
    process.join()
    way.fault = lambda _: None
    if _drive(trials) != 0:
        raise NotSurvived("the run that was given again gave up")
    _check(trials)


def _drive(trials: Trials) -> int:
    process = SPAWN.Process(target=drive, args=(trials.folder, OUT), kwargs={"nap": trials.nap})
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _fresh(trials: Trials) -> None:
    trials.fresh()
    store = Objects.at(OUT)
    store.remove(store.names())


def _check(trials: Trials) -> None:
    store = Objects.at(OUT)
    found = {name: store.get(name) or b"" for name in store.names()}
    wrong = differing(found, trials.whole)
    if wrong:
        raise NotSurvived(f"the objects are not the files of an undisturbed run: {wrong}")
