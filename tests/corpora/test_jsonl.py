import json
import math
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncollapse.corpora.faults import Fault, Flaw
from uncollapse.corpora.jsonl import JSON_COLUMN, Cell, column_type, kind, take_apart, text_fault


def cells(line: str):
    return take_apart(line.encode(), start=10)


def test_a_cell_keeps_the_text_of_its_value():
    taken = cells(' { "a" : 1.50 ,"b":[1, {"z":1,"a":2e400}] , "c":"\\u00e4" }\r\n')
    assert taken == {
        "a": Cell(1.5, "1.50"),
        "b": Cell([1, {"z": 1, "a": math.inf}], '[1, {"z":1,"a":2e400}]'),
        "c": Cell("ä", '"\\u00e4"'),
    }


def test_an_empty_object_has_no_cells():
    assert cells("{}") == {}
    assert cells(" { } \n") == {}


@pytest.mark.parametrize("line", ["", "\n", " \t\r\n"])
def test_a_blank_line_is_no_row(line):
    assert cells(line) is None


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"a":1', "expected ',' or '}' at character 7"),
        ('{"a" 1}', "expected ':' at character 6"),
        ('{"a":}', "expected a value at character 6"),
        ("{a:1}", "expected a key in double quotes at character 2"),
        ('{"a":1,}', "expected a key in double quotes at character 8"),
        ('{"a":1} {"b":2}', "more after the object at character 9"),
        ('{"a":"x\ty"}', "Invalid control character at at character 8"),
        ('{"a":"x', "Unterminated string starting at at character 6"),
        ('{"a":' + "[" * 100_000 + "}", "nested too deep"),
    ],
)
def test_what_is_wrong_and_where(line, what):
    assert cells(line) == Fault(Flaw.JSON, what)


@pytest.mark.parametrize("line", ['"text"', "[1]", "17", "null"])
def test_a_line_must_be_an_object(line):
    assert cells(line) == Fault(Flaw.NOT_AN_OBJECT)


def test_a_key_may_stand_once_but_inside_of_values_it_passes_as_it_is():
    assert cells('{"a":1,"a":1}') == Fault(Flaw.DUPLICATE_KEY, "'a'")
    assert cells('{"o":{"a":1,"a":2}}')["o"].raw == '{"a":1,"a":2}'


def test_broken_utf8_is_named_by_its_byte_in_the_file():
    assert take_apart(b'{"a":"\xff"}', start=1000) == Fault(Flaw.UTF8, "byte 0xff at byte 1006 of the file")
    fault = take_apart('{"a":1}'.encode("utf-16"), start=0)
    assert fault == Fault(Flaw.UTF8, "byte 0xff at byte 0 of the file, the file looks like UTF-16")


def test_a_byte_order_mark_counts_only_at_the_beginning():
    assert take_apart(b'\xef\xbb\xbf{"a":1}', start=0) == {"a": Cell(1, "1")}
    assert take_apart(b'\xef\xbb\xbf{"a":1}', start=9) == Fault(Flaw.NOT_AN_OBJECT)
    assert take_apart(b'\xef\xbb\xbf{"a":"\xff"}', start=0) == Fault(Flaw.UTF8, "byte 0xff at byte 9 of the file")


def test_a_line_that_was_not_kept_is_too_long():
    assert take_apart(None, start=0) == Fault(Flaw.TOO_LONG)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('"a"', "string"),
        ('"\\ud800"', "json"),
        ('"\\ud83d\\ude00"', "string"),
        ("null", "null"),
        ("true", "bool"),
        ("1", "int"),
        ("9223372036854775807", "int"),
        ("9223372036854775808", "json"),
        ("-9223372036854775808", "int"),
        ("9007199254740993", "int"),
        ("7" * 5000, "json"),
        ("1.0", "float"),
        ("1e5", "float"),
        ("1.10", "float"),
        ("0.1000000000000000055511151231257827", "json"),
        ("1e400", "json"),
        ("NaN", "float"),
        ("-Infinity", "float"),
        ("[]", "json"),
        ("{}", "json"),
        ("[" + "7" * 5000 + "]", "json"),
    ],
)
def test_kinds(raw, expected):
    cell = cells(f'{{"a":{raw}}}')["a"]
    assert cell.raw == raw
    assert kind(cell) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_column_takes_only_numbers_that_it_gives_back(number):
    raw = format(number, "e") if isinstance(number, Decimal) else repr(number)
    cell = cells(f'{{"a":{raw}}}')["a"]
    if kind(cell) == "float":
        assert Decimal(repr(cell.value)) == Decimal(raw)
    else:
        assert Decimal(repr(cell.value)) != Decimal(raw)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"int"}, pa.int64()),
        ({"int", "null"}, pa.int64()),
        ({"float", "absent"}, pa.float64()),
        ({"int", "float"}, JSON_COLUMN),
        ({"string", "null", "absent"}, JSON_COLUMN),
        ({"json"}, JSON_COLUMN),
        ({"bool"}, pa.bool_()),
        ({"null"}, pa.null()),
        ({"absent"}, pa.null()),
    ],
)
def test_a_column_has_the_type_that_holds_all_its_values(kinds, expected):
    assert column_type(kinds) == expected


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ('{"text":"a"}', None),
        ('{"text":""}', None),
        ('{"text":"\\u0000"}', None),
        ("{}", Flaw.NO_TEXT),
        ('{"text":null}', Flaw.NO_TEXT),
        ('{"text":["a"]}', Flaw.NOT_A_STRING),
        ('{"text":"\\udc00"}', Flaw.SURROGATE),
    ],
)
def test_what_may_be_a_text(line, flaw):
    fault = text_fault(cells(line), column="text")
    assert (fault.flaw if fault else None) == flaw


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=6), st.booleans())
def test_it_agrees_with_the_standard_library(row, ascii_only):
    line = json.dumps(row, ensure_ascii=ascii_only)
    try:
        data = line.encode()
    except UnicodeEncodeError:
        return
    taken = take_apart(data + b"\n", start=5)
    assert {name: cell.value for name, cell in taken.items()} == row
    assert {name: json.loads(cell.raw) for name, cell in taken.items()} == row
    assert list(taken) == list(row)
