"""JSON values of another type, out of range or nested too deeply are errors that name the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.output.json_values import MAX_COUNT, count, field, mapping, parse_json, seconds, table, text


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5000, b'"\\ud800"'])
def test_what_is_no_json_is_an_error_of_one_kind(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(data)


def test_json_comes_back() -> None:
    assert parse_json('{"a": [1, "ä", null]}'.encode()) == {"a": [1, "ä", None]}


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (text, ["", "x"]),
        (count, [0, 7, MAX_COUNT - 1]),
        (seconds, [0, 0.0, 1.5, 3600]),
        (mapping, [{}, {"a": 1}]),
        (table(count), [{}, {"a": 1}]),
        (table(table(count)), [{"a": {"b": 1}}]),
    ],
)
def test_right_values_are_returned(check: Callable[[Any, str], Any], values: list[Any]) -> None:
    assert [check(value, "x") for value in values] == values


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (text, [None, 1, [], b"x"]),
        (count, [None, "1", 1.0, True, -1, MAX_COUNT, [], math.nan]),
        (seconds, [None, "1", True, -1, -0.5, math.nan, math.inf, 10**400, []]),
        (mapping, [None, [], "x", 1]),
        (table(count), [{"a": "1"}, [], {"a": None}]),
        (table(table(count)), [{"a": 1}, {"a": {"b": -1}}]),
    ],
)
def test_wrong_values_are_errors_that_name_them(check: Callable[[Any, str], Any], values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ValueError, match="size"):
            check(value, "size")


def test_a_missing_value_is_an_error() -> None:
    assert field({"a": 1}, "a", count) == 1
    with pytest.raises(ValueError, match="b is missing"):
        field({"a": 1}, "b", count)


@pytest.mark.parametrize(
    ("check", "value", "what"),
    [
        (mapping, [1], "size is a list, not an object"),
        (text, {}, "size is an object, not a string"),
        (count, 1.5, "size is 1.5, not a whole number from 0"),
        (seconds, 1e15, "size is 1000000000000000.0, not a time in seconds"),
        (table(count), {"a": "b"}, "size['a'] is 'b', not a whole number from 0"),
        (text, b"x" * 37, f"size is {b'x' * 37!r}, not a string"),
        (text, b"x" * 38, f"size is {b'x' * 38!r}"[: 8 + 40] + "..., not a string"),
    ],
)
def test_an_error_names_the_value_that_is_there(check: Callable[[Any, str], Any], value: Any, what: str) -> None:
    with pytest.raises(ValueError) as caught:
        check(value, "size")
    assert str(caught.value) == what


def test_limits_of_numbers() -> None:
    assert (seconds(1e15 - 1, "x"), count((1 << 63) - 1, "x")) == (1e15 - 1, (1 << 63) - 1)
    with pytest.raises(ValueError, match="it is nested too deeply"):
        parse_json(b"[" * 100_000)
