"""How it stands with what is no run over documents: trainings, studies in pieces, results that are whole at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncollapse.execution.status import State, held

# The names that their rooms use, which are slow to load; a test holds these against them.
PIECES, UNITS, CLAIM, WORK = "pieces", "units", "claim.json", ".work"
FORECAST, TRIAL, SUMMARY_FILE = "forecast.json", "trial.json", "summary.json"
TRAINING, ACCOUNT, PLAN, STEPS, WHOLE, LOCK = ".training", "training.json", "plan.json", "steps", "whole", "lock"
NAMED = 8
# Verbs that write their result at the end and keep nothing before: the file that says it is there, and what to look at.
AT_ONCE = {"metrics.json": "metrics.json", "report.json": "report.html", SUMMARY_FILE: "index.html"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How it stands with a folder: what it is, how many units of its work are done, of how many where that is known."""

    what: str
    state: State
    unit: str
    done: int
    of: int | None = None
    under_way: tuple[str, ...] = ()
    look_at: str = ""

    def as_record(self) -> Mapping[str, Any]:
        """The status as JSON; what is not known is null."""
        return {
            "what": self.what,
            "state": str(self.state),
            self.unit: {"all": self.of, "done": self.done, "under way": list(self.under_way)},
            "look at": self.look_at or None,
        }

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{self.state}: {self.what}"
        if self.unit:
            whole = "" if self.of is None else f" of {self.of:,}"
            yield f"done: {self.done:,}{whole} {self.unit}"
            if self.of is None and self.state is not State.FINISHED:
                yield f"how many {self.unit} there will be, the command that began it says: more can be added"
        if self.under_way:
            more = f" and {len(self.under_way) - NAMED} more" if len(self.under_way) > NAMED else ""
            doing = "running" if self.state is State.RUNNING else "begun"
            yield f"{doing}: {', '.join(self.under_way[:NAMED])}{more}"
        if self.look_at:
            yield f"see: {self.look_at}"
        if self.state is State.STOPPED:
            yield "the command that began it goes on from there"


def made_otherwise(folder: Path) -> Made | None:
    """How it stands with a folder of trainings, studies or results; None where it is none of these."""
    if (folder / TRAINING).is_dir() or (folder / ACCOUNT).is_file():
        return _training(folder)
    for place, unit in ((folder / PIECES, "pieces"), (folder / UNITS, "units")):
        if (place / CLAIM).is_file() or (place / PLAN).is_file():
            return _study(folder, place, unit=unit)
    if (folder / "manifest.json").exists():
        return None
    for mark, shown in AT_ONCE.items():
        if (folder / mark).is_file():
            whole = "a result that is written whole and at once"
            return Made(what=whole, state=State.FINISHED, unit="", done=0, look_at=str(folder / shown))
    return None


def _training(folder: Path) -> Made:
    account = _read(folder / ACCOUNT)
    if account is not None and not (folder / TRAINING).is_dir():
        steps = int(account.get("steps", 0))
        return Made(what="a training", state=State.FINISHED, unit="steps", done=steps, of=steps)
    work = folder / TRAINING
    lock = work / LOCK
    state = State.RUNNING if lock.is_file() and held(lock) else State.STOPPED
    kept = [int(path.parent.name.rsplit("-", 1)[1]) for path in (work / STEPS).glob(f"checkpoint-*/{WHOLE}")]
    last = max(kept, default=0)
    told = _read(work / STEPS / f"checkpoint-{last}" / "trainer_state.json") or {}
    return Made(
        what="a training; what is behind its last whole checkpoint is done",
        state=state,
        unit="steps",
        done=last,
        of=told.get("max_steps"),
    )


def _study(folder: Path, place: Path, *, unit: str) -> Made:
    tables = list(place.glob("*.parquet"))
    begun = tuple(sorted(path.name.removesuffix(WORK) for path in place.glob(f"*{WORK}")))
    whole = next((path for name in (FORECAST, TRIAL, SUMMARY_FILE) if (path := folder / name).is_file()), None)
    told = max((table.stat().st_mtime_ns for table in tables), default=0)
    if held(folder):
        state = State.RUNNING
    elif whole is not None and not begun and whole.stat().st_mtime_ns >= told:
        state = State.FINISHED
    else:
        state = State.STOPPED
    done = len(tables)
    return Made(
        what="a study in pieces",
        state=state,
        unit=unit,
        done=done,
        of=done if state is State.FINISHED else _asked(place),
        under_way=begun,
        look_at=str(folder / "index.html") if (folder / "index.html").is_file() else "",
    )


def _asked(place: Path) -> int | None:
    """How many pieces a forecast has, by its plan; None for studies to which arms and seeds may be added."""
    asked = (_read(place / PLAN) or {}).get("asked", {})
    try:
        return len(asked["sizes"]) * len(asked["shares"]) * int(asked["seeds"])
    except (KeyError, TypeError):
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
