"""Every value of a JSON that is not that of the plan is named by its path, five at most; the rest is counted."""

from __future__ import annotations

import json

import pytest

from pipeline.verbs.verify_json import different_json, unusable_json


def lines(given: object, expected: object) -> list[str]:
    return list(different_json(json.dumps(given).encode(), json.dumps(expected).encode()))


def differs(path: str, given: str, expected: str) -> str:
    return f"{path} is {given}, plan and books give {expected}"


def test_equal_bytes_have_no_fault_whatever_they_hold() -> None:
    assert list(different_json(b"{", b"{")) == []


def test_what_is_no_json_is_the_only_fault() -> None:
    (line,) = different_json(b"{", b"{}")
    assert line.startswith("is not JSON (Expecting property name")


def test_equal_values_in_other_bytes_are_a_fault() -> None:
    assert list(different_json(b"{ }", b"{}")) == ["holds the values of the plan, but not the bytes that a build writes"]


def test_values_are_named_by_their_path_in_the_order_of_the_plan_and_unknown_ones_last() -> None:
    given = {"z": 1, "b": {"d": [1, {"e": 3}]}, "a": 1}
    assert lines(given, {"a": 2, "b": {"c": 0, "d": [0, {"e": 2}]}}) == [
        differs("a", "1", "2"),
        "b.c is missing",
        differs("b.d[0]", "1", "0"),
        differs("b.d[1].e", "3", "2"),
        "z is in no sample of a build",
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [(1, True), (1, 1.0), ([1], [1, 1]), ([], [1]), ([1, 1], [1]), ({}, []), ([], {}), (None, 0), ("a", "b")],
)
def test_values_of_another_type_or_length_are_one_difference(given: object, expected: object) -> None:
    assert lines({"a": given}, {"a": expected}) == [differs("a", repr(given), repr(expected))]
    assert lines(given, expected) == [differs("the JSON", repr(given), repr(expected))]


def test_lists_of_the_same_length_differ_in_their_values_alone() -> None:
    assert lines([1, 2, 3], [1, 0, 3]) == [differs("[1]", "2", "0")]


@pytest.mark.parametrize(("n", "more"), [(5, []), (6, ["1 more values are not those of the plan"])])
def test_five_values_are_named_and_the_rest_is_counted(n: int, more: list[str]) -> None:
    assert lines([0] * n, [1] * n) == [differs(f"[{number}]", "0", "1") for number in range(5)] + more


LIST = "a list of at least one non-empty string"
GOOD = {"text": ["A tone."], "tag": [], "original_data": {}}


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (GOOD, []),
        (GOOD | {"text_augment_all": ["A tone.", "Beep"], "text_augment_t5": ["Beep"]}, []),
        *(
            (GOOD | {"text_augment_all": ["A tone."], "text_augment_t5": ["A tone."]} | {name: value}, [f"{name!r} must be {LIST}"])
            for name in ("text_augment_all", "text_augment_t5")
            for value in ([], "A tone.", None, [""], [1])
        ),
        ([], ["is not a JSON object"]),
        ({}, [f"{name} is missing or no {kind}" for name, kind in (("'text'", "list"), ("'tag'", "list"), ("'original_data'", "dict"))]),
        (GOOD | {"text": {}, "tag": {}}, ["'text' is missing or no list", "'tag' is missing or no list"]),
        (GOOD | {"text": []}, ["'text' must be a list of at least one non-empty string"]),
        (GOOD | {"text": ["a", ""]}, ["'text' must be a list of at least one non-empty string"]),
        (GOOD | {"text": [1, "a"]}, ["'text' must be a list of at least one non-empty string"]),
        (GOOD | {"text_augment_all": []}, ["'text_augment_all' and 'text_augment_t5' go together"]),
        (GOOD | {"text_augment_t5": []}, ["'text_augment_all' and 'text_augment_t5' go together"]),
    ],
)
def test_what_readers_could_not_use(sample: object, expected: list[str]) -> None:
    assert list(unusable_json(json.dumps(sample).encode())) == expected


def test_readers_cannot_use_what_is_no_json() -> None:
    (line,) = unusable_json(b"\xff")
    assert line.startswith("is not JSON (")
