"""How it stands with an output: what its papers say, read from outside and without touching them."""

import fcntl
import json
import os
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from uncollapse.corpora.commit import PLAN, PROGRESS, Account, Receipt, Room
from uncollapse.corpora.plan import Format
from uncollapse.errors import MissingInput, OutputRefused
from uncollapse.execution.holding import is_held
from uncollapse.execution.notes import NOTES
from uncollapse.execution.target import Target, target
from uncollapse.fingerprint import fingerprint
from uncollapse.step import Tally


class State(StrEnum):
    """Whether a run is done, at work, or neither."""

    FINISHED = "finished"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it stands with an output.

    `account` counts the rows of committed shards, `under_way` names those with batches done, and `lost` says how many
    workers a shard has cost. `tally`, `seconds` and `text_bytes` are of this or the last session, `text_bytes_left` of
    the run. `silent` is how many seconds ago the driver spoke last, `ended` why it stopped, where it said so.
    """

    state: State
    shards: int
    shards_done: int
    rows: int
    account: Account
    under_way: tuple[int, ...] = ()
    lost: Mapping[int, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=dict)
    seconds: float | None = None
    text_bytes: int = 0
    text_bytes_left: int | None = None
    silent: float | None = None
    ended: str | None = None

    @property
    def seconds_left(self) -> float | None:
        """The time left at the pace of this session; None where nothing was done in it, or nothing is at work."""
        if self.state is not State.RUNNING or not self.seconds or not self.text_bytes or self.text_bytes_left is None:
            return None
        return self.seconds * self.text_bytes_left / self.text_bytes


def read_status(out: str | os.PathLike[str]) -> Status:
    """How it stands with the output of a run, given as it was given to the run.

    Raises:
        MissingInput: nothing is there.
        OutputRefused: what is there is no output of ours.
    """
    place = target(out, form=None)
    manifest = place.read("manifest.json")
    if manifest is not None:
        return _finished(_read(manifest, place), place)
    plan = _paper(place, PLAN)
    if plan is not None:
        return _unfinished(place, _read(plan, place))
    if not (place.asked.exists() if place.store is None else place.store.names()):
        raise MissingInput(f"there is no {place}", hint="Give the path that was given as -o.")
    raise OutputRefused(f"{place} is not an output of this program", hint="Give the path that was given as -o.")


def _paper(place: Target, name: str) -> bytes | None:
    """A paper of an unfinished run, wherever it lies."""
    if place.store is not None:
        return place.store.get(f"{PROGRESS}/{name}")
    try:
        return (place.shards / PROGRESS / name).read_bytes()
    except OSError:
        return None


def _finished(manifest: Mapping[str, Any], path: Target) -> Status:
    try:
        rows, shards = manifest["rows"], len(manifest["plan"]["shards"])
        account = Account(rows["in"], rows["out"], rows["dropped"], rows["failed"], rows.get("added", 0))
        tally = manifest["tally"]
    except (KeyError, TypeError) as error:
        raise OutputRefused(f"{path} is not one of ours", hint="Give the path that was given as -o.") from error
    return Status(
        state=State.FINISHED, shards=shards, shards_done=shards, rows=account.rows_in, account=account, tally=tally
    )


def _unfinished(place: Target, claim: Mapping[str, Any]) -> Status:
    try:
        rows, shards = claim["plan"]["rows"], len(claim["plan"]["shards"])
    except (KeyError, TypeError) as error:
        raise OutputRefused(f"{place} is not one of ours", hint="Give the path that was given as -o.") from error
    room = Room(place.shards, fingerprint(dict(claim)), Format(claim["rows as"]), place.store)
    there = None if place.store is None else set(place.store.names())
    receipts = [receipt for shard in range(shards) if (receipt := _receipt(place, room, shard, there)) is not None]
    busy = held(room.folder) if place.store is None else is_held(place.store)
    state = State.RUNNING if busy else State.STOPPED
    notes = _notes(_paper(place, NOTES))
    return Status(
        state=state,
        shards=shards,
        shards_done=len(receipts),
        rows=rows,
        account=sum((receipt.account for receipt in receipts), start=Account()),
        under_way=tuple(notes.get("under_way", ())) if state is State.RUNNING else (),
        lost={int(shard): count for shard, count in notes.get("lost", {}).items()},
        tally=notes.get("tally", {}),
        seconds=notes.get("seconds"),
        text_bytes=notes.get("session_text_bytes", 0),
        text_bytes_left=notes["text_bytes"] - notes["text_bytes_done"] if notes else None,
        silent=max(0.0, time.time() - notes["at"]) if notes else None,
        ended=None if state is State.RUNNING else notes.get("ended"),
    )


def _receipt(place: Target, room: Room, shard: int, there: Set[str] | None) -> Receipt | None:
    """A shard's receipt, where its data lie beside it in the size that it says; no byte of them is read.

    Of objects, `there` are all names: one that has a receipt is whole.
    """
    name = room.receipt(shard).name
    if there is not None and f"{PROGRESS}/{name}" not in there:
        return None
    try:
        receipt = Receipt.from_bytes(_paper(place, name) or b"")
        whole = (room.folder / receipt.name).stat().st_size == receipt.size if there is None else receipt.name in there
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return receipt if whole else None


def _notes(data: bytes | None) -> Mapping[str, Any]:
    try:
        content = json.loads(data or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) and {"text_bytes", "text_bytes_done", "at"} <= set(content) else {}


def held(folder: Path) -> bool:
    """Whether a driver of this machine, or of another that shares its locks, holds the folder (or the file)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _read(data: bytes, place: Target) -> Mapping[str, Any]:
    try:
        content = json.loads(data)
    except ValueError as error:
        raise OutputRefused(f"{place} cannot be read: {error}", hint="Is it an output of this program?") from error
    return content if isinstance(content, dict) else {}
