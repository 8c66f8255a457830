"""Cells of tables become paths, seconds, texts and labels."""

import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Reason, Rejected
from sources.metadata.cells import MAX_ITEMS, MAX_TEXT, MISSING, NAN, Unreadable, name_of, split_labels, split_texts, text_of
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


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        *((" Rain ", "Rain"), ("é ", "é"), (None, ""), (b" Rain ", "Rain"), (7, "7"), (-7, "-7"), (101.0, "101"), (Decimal("1.50"), "1.5")),
        *(
            (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
            (["a"], "a"),
            (("a",), "a"),
            ([["a "]], "a"),
            ("x" * MAX_TEXT, "x" * MAX_TEXT),
        ),
    ],
)
def test_a_cell_is_a_text_without_blanks_around_it(cell, text):
    assert text_of(cell, "title") == name_of(cell, "title") == text


def test_missing_values_are_no_texts_and_a_few_are_names():
    assert {text_of(f" {text} ", "id") for text in MISSING} == {""}
    assert {text for text in MISSING if not name_of(text, "id")} == NAN == {"nan", "NaN", "-nan", "-NaN", "NaT", "<NA>"}
    assert len(MISSING) == 19 and {"NA", "None", "null", "#N/A"} < MISSING


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        (True, "c is the truth value true, and a text is needed"),
        (False, "c is the truth value false, and a text is needed"),
        (b"\xff", "c holds bytes that are not UTF-8"),
        (b"a\0", "c holds a NUL character"),
        ("a\0", "c holds a NUL character"),
        ("\ud800", "c holds half a surrogate pair, which is no text"),
        ("x" * (MAX_TEXT + 1), "c has 1048577 characters, at most 1048576 are read"),
        (["a", "b"], "c holds a list, and a text is needed"),
        ([], "c holds a list, and a text is needed"),
        (("a", "b"), "c holds a list, and a text is needed"),
        ({}, "c holds a record, and a text is needed"),
        (datetime.time(1), "c holds a time of day, and a text is needed"),
        (datetime.timedelta(1), "c holds a duration, and a text is needed"),
        (datetime.date(2020, 1, 1), "c holds a value that is no text, and a text is needed"),
        (Unreadable("a map"), "c holds a map, and a text is needed"),
    ],
)
def test_what_is_no_text_is_a_bad_row(cell, detail):
    for read in (text_of, name_of, split_texts, split_labels):
        if read in {text_of, name_of} or not isinstance(cell, list | tuple):
            with pytest.raises(Rejected) as caught:
                read(cell, "c")
            assert (caught.value.reason, caught.value.detail) == (Reason.BAD_ROW, detail)


@pytest.mark.parametrize(
    ("cell", "texts"),
    [
        ("['a', 'b']", ["a", "b"]),
        (b'["a", null]', ["a"]),
        (["['a', 'b']", "c"], ["a", "b", "c"]),
        (" ('a', 'b')", ["a", "b"]),
        ("array(['a'], dtype=object)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("[Music]", ["[Music]"]),
        ("a, b", ["a, b"]),
        (["NA", "x", float("nan")], ["x"]),
    ],
)
def test_a_list_may_be_written_as_text(cell, texts):
    assert split_texts(cell) == texts


def test_a_broken_list_and_a_long_one_are_bad_rows():
    for read in (split_texts, split_labels):
        assert len(read(["a"] * MAX_ITEMS)) == MAX_ITEMS == 10_000
        for cell, detail in (
            ("['a'", "c: \"['a'\" looks like a list, "),
            (["a"] * (MAX_ITEMS + 1), "c holds 10001 texts, at most 10000 are read"),
        ):
            with pytest.raises(Rejected) as caught:
                read(cell, "c")
            assert caught.value.detail.startswith(detail)
    assert len(split_labels(";".join(["a"] * MAX_ITEMS))) == MAX_ITEMS
    with pytest.raises(Rejected, match="labels holds 10001 texts"):
        split_labels(";".join(["a"] * (MAX_ITEMS + 1)))


@pytest.mark.parametrize(
    ("cell", "separator", "labels"),
    [
        ("a;b|c", "|", ["a;b", "c"]),
        ("a/b", "/", ["a", "b"]),
        ("[' a', 'b, c']", None, ["a", "b, c"]),
        ("NA;b", None, ["b"]),
        (b"a;b", None, ["a", "b"]),
        ("dog, Male speech, man speaking", None, ["dog", "Male speech, man speaking"]),
        ("male speech,man speaking ,dog", None, ["male speech, man speaking", "dog"]),
        ("male speech, dog", None, ["male speech", "dog"]),
        ("[Music]", None, ["[Music]"]),
    ],
)
def test_labels_are_split_at_the_separator(cell, separator, labels):
    assert split_labels(cell, separator=separator) == labels
