"""How it stands with an output: what its papers say, read from outside and without touching them."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from uncollapse.corpora.commit import PLAN, Account, Receipt, Room
from uncollapse.errors import MissingInput, OutputRefused
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
    manifest, plan = place.paper("manifest.json"), place.shards / ".progress" / PLAN
    if manifest.exists():
        return _finished(_read(manifest), manifest)
    if plan.exists():
        return _unfinished(place, _read(plan), plan)
    if not place.asked.exists():
        raise MissingInput(f"there is no {place.asked}", hint="Give the path that was given as -o.")
    raise OutputRefused(f"{place.asked} is not an output of this program", hint="Give the path that was given as -o.")


def _finished(manifest: Mapping[str, Any], path: Path) -> Status:
    try:
        rows, shards = manifest["rows"], len(manifest["plan"]["shards"])
        account = Account(rows["in"], rows["out"], rows["dropped"], rows["failed"], rows.get("added", 0))
        tally = manifest["tally"]
    except (KeyError, TypeError) as error:
        raise OutputRefused(f"{path} is not one of ours", hint="Give the path that was given as -o.") from error
    return Status(
        state=State.FINISHED, shards=shards, shards_done=shards, rows=account.rows_in, account=account, tally=tally
    )


def _unfinished(place: Target, claim: Mapping[str, Any], path: Path) -> Status:
    try:
        rows, shards = claim["plan"]["rows"], len(claim["plan"]["shards"])
    except (KeyError, TypeError) as error:
        raise OutputRefused(f"{path} is not one of ours", hint="Give the path that was given as -o.") from error
    room = Room(place.shards, fingerprint(dict(claim)), target(place.asked, form=claim["rows as"]).form)
    receipts = [receipt for shard in range(shards) if (receipt := _receipt(room, shard)) is not None]
    state = State.RUNNING if _held(room.folder) else State.STOPPED
    notes = _notes(room.progress / NOTES)
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


def _receipt(room: Room, shard: int) -> Receipt | None:
    """A shard's receipt, where its data lie beside it in the size that it says; no byte of them is read."""
    try:
        receipt = Receipt.from_bytes(room.receipt(shard).read_bytes())
        whole = (room.folder / receipt.name).stat().st_size == receipt.size
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return receipt if whole else None


def _notes(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and {"text_bytes", "text_bytes_done", "at"} <= set(content) else {}


def _held(folder: Path) -> bool:
    """Whether a driver of this machine, or of another that shares its locks, holds the folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputRefused(f"{path} cannot be read: {error}", hint="Is it an output of this program?") from error
    return content if isinstance(content, dict) else {}
