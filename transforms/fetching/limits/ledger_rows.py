"""Read and write the tables of a ledger, inside of a transaction of the caller."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from typing import Any

from transforms.fetching.limits.breaker import LONGEST_STOP, Breaker, bounded
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.windows import Closed, Spans, check_host

VERSION = 1
TABLES = """
CREATE TABLE owners (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE requests (id INTEGER PRIMARY KEY, host TEXT NOT NULL, owner INTEGER NOT NULL, ended REAL);
CREATE INDEX requests_of_hosts ON requests (host, ended);
CREATE TABLE breakers (host TEXT PRIMARY KEY, refusals INTEGER NOT NULL, seconds REAL NOT NULL, until REAL NOT NULL);
"""
"""`owners` are processes; `ended` is Unix time, NULL for a request in flight."""
NTH_NEWEST = "SELECT ended FROM requests WHERE host = ? AND ended IS NOT NULL ORDER BY ended DESC LIMIT 1 OFFSET ?"


def check_version(db: sqlite3.Connection) -> bool:
    """Return whether there are tables already.

    Raises:
        sqlite3.DatabaseError: the tables are not of this version of a ledger, or the file is damaged.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (n_tables,) = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if n_tables and version != VERSION:
        raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
    return n_tables > 0


def create_tables(db: sqlite3.Connection) -> None:
    """Make the tables of a new ledger."""
    for statement in TABLES.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


def read_breaker(db: sqlite3.Connection, host: str) -> Breaker:
    """Return what is remembered of the refusals of a host."""
    row = db.execute("SELECT refusals, seconds, until FROM breakers WHERE host = ?", (host,)).fetchone()
    return Breaker(*map(_number, row)) if row else Breaker()


def _number(value: object) -> Any:
    if not isinstance(value, (int, float)):
        raise sqlite3.DatabaseError("what should be a number is none")
    return value


def write_breaker(db: sqlite3.Connection, host: str, breaker: Breaker) -> None:
    """Remember the refusals of a host; a host without any has no row."""
    if breaker == Breaker():
        db.execute("DELETE FROM breakers WHERE host = ?", (host,))
    else:
        db.execute("INSERT OR REPLACE INTO breakers VALUES (?, ?, ?, ?)", (host, breaker.refusals, breaker.seconds, breaker.until))


def begin_request(db: sqlite3.Connection, host: str, owner: int) -> int:
    """Add a request in flight; return its number."""
    return db.execute("INSERT INTO requests (host, owner) VALUES (?, ?)", (host, owner)).lastrowid or 0


def end_request(db: sqlite3.Connection, number: int, ended: float | None) -> None:
    """End a request in flight; with `None` its row is removed."""
    if ended is None:
        db.execute("DELETE FROM requests WHERE id = ?", (number,))
    else:
        db.execute("UPDATE requests SET ended = ? WHERE id = ?", (ended, number))


def mend_times(db: sqlite3.Connection, host: str, now: float, spans: Spans) -> None:
    """Remove the requests of a host that are older than a day; move times that are later than now, since the clock was set back."""
    latest = now + spans.settle
    db.execute("DELETE FROM requests WHERE host = ? AND ended <= ?", (host, now - spans.day))
    db.execute("UPDATE requests SET ended = ? WHERE host = ? AND ended > ?", (latest, host, latest))
    breaker = read_breaker(db, host)
    if bounded(breaker, now) != breaker:
        write_breaker(db, host, bounded(breaker, now))


def mend_all_times(db: sqlite3.Connection, now: float, spans: Spans) -> None:
    """Mend the times of all hosts, where any is later than now and the file may be written."""
    latest = (now + spans.settle, now + LONGEST_STOP)
    if not any(
        db.execute(
            "SELECT EXISTS(SELECT 1 FROM requests WHERE ended > ?), EXISTS(SELECT 1 FROM breakers WHERE until > ?)", latest
        ).fetchone()
    ):
        return
    with contextlib.suppress(sqlite3.OperationalError), db:  # of another user, or on a disk that is only read
        for host in read_hosts(db):
            mend_times(db, host, now, spans)


def cause_of(db: sqlite3.Connection, host: str, limits: HostLimits, now: float, spans: Spans) -> Closed | None:
    """Return why a host may not be asked now; `None` if it may."""
    (n_in_flight,) = db.execute("SELECT COUNT(*) FROM requests WHERE host = ? AND ended IS NULL", (host,)).fetchone()
    breaker = bounded(read_breaker(db, host), now)
    return check_host(host, limits, breaker, n_in_flight, partial(_nth_newest, db, host), now, spans)


def read_hosts(db: sqlite3.Connection) -> list[str]:
    """Return the hosts of a ledger, sorted."""
    return [host for (host,) in db.execute("SELECT host FROM requests UNION SELECT host FROM breakers ORDER BY host")]


def _nth_newest(db: sqlite3.Connection, host: str, n: int) -> float | None:
    row = db.execute(NTH_NEWEST, (host, n - 1)).fetchone()
    return _number(row[0]) if row else None
