"""The replies that an endpoint gave, one JSON line each, written down as they come: none is paid for twice.

A line is written in one piece, so that several processes may write to one journal; a line that a killed process left
unfinished is passed over.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uncollapse.fingerprint import fingerprint

NAME = "replies.jsonl"


def request_name(address: str, path: str, body: Mapping[str, Any]) -> str:
    """The name of a request: the same for the same body sent to the same place."""
    return fingerprint({"address": address, "path": path, "body": dict(body)})


class Journal:
    """Replies by the names of their requests; without a file none is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._replies = {} if path is None else _read(path)
        self._begun = False

    def __len__(self) -> int:
        return len(self._replies)

    def get(self, name: str) -> dict[str, Any] | None:
        """The reply to a request of this name, if there was one."""
        return self._replies.get(name)

    def add(self, name: str, reply: Mapping[str, Any]) -> None:
        """Keep a reply; it outlives this process when this returns."""
        if self._path is None:
            return
        self._replies[name] = dict(reply)
        line = json.dumps({"request": name, "reply": reply}, ensure_ascii=False)
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if not self._begun:
            # Whoever was killed inside of a line did not end it.
            self._path.parent.mkdir(parents=True, exist_ok=True)
            data = b"\n" + data if _broken_off(self._path) else data
            self._begun = True
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            while data:
                data = data[os.write(handle, data) :]
        finally:
            os.close(handle)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            found[entry["request"]] = dict(entry["reply"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _broken_off(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False
