"""http(s) address -> file: polite, bounded in size, time and redirects, and never to an address inside our own network."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tenacity
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pipeline.records import Provenance, Reason, Recording, Rejected

AGENT = "laion-audio/0.1"
CHUNK = 1 << 18  # bytes
NO_AI = re.compile(r"\b(noai|noimageai|noindex)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How we behave towards hosts. Times in seconds; `retry_wait` is the longest wait that a thread spends on one clip."""

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


class UnsafeAddressError(Exception):
    """A name led to an address that is not on the public internet."""


class RetryLaterError(Exception):
    """A transient fault, to be tried again after `after` seconds if the server said so."""

    def __init__(self, rejected: Rejected, after: float | None = None):
        super().__init__(rejected)
        self.rejected = rejected
        self.after = after


class HttpClient:
    """Downloads recordings; safe to share between threads."""

    def __init__(self, settings: HttpSettings, sleep: Callable[[float], None] = time.sleep):
        self.settings = settings
        self.sleep = sleep
        agent = f"{AGENT} ({settings.contact})" if settings.contact else AGENT
        headers = {"User-Agent": agent, "Accept-Encoding": "identity"}  # a compressed body would be a bomb to look into
        self.manager = urllib3.PoolManager(num_pools=50, maxsize=16, headers=headers)
        if not settings.allow_private:
            self.manager.pool_classes_by_scheme = {"http": _GuardedPool, "https": _GuardedTlsPool}

    def download(self, url: str, work: Path) -> Recording:
        """Fetch `url` into a file below `work`, trying transient faults again.

        Raises:
            Rejected: with the reason that the last attempt ended with.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RetryLaterError),
            stop=lambda state: state.attempt_number >= self.settings.attempts or _asked_wait(state) > self.settings.retry_wait,
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        deadline = time.monotonic() + self.settings.total_timeout
        try:
            for attempt in retrying:
                with attempt:
                    return self._once(url, work / "download", attempt.retry_state.attempt_number, deadline)
        except RetryLaterError as last:
            raise last.rejected from last
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait(self, state: tenacity.RetryCallState) -> float:
        settings = self.settings
        backoff = tenacity.wait_exponential_jitter(settings.backoff, settings.retry_wait, jitter=settings.backoff)
        return max(_asked_wait(state), backoff(state))

    def _once(self, url: str, target: Path, attempt: int, deadline: float) -> Recording:
        """Make one attempt; transient faults leave as RetryLaterError."""
        settings = self.settings
        met = Provenance(attempts=attempt)
        try:
            response = self.manager.request(
                "GET",
                url,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout),
                retries=urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=settings.max_redirects),
            )
        except urllib3.exceptions.HTTPError as error:
            raise _request_fault(error, met) from error
        with response:
            met = Provenance(final_url=_without_secrets(response.url or url), http_status=response.status, attempts=attempt)
            _check_status(response, met)
            if settings.respect_robots_tag and NO_AI.search(tag := response.headers.get("X-Robots-Tag", "")):
                raise Rejected(Reason.FORBIDDEN, f"X-Robots-Tag: {tag}", met)
            try:
                return self._save(response, target, met, deadline)
            except urllib3.exceptions.TimeoutError as error:
                raise RetryLaterError(Rejected(Reason.TIMEOUT, f"no data for {settings.read_timeout:g} s", met)) from error
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RetryLaterError(Rejected(Reason.CONNECTION, f"broke off: {_said(error)}", met)) from error

    def _save(self, response: urllib3.BaseHTTPResponse, target: Path, met: Provenance, deadline: float) -> Recording:
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > self.settings.max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"{declared} bytes announced, at most {self.settings.max_bytes}", met)
        digest, n_bytes = hashlib.sha256(), 0
        with target.open("wb") as file:
            for chunk in response.stream(CHUNK, decode_content=False):
                n_bytes += len(chunk)
                if n_bytes > self.settings.max_bytes:
                    raise Rejected(Reason.TOO_LARGE, f"more than {self.settings.max_bytes} bytes", met)
                if time.monotonic() > deadline:
                    raise Rejected(Reason.TIMEOUT, f"not done after {self.settings.total_timeout:g} s", met)
                digest.update(chunk)
                file.write(chunk)
        return Recording(target, Provenance(met.final_url, met.http_status, met.attempts, n_bytes, digest.hexdigest()))


def check_public(host: str, addresses: list[str]) -> None:
    """Raise UnsafeAddressError unless every address is on the public internet, also when written inside an IPv6 address.

    >>> check_public("example.org", ["93.184.215.14"])
    """
    for text in addresses:
        address = ipaddress.ip_address(text.split("%")[0])
        inner = [address]
        if isinstance(address, ipaddress.IPv6Address):
            inner += [embedded for embedded in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if embedded]
            if address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
                inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if not all(part.is_global and not part.is_multicast for part in inner):
            raise UnsafeAddressError(f"{host} is {text}, not a public address")


def _connect_guarded(connection: Any, connect: Callable[[], socket.socket]) -> socket.socket:
    """Look before connecting, and again at the peer itself: a name may answer differently the second time."""
    try:
        found = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise urllib3.exceptions.NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from error
    check_public(connection.host, [str(entry[4][0]) for entry in found])
    opened = connect()
    try:
        check_public(connection.host, [opened.getpeername()[0]])
    except UnsafeAddressError:
        opened.close()
        raise
    return opened


class _GuardedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect_guarded(self, super()._new_conn)


class _GuardedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect_guarded(self, super()._new_conn)


class _GuardedPool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTlsConnection


def _check_status(response: urllib3.BaseHTTPResponse, met: Provenance) -> None:
    status = response.status
    if status == 200:
        return
    said = f"HTTP {status}"
    if status in {404, 410}:
        raise Rejected(Reason.NOT_FOUND, said, met)
    if status in {401, 402, 403, 407, 451}:
        raise Rejected(Reason.FORBIDDEN, said, met)
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        after = _retry_after(response)
        detail = said if after is None else f"{said}, Retry-After {after:.0f} s"
        raise RetryLaterError(Rejected(Reason.THROTTLED, detail, met), after)
    if status == 408:
        raise RetryLaterError(Rejected(Reason.TIMEOUT, said, met))
    if status >= 500:
        raise RetryLaterError(Rejected(Reason.SERVER_ERROR, said, met))
    raise Rejected(Reason.UNAVAILABLE, said, met)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds the server asks us to wait, given as seconds or as a date; `None` where it does not say."""
    try:
        return urllib3.Retry().get_retry_after(response)
    except urllib3.exceptions.InvalidHeader:
        return None


def _asked_wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.after or 0.0) if isinstance(error, RetryLaterError) else 0.0


def _request_fault(error: urllib3.exceptions.HTTPError, met: Provenance) -> Exception:
    """Return what an error before the first byte of a body means for the clip."""
    cause: BaseException = error
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        cause = error.reason
    if isinstance(cause, urllib3.exceptions.ResponseError):
        return Rejected(Reason.LIMIT_EXCEEDED, "too many redirects", met)
    if isinstance(cause, urllib3.exceptions.URLSchemeUnknown):
        return Rejected(Reason.UNSAFE_ADDRESS, f"leads to {_said(cause)}", met)
    if isinstance(cause, urllib3.exceptions.LocationValueError):
        return Rejected(Reason.NOT_FOUND, f"not an address: {_said(cause)}", met)
    if isinstance(cause, urllib3.exceptions.SSLError):
        return Rejected(Reason.UNAVAILABLE, f"TLS: {_said(cause)}", met)
    if isinstance(cause, urllib3.exceptions.TimeoutError):
        return RetryLaterError(Rejected(Reason.TIMEOUT, _said(cause), met))
    return RetryLaterError(Rejected(Reason.CONNECTION, _said(cause), met))


def _said(error: BaseException) -> str:
    """Return an error's words without the objects and secrets that urllib3 prints into them."""
    words = re.sub(r"<[^>]*>[:,]?\s*|HTTPS?Connection(Pool)?\([^)]*\):?\s*", "", str(error)).strip()
    return _without_secrets(words) or type(error).__name__


def _without_secrets(text: str) -> str:
    """Return an address, or words with addresses in them, without passwords and without the values of queries.

    >>> _without_secrets("https://me:pw@example.org/a.mp3?token=abc&n=1")
    'https://example.org/a.mp3?token=...&n=...'
    """
    text = re.sub(r"(://)[^/@\s]+@", r"\1", text)
    return re.sub(r"([?&][^=&\s]+)=[^&\s]*", r"\1=...", text)
