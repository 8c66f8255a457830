"""http(s) address -> file: polite, bounded in size, time and redirects, and never to an address inside our own network."""

from __future__ import annotations

import hashlib
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin

import tenacity
import urllib3

from pipeline.records import Provenance, Reason, Recording, Rejected
from transforms.fetching.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits, Pool, TlsPool

AGENT = "laion-audio/0.1"
CHUNK = 1 << 18  # bytes
HEADROOM = 1 << 20  # bytes that status, headers and the framing of chunks may take beside the body
MAX_ADDRESS = 8192  # characters; few servers take more
MAX_HOST = 253  # characters of a name; RFC 1035, section 2.3.4
MAX_WORDS = 200  # characters of a fault's own words
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
        self.manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

    def download(self, url: str, work: Path) -> Recording:
        """Fetch `url` into a file below `work`, trying transient faults again; there is no file when it fails.

        Raises:
            Rejected: with the reason that the last attempt ended with.
        """
        settings = self.settings
        deadline = time.monotonic() + settings.total_timeout
        target = work / "download"
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RetryLaterError),
            stop=lambda state: (
                state.attempt_number >= settings.attempts
                or _asked_wait(state) > settings.retry_wait
                or time.monotonic() + state.upcoming_sleep > deadline
            ),
            wait=self._wait,
            sleep=self.sleep,
            reraise=True,
        )
        before = DOWNLOAD_LIMITS.set(DownloadLimits(deadline, settings.max_bytes + HEADROOM, settings.allow_private))
        try:
            for attempt in retrying:
                with attempt:
                    return self._once(url, target, attempt.retry_state.attempt_number)
        except RetryLaterError as last:
            target.unlink(missing_ok=True)
            raise last.rejected from last
        except Rejected:
            target.unlink(missing_ok=True)
            raise
        finally:
            DOWNLOAD_LIMITS.reset(before)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait(self, state: tenacity.RetryCallState) -> float:
        settings = self.settings
        backoff = tenacity.wait_exponential(settings.backoff, settings.retry_wait) + tenacity.wait_random(0, settings.backoff)
        return max(_asked_wait(state), backoff(state))

    def _once(self, url: str, target: Path, attempt: int) -> Recording:
        """Make one attempt; transient faults leave as RetryLaterError."""
        met = Provenance(attempts=attempt)
        try:
            for _ in range(self.settings.max_redirects + 1):
                url = http_address(url)
                met = Provenance(_without_secrets(url), attempts=attempt)
                with self._request(url) as response:  # leaving it early closes the connection: what follows a redirect is not read
                    met = replace(met, http_status=response.status)
                    location = response.get_redirect_location()
                    if not location:
                        self._check(response, met)
                        return self._save(response, target, met)
                url = _joined(url, location)
        except Rejected as rejected:
            raise Rejected(rejected.reason, rejected.detail, met) from rejected
        except urllib3.exceptions.HTTPError as error:
            raise _fault(error, met) from error
        except ValueError as error:  # of http.client: a chunk of a negative size
            raise RetryLaterError(Rejected(Reason.CONNECTION, f"broke off: {_said(error)}", met)) from error
        raise Rejected(Reason.LIMIT_EXCEEDED, f"more than {self.settings.max_redirects} redirects", met)

    def _request(self, url: str) -> urllib3.BaseHTTPResponse:
        left = max(DOWNLOAD_LIMITS.get().deadline - time.monotonic(), 0.001)
        timeout = urllib3.Timeout(connect=min(self.settings.connect_timeout, left), read=min(self.settings.read_timeout, left))
        return self.manager.request("GET", url, preload_content=False, decode_content=False, timeout=timeout, retries=False, redirect=False)

    def _check(self, response: urllib3.BaseHTTPResponse, met: Provenance) -> None:
        """Raise what the status and the headers say against taking the body."""
        _check_status(response, met)
        if self.settings.respect_robots_tag and NO_AI.search(tag := response.headers.get("X-Robots-Tag", "")):
            raise Rejected(Reason.FORBIDDEN, f"X-Robots-Tag: {tag[:MAX_WORDS]}")
        if (coding := response.headers.get("Content-Encoding", "identity").strip().lower()) not in {"", "identity"}:
            raise Rejected(Reason.UNAVAILABLE, f"sent with Content-Encoding {coding[:MAX_WORDS]!r}, which was not asked for")

    def _save(self, response: urllib3.BaseHTTPResponse, target: Path, met: Provenance) -> Recording:
        announced = response.length_remaining
        if announced is not None and announced > self.settings.max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"{announced} bytes announced, at most {self.settings.max_bytes}")
        digest, n_bytes = hashlib.sha256(), 0
        with target.open("wb") as file:
            for chunk in response.stream(CHUNK, decode_content=False):
                n_bytes += len(chunk)
                if n_bytes > self.settings.max_bytes:
                    raise Rejected(Reason.TOO_LARGE, f"more than {self.settings.max_bytes} bytes")
                digest.update(chunk)
                file.write(chunk)
        return Recording(target, replace(met, n_bytes=n_bytes, sha256=digest.hexdigest()))


def http_address(text: str) -> str:
    """Return an http(s) address as it will be asked for: without user, password and fragment.

    Raises:
        Rejected: `unsafe_address` for other schemes, `not_found` for what is no address.

    >>> http_address("HTTP://me:pw@example.org/a b.mp3#t=3")
    'http://example.org/a%20b.mp3'
    """
    if len(text) > MAX_ADDRESS:
        raise Rejected(Reason.NOT_FOUND, f"not an address: {len(text)} characters, at most {MAX_ADDRESS}")
    try:
        parts = urllib3.util.parse_url(text)
    except (urllib3.exceptions.LocationValueError, ValueError) as error:
        raise Rejected(Reason.NOT_FOUND, "not an address") from error  # no words of the error: there may be a password in them
    if parts.scheme not in {"http", "https"}:
        raise Rejected(Reason.UNSAFE_ADDRESS, f"leads to {(parts.scheme or 'no')[:MAX_WORDS]}: addresses; only http and https are fetched")
    if not parts.host or len(parts.host) > MAX_HOST:
        raise Rejected(Reason.NOT_FOUND, "not an address: it names no host")
    return parts._replace(auth=None, fragment=None).url


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Rejected(Reason.NOT_FOUND, "redirected to what is not an address") from error


def _check_status(response: urllib3.BaseHTTPResponse, met: Provenance) -> None:
    status = response.status
    if status == 200:
        return
    said = f"HTTP {status}"
    if status in {404, 410}:
        raise Rejected(Reason.NOT_FOUND, said)
    if status in {401, 402, 403, 407, 451}:
        raise Rejected(Reason.FORBIDDEN, said)
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        after = _retry_after(response)
        detail = said if after is None else f"{said}, Retry-After {after:.0f} s"
        raise RetryLaterError(Rejected(Reason.THROTTLED, detail, met), after)
    if status == 408:
        raise RetryLaterError(Rejected(Reason.TIMEOUT, said, met))
    if status >= 500:
        raise RetryLaterError(Rejected(Reason.SERVER_ERROR, said, met))
    raise Rejected(Reason.UNAVAILABLE, said)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds the server asks us to wait, given as seconds or as a date; `None` where it does not say."""
    try:
        return urllib3.Retry().get_retry_after(response)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):  # thousands of digits, a date in the year 99999
        return None


def _asked_wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.after or 0.0) if isinstance(error, RetryLaterError) else 0.0


def _fault(error: urllib3.exceptions.HTTPError, met: Provenance) -> Exception:
    """Return what a fault of the network or of the protocol means for the clip."""
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return Rejected(Reason.NOT_FOUND, "not an address", met)
    if isinstance(error, urllib3.exceptions.SSLError) and any(isinstance(cause, ssl.SSLCertVerificationError) for cause in error.args):
        return Rejected(Reason.UNAVAILABLE, f"TLS: {_said(error)}", met)
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(error, urllib3.exceptions.NewConnectionError):
        return RetryLaterError(Rejected(Reason.TIMEOUT, _said(error), met))
    words = _said(error) if met.http_status is None else f"broke off: {_said(error)}"
    return RetryLaterError(Rejected(Reason.CONNECTION, words, met))


def _said(error: BaseException) -> str:
    """Return an error's words without the objects and secrets that urllib3 prints into them."""
    words = re.sub(r"<[^>]*>[:,]?\s*|HTTPS?Connection(Pool)?\([^)]*\):?\s*", "", str(error)).strip()
    return _without_secrets(words)[:MAX_WORDS] or type(error).__name__


def _without_secrets(text: str) -> str:
    """Return an address, or words with addresses in them, without passwords and without the values of queries.

    >>> _without_secrets("https://me:p@w@example.org/a.mp3?token=abc&n=1")
    'https://example.org/a.mp3?token=...&n=...'
    """
    text = re.sub(r"(://)[^/?#]*@", r"\1", text)
    return re.sub(r"([?&])([\w.~-]{1,40}=(?=[^=&#\s]))?[^&#\s]*", r"\1\2...", text)  # what ends in = is base64, not a name
