"""The tables of a ledger hold requests in flight, requests that ended, and refusals, by host."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from transforms.fetching.limits.breaker import Breaker
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.ledger_rows import (
    begin_request,
    cause_of,
    check_version,
    create_tables,
    end_request,
    mend_times,
    read_breaker,
    read_hosts,
    write_breaker,
)
from transforms.fetching.limits.windows import SPANS

NOW, DAY = 1e6, 86_400.0


@pytest.fixture
def db():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert not check_version(connection)
        create_tables(connection)
        assert check_version(connection)
        yield connection


def add(db: sqlite3.Connection, host: str, *ended: float | None) -> list[int]:
    numbers = [begin_request(db, host, 1) for _ in ended]
    for number, time in zip(numbers, ended, strict=True):
        if time is not None:
            end_request(db, number, time)
    return numbers


def ended_of(db: sqlite3.Connection, host: str) -> list[float | None]:
    return [ended for (ended,) in db.execute("SELECT ended FROM requests WHERE host = ? ORDER BY id", (host,))]


def test_a_request_is_in_flight_until_it_ends_or_is_removed(db):
    first, second = add(db, "h", None, None)
    end_request(db, first, 5.0)
    end_request(db, second, None)
    assert first != second and ended_of(db, "h") == [5.0]


def test_requests_of_a_host_count_for_that_host_alone(db):
    add(db, "h", None, NOW - 10, NOW - 20)
    add(db, "other", None, None, NOW)
    limits = HostLimits(concurrency=2, per_hour=3)
    assert cause_of(db, "h", limits, NOW, SPANS).until == NOW - 20 + 3600
    assert cause_of(db, "h", HostLimits(concurrency=2, per_hour=4), NOW, SPANS) is None
    assert cause_of(db, "h", HostLimits(concurrency=1), NOW, SPANS).why == "h: 1 at a time"
    assert cause_of(db, "unknown", limits, NOW, SPANS) is None


def test_old_requests_are_removed_and_times_after_now_are_moved_to_now(db):
    add(db, "h", NOW - DAY, NOW - DAY + 1, NOW, NOW + 5, NOW + 6, NOW + 1e9, None)
    add(db, "other", NOW - DAY, NOW + 1e9)
    write_breaker(db, "h", Breaker(5, 900, NOW + 1e9))
    mend_times(db, "h", NOW, SPANS)
    assert ended_of(db, "h") == [NOW - DAY + 1, NOW, NOW + 5, NOW + 5, NOW + 5, None]
    assert ended_of(db, "other") == [NOW - DAY, NOW + 1e9]
    assert read_breaker(db, "h") == Breaker(5, 900, NOW + DAY)


def test_refusals_are_kept_until_they_are_none(db):
    assert read_breaker(db, "h") == Breaker()
    for breaker in (Breaker(1), Breaker(5, 900.0, NOW + 900)):
        write_breaker(db, "h", breaker)
        assert read_breaker(db, "h") == breaker
    assert cause_of(db, "h", HostLimits(), NOW, SPANS).until == NOW + 900
    write_breaker(db, "h", Breaker())
    assert db.execute("SELECT COUNT(*) FROM breakers").fetchone() == (0,)


def test_hosts_are_those_with_requests_or_refusals(db):
    add(db, "b", None, NOW)
    write_breaker(db, "a", Breaker(1))
    write_breaker(db, "b", Breaker(1))
    assert read_hosts(db) == ["a", "b"]


def test_tables_of_another_version_are_refused(db):
    db.execute("PRAGMA user_version = 2")
    with pytest.raises(sqlite3.DatabaseError, match="its version is 2, not 1"):
        check_version(db)


@pytest.mark.parametrize("change", ["UPDATE requests SET ended = 'soon'", "INSERT INTO breakers VALUES ('h', 5, 900.0, x'00')"])
def test_what_should_be_a_number_and_is_none_is_damage(db, change):
    add(db, "h", NOW)
    db.execute(change)
    with pytest.raises(sqlite3.DatabaseError, match="number"):
        cause_of(db, "h", HostLimits(per_day=1), NOW, SPANS)
