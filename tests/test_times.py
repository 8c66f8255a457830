"""A time in a recording is read to the exact second from every type of cell, or the row is bad."""

import datetime
from decimal import Decimal

import pytest

from pipeline.records import Reason, Rejected
from sources.metadata.times import parse_seconds


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("0", 0.0),
        ("12.5", 12.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1e1", 10.0),
        ("1:02", 62.0),
        ("59:59.25", 3599.25),
        ("75:00", 4500.0),
        ("1:00:00", 3600.0),
        ("2:59:01,5", 10741.5),
        ("1 day 1:00:00", 90000.0),
        ("2 days 0:00:01", 172801.0),
        ("", None),
        (None, None),
        (float("nan"), None),
        ("0:9", 9.0),
        (7, 7.0),
        (Decimal("1.25"), 1.25),
        (datetime.timedelta(minutes=1, milliseconds=500), 60.5),
        (datetime.time(1, 2, 3, 500_000), 3723.5),
    ],
)
def test_a_time_is_its_seconds(cell, seconds):
    assert parse_seconds(cell, "start") == seconds


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        ("1:60:00", "start = '1:60:00' is not a number of seconds"),
        ("1:60", "start = '1:60' is not a number of seconds"),
        ("1:2:3:4", "start = '1:2:3:4' is not a number of seconds"),
        ("x" * 50, f"start = {'x' * 40!r} is not a number of seconds"),
        ("-1", "start = -1 s is not a time in a recording"),
        (-0.5, "start = -0.5 s is not a time in a recording"),
        ("inf", "start = inf s is not a time in a recording"),
        ("-Infinity", "start = -Infinity s is not a time in a recording"),
        (10**400, f"start = 1{'0' * 39} s is not a time in a recording"),
        (Decimal("sNaN"), "start = sNaN s is not a time in a recording"),
    ],
)
def test_what_is_no_time_is_a_bad_row(cell, detail):
    with pytest.raises(Rejected) as caught:
        parse_seconds(cell, "start")
    assert (caught.value.reason, caught.value.detail) == (Reason.BAD_ROW, detail)
