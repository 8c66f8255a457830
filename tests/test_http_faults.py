"""What statuses and faults of the network mean for a clip, in which words, and whether they are tried again."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import replace

import pytest
import urllib3

from pipeline.records import Evidence, Provenance, Reason, Rejected
from tests.downloads import QUICK, Naps, rejection_of
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpClient
from transforms.fetching.web.http_faults import MAX_WORDS, RetryLaterError, fault_of

# Real answers.


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/status/404", Reason.NOT_FOUND),
        ("/status/410", Reason.NOT_FOUND),
        ("/status/401", Reason.FORBIDDEN),
        ("/status/402", Reason.FORBIDDEN),
        ("/status/403", Reason.FORBIDDEN),
        ("/status/407", Reason.FORBIDDEN),
        ("/status/451", Reason.FORBIDDEN),
        ("/status/400", Reason.UNAVAILABLE),
        ("/status/206", Reason.UNAVAILABLE),
        ("/status/499", Reason.UNAVAILABLE),
    ],
)
def test_a_lasting_status_is_requested_once(loopback, tmp_path, path, reason):
    rejected = rejection_of(loopback.url(path), tmp_path)
    assert (rejected.reason, rejected.detail) == (reason, f"HTTP {path.rsplit('/')[-1]}")
    assert (rejected.provenance, rejected.provenance.evidence.attempts) == (Provenance(loopback.url(path), int(path.rsplit("/")[-1])), 1)
    assert loopback.n_requests[path] == 1


def test_a_redirect_without_a_location_is_unavailable(loopback, tmp_path):
    rejected = rejection_of(loopback.url("/nowhere"), tmp_path)
    assert (rejected.reason, rejected.detail, rejected.provenance.evidence.attempts) == (Reason.UNAVAILABLE, "HTTP 302", 1)


@pytest.mark.parametrize(
    ("path", "reason", "detail", "status"),
    [
        ("/status/500", Reason.SERVER_ERROR, "HTTP 500", 500),
        ("/status/503", Reason.SERVER_ERROR, "HTTP 503", 503),
        ("/status/599", Reason.SERVER_ERROR, "HTTP 599", 599),
        ("/status/408", Reason.TIMEOUT, "HTTP 408", 408),
        ("/busy", Reason.THROTTLED, "HTTP 429", 429),
        ("/busy?after=1", Reason.THROTTLED, "HTTP 429, Retry-After 1 s", 429),
        ("/unavailable?after=1", Reason.THROTTLED, "HTTP 503, Retry-After 1 s", 503),
        ("/truncated", Reason.CONNECTION, "broke off: 5120 bytes received, 5120 more announced", 200),
        ("/truncated-chunks", Reason.CONNECTION, "broke off: the connection was closed inside a chunk", 200),
        ("/negative-chunk", Reason.CONNECTION, "broke off: a chunk of the body has no valid length", 200),
        ("/unbounded-chunk", Reason.CONNECTION, "broke off: a chunk of the body has no valid length", 200),
        ("/no-chunk", Reason.CONNECTION, "broke off: a chunk of the body has no valid length", 200),
        ("/endless-chunk-line", Reason.CONNECTION, "broke off: Response chunk size line exceeded maximum allowed length", 200),
        ("/reset", Reason.CONNECTION, "Connection reset by peer", None),
        ("/hang-up", Reason.CONNECTION, "the server closed the connection without an answer", None),
        ("/contradiction", Reason.CONNECTION, "the answer has a header that contradicts itself", None),
        ("/many-headers", Reason.CONNECTION, "got more than 100 headers", None),
        ("/long-header", Reason.CONNECTION, "got more than 65536 bytes when reading header line", None),
        ("/endless-headers", Reason.CONNECTION, "got more than 100 headers", None),
        ("/endless-status", Reason.CONNECTION, "got more than 65536 bytes when reading status line", None),
        ("/not-http", Reason.CONNECTION, "the answer is not HTTP", None),
    ],
)
def test_a_transient_fault_is_tried_four_times(loopback, tmp_path, path, reason, detail, status):
    naps = Naps()
    rejected = rejection_of(loopback.url(path), tmp_path, naps=naps)
    assert (rejected.reason, rejected.detail, rejected.provenance.evidence.attempts) == (reason, detail, 4)
    assert rejected.provenance.http_status == status
    assert rejected.reason.transient
    assert (loopback.n_requests[path.split("?")[0]], len(naps.seconds)) == (4, 3)


def test_a_host_that_refuses_connections_is_tried_four_times(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rejected = rejection_of(f"http://127.0.0.1:{port}/a.wav?key=hush", tmp_path)
    assert (rejected.reason, rejected.provenance.evidence.attempts, rejected.provenance.http_status) == (Reason.CONNECTION, 4, None)
    assert rejected.detail == "no connection to 127.0.0.1: Connection refused"


@pytest.mark.parametrize(("path", "status"), [("/stall", 200), ("/stall-head", None)])
def test_silence_ends_after_the_read_timeout(loopback, tmp_path, path, status):
    rejected = rejection_of(loopback.url(path), tmp_path, replace(QUICK, read_timeout=0.2, attempts=2))
    assert (rejected.reason, rejected.detail) == (Reason.TIMEOUT, "the server sent nothing in time")
    assert (rejected.provenance.evidence.attempts, rejected.provenance.http_status, loopback.n_requests[path]) == (2, status, 2)


# Faults that a server on this machine cannot be brought to, or not on every system.


def certificate_fault(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message} (_ssl.c:1006)")
    error.verify_message = message
    return error


def tls_fault(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] (_ssl.c:1006)")
    error.reason = reason
    return error


POOL = urllib3.HTTPConnectionPool("example.org")
MET = Provenance("http://example.org/a.wav", evidence=Evidence("2026-01-01T00:00:00Z", 2))


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (urllib3.exceptions.LocationParseError("me:hush@"), Reason.NOT_FOUND, "not an address"),
        (urllib3.exceptions.SSLError(certificate_fault("self-signed")), Reason.UNAVAILABLE, "TLS: certificate verify failed: self-signed"),
    ],
)
def test_a_lasting_fault_is_not_tried_again(error, reason, detail):
    fault = fault_of(error, MET)
    assert isinstance(fault, Rejected)
    assert (fault.reason, fault.detail, fault.provenance) == (reason, detail, MET)


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (urllib3.exceptions.SSLError(tls_fault("BAD_RECORD_MAC")), Reason.CONNECTION, "TLS: bad record mac"),
        (urllib3.exceptions.SSLError(tls_fault(None)), Reason.CONNECTION, "TLS: failed"),
        (urllib3.exceptions.ReadTimeoutError(POOL, "/a?k=hush", "Read timed out."), Reason.TIMEOUT, "the server sent nothing in time"),
        (urllib3.exceptions.ConnectTimeoutError("no connection to h in time"), Reason.TIMEOUT, "no connection to h in time"),
        (urllib3.exceptions.ClosedPoolError(POOL, "Pool is closed."), Reason.CONNECTION, "Pool is closed."),
        (urllib3.exceptions.ProtocolError("Response ended prematurely"), Reason.CONNECTION, "Response ended prematurely"),
        (urllib3.exceptions.ProtocolError("x", http.client.BadStatusLine("hush")), Reason.CONNECTION, "the answer is not HTTP"),
        (urllib3.exceptions.ProtocolError("x", OSError(104, "Connection reset by peer")), Reason.CONNECTION, "Connection reset by peer"),
        (urllib3.exceptions.ProtocolError("x", OSError("odd")), Reason.CONNECTION, "odd"),
        (urllib3.exceptions.ProtocolError("x", OSError()), Reason.CONNECTION, "the connection failed"),
        (urllib3.exceptions.HTTPError("at http://me:hush@h/?k=hush"), Reason.CONNECTION, "at http://h/?k=..."),
        (urllib3.exceptions.HTTPError("a" * 1000), Reason.CONNECTION, "a" * MAX_WORDS),
        (ValueError("read length must be non-negative"), Reason.CONNECTION, "a chunk of the body has no valid length"),
    ],
)
def test_a_transient_fault_in_words(error, reason, detail):
    for provenance in (MET, replace(MET, http_status=200)):
        fault = fault_of(error, provenance)
        assert isinstance(fault, RetryLaterError)
        prefix = "broke off: " if provenance.http_status and reason == Reason.CONNECTION else ""
        assert (fault.rejected.reason, fault.rejected.detail) == (reason, prefix + detail)
        assert (fault.rejected.provenance, fault.after) == (provenance, None)


CONNECTION = HttpClient(QUICK, Budgets(BudgetSettings())).manager.pool_classes_by_scheme["http"].ConnectionCls("h.org")


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (urllib3.exceptions.NewConnectionError(CONNECTION, "connection refused"), "connection refused"),
        (urllib3.exceptions.ConnectTimeoutError(CONNECTION, "Connection to h.org timed out."), "Connection to h.org timed out."),
        (urllib3.exceptions.ProtocolError(f"Connection broken: {CONNECTION!r}"), "Connection broken"),
        (urllib3.exceptions.HTTPError(str(CONNECTION)), "the connection failed"),
    ],
)
def test_no_object_of_this_program_is_named(error, detail):
    fault = fault_of(error, Provenance())
    assert (fault.rejected if isinstance(fault, RetryLaterError) else fault).detail == detail
