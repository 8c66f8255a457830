"""Keep the requests made to each host in a file, for all threads, processes and runs of this machine.

A request stands in the ledger from before it begins. When it ends, its row keeps the time for a day where the host has limits by time,
and is removed otherwise. Every change is one transaction of SQLite, so a process that is killed leaves either all of it or nothing. The
changes need not reach the disk at once (`synchronous = OFF`): what a process has written stays in the system's memory when it is killed.
Only a machine that loses its power may lose the last seconds, or the file.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from pipeline.machine.process_locks import ProcessLocks, open_process_locks
from transforms.fetching.limits.breaker import Breaker, after_answer, after_refusal
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.ledger_faults import MAX_WAIT, explained
from transforms.fetching.limits.ledger_rows import (
    begin_request,
    cause_of,
    check_version,
    create_tables,
    end_request,
    mend_times,
    read_breaker,
    write_breaker,
)
from transforms.fetching.limits.windows import SPANS, Closed, Spans

CHECK_OWNERS = 1.0
"""Seconds between two looks for processes that ended without ending their requests."""

Clock = Callable[[], float]
"""Returns the Unix time."""


class Ledger:
    """The requests of all hosts; safe to share between threads. With no path it is of this object alone.

    `before`, where set, is called before each request begins; `n_ended` counts the requests of this process that have ended.

    Raises:
        DamagedFileError: the file is not a ledger; it is not replaced, because the requests that it recorded would be forgotten.
        OSError: the file cannot be opened, written or locked.
    """

    def __init__(self, path: Path | None, clock: Clock = time.time, spans: Spans = SPANS):
        self.path = path
        self.clock = clock
        self.spans = spans
        self.n_ended = 0
        self.before: Callable[[str, HostLimits], None] | None = None
        self._ended = threading.Condition()
        self._turns: collections.defaultdict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        self._lock = threading.RLock()
        self._locks: ProcessLocks | None = None
        self._owner = 0
        self._looked = -CHECK_OWNERS
        with explained(path):
            if path is not None:
                self._locks = open_process_locks(path.with_name(f"{path.name}-owners"))
            self._db = _connect(path)
        weakref.finalize(self, _close, self._db, os.getpid())
        self._take_number()

    def begin(self, host: str, limits: HostLimits) -> int | Closed:
        """Note that a request begins, and return its number; or return why it may not begin."""
        with self._transaction() as db:
            now = self.clock()
            mend_times(db, host, now, self.spans)
            closed = cause_of(db, host, limits, now, self.spans)
            if closed is not None and self._end_requests_of_the_dead(db):
                closed = cause_of(db, host, limits, now, self.spans)
            if closed is not None:
                return closed
            if self.before is not None:
                self.before(host, limits)
            return begin_request(db, host, self._owner)

    def end(self, number: int, limits: HostLimits, was_answered: bool) -> None:
        """Note that a request has ended; where no answer came, the host may still see it for some seconds."""
        with self._transaction() as db:
            ended = self.clock() + (0.0 if was_answered else self.spans.settle)
            end_request(db, number, ended if limits.has_windows else None)
        with self._ended:
            self.n_ended += 1
            self._ended.notify_all()

    def refused(self, host: str, asked: float | None) -> None:
        """Note that a host refused a request, and the seconds that it asked to wait, if it named any."""
        with self._transaction() as db:
            write_breaker(db, host, after_refusal(read_breaker(db, host), asked, self.clock()))

    def answered(self, host: str) -> None:
        """Note that a host answered as it should."""
        with self._lock, explained(self.path):
            if read_breaker(self._db, host) == Breaker():
                return
        with self._transaction() as db:
            write_breaker(db, host, after_answer(read_breaker(db, host), self.clock()))

    def check(self, host: str, limits: HostLimits) -> Closed | None:
        """Return why a host may not be asked now, `None` if it may; changes nothing."""
        with self._lock, explained(self.path):
            return cause_of(self._db, host, limits, self.clock(), self.spans)

    def turn(self, host: str) -> threading.Lock:
        """Return the lock of the thread that may ask for the next request to a host; the other threads of this process wait for it."""
        with self._lock:
            return self._turns[host]

    def wait_for_end(self, n_ended: int, seconds: float) -> None:
        """Wait until another request of this process has ended than the first `n_ended`, but at most some seconds."""
        with self._ended:
            self._ended.wait_for(lambda: self.n_ended != n_ended, seconds)

    def content(self, reserved: Mapping[str, int] = MappingProxyType({})) -> bytes:
        """Return the content of the file, with as many more requests in flight to each host as are `reserved`."""
        with self._lock, explained(self.path), contextlib.closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(self._db.serialize())
            for host, n_requests in reserved.items():
                for _ in range(n_requests):
                    begin_request(copy, host, self._owner)
            copy.commit()
            return copy.serialize()

    def _take_number(self) -> None:
        """Give this process a number, which is its byte of the file of locks; end the requests of processes that were killed."""
        with self._transaction() as db:
            self._owner = db.execute("INSERT INTO owners DEFAULT VALUES").lastrowid or 0
            if self._locks is not None:
                self._locks.take(self._owner)  # before another process can see the number
            self._end_requests_of_the_dead(db)
            db.execute("DELETE FROM requests WHERE ended <= ?", (self.clock() - self.spans.day,))

    def _end_requests_of_the_dead(self, db: sqlite3.Connection) -> bool:
        """End the requests of processes that no longer run; return whether there were such processes.

        They end now, and not before, since it is unknown when they did.
        """
        if self._locks is None or time.monotonic() - self._looked < CHECK_OWNERS:
            return False
        self._looked = time.monotonic()
        others = [owner for (owner,) in db.execute("SELECT id FROM owners WHERE id != ?", (self._owner,))]
        dead = [owner for owner in others if not self._locks.is_taken(owner)]
        ended = self.clock() + self.spans.settle
        for owner in dead:
            db.execute("UPDATE requests SET ended = ? WHERE owner = ? AND ended IS NULL", (ended, owner))
            db.execute("DELETE FROM owners WHERE id = ?", (owner,))
        return bool(dead)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path), self._db:  # the connection commits, or rolls back after a failure
            self._db.execute("BEGIN IMMEDIATE")  # the lock for writing at once: no other process may decide on the same rows
            yield self._db


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a ledger, and make its tables if the file is new."""
    db = sqlite3.connect(path or ":memory:", timeout=MAX_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = PERSIST")  # making and removing a journal takes twice the time; WAL needs shared memory
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN IMMEDIATE")
        if not check_version(db):
            create_tables(db)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _close(db: sqlite3.Connection, pid: int) -> None:
    if os.getpid() == pid:  # a fork must not end a transaction of another process
        db.close()


_LEDGERS: weakref.WeakValueDictionary[tuple[int, str], Ledger] = weakref.WeakValueDictionary()
_OPENING = threading.Lock()


def open_ledger(path: Path | None, clock: Clock = time.time, spans: Spans = SPANS) -> Ledger:
    """Return the ledger of a file, which is made if it is missing: the same object for all that use it in this process.

    Raises:
        DamagedFileError: the file is not a ledger.
        OSError: the file cannot be opened, written or locked.
    """
    if path is None:
        return Ledger(None, clock, spans)
    path = path.resolve()
    key = (os.getpid(), str(path))
    with _OPENING:
        ledger = _LEDGERS.get(key)
        if ledger is None or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            ledger = _LEDGERS[key] = Ledger(path, clock, spans)
        return ledger


def read_ledger(path: Path) -> sqlite3.Connection | None:
    """Return a connection to a ledger that is only read; `None` where there is no ledger yet. Errors are SQLite's."""
    if not path.is_file() or path.stat().st_size == 0:
        return None
    # Not mode=ro: what a killed process left is rolled back.
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", timeout=MAX_WAIT, uri=True)
    try:
        has_tables = check_version(db)
    except BaseException:
        db.close()
        raise
    if has_tables:
        return db
    db.close()
    return None
