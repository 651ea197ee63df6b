import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uncollapse.corpora.values import from_json, is_json, json_texts, unwritable

JSON = pa.json_()


def there_and_back(array: pa.Array) -> pa.Array:
    texts = json_texts(array)
    values = texts if is_json(array.type) else [json.loads(text) for text in texts]
    if is_json(array.type):
        values = [None if text == "null" else text for text in texts]
    return from_json(values, array.type)


WORKED = [
    (pa.array([1, None, 2**63 - 1]), ["1", "null", "9223372036854775807"]),
    (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
    (pa.array([-128], pa.int8()), ["-128"]),
    (pa.array([True, False, None]), ["true", "false", "null"]),
    (pa.array([1.0, 0.1, -0.0, None, 1e300]), ["1.0", "0.1", "-0.0", "null", "1e+300"]),
    (pa.array([0.1], pa.float32()), ["0.10000000149011612"]),
    (pa.array([1.5], pa.float16()), ["1.5"]),
    (pa.array(['a\n\u2028\x00"', None]), ['"a\\n\u2028\\u0000\\""', "null"]),
    (pa.array(["ä"], pa.large_string()), ['"ä"']),
    (pa.array(["ä"], pa.string_view()), ['"ä"']),
    (pa.array([b"\x00\xff", None]), ['"AP8="', "null"]),
    (pa.array([b"ab"], pa.binary(2)), ['"YWI="']),
    (pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)), ['"1.10"', "null"]),
    (pa.array([Decimal("-0.5")], pa.decimal256(50, 1)), ['"-0.5"']),
    (pa.array([dt.date(2020, 2, 29), None]), ['"2020-02-29"', "null"]),
    (pa.array([dt.time(1, 2, 3)], pa.time32("s")), ['"01:02:03"']),
    (pa.array([1], pa.time64("ns")), ['"00:00:00.000000001"']),
    (pa.array([0, 1_600_000_000, None], pa.timestamp("s")), ['"1970-01-01T00:00:00"', '"2020-09-13T12:26:40"', "null"]),
    (pa.array([1], pa.timestamp("ns", "UTC")), ['"1970-01-01T00:00:00.000000001Z"']),
    (pa.array([1], pa.timestamp("ms", "Europe/Vienna")), ['"1970-01-01T00:00:00.001Z"']),
    (pa.array([-(2**62)], pa.timestamp("s")), ["-4611686018427387904"]),
    (pa.array([90], pa.duration("s")), ["90"]),
    (pa.array([None, None], pa.null()), ["null", "null"]),
    (pa.array([[1, None], [], None]), ["[1,null]", "[]", "null"]),
    (pa.array([[1], None], pa.large_list(pa.int8())), ["[1]", "null"]),
    (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), ["[1,2]", "null"]),
    (pa.array([{"b": 1, "a": [True]}, None]), ['{"b":1,"a":[true]}', "null"]),
    (pa.array([{}, None], pa.struct([])), ["{}", "null"]),
    (
        pa.array([[("k", 1), ("k", None)], [], None], pa.map_(pa.string(), pa.int8())),
        ['[["k",1],["k",null]]', "[]", "null"],
    ),
    (pa.array(["x", None, "x"]).dictionary_encode(), ['"x"', "null", '"x"']),
    (pa.array(['{"a": 1}', None, "2e400"], JSON), ['{"a": 1}', "null", "2e400"]),
    (pa.ListArray.from_arrays([0, 2], pa.array(["1", None], JSON)), ['["1",null]']),
    (pa.array([b"0" * 16], pa.uuid()), ['"MDAwMDAwMDAwMDAwMDAwMA=="']),
]


@pytest.mark.parametrize(("array", "texts"), WORKED, ids=lambda value: str(getattr(value, "type", "")))
def test_each_type_has_a_text_that_gives_it_back(array, texts):
    assert json_texts(array) == texts
    back = there_and_back(array)
    assert back.type == array.type
    assert back.equals(array)
    assert not unwritable(array.type)


@pytest.mark.parametrize(("array", "texts"), WORKED, ids=lambda value: str(getattr(value, "type", "")))
def test_slices_are_written_as_what_they_hold(array, texts):
    padded = pa.concat_arrays([array, array, array])
    assert json_texts(padded.slice(len(array), len(array))) == texts
    assert json_texts(padded.slice(len(array) - 1)) == texts[-1:] + texts + texts


@pytest.mark.parametrize(
    "kind",
    [
        pa.month_day_nano_interval(),
        pa.dense_union([pa.field("a", pa.int8())]),
        pa.list_(pa.month_day_nano_interval()),
        pa.struct([pa.field("x", pa.run_end_encoded(pa.int32(), pa.int8()))]),
        pa.dictionary(pa.int8(), pa.month_day_nano_interval()),
    ],
)
def test_what_cannot_be_written_is_known(kind):
    assert unwritable(kind)


def test_a_json_column_is_written_on_one_line_and_must_be_json():
    assert json_texts(pa.array(['{"a":\n 1,\r"b": "\\n"}'], JSON)) == ['{"a":  1, "b": "\\n"}']
    with pytest.raises(ValueError, match="Expecting"):
        json_texts(pa.array(['{"a"'], JSON))


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["x"], pa.int64()), (["!"], pa.binary()), ([[1]], pa.struct([pa.field("a", pa.int8())])), ([1.5], pa.int8())],
)
def test_a_value_of_another_type_is_an_error(values, kind):
    with pytest.raises((pa.ArrowException, TypeError, ValueError, AttributeError)):
        from_json(values, kind)


moments = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(st.none() | moments, max_size=5),
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.sampled_from([None, "UTC", "+02:00"]),
)
def test_every_moment_comes_back(counts, unit, zone):
    array = pa.array(counts, pa.timestamp(unit, zone))
    assert there_and_back(array).equals(array)


@given(st.lists(st.none() | st.floats(width=32), max_size=5))
def test_every_float_comes_back_bit_by_bit(numbers):
    array = pa.array(numbers, pa.float32())
    back = there_and_back(array)
    assert back.is_valid().equals(array.is_valid())
    ours, theirs = (each.fill_null(0).to_numpy() for each in (back, array))
    assert np.array_equal(ours, theirs, equal_nan=True)
    assert np.array_equal(np.signbit(ours[~np.isnan(ours)]), np.signbit(theirs[~np.isnan(theirs)]))


nested = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "tags": st.none()
            | st.lists(st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=3), max_size=3),
            "inner": st.none() | st.fixed_dictionaries({"n": st.none() | st.integers(-(2**63), 2**63 - 1)}),
        }
    ),
    max_size=5,
)


@given(nested)
def test_nested_values_come_back(values):
    kind = pa.struct(
        [
            pa.field("tags", pa.list_(pa.string())),
            pa.field("inner", pa.struct([pa.field("n", pa.int64())])),
        ]
    )
    array = pa.array(values, kind)
    assert there_and_back(array).to_pylist() == values
