"""What tests of whole commands share: texts, settings that change much, rows in and out of files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

SENTENCES = (
    "The cat sat on the mat and looked at the dog.",
    "The dog sat on the rug and looked at the cat.",
    "A bird sat on the wall and looked at the cat.",
    "The cat saw the bird and the bird saw the cat.",
)
# Settings with which a counted model of these sentences changes much: most positions are easy, and any token may be
# drawn there.
BUSY = ("--preset", "paper", "--threshold", "0.3", "--strategy", "full", "--temperature", "2", "--seed", "7")


class Done(NamedTuple):
    """What a command left behind: its exit code and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Done]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
