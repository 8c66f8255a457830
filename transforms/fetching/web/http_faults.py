"""Say what a status or a fault of the network means for a clip: its reason, its detail, and whether to try again."""

from __future__ import annotations

import http.client
import re
import ssl

import urllib3

from pipeline.records import Provenance, Reason, Rejected
from transforms.fetching.addresses import without_secrets
from transforms.fetching.limits.breaker import LONGEST_STOP

OBJECT = re.compile(r"<?[\w.]+\(host=[^)]*\)( at 0x[0-9a-f]+>)?|<[^<>]* at 0x[0-9a-f]+>")
"""An object of a program, as urllib3 puts its connections before what it says."""
MAX_WORDS = 200  # characters of a text from outside that a detail shows


class RetryLaterError(Exception):
    """A transient fault, to be tried again; `after` are the seconds that the server asks to wait, if it asks."""

    def __init__(self, rejected: Rejected, after: float | None = None):
        super().__init__(rejected)
        self.rejected = rejected
        self.after = after


def check_status(response: urllib3.BaseHTTPResponse, provenance: Provenance, asked_for_rest: bool = False) -> None:
    """Check that the status is 200, or 206 where the rest of a file was asked for.

    Raises:
        Rejected: a lasting fault.
        RetryLaterError: a transient fault.
    """
    status = response.status
    if status == 200 or (status == 206 and asked_for_rest):
        return
    detail = f"HTTP {status}"
    if status in {404, 410}:
        raise Rejected(Reason.NOT_FOUND, detail)
    if status in {401, 402, 403, 407, 451}:
        raise Rejected(Reason.FORBIDDEN, detail)
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        after = _retry_after(response)
        detail = detail if after is None else f"{detail}, Retry-After {after:.0f} s"
        raise RetryLaterError(Rejected(Reason.THROTTLED, detail, provenance), after)
    if status == 408:
        raise RetryLaterError(Rejected(Reason.TIMEOUT, detail, provenance))
    if status == 416 and asked_for_rest:
        raise RetryLaterError(Rejected(Reason.SERVER_ERROR, f"{detail}: the file changed while it was fetched", provenance))
    if status >= 500:
        raise RetryLaterError(Rejected(Reason.SERVER_ERROR, detail, provenance))
    raise Rejected(Reason.UNAVAILABLE, detail)


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds the server asks us to wait, given as seconds or as a date, up to a day; `None` where it does not say."""
    try:
        return urllib3.Retry(retry_after_max=int(LONGEST_STOP)).get_retry_after(response)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):  # thousands of digits, a date in the year 99999
        return None


def fault_of(error: Exception, provenance: Provenance) -> Rejected | RetryLaterError:
    """Return what a fault of the network or of the protocol means for the clip.

    `provenance` holds what is known of the answer: with a status in it, the fault came after the headers.
    """
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return Rejected(Reason.NOT_FOUND, "not an address", provenance)
    cause = _cause_of(error)
    detail = without_secrets(_describe(cause))[:MAX_WORDS]
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Rejected(Reason.UNAVAILABLE, detail, provenance)
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return RetryLaterError(Rejected(Reason.TIMEOUT, detail, provenance))
    detail = detail if provenance.http_status is None else f"broke off: {detail}"
    return RetryLaterError(Rejected(Reason.CONNECTION, detail, provenance))


def _cause_of(error: Exception) -> Exception:
    """Return the fault of the socket, of TLS or of http.client that urllib3 wrapped, or the error itself."""
    return next((argument for argument in error.args if isinstance(argument, Exception)), error)


def _describe(error: Exception) -> str:
    """Return a fault in words, without names of classes and without the bytes that the server sent."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: certificate verify failed: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
        case urllib3.exceptions.ReadTimeoutError():
            return "the server sent nothing in time"
        case urllib3.exceptions.PoolError():
            return str(error).removeprefix(f"{error.pool}: ")
        case http.client.RemoteDisconnected():
            return "the server closed the connection without an answer"
        case http.client.BadStatusLine():
            return "the answer is not HTTP"
        case urllib3.exceptions.InvalidChunkLength() | ValueError():  # ValueError: a negative length
            return "a chunk of the body has no valid length"
        case urllib3.exceptions.IncompleteRead():
            return f"{error.partial} bytes received, {error.expected} more announced"
        case http.client.IncompleteRead():
            return "the connection was closed inside a chunk"
        case urllib3.exceptions.InvalidHeader():
            return "the answer has a header that contradicts itself"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return OBJECT.sub("", text).strip(" ,:()'\"") or "the connection failed"
