"""Honour robots.txt (RFC 9309): ask each host once, and refuse the addresses that it keeps from robots."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from protego import Protego

from pipeline.records import Reason, Rejected
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.http import HttpClient, HttpSettings
from transforms.fetching.web.partial_download import PartialDownload

ALLOWED, DISALLOWED = "allowed", "disallowed"
"""What evidence records of a robots.txt."""
PRODUCT = "laion-audio"
"""The name under which robots.txt may speak of us."""
MAX_BYTES = 2 << 20
"""Largest robots.txt; RFC 9309, section 2.5, asks to read at least a quarter of it. A host with a larger one is not read."""
MAX_AGE = 86_400.0
"""Seconds for which a robots.txt is used; RFC 9309, section 2.4."""
REMEMBERED = 300.0
"""Seconds after a fault in which a robots.txt is not asked for again: thousands of rows may need it, and each would wait for it."""
MAX_SECONDS = 60.0  # for one robots.txt
MAX_HOSTS = 1000  # whose rules are kept


class DisallowedError(Rejected):
    """The robots.txt of a host keeps an address from robots."""


class Robots:
    """The rules of all hosts, each asked for when it is first needed. Threads may share it.

    Args:
        client: fetches robots.txt, within the budgets of the host; it must not look at `X-Robots-Tag`, which many hosts set there.
        clock: seconds that never go back.
    """

    def __init__(self, client: HttpClient, clock: Callable[[], float] = time.monotonic):
        self._client = client
        self._clock = clock
        self._rules: OrderedDict[str, tuple[float, Protego | Rejected]] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def allowed(self, url: str) -> bool:
        """Return whether the host of an address lets robots read it. A host without a robots.txt (status 400 to 499) allows everything.

        Raises:
            Rejected: the robots.txt cannot be read now, so that nothing may be read (section 2.3.1.4), with the reason of that download.
        """
        origin = urljoin(url, "/robots.txt")
        with self._lock:
            lock = self._locks.setdefault(origin, threading.Lock())
        with lock:
            until, rules = self._rules.get(origin, (0.0, None))
            if rules is None or self._clock() >= until:
                rules = self._fetched(origin)
                self._remember(origin, rules)
        if isinstance(rules, Rejected):
            raise Rejected(rules.reason, rules.detail, rules.provenance)  # a new one: the old one would gather the frames of every row
        return bool(rules.can_fetch(url, PRODUCT))

    def check(self, url: str) -> str:
        """Check that robots may read an address, and return `ALLOWED`.

        Raises:
            Rejected: `forbidden`; as `allowed`.
        """
        if not self.allowed(url):
            host = (urlsplit(url).hostname or "")[:100]
            raise DisallowedError(Reason.FORBIDDEN, f"robots.txt of {host} keeps this address from robots")
        return ALLOWED

    def _remember(self, origin: str, rules: Protego | Rejected) -> None:
        age = REMEMBERED if isinstance(rules, Rejected) else MAX_AGE
        with self._lock:
            self._rules[origin] = self._clock() + age, rules
            while len(self._rules) > MAX_HOSTS:
                self._locks.pop(self._rules.popitem(last=False)[0], None)

    def _fetched(self, address: str) -> Protego | Rejected:
        """Return the rules; where they cannot be read now, the rejection of what asks for them.

        Raises:
            Rejected: `postponed`: the budgets decide when it may be asked for.
        """
        with tempfile.TemporaryDirectory(prefix="robots-") as folder:
            partial = PartialDownload(Path(folder) / "robots.txt", MAX_BYTES)
            try:
                self._client.complete(partial, address, MAX_SECONDS)
            except Rejected as rejected:
                status = rejected.provenance.http_status if rejected.provenance else None
                is_missing = status is not None and 400 <= status < 500 and not rejected.reason.transient
                if rejected.reason == Reason.LIMIT_EXCEEDED or is_missing:  # more redirects than are followed: section 2.3.1.2
                    return Protego.parse("")
                fault = Rejected(rejected.reason, f"robots.txt: {rejected.detail}", rejected.provenance)
                if rejected.reason == Reason.POSTPONED:
                    raise fault from rejected
                return fault
            return Protego.parse(partial.path.read_bytes().decode("utf-8", "replace"))


def http_client(settings: HttpSettings, budgets: Budgets) -> HttpClient:
    """Return a client that honours robots.txt where the settings say so."""
    if not settings.respect_robots_txt:
        return HttpClient(settings, budgets)
    robots = Robots(HttpClient(replace(settings, respect_robots_tag=False), budgets))
    return HttpClient(settings, budgets, check_address=robots.check)
