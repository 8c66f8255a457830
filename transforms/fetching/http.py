"""Fetch recordings over HTTP: bounded in size, time and redirects, and only from allowed addresses."""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import urllib3

from pipeline.masking import mask_address
from pipeline.records import Clip, Evidence, Provenance, Reason, Recording, Rejected
from transforms.fetching.addresses import host_of, http_address, redirected, scheme_of, without_secrets
from transforms.fetching.budgets import Budgets
from transforms.fetching.http_faults import MAX_WORDS, RetryLaterError, check_status, fault_of
from transforms.fetching.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits, Pool, TlsPool

AGENT = "laion-audio/0.1"
CHUNK = 1 << 18  # bytes
HEADROOM = 1 << 20  # bytes that status, headers and the framing of chunks may take beside the body
NO_AI = re.compile(r"\b(noai|noimageai|noindex)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How we behave towards hosts. Times in seconds.

    `total_timeout` bounds all attempts of a download together, `retry_wait` the wait before one of them. `backoff` is the first
    wait; the next ones are each twice as long. `contact` is shown in the User-Agent.
    """

    allow_private: bool = False
    respect_robots_tag: bool = True
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


class HttpHandler:
    """Fetches http(s) addresses."""

    def __init__(self, settings: HttpSettings, budgets: Budgets):
        self._client = HttpClient(settings, budgets)

    def matches(self, clip: Clip) -> bool:
        """Return whether the clip has an http(s) address."""
        return scheme_of(clip.url) in {"http", "https"}

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Download the recording into `work`.

        Raises:
            Rejected: as `HttpClient.download`.
        """
        return self._client.download(clip.url, work)


class HttpClient:
    """Downloads recordings; safe to share between threads.

    Args:
        budgets: what we may ask of each host.
        sleep: waits that many seconds.
        jitter: returns a random number from 0 to 1, which spreads the attempts of many threads.
    """

    def __init__(
        self,
        settings: HttpSettings,
        budgets: Budgets,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ):
        self.settings = settings
        self.budgets = budgets
        self.sleep = sleep
        self.jitter = jitter
        agent = f"{AGENT} ({settings.contact})" if settings.contact else AGENT
        headers = {"User-Agent": agent, "Accept-Encoding": "identity"}  # a compressed body could expand without a limit
        self.manager = urllib3.PoolManager(num_pools=50, maxsize=16, headers=headers)
        self.manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

    def download(self, url: str, work: Path) -> Recording:
        """Fetch `url` into a file below `work`, trying transient faults again; there is no file when it fails.

        Raises:
            Rejected: with the reason of the last attempt.
        """
        settings, target = self.settings, work / "download"
        limits = DownloadLimits(time.monotonic() + settings.total_timeout, settings.max_bytes + HEADROOM, settings.allow_private)
        before = DOWNLOAD_LIMITS.set(limits)
        try:
            return self._attempts(url, target, limits.deadline)
        except Rejected:
            target.unlink(missing_ok=True)
            raise
        finally:
            DOWNLOAD_LIMITS.reset(before)

    def _attempts(self, url: str, target: Path, deadline: float) -> Recording:
        """Make attempts until one does not end in a transient fault, the attempts are used up, or the wait would be too long."""
        attempt = 1
        while True:
            try:
                return self._attempt(url, target, attempt)
            except RetryLaterError as fault:
                asked = fault.after or 0.0
                wait = max(asked, self._backoff(attempt))
                too_long = asked > self.settings.retry_wait or time.monotonic() + wait > deadline
                if attempt >= self.settings.attempts or too_long:
                    raise fault.rejected from fault
            self.sleep(wait)
            attempt += 1

    def _backoff(self, attempt: int) -> float:
        """Return the seconds to wait after an attempt, counted from 1: twice as long each time, up to `retry_wait`, and jitter."""
        settings = self.settings
        return min(settings.backoff * 2.0 ** (attempt - 1), settings.retry_wait) + settings.backoff * self.jitter()

    def _attempt(self, url: str, target: Path, attempt: int) -> Recording:
        """Request `url` and what it redirects to, and save the answer. Transient faults are raised as RetryLaterError."""
        evidence = Evidence(utc_now(), attempt)
        provenance = Provenance(evidence=evidence)
        try:
            for _ in range(self.settings.max_redirects + 1):
                url = http_address(url)
                provenance = Provenance(without_secrets(mask_address(url)), evidence=evidence)
                # Leaving early closes the connection: the body of a redirect is not read.
                with self.budgets.request(host_of(url)), self._request(url) as response:
                    provenance = replace(provenance, http_status=response.status)
                    location = response.get_redirect_location()
                    if not location:
                        check_status(response, provenance)
                        self._check_headers(response)
                        return self._save(response, target, provenance)
                url = redirected(url, location)
        except Rejected as rejected:
            raise Rejected(rejected.reason, rejected.detail, provenance) from rejected
        except (urllib3.exceptions.HTTPError, ValueError) as error:  # ValueError: of http.client, a chunk of a negative size
            raise fault_of(error, provenance) from error
        raise Rejected(Reason.LIMIT_EXCEEDED, f"more than {self.settings.max_redirects} redirects", provenance)

    def _request(self, url: str) -> urllib3.BaseHTTPResponse:
        left = max(DOWNLOAD_LIMITS.get().deadline - time.monotonic(), 0.001)
        timeout = urllib3.Timeout(connect=min(self.settings.connect_timeout, left), read=min(self.settings.read_timeout, left))
        return self.manager.request("GET", url, preload_content=False, timeout=timeout, retries=False, redirect=False)

    def _check_headers(self, response: urllib3.BaseHTTPResponse) -> None:
        """Check that the headers do not forbid to use the body, and that it is not compressed."""
        if self.settings.respect_robots_tag and NO_AI.search(tag := response.headers.get("X-Robots-Tag", "")):
            raise Rejected(Reason.FORBIDDEN, f"X-Robots-Tag: {tag[:MAX_WORDS]}")
        if (coding := response.headers.get("Content-Encoding", "identity").strip().lower()) not in {"", "identity"}:
            raise Rejected(Reason.UNAVAILABLE, f"sent with Content-Encoding {coding[:MAX_WORDS]!r}, which was not asked for")

    def _save(self, response: urllib3.BaseHTTPResponse, target: Path, provenance: Provenance) -> Recording:
        announced, max_bytes = response.length_remaining, self.settings.max_bytes
        if announced is not None and announced > max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"{announced} bytes announced, at most {max_bytes}")
        digest, n_bytes = hashlib.sha256(), 0
        with target.open("wb") as file:
            for chunk in response.stream(CHUNK, decode_content=False):
                n_bytes += len(chunk)
                if n_bytes > max_bytes:
                    raise Rejected(Reason.TOO_LARGE, f"more than {max_bytes} bytes")
                digest.update(chunk)
                file.write(chunk)
        return Recording(target, replace(provenance, n_bytes=n_bytes, sha256=digest.hexdigest()))
