"""Cells of tables become paths, seconds, texts and labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Reason, Rejected
from sources.metadata.cells import split_labels, split_texts
from sources.metadata.times import parse_seconds


@given(st.floats(min_value=0, allow_infinity=False))
def test_every_time_that_python_writes_is_read_back(value):
    assert parse_seconds(str(value), "start") == value


@pytest.mark.parametrize("text", ["", "nan", "NaN"])
def test_an_empty_cell_is_not_a_time(text):
    assert parse_seconds(text, "start") is None


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("ten", Reason.BAD_ROW, "end = 'ten' is not a number of seconds"),
        ("-0.5", Reason.BAD_ROW, "end = -0.5 s is not a time in a recording"),
        ("inf", Reason.BAD_ROW, "end = inf s is not a time in a recording"),
    ],
)
def test_a_bad_time_is_rejected_with_the_name_of_its_column(text, reason, detail):
    with pytest.raises(Rejected) as rejected:
        parse_seconds(text, "end")
    assert (rejected.value.reason, rejected.value.detail) == (reason, detail)


@pytest.mark.parametrize(
    ("cell", "texts"), [(None, []), ("", []), ("  ", []), (" a ", [" a "]), (["a", None, "", "b"], ["a", "b"]), (("a",), ["a"]), (0, ["0"])]
)
def test_a_cell_holds_one_text_or_a_list_of_texts(cell, texts):
    assert split_texts(cell) == texts


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("Gunshot, gunfire;Speech", ["Gunshot, gunfire", "Speech"]),
        ("a|b;c|d", ["a|b", "c|d"]),
        ("a|b, c", ["a", "b, c"]),
        ("a,b", ["a", "b"]),
        (" ; a ;; ", ["a"]),
        ("", []),
        (None, []),
        (["a, b", None, " c "], ["a, b", "c"]),
        (5, ["5"]),
    ],
)
def test_labels_are_split_at_semicolons_else_bars_else_commas(cell, labels):
    assert split_labels(cell) == labels


@given(st.lists(st.text("abc ,|").map(str.strip).filter(bool), min_size=2))
def test_labels_joined_by_semicolons_are_split_into_the_same_labels(labels):
    assert split_labels(";".join(labels)) == labels
