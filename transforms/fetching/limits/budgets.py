"""Keep requests to a host within its limits, over all threads, processes and runs of this machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.records import Reason, Rejected
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.limits.ledger import Clock, Ledger, open_ledger, read_ledger
from transforms.fetching.limits.ledger_faults import explained
from transforms.fetching.limits.ledger_rows import cause_of, mend_all_times, read_hosts
from transforms.fetching.limits.windows import SPANS, Closed, Spans

LOOK = 0.1
"""Seconds between two looks for the end of a request of another process."""
SLICE = 5.0
"""Seconds of a part of a wait: the clock may be set, and the machine may sleep, in between."""


@dataclass(frozen=True)
class BudgetSettings:
    """What budgets need: the limits of hosts, the file of the ledger (`None`: this process alone), and whether to wait for a budget."""

    hosts: HostTable = field(default_factory=HostTable)
    ledger: Path | None = None
    wait: bool = False


class Budgets:
    """The budgets of all hosts; safe to share between threads.

    A request waits where the limit of a minute is used up, where too many requests are in flight, and for whatever else lasts a minute
    at most. For longer it waits only with `wait`.

    Args:
        clock: returns the Unix time.
        sleep: waits that many seconds.
        spans: lengths of windows.

    Raises:
        DamagedFileError: the file of the ledger is damaged; by every method.
        OSError: the file of the ledger cannot be opened, written or locked; by every method.
    """

    def __init__(
        self,
        settings: BudgetSettings,
        clock: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
        spans: Spans = SPANS,
    ):
        self.settings = settings
        self._clock = clock
        self._sleep = sleep
        self._spans = spans
        self._ledgers: dict[int, Ledger] = {}  # by process: a fork must not use the file of another process
        self._opening = threading.Lock()
        self._paused: dict[str, Closed] = {}

    @contextlib.contextmanager
    def request(self, host: str) -> Iterator[float]:
        """Hold one of the requests that a host allows, from before the connection until the body is read.

        A thread must end it before it begins another to the same host, which could wait for the first without end.

        Yields:
            the seconds that it waited, which are no part of the time that a download may take.

        Raises:
            Rejected: `postponed`, when the budget of the host is used up, or the host was stopped.
        """
        ledger, host, limits = self._ledger(), self.settings.hosts.name_of(host), self.settings.hosts.limits_of(host)
        began = time.monotonic()
        number, was_answered = self._begin(ledger, host, limits), False
        try:
            yield time.monotonic() - began
            was_answered = True
        finally:
            ledger.end(number, limits, was_answered)

    def refused(self, host: str, after: float | None = None) -> None:
        """Note that a host throttled us or checked for robots; several in a row stop it, as does a wait (in seconds) it asks for."""
        self._ledger().refused(self.settings.hosts.name_of(host), after)

    def answered(self, host: str) -> None:
        """Note that a host answered as it should."""
        self._ledger().answered(self.settings.hosts.name_of(host))

    def open_at(self, host: str) -> float | None:
        """Return the Unix time when a host may be asked again; `None` for now, or after a wait that `request` makes by itself."""
        hosts = self.settings.hosts
        return _opens(self._ledger().check(hosts.name_of(host), hosts.limits_of(host)))

    def _ledger(self) -> Ledger:
        pid = os.getpid()
        if pid not in self._ledgers:
            with self._opening:
                if pid not in self._ledgers:
                    self._ledgers[pid] = open_ledger(self.settings.ledger, self._clock, self._spans)
        return self._ledgers[pid]

    def _begin(self, ledger: Ledger, host: str, limits: HostLimits) -> int:
        """Wait until a request may begin; return its number. One thread of a host asks the ledger, the others wait for their turn."""
        self._check_paused(host)
        with ledger.turn(host):
            while True:
                n_ended = ledger.n_ended
                answer = ledger.begin(host, limits)
                if isinstance(answer, int):
                    return answer
                if answer.is_long and not self.settings.wait:
                    self._paused[host] = answer
                    raise Rejected(Reason.POSTPONED, answer.why)
                if answer.until is None:
                    ledger.wait_for_end(n_ended, LOOK)
                else:  # and ask again soon, since the clock may be set in between
                    self._sleep(min(max(answer.until - self._clock(), 0.0), SLICE))

    def _check_paused(self, host: str) -> None:
        """Reject what would be rejected by the ledger too: hundreds of thousands of rows may be left for later."""
        paused = self._paused.get(host)
        if paused is not None and (paused.until or 0.0) - self._clock() > self._spans.minute:  # a pause never becomes shorter
            raise Rejected(Reason.POSTPONED, paused.why)


def paused_hosts(ledger: Path | None, hosts: HostTable, now: float, spans: Spans = SPANS) -> dict[str, float]:
    """Return the hosts that a build without `wait` leaves for later, with the Unix time when they may be asked again.

    Nothing is changed but times that are later than now, since the clock was set back: a host would be closed until then.

    Args:
        ledger: its file; may be missing.

    Raises:
        DamagedFileError: the file of the ledger is damaged.
        OSError: it cannot be read.
    """
    with explained(ledger):
        db = read_ledger(ledger) if ledger is not None else None
        if db is None:
            return {}
        with contextlib.closing(db):
            mend_all_times(db, now, spans)
            times = {host: _opens(cause_of(db, host, hosts.limits_of(host), now, spans)) for host in read_hosts(db)}
    return {host: time for host, time in times.items() if time is not None}


def _opens(closed: Closed | None) -> float | None:
    return closed.until if closed is not None and closed.is_long else None
