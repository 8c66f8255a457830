"""Fetch recordings over HTTP: bounded in size, time and redirects, and only from allowed addresses."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import urllib3

from pipeline.masking import mask_address
from pipeline.records import Evidence, Provenance, Reason, Recording, Rejected
from transforms.fetching.addresses import host_of, http_address, redirected, without_secrets
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.http_faults import MAX_WORDS, RetryLaterError, check_status, fault_of
from transforms.fetching.web.partial_download import PartialDownload, WrongRangeError
from transforms.fetching.web.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits, Pool, TlsPool

AGENT = "laion-audio/0.1"
HEADROOM = 1 << 20  # bytes that status, headers and the framing of chunks may take beside the body
MAX_REQUESTS = 100  # attempts of one download in all, those that brought it further included
ANSWERS = frozenset({200, 206, 404, 410})
"""Status with which a host shows that it does not throttle us; all others say nothing of that, and 429 and 503 the opposite."""
MAX_EVIDENCE = 500  # characters of a header that evidence keeps
NO_AI = re.compile(r"\b(noai|noimageai|noindex)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How we behave towards hosts. Times in seconds.

    `total_timeout` bounds all attempts of a download together, `retry_wait` the wait before one of them. `backoff` is the first
    wait; the next ones are each twice as long. `contact` is shown in the User-Agent. `respect_robots_txt` asks every host for its
    robots.txt: for addresses that were collected by a crawl; those that a user lists are no crawl.
    """

    allow_private: bool = False
    respect_robots_tag: bool = True
    respect_robots_txt: bool = False
    contact: str | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 1800.0
    max_bytes: int = 2 << 30
    max_redirects: int = 5
    attempts: int = 4
    retry_wait: float = 60.0
    backoff: float = 1.0


def utc_now() -> str:
    """Return the time now, as evidence records it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class HttpClient:
    """Downloads recordings; safe to share between threads.

    Args:
        budgets: what we may ask of each host.
        sleep: waits that many seconds.
        jitter: returns a random number from 0 to 1, which spreads the attempts of many threads.
        check_address: raises Rejected for an address that must not be asked for, and returns what robots.txt says of it, `None` where it
            was not asked; called for the addresses of redirects too.
    """

    def __init__(
        self,
        settings: HttpSettings,
        budgets: Budgets,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        check_address: Callable[[str], str | None] = lambda url: None,
    ):
        self.settings = settings
        self.budgets = budgets
        self.sleep = sleep
        self.jitter = jitter
        self.check_address = check_address
        agent = f"{AGENT} ({settings.contact})" if settings.contact else AGENT
        headers = {"User-Agent": agent, "Accept-Encoding": "identity"}  # a compressed body could expand without a limit
        self.manager = urllib3.PoolManager(num_pools=50, maxsize=16, headers=headers)
        self.manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

    def download(self, url: str, work: Path) -> Recording:
        """Fetch `url` into a file below `work`; there is no file when it fails.

        Raises:
            Rejected: as `complete`.
        """
        partial = PartialDownload(work / "download", self.settings.max_bytes)
        try:
            return self.complete(partial, url, self.settings.total_timeout)
        except Rejected:
            partial.remove()
            raise

    def complete(self, partial: PartialDownload, url: str, seconds: float) -> Recording:
        """Fetch what a partial download lacks of `url`. Transient faults are tried again, for the rest alone where the server can.

        Args:
            seconds: the time that all attempts together have.

        Raises:
            Rejected: with the reason of the last attempt; what has arrived stays.
        """
        deadline = time.monotonic() + seconds
        before = DOWNLOAD_LIMITS.set(DownloadLimits(deadline, partial.max_bytes + HEADROOM, self.settings.allow_private))
        try:
            return self._attempts(url, partial)
        finally:
            DOWNLOAD_LIMITS.reset(before)

    def _attempts(self, url: str, partial: PartialDownload) -> Recording:
        """Make attempts until one does not end in a transient fault, the attempts are used up, or the wait would be too long.

        Only attempts after which the file is no longer than before are counted; all together are at most `MAX_REQUESTS`.
        """
        attempt, failures, furthest = 1, 0, partial.kept
        while True:
            try:
                return self._attempt(url, partial, attempt)
            except RetryLaterError as fault:
                failures = 0 if partial.kept > furthest else failures + 1
                furthest = max(partial.kept, furthest)
                asked = fault.after or 0.0
                wait = max(asked, self._backoff(max(failures, 1)))
                too_long = asked > self.settings.retry_wait or time.monotonic() + wait > DOWNLOAD_LIMITS.get().deadline
                if failures >= self.settings.attempts or attempt >= MAX_REQUESTS or too_long:
                    raise fault.rejected from fault
            self.sleep(wait)
            attempt += 1

    def _backoff(self, attempt: int) -> float:
        """Return the seconds to wait after an attempt, counted from 1: twice as long each time, up to `retry_wait`, and jitter."""
        settings = self.settings
        return min(settings.backoff * 2.0 ** (attempt - 1), settings.retry_wait) + settings.backoff * self.jitter()

    def _attempt(self, url: str, partial: PartialDownload, attempt: int) -> Recording:
        """Request `url` and what it redirects to, and save the answer. Transient faults are raised as RetryLaterError."""
        evidence = Evidence(utc_now(), attempt)
        provenance = Provenance(evidence=evidence)
        try:
            for _ in range(self.settings.max_redirects + 1):
                url = http_address(url)
                provenance = Provenance(without_secrets(mask_address(url)), evidence=evidence)
                evidence = replace(evidence, robots_txt=self.check_address(url))
                # Leaving early closes the connection: the body of a redirect is not read.
                with self.budgets.request(host_of(url)) as waited, self._request(url, partial, waited) as response:
                    provenance = replace(provenance, http_status=response.status, evidence=evidence_of(response, evidence))
                    location = response.get_redirect_location()
                    if not location:
                        return self._answer(response, url, partial, provenance)
                    self.budgets.answered(host_of(url))
                url = redirected(url, location)
        except Rejected as rejected:
            raise Rejected(rejected.reason, rejected.detail, provenance) from rejected
        except WrongRangeError as error:
            raise RetryLaterError(Rejected(Reason.SERVER_ERROR, str(error), provenance)) from error
        except (urllib3.exceptions.HTTPError, ValueError) as error:  # ValueError: of http.client, a chunk of a negative size
            raise fault_of(error, provenance) from error
        raise Rejected(Reason.LIMIT_EXCEEDED, f"more than {self.settings.max_redirects} redirects", provenance)

    def _answer(self, response: urllib3.BaseHTTPResponse, url: str, partial: PartialDownload, provenance: Provenance) -> Recording:
        """Save the answer that no redirect is, and tell the budgets whether the host throttles us."""
        host = host_of(url)
        if response.status in ANSWERS:  # also where the body is not wanted, or breaks off
            self.budgets.answered(host)
        try:
            check_status(response, provenance, bool(partial.kept))
        except RetryLaterError as fault:
            if fault.rejected.reason == Reason.THROTTLED:
                self.budgets.refused(host, fault.after)
            if response.status == 416:
                partial.begin_anew()
            raise
        self._check_headers(response)
        partial.save(response)
        # A file that came in several parts is no other than one that came at once: its status is 200, by which its bytes are equal.
        return Recording(partial.path, replace(provenance, http_status=200, n_bytes=partial.n_bytes, sha256=partial.sha256))

    def _request(self, url: str, partial: PartialDownload, waited: float) -> urllib3.BaseHTTPResponse:
        limits = DOWNLOAD_LIMITS.get()
        limits = replace(limits, deadline=limits.deadline + waited)  # the wait for a budget is no part of the download
        DOWNLOAD_LIMITS.set(limits)
        left = max(limits.deadline - time.monotonic(), 0.001)
        timeout = urllib3.Timeout(connect=min(self.settings.connect_timeout, left), read=min(self.settings.read_timeout, left))
        headers = {**self.manager.headers, **partial.request_headers}
        return self.manager.request(
            partial.method, url, headers=headers, preload_content=False, timeout=timeout, retries=False, redirect=False
        )

    def _check_headers(self, response: urllib3.BaseHTTPResponse) -> None:
        """Check that the headers do not forbid to use the body, and that it is not compressed."""
        if self.settings.respect_robots_tag and NO_AI.search(tag := response.headers.get("X-Robots-Tag", "")):
            raise Rejected(Reason.FORBIDDEN, f"X-Robots-Tag: {tag[:MAX_WORDS]}")
        if (coding := response.headers.get("Content-Encoding", "identity").strip().lower()) not in {"", "identity"}:
            raise Rejected(Reason.UNAVAILABLE, f"sent with Content-Encoding {coding[:MAX_WORDS]!r}, which was not asked for")


def evidence_of(response: urllib3.BaseHTTPResponse, evidence: Evidence) -> Evidence:
    """Return evidence with what the headers of an answer say about the use of its body, and about its version."""

    def header(name: str) -> str | None:
        value = response.headers.get(name)
        return None if value is None else value.strip()[:MAX_EVIDENCE]

    return replace(
        evidence,
        x_robots_tag=header("X-Robots-Tag"),
        tdm_reservation=header("TDM-Reservation"),
        tdm_policy=header("TDM-Policy"),
        content_usage=header("Content-Usage"),
        etag=header("ETag"),
        last_modified=header("Last-Modified"),
    )
