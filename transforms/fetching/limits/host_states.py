"""Read from a ledger what goes on at each host: requests in flight, what is left of its limits, and until when it is closed."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass

from transforms.fetching.limits.budgets import BudgetSettings
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.limits.ledger import read_ledger
from transforms.fetching.limits.ledger_faults import explained
from transforms.fetching.limits.ledger_rows import cause_of, read_hosts
from transforms.fetching.limits.windows import SPANS, Closed, Spans


@dataclass(frozen=True, slots=True)
class HostState:
    """What goes on at one host: requests in flight, requests left of each limit by time, and why it may not be asked now."""

    host: str
    n_in_flight: int
    left: tuple[tuple[int, str], ...] = ()
    closed: Closed | None = None

    def in_words(self, now: float) -> str:
        """Return the state as text; `now` is the Unix time.

        >>> HostState("freesound.org", 2, ((58, "a minute"), (1990, "a day"))).in_words(0.0)
        'freesound.org: 2 in flight, 58 a minute and 1,990 a day left'
        >>> HostState("example.org", 0, (), Closed("example.org: stopped", 90.0, True)).in_words(0.0)
        'example.org: 0 in flight, closed for 90 s'
        """
        words = [f"{self.n_in_flight} in flight"]
        if self.left:
            words.append(" and ".join(f"{number:,} {unit}" for number, unit in self.left) + " left")
        if self.closed is not None and self.closed.until is not None and self.closed.until > now:
            words.append(f"closed for {for_people(self.closed.until - now)}")
        return f"{self.host}: {', '.join(words)}"


def for_people(seconds: float) -> str:
    """Return a length of time in its largest unit.

    >>> [for_people(seconds) for seconds in (0.2, 119.0, 600.0, 86_400.0)]
    ['1 s', '119 s', '10 min', '24.0 h']
    """
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7_200 else f"{seconds / 3600:.1f} h"


def host_states(settings: BudgetSettings, now: float | None = None, spans: Spans = SPANS) -> list[HostState]:
    """Return the state of every host that was asked in the last day, those with requests in flight first. Nothing is changed.

    Args:
        now: the Unix time, by default that of this moment.

    Raises:
        DamagedFileError: the file of the ledger is damaged.
        OSError: it cannot be read.
    """
    now = time.time() if now is None else now
    with explained(settings.ledger):
        db = read_ledger(settings.ledger) if settings.ledger is not None else None
        if db is None:
            return []
        with contextlib.closing(db):
            states = [_state(db, host, settings.hosts.limits_of(host), now, spans) for host in read_hosts(db)]
    return sorted(states, key=lambda state: (-state.n_in_flight, state.host))


def _state(db: sqlite3.Connection, host: str, limits: HostLimits, now: float, spans: Spans) -> HostState:
    (n_in_flight,) = db.execute("SELECT COUNT(*) FROM requests WHERE host = ? AND ended IS NULL", (host,)).fetchone()
    windows = (
        (limits.per_minute, spans.minute, "a minute"),
        (limits.per_hour, spans.hour, "an hour"),
        (limits.per_day, spans.day, "a day"),
    )
    left = []
    for limit, span, unit in windows:
        if limit is not None:
            (n_ended,) = db.execute("SELECT COUNT(*) FROM requests WHERE host = ? AND ended > ?", (host, now - span)).fetchone()
            left.append((max(0, limit - n_in_flight - n_ended), unit))
    return HostState(host, n_in_flight, tuple(left), cause_of(db, host, limits, now, spans))
