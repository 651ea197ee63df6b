"""A run: a corpus goes through its steps, shard by shard, into an output that is whole or can be resumed."""

import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from uncollapse.corpora.commit import PLAN, Account, Receipt, Room
from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.formats import check_writable
from uncollapse.corpora.plan import Shard
from uncollapse.corpora.storage import locked, refusals, sweep
from uncollapse.errors import OutputRefused, TooManyRejects, UsageError, WorkerLost
from uncollapse.execution import away, notes
from uncollapse.execution.attempts import Numbered
from uncollapse.execution.claim import check_same, claim
from uncollapse.execution.cluster import Cluster
from uncollapse.execution.finish import check_finished, clear, finish, is_left
from uncollapse.execution.guard import Guard
from uncollapse.execution.holding import Holding
from uncollapse.execution.local import InProcess, Processes, check_not_a_worker
from uncollapse.execution.on_ray import OnRay
from uncollapse.execution.progress import Course, Progress, RunResult
from uncollapse.execution.shard_work import ShardWork, begin_session
from uncollapse.execution.target import Target, check_free, target
from uncollapse.execution.there import resolved_there
from uncollapse.fingerprint import fingerprint
from uncollapse.provenance import Policy

Watcher: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True)
class _Task:
    corpus: Corpus
    place: Target
    room: Room
    claim: Mapping[str, Any]
    max_rejects: int
    workers: int | None
    cluster: Cluster | None
    guard: Guard | None


def run(  # noqa: PLR0913  (the front door: one input, one output, the rest by name)
    corpus: Corpus,
    out: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002  (the name that people type)
    workers: int | None = None,
    cluster: Cluster | None = None,
    max_rejects: int | None = None,
    on_progress: Watcher | None = None,
    policy: Policy | None = None,
) -> RunResult:
    """What came of the run that wrote a corpus, after its steps, to a folder or to one file.

    `out` is a folder, or a file that ends in .jsonl or .parquet. `format` is parquet (unless said) or jsonl. A run
    that was stopped goes on where it stopped when it is called again in the same way; one that is finished does
    nothing. `max_rejects` is as many as the corpus was read with, unless said. `on_progress` is called after each
    batch. A `policy` decides nothing of what is written, but refuses rows that it does not allow.
    The run has one worker here, unless more are asked for, or on a `cluster` as many as there is room for; neither
    changes a byte of what is written, and what was begun in one place can be finished in the other.

    Raises:
        RecipeDiffers: the output holds the result of another recipe or input.
        OutputBusy: another run is writing there.
        OutputRefused: the storage does not take it, or something else lies there.
        TooManyRejects: more rows failed than are allowed; committed shards stay.
        WorkerLost: no worker can begin, or some shards have cost several workers each; what is committed stays.
        MissingExtra: a cluster is asked for, and Ray is not installed.
        PolicyRefused: a row breaks the policy, or it is known before the first one that some would.
    """
    check_not_a_worker()
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot work", hint="Use 1 or more.")
    allowed = corpus.max_rejects if max_rejects is None else max_rejects
    place = target(out, form=format)
    _check_before(corpus, place, allowed=allowed)
    with resolved_there(corpus, cluster, workers) as documents:
        what = claim(documents, place)
        room = Room(place.shards, fingerprint(what), place.form, place.store)
        guard = None if policy is None else Guard(policy)
        task = _Task(documents, place, room, what, allowed, workers, cluster, guard)
        with away.at_hand(place) as held:
            return _run_held(task, held, on_progress)


def _run_held(task: _Task, held: Holding | None, on_progress: Watcher | None) -> RunResult:
    place, room = task.place, task.room
    done = _finished(task)
    if task.guard is not None:
        task.guard.check_finished(_folder(place) if place.store else place.asked) if done else task.guard.before(
            task.corpus
        )
    if done is not None and not is_left(place, room):
        return done
    if done is None:
        check_free(place)
    with refusals(place.asked):
        room.progress.mkdir(parents=True, exist_ok=True)
    with locked(room.folder, what=place):
        done = _finished(task)
        if done is None:
            return _work(task, held, on_progress)
        clear(place, room)
        return done


def _check_before(corpus: Corpus, place: Target, *, allowed: int) -> None:
    if corpus.plan.broken_rows > allowed:
        raise TooManyRejects(
            f"{corpus.plan.broken_rows} rows cannot be read, {allowed} are allowed", hint="Allow them: --max-rejects."
        )
    check_writable(corpus.schema, form=place.form)
    if place.store is not None:
        for entry in corpus.plan.inputs:
            if entry.address.startswith(f"{place.store}/"):
                raise UsageError(f"the input {entry.source} lies inside of the output", hint="Choose a place outside.")
        return
    whole = place.asked.resolve()
    for folder in corpus.plan.folders:
        if whole.is_relative_to(folder):
            raise UsageError(
                f"the output {place.asked} lies inside of the input {folder}",
                hint="It would be read as input the next time: choose a place outside.",
            )


def _finished(task: _Task) -> RunResult | None:
    """The result of a run that was finished before."""
    path = task.place.paper("manifest.json")
    if not path.exists():
        return None
    manifest = _read_json(path)
    try:
        old = {name: manifest[name] for name in ("uncollapse", "output", "rows as", "plan")}
        old["steps"] = [manifest["recipes"][name] for name in manifest["steps"]]
    except (KeyError, TypeError) as error:
        raise OutputRefused(f"{path} is not one of ours", hint="Choose another output.") from error
    check_same(old, json.loads(json.dumps(task.claim)), where=task.place)
    check_finished(task.place, manifest)
    rows = manifest["rows"]
    return RunResult(
        manifest=manifest,
        tally=manifest["tally"],
        account=Account(rows["in"], rows["out"], rows["dropped"], rows["failed"], rows.get("added", 0)),
        already_done=True,
        shards_done_before=len(task.corpus.plan.shards),
        seconds=0.0,
        session_rows=0,
        session_text_bytes=0,
        session_tally={},
        folder=_folder(task.place),
        paths=_paths(task.place, manifest),
    )


def _paths(place: Target, manifest: Mapping[str, Any]) -> tuple[Path | str, ...]:
    if place.store is not None:
        return tuple(f"{place.store}/{shard['name']}" for shard in manifest["shards"])
    return tuple(place.folder / shard["name"] for shard in manifest["shards"])


def _folder(place: Target) -> Path | str:
    return place.folder if place.store is None else str(place.store)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputRefused(f"{path} cannot be read: {error}", hint="Choose another output.") from error


def _work(task: _Task, held: Holding | None, on_progress: Watcher | None) -> RunResult:
    started = time.monotonic()
    _claim_or_compare(task)
    with refusals(task.place.asked):
        sweep(task.room.folder)
        sweep(task.room.progress)
        for path in task.place.beside:
            sweep(path.parent, name=path.name)
    shards = task.corpus.plan.shards
    before = _done_before(task)
    if task.guard is not None:
        for receipt in before.values():
            task.guard.check_committed(task.room, receipt)
    course = Course(task.corpus.plan, before)
    _check_rejects(course, task)
    todo = [shard for shard in shards if shard.index not in before]
    with (
        notes.taken(task.room, course, elapsed=lambda: time.monotonic() - started) as kept,
        closing(_events(task, course, todo)) as events,
    ):
        for _ in events:
            kept.look()
            if on_progress is not None:
                on_progress(course.progress(seconds=time.monotonic() - started))
            _check_rejects(course, task)
    if held is not None:
        held.check()
    manifest = finish(task.corpus, task.place, task.room, receipts=course.receipts, claim=task.claim)
    return _result(task, course, manifest, seconds=time.monotonic() - started, before=len(before))


def _result(task: _Task, course: Course, manifest: Mapping[str, Any], *, seconds: float, before: int) -> RunResult:
    """What came of a run that has just been finished."""
    end = course.progress(seconds=seconds)
    return RunResult(
        manifest=manifest,
        tally=manifest["tally"],
        account=course.account,
        already_done=False,
        shards_done_before=before,
        seconds=end.seconds,
        session_rows=end.session_rows,
        session_text_bytes=end.session_text_bytes,
        session_tally=end.tally,
        folder=_folder(task.place),
        paths=_paths(task.place, manifest),
    )


def _events(task: _Task, course: Course, todo: list[Shard]) -> Generator[None, None, None]:
    """Comes back after each thing that happens while the shards are worked, when it is taken into account."""
    ready = task.corpus.made_ready(task.room.progress)
    with refusals(task.place.asked):
        session = begin_session(task.room)
    work = ShardWork(ready, task.room, task.guard, session, task.claim["steps"])
    try:
        with closing(_executor(task).run(_longest_first(todo, task), work)) as events:
            for event in events:
                course.take(event)
                yield
    except WorkerLost as lost:
        places = "; ".join(course.whereabouts())
        said = f"{lost.message}; see {places}" if places else lost.message
        raise WorkerLost(said, hint=f"{lost.hint} What is committed stays.") from lost


def _done_before(task: _Task) -> dict[int, Receipt]:
    """The receipts of the shards that need not be worked again: whole, and without rows that may do better now."""
    found = ((shard.index, task.room.committed(shard.index)) for shard in task.corpus.plan.shards)
    return {shard: receipt for shard, receipt in found if receipt and not task.room.may_pass(shard)}


def _executor(task: _Task) -> InProcess | Processes | OnRay:
    if task.cluster is not None:
        return OnRay(task.cluster, workers=task.workers, on_death=_shard_sweeper(task.room))
    if task.workers in (None, 1):
        return InProcess()
    return Processes(task.workers, on_death=_sweeper(task.room))


def _longest_first(todo: list[Shard], task: _Task) -> list[Shard]:
    """The shards as they are handed out: where several are worked at a time, none that is long shall begin last."""
    alone = task.cluster is None and task.workers in (None, 1)
    return todo if alone else sorted(todo, key=lambda shard: -shard.text_bytes)


def _shard_sweeper(room: Room) -> Callable[[Numbered], None]:
    """What removes the drafts of one shard: processes of other machines may have the number that a lost one had."""

    def clean(shard: Numbered) -> None:
        for path in room.drafted(shard.index):
            sweep(path.parent, name=path.name)

    return clean


def _sweeper(room: Room) -> Callable[[int], None]:
    def clean(process: int) -> None:
        sweep(room.folder, process=process)
        sweep(room.progress, process=process)

    return clean


def _claim_or_compare(task: _Task) -> None:
    """Write what this run will make of what, or see that it is what an earlier start wrote."""
    path = task.room.progress / PLAN
    if path.exists():
        check_same(_read_json(path), json.loads(json.dumps(task.claim)), where=task.place)
        return
    with refusals(task.place):
        task.room.write_paper(PLAN, json.dumps(task.claim, ensure_ascii=False, sort_keys=True).encode())


def _check_rejects(course: Course, task: _Task) -> None:
    failed = course.account.failed
    if sum(failed.values()) > task.max_rejects:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in failed.items())
        away.bring_papers(task.room, course.receipts.values())
        again = any(task.room.may_pass(shard) for shard in course.receipts)
        remedy = "The same command tries again what may pass. " if again else ""
        raise TooManyRejects(
            f"{sum(failed.values())} rows failed, {task.max_rejects} are allowed: {reasons}",
            hint=f"{remedy}See {task.room.told}/*.rejects.jsonl. To go on: --max-rejects; nothing is done twice.",
        )
