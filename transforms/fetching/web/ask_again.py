"""Ask hosts again what they say about the use of recordings, within their budgets, without downloading the recordings."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

from pipeline.records import AskedAgain, Evidence, Provenance, Reason, Rejected
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.headers_only import HeadersOnly
from transforms.fetching.web.http import HttpClient, HttpSettings, utc_now
from transforms.fetching.web.opt_outs import TdmRule, read_tdmrep, rule_for
from transforms.fetching.web.partial_download import PartialDownload
from transforms.fetching.web.robots import ALLOWED, DISALLOWED, MAX_AGE, MAX_HOSTS, DisallowedError, Robots

TDMREP = "/.well-known/tdmrep.json"
MAX_TDMREP = 4 << 20  # bytes
MAX_SECONDS = 60.0  # for one answer, with all attempts
NO_HEAD = frozenset({400, 403, 405, 501})
"""Status with which hosts refuse HEAD; they are asked by GET then, and its body is not read."""


class AskAgain:
    """Asks about addresses; safe to share between threads. Every host is asked for its robots.txt, whatever the recipe says."""

    def __init__(self, settings: HttpSettings, budgets: Budgets):
        settings = replace(settings, respect_robots_tag=False)
        robots = Robots(HttpClient(settings, budgets))
        self._files = HttpClient(settings, budgets)
        self._client = HttpClient(settings, budgets, check_address=robots.check)
        self._tdmrep: OrderedDict[str, tuple[float, tuple[TdmRule, ...]]] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def ask(self, url: str) -> AskedAgain:
        """Return what the host of an address says about it now.

        Raises:
            Rejected: it cannot be asked now, or never: the budget of the host, a fault of the network, an address inside.
        """
        try:
            provenance = self._headers(url)
        except Rejected as rejected:
            if isinstance(rejected.__cause__, DisallowedError):
                return AskedAgain(utc_now(), None, DISALLOWED)
            raise
        answer = provenance.evidence or Evidence(utc_now())
        reservation, policy = answer.tdm_reservation, answer.tdm_policy
        if reservation is None and (rule := rule_for(self._rules(url), url)) is not None:
            reservation, policy = rule.reservation, rule.policy
        return AskedAgain(
            answer.fetched_at, provenance.http_status, ALLOWED, answer.x_robots_tag, reservation, policy, answer.content_usage
        )

    def _headers(self, url: str) -> Provenance:
        """Return status and headers of an answer, whatever the status says of the recording."""
        provenance = self._answer(url, "HEAD")
        return self._answer(url, "GET") if provenance.http_status in NO_HEAD else provenance

    def _answer(self, url: str, method: str) -> Provenance:
        try:
            return self._client.complete(HeadersOnly(method), url, MAX_SECONDS).provenance
        except Rejected as rejected:
            provenance = rejected.provenance
            is_answer = provenance is not None and (provenance.http_status or 0) >= 200 and not 300 <= (provenance.http_status or 0) < 400
            if provenance is None or not is_answer or rejected.reason.transient or rejected.reason == Reason.LIMIT_EXCEEDED:
                raise
            return provenance

    def _rules(self, url: str) -> tuple[TdmRule, ...]:
        """Return the TDM reservations of a host, none where it has no file of them; it is asked for once a day."""
        address = urljoin(url, TDMREP)
        with self._lock:
            lock = self._locks.setdefault(address, threading.Lock())
        with lock:
            until, rules = self._tdmrep.get(address, (0.0, ()))
            if time.monotonic() < until:
                return rules
            rules = self._fetched(address)
            with self._lock:
                self._tdmrep[address] = time.monotonic() + MAX_AGE, rules
                while len(self._tdmrep) > MAX_HOSTS:
                    self._locks.pop(self._tdmrep.popitem(last=False)[0], None)
        return rules

    def _fetched(self, address: str) -> tuple[TdmRule, ...]:
        with tempfile.TemporaryDirectory(prefix="tdmrep-") as folder:
            partial = PartialDownload(Path(folder) / "tdmrep.json", MAX_TDMREP)
            try:
                self._files.complete(partial, address, MAX_SECONDS)
            except Rejected as rejected:
                if rejected.reason.transient:
                    raise
                return ()
            return read_tdmrep(partial.path.read_bytes())
