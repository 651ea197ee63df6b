"""One line of JSON taken apart without changing a value.

A cell keeps the text that its value had in the file. Where no Arrow type holds a column's values exactly (objects,
lists, integers beyond 64 bits, mixed types), that text is what passes through.
"""

import json
import re
from collections.abc import Mapping, Set
from decimal import Decimal
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from uncollapse.corpora.faults import Fault, Flaw

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_INT64 = range(-(2**63), 2**63)

_space = re.compile(r"[ \t\n\r]*").match
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_scan_without_numbers = json.JSONDecoder(parse_int=str, parse_float=str).scan_once  # type: ignore[attr-defined]

JSON_COLUMN = pa.json_()

# Column types of a JSON-lines file, by the kinds of values that it holds.
TYPES = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "json": JSON_COLUMN}


class Cell(NamedTuple):
    """A value, and its text in the file."""

    value: Any
    raw: str


Cells: TypeAlias = Mapping[str, Cell]


def take_apart(data: bytes | None, *, start: int) -> Cells | Fault | None:
    """The cells of a line that begins at byte `start`, by name; what is wrong with it; None for a blank line."""
    line = _decoded(data, start=start)
    if isinstance(line, Fault):
        return line
    begin = _space(line).end()  # type: ignore[union-attr]
    if begin == len(line):
        return None
    try:
        return _members(line, begin + 1) if line[begin] == "{" else Fault(Flaw.NOT_AN_OBJECT)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos + 1}"
    except StopIteration as stop:
        what = f"expected a value at character {stop.value + 1}"
    except RecursionError:
        what = "nested too deep"
    return Fault(Flaw.JSON, what)


def _decoded(data: bytes | None, *, start: int) -> str | Fault:
    if data is None:
        return Fault(Flaw.TOO_LONG)
    mark = len(BYTE_ORDER_MARK) if start == 0 and data.startswith(BYTE_ORDER_MARK) else 0
    try:
        return data[mark:].decode()
    except UnicodeDecodeError as error:
        at = mark + error.start
        also = ", the file looks like UTF-16" if start == 0 and data.startswith(UTF16_MARKS) else ""
        return Fault(Flaw.UTF8, f"byte {data[at]:#04x} at byte {start + at} of the file{also}")


def _members(line: str, at: int) -> Cells | Fault:
    cells: dict[str, Cell] = {}
    at = _space(line, at).end()  # type: ignore[union-attr]
    if line[at : at + 1] == "}":
        return _end(line, at + 1, cells)
    while True:
        if line[at : at + 1] != '"':
            raise json.JSONDecodeError("expected a key in double quotes", line, at)
        name, at = scanstring(line, at + 1, True)
        if name in cells:
            return Fault(Flaw.DUPLICATE_KEY, repr(name))
        at = _space(line, at).end()  # type: ignore[union-attr]
        if line[at : at + 1] != ":":
            raise json.JSONDecodeError("expected ':'", line, at)
        begin = _space(line, at + 1).end()  # type: ignore[union-attr]
        value, at = _value(line, begin)
        cells[name] = Cell(value, line[begin:at])
        at = _space(line, at).end()  # type: ignore[union-attr]
        mark = line[at : at + 1]
        if mark == "}":
            return _end(line, at + 1, cells)
        if mark != ",":
            raise json.JSONDecodeError("expected ',' or '}'", line, at)
        at = _space(line, at + 1).end()  # type: ignore[union-attr]


def _value(line: str, begin: int) -> tuple[Any, int]:
    try:
        return _scan(line, begin)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python refuses to turn some thousands of digits into an integer; as text they pass through like any other.
        value, end = _scan_without_numbers(line, begin)
        return (Digits(value) if isinstance(value, str) and line[begin] != '"' else value), end


class Digits(str):
    """An integer too long to be one."""

    __slots__ = ()


def _end(line: str, at: int, cells: Cells) -> Cells | Fault:
    at = _space(line, at).end()  # type: ignore[union-attr]
    if at != len(line):
        raise json.JSONDecodeError("more after the object", line, at)
    return cells


def kind(cell: Cell) -> str:
    """Which of the types in `TYPES` holds the cell's value exactly; "null" for a null."""
    value = cell.value
    if type(value) is str:
        return "string" if is_unicode(value) else "json"
    if value is None:
        return "null"
    if type(value) is bool:
        return "bool"
    if type(value) is int:
        return "int" if value in _INT64 else "json"
    if type(value) is float:
        return "float" if _is_exact(cell) else "json"
    return "json"


def is_unicode(text: str) -> bool:
    """Whether a string has no lone surrogates, so that it can be written as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_exact(cell: Cell) -> bool:
    text = repr(cell.value)
    if text == cell.raw or cell.raw in ("NaN", "Infinity", "-Infinity"):
        return True
    return text not in ("inf", "-inf") and Decimal(text) == Decimal(cell.raw)


def column_type(kinds: Set[str]) -> pa.DataType:
    """The Arrow type that holds every value of a column exactly.

    A column in which some rows say null and others leave the key out is carried as JSON too: there, null is a text and
    an absent key is Arrow's null, so both come out as they went in.
    """
    values = kinds - {"null", "absent"}
    if {"null", "absent"} <= kinds or len(values) > 1:
        return JSON_COLUMN
    return TYPES[next(iter(values))] if values else pa.null()


def text_fault(cells: Cells, *, column: str) -> Fault | None:
    """What is wrong with the text of a row, if anything."""
    cell = cells.get(column)
    if cell is None or cell.value is None:
        return Fault(Flaw.NO_TEXT, f"column {column!r} is {'null' if cell else 'missing'}")
    if type(cell.value) is not str:
        return Fault(Flaw.NOT_A_STRING, f"column {column!r} holds {type(cell.value).__name__}")
    return None if is_unicode(cell.value) else Fault(Flaw.SURROGATE)
