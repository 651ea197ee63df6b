"""The folder in which a training works: one at a time, what it was begun for, and its last whole checkpoint.

MODEL/.training/plan.json            for which settings and which text
MODEL/.training/tokens.bin ...       the text as tokens
MODEL/.training/steps/checkpoint-N/  whole where it holds the file `whole`
MODEL/.training/finished/            the model, before it is moved to its place
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from uncollapse.errors import OutputBusy, OutputRefused, RecipeDiffers, UncollapseError
from uncollapse.training.account import FILE, read_account, write_account

WORK = ".training"
PLAN, STEPS, FINISHED, WHOLE, LOCK = "plan.json", "steps", "finished", "whole", "lock"


class Workshop:
    """One training's folder, held for as long as it works there."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output / WORK
        self._lock: FileLock | None = None
        self._made: list[Path] = []

    def __enter__(self) -> "Workshop":
        foreign = self._foreign()
        if foreign:
            raise OutputRefused(
                f"{self.output} holds files that are none of a training: {', '.join(foreign[:3])}",
                hint="name a folder that is empty or not there",
            )
        self._made = [path for path in (self.folder, self.output) if not path.exists()]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputRefused(f"{self.output}: {error.strerror}", hint="name another folder") from error
        self._lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise OutputBusy(f"another training works in {self.output}", hint="wait for it, or name another") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._lock is not None
        self._lock.release()
        if isinstance(error, UncollapseError) and not any((self.folder / STEPS).glob(f"*/{WHOLE}")):
            self._leave_as_it_was()

    def _leave_as_it_was(self) -> None:
        """Nothing; what this start has made is gone, as nothing came of it."""
        if self.folder in self._made and self.folder.exists():
            self.clear()
        if self.output in self._made and not any(self.output.iterdir()):
            self.output.rmdir()

    def _foreign(self) -> list[str]:
        if not self.output.exists() or (self.output / FILE).is_file() or self.folder.is_dir():
            return []
        if not self.output.is_dir():
            return [self.output.name]
        return sorted(entry.name for entry in self.output.iterdir())

    def done(self, plan: Mapping[str, Any]) -> dict[str, Any] | None:
        """The account, where this very training was finished before.

        Raises:
            RecipeDiffers: another one was finished, or begun, here.
        """
        account = read_account(self.output)
        path = self.folder / PLAN
        before = account["plan"] if account else json.loads(path.read_text()) if path.is_file() else None
        if before is not None and before != plan:
            if account:
                self.clear()
            raise RecipeDiffers(
                f"{self.output} holds another training: {_difference(before, plan)}",
                hint="name another folder, or remove this one",
            )
        if account is not None and (self.output / "config.json").is_file():
            return account
        temporary = path.with_suffix(".partial")
        temporary.write_text(json.dumps(plan, indent=2))
        temporary.replace(path)
        return None

    def checkpoint(self) -> Path | None:
        """The last checkpoint that was written whole; those that were not are removed."""
        found = []
        for path in sorted((self.folder / STEPS).glob("checkpoint-*")):
            if (path / WHOLE).is_file():
                found.append(path)
            else:
                shutil.rmtree(path)
        return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)

    def publish(self, account: Mapping[str, Any]) -> None:
        """Move the finished model to its place with its account, config last: without it, a folder is no model."""
        finished = self.folder / FINISHED
        write_account(self.output, account)
        for path in sorted(finished.iterdir(), key=lambda path: path.name == "config.json"):
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(self.output / path.name)

    def clear(self) -> None:
        """Remove what only the training needed."""
        shutil.rmtree(self.folder)


def mark_whole(checkpoint: Path) -> None:
    """Say of a checkpoint that all of it is on the disk."""
    for path in checkpoint.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    with (checkpoint / WHOLE).open("wb") as file:
        os.fsync(file.fileno())


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    told = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
            told += [f"{key}: {old.get(key)}, now {new.get(key)}" for key in changed]
        elif old != new:
            told.append(f"{name}: {old}, now {new}")
    return "; ".join(told[:3])
