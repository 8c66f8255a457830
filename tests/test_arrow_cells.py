"""Every type of a parquet column gives the right value, no value, or a cell that is named as unreadable."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Rejected
from sources.metadata.arrow_cells import cells_of
from sources.metadata.cells import MAX_ITEMS, MAX_TEXT, MISSING, Unreadable, name_of, split_labels, split_texts
from sources.metadata.rows import read_rows
from sources.metadata.times import parse_seconds

BAD = "bad_row"
LONG = "longer than what a view holds inside"


def outcome(convert: Any, cell: Any) -> Any:
    """Return the value of a cell, or `BAD`."""
    try:
        return convert(cell, "c")
    except Rejected as rejected:
        assert rejected.reason == BAD and len(rejected.detail) < 200
        return BAD


def through_parquet(array: pa.Array, folder: Path) -> list[Any]:
    pq.write_table(pa.table({"c": array}), folder / "t.parquet")
    return [row.fault or row.values["c"] for row in read_rows(folder / "t.parquet", {"c"})]


TEXTS = {
    **{str(kind): pa.array(["é", None, LONG], kind) for kind in (pa.string(), pa.large_string(), pa.string_view())},
    **{str(kind): pa.array(["é".encode(), None, LONG.encode()], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())},
    "dictionary": pa.array(["é", None, LONG]).dictionary_encode(),
    "json": pa.array(['"é"', None, f'"{LONG}"'], pa.json_()),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_of_every_kind_is_the_text(kind, tmp_path):
    assert [outcome(name_of, cell) for cell in through_parquet(TEXTS[kind], tmp_path)] == ["é", "", LONG]


@pytest.mark.parametrize(
    ("array", "names"),
    [
        (pa.array([7, None, -1], pa.int8()), ["7", "", "-1"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([2**53 + 1], pa.int64()), ["9007199254740993"]),
        (pa.array([101.0, 0.5, None, float("nan")]), ["101", "0.5", "", ""]),
        (pa.array([2.0**53 - 1, 2.0**53, 1e20, float("inf")]), ["9007199254740991", BAD, BAD, BAD]),
        (pa.array([101, 2**24 - 1, 2**24, 0.1], pa.float32()), ["101", "16777215", BAD, "0.1"]),
        (pa.array([np.float16(101), np.float16(2048), np.float16(0.1)], pa.float16()), ["101", BAD, "0.1"]),
        (pa.array([D("101.00"), D("1.50"), D("1e20"), None], pa.decimal128(38, 2)), ["101", "1.5", "1" + "0" * 20, ""]),
        (pa.array([uuid.UUID(int=5).bytes, None], pa.uuid()), ["00000000-0000-0000-0000-000000000005", ""]),
        (pa.array([True, None]), [BAD, ""]),
        (pa.array([b"\xff", b"a\0"]), [BAD, BAD]),
        (pa.nulls(2), ["", ""]),
        (pa.array([["a"], ["a", "b"], [], None]), ["a", BAD, BAD, ""]),
        (pa.array([{"a": 1}, None]), [BAD, ""]),
        (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), [BAD, ""]),
        (pa.array([dt.datetime(2020, 1, 1), None]), [BAD, ""]),
        (pa.array([1, None], pa.timestamp("ns", "Nowhere/City")), [BAD, ""]),
        (pa.array([dt.date(2020, 1, 1), None]), [BAD, ""]),
        (pa.array([62, None], pa.duration("s")), [BAD, ""]),
        (pa.array([62, None], pa.time32("s")), [BAD, ""]),
        (pa.array(['{"a": 1}', "{", '["a"]'], pa.json_()), [BAD, BAD, "a"]),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((1, 3), np.float32)), [BAD]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_an_id_is_exact_or_missing_or_a_bad_row(array, names, tmp_path):
    assert [outcome(name_of, cell) for cell in through_parquet(array, tmp_path)] == names


@pytest.mark.parametrize(
    "array",
    [
        pa.array([62.5, None]),
        pa.array([62.5, None], pa.float32()),
        pa.array([D("62.5"), None]),
        pa.array([62_500, None], pa.time32("ms")),
        pa.array([62_500_000_000, None], pa.time64("ns")),
        pa.array([62_500, None], pa.duration("ms")),
        pa.array([62_500_000_000, None], pa.duration("ns")),
        pa.array(["62.5", None]),
        pa.array(["1:02.5", ""]),
        pa.array(["00:01:02.500", "nan"]),
        pa.array(["0 days 00:01:02.500000", "NaT"]),
        pa.array([b"62.5", b""]),
    ],
    ids=lambda array: f"{array.type} {array[0]}",
)
def test_a_time_in_every_type_is_seconds(array, tmp_path):
    assert [outcome(parse_seconds, cell) for cell in through_parquet(array, tmp_path)] == [62.5, None]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([-1.0, float("inf")]),
        pa.array([-1, 2**62], pa.duration("s")),
        pa.array([dt.datetime(2020, 1, 1), dt.datetime(1, 1, 1)]),
        pa.array([True, False]),
        pa.array(["1e999", "-0:10"]),
        pa.array(["12,5", "1_0"]),
        pa.array(["٣", "5 s"]),
    ],
    ids=lambda array: f"{array.type} {array[0]}",
)
def test_what_is_no_time_in_a_recording_is_a_bad_row(array, tmp_path):
    assert [outcome(parse_seconds, cell) for cell in through_parquet(array, tmp_path)] == [BAD, BAD]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_view(pa.string()), pa.list_(pa.binary())])
def test_lists_are_their_items(kind, tmp_path):
    cells = through_parquet(pa.array([["dog", None, "cat, big"], [], None, ["x"]], kind), tmp_path)
    assert [split_labels(cell) for cell in cells] == [["dog", "cat, big"], [], [], ["x"]]


def test_a_list_of_lists_or_records_is_a_bad_row(tmp_path):
    for array in (pa.array([[["a"], ["b", "c"]]]), pa.array([[{"a": 1}]])):
        assert [outcome(split_texts, cell) for cell in through_parquet(array, tmp_path)] == [BAD]


def test_long_texts_and_lists_are_named_and_not_converted(tmp_path):
    texts = through_parquet(pa.array(["a", "x" * (MAX_TEXT + 1), None]), tmp_path)
    assert texts == ["a", Unreadable(f"a text of {MAX_TEXT + 1} bytes, at most {MAX_TEXT} are read"), None]
    lists = through_parquet(pa.array([["a"], ["x"] * (MAX_ITEMS + 1), None]), tmp_path)
    assert lists == [["a"], Unreadable(f"a list of more than {MAX_ITEMS} items"), None]


KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.decimal128(38, 3): st.decimals(-(10**30), 10**30, places=3),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(),
    pa.duration("us"): st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
}
ARRAYS = st.sampled_from(list(KINDS)).flatmap(lambda kind: st.lists(st.none() | KINDS[kind], min_size=1).map(lambda x: pa.array(x, kind)))


@given(ARRAYS)
def test_the_text_of_a_cell_reads_as_its_value_or_the_row_is_bad(array):
    for scalar, cell in zip(array, cells_of(array), strict=True):
        text, value = outcome(name_of, cell), scalar.as_py()
        if text in {"", BAD}:
            continue
        if isinstance(value, str | bytes):
            assert text == (value.decode() if isinstance(value, bytes) else value).strip()
        else:
            assert not isinstance(value, bool) and isinstance(value, int | float | D)
            as_float32 = pa.types.is_float32(array.type)
            assert (np.float32(text) == np.float32(value)) if as_float32 else (D(text) == D(value) or float(text) == value)


@given(ARRAYS)
def test_a_time_is_the_value_in_seconds_or_missing_or_the_row_is_bad(array):
    for scalar, cell in zip(array, cells_of(array), strict=True):
        seconds, value = outcome(parse_seconds, cell), scalar.as_py()
        if isinstance(value, dt.timedelta):
            assert seconds == (value.total_seconds() if value >= dt.timedelta() else BAD)
        elif isinstance(value, bool | dt.datetime):
            assert seconds == BAD
        elif seconds not in {None, BAD} and not isinstance(value, str | bytes | dt.time):
            assert seconds == pytest.approx(float(value))


def test_texts_that_stand_for_nothing_are_no_captions():
    assert all(split_texts(text) == [] for text in MISSING)
