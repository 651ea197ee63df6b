"""The files that a plan of prompts is made from, read: attributes, personas, a template; and what is wrong in them."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from uncollapse.document import OUR_COLUMNS
from uncollapse.errors import MissingInput, UsageError
from uncollapse.generation.grid import Axis
from uncollapse.generation.prompts import FORMAT, PERSONA, SEED

NAME = re.compile(r"[^\W\d][\w .-]*")
TAKEN = {*OUR_COLUMNS, PERSONA, FORMAT, SEED, "seed_id"}
READERS: Mapping[str, Callable[[str], Any]] = {
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    ".json": json.loads,
    ".toml": tomllib.loads,
}
SHAPE = "names with lists of values, as in `tone: [dry, warm]`"


def attributes(path: Path) -> list[Axis]:
    """The axes that a file describes, in its order.

    Raises:
        MissingInput: there is no such file.
        UsageError: it is not names with lists of values, or a name or a value cannot be.
    """
    content = _read(path, hint=SHAPE)
    if not isinstance(content, Mapping) or not content:
        raise UsageError(f"{path} holds no {SHAPE.split(',', 1)[0]}", hint=SHAPE)
    return [_axis(str(name), values, path=path) for name, values in content.items()]


def _axis(name: str, values: Any, *, path: Path) -> Axis:
    if name in TAKEN:
        raise UsageError(f"{path}: an attribute cannot be called {name!r}", hint="that is a column of ours: rename it")
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{path}: an attribute cannot be called {name!r}",
            hint="letters, digits, spaces, dots, dashes; the first a letter",
        )
    if not isinstance(values, list) or not values:
        raise UsageError(f"{path}: {name} has no list of values, but {values!r}", hint=SHAPE)
    return Axis(name, _distinct([_value(value, f"{path}: {name}") for value in values], where=f"{path}: {name}"))


def _value(value: Any, where: str) -> str:
    if isinstance(value, bool):
        # YAML reads yes and no as truth; nobody who writes a list of words means that.
        raise UsageError(f"{where}: {value} is true or false and no text", hint='put it into quotes: "yes"')
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise UsageError(f"{where}: {value!r} is no value", hint="texts or numbers")
    return str(value).strip()


def _distinct(values: list[str], *, where: str) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise UsageError(f"{where}: {twice[0]!r} stands there twice", hint="name each value once")
    return tuple(values)


def personas(path: Path) -> Axis:
    """The axis of the people that a file names: one a line, or a list, or JSON lines.

    Raises:
        MissingInput: there is no such file.
        UsageError: nobody is in it, or somebody twice.
    """
    if path.suffix in READERS:
        content = _read(path, hint="a list of texts")
        if not isinstance(content, list):
            raise UsageError(f"{path} is no list of people", hint="a list of texts, or a text file with one a line")
        found = [_value(value, str(path)) for value in content]
    elif path.suffix == ".jsonl":
        found = [_person(line, f"{path}, line {number}") for number, line in enumerate(_lines(path), start=1) if line]
    else:
        found = [line for line in _lines(path) if line]
    if not found:
        raise UsageError(f"nobody is in {path}", hint="one person a line")
    return Axis(PERSONA, _distinct(found, where=str(path)))


def _person(line: str, where: str) -> str:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where}: no JSON: {error}", hint='{"persona": "..."}') from error
    value = row if isinstance(row, str) else row.get(PERSONA, row.get("text")) if isinstance(row, Mapping) else None
    if value is None:
        raise UsageError(f"{where}: nobody is named", hint='{"persona": "..."}')
    return _value(value, where)


def formats(names: str) -> Axis:
    """The axis of some formats, comma-separated."""
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise UsageError("--formats names none", hint="--formats letter,table,dialogue")
    return Axis(FORMAT, _distinct(found, where="--formats"))


def template(path: Path) -> str:
    """The text of a template, without line breaks at its end."""
    return _text(path).rstrip("\n")


def _read(path: Path, *, hint: str) -> Any:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path} is neither YAML nor JSON nor TOML by its ending", hint="name it *.yaml, *.json or *.toml"
        )
    try:
        return reader(_text(path))
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{path} is no {path.suffix[1:].upper()}: {error}", hint=hint) from error


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in _text(path).splitlines()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingInput(f"{path}: {error.strerror}", hint="give the path of a text file") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no UTF-8: {error.reason} at byte {error.start}", hint="save it as UTF-8"
        ) from error
