"""How often a download is tried, how long it waits in between, and when its time is over."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pipeline.records import Reason, Rejected
from tests.downloads import QUICK, Naps, client_of, rejection_of
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpClient

# Attempts.


@pytest.mark.parametrize("path", ["/status/500", "/truncated"])
def test_a_transient_fault_is_tried_four_times_and_each_wait_is_twice_as_long(loopback, tmp_path, path):
    naps = Naps()
    with client_of(QUICK, naps, jitter=lambda: 0.25) as client, pytest.raises(Rejected) as caught:
        client.download(loopback.url(path), tmp_path)
    assert (caught.value.provenance.evidence.attempts, loopback.n_requests[path]) == (4, 4)
    assert naps.seconds == [0.5 + 0.125, 1.0 + 0.125, 2.0 + 0.125]  # none after the last


def test_a_wait_does_not_double_beyond_the_longest(loopback, tmp_path):
    naps = Naps()
    rejection_of(loopback.url("/status/500"), tmp_path, replace(QUICK, retry_wait=0.75), naps)
    assert naps.seconds == [0.5 + 0.25, 0.75 + 0.25, 0.75 + 0.25]


def test_waits_are_random_unless_a_test_says_otherwise(loopback, tmp_path):
    naps = Naps()
    client = HttpClient(QUICK, Budgets(BudgetSettings()), naps)
    with pytest.raises(Rejected):
        client.download(loopback.url("/status/500"), tmp_path)
    client.manager.clear()
    jitters = [nap - wait for nap, wait in zip(naps.seconds, (0.5, 1.0, 2.0), strict=True)]
    assert all(0 <= jitter <= 0.5 for jitter in jitters)
    assert len(set(jitters)) == 3


def test_retry_after_in_seconds_is_waited(loopback, tmp_path):
    naps = Naps()
    rejected = rejection_of(loopback.url("/busy?after=17"), tmp_path, naps=naps)
    assert (rejected.reason, rejected.detail, rejected.provenance.evidence.attempts) == (Reason.THROTTLED, "HTTP 429, Retry-After 17 s", 4)
    assert naps.seconds == [17, 17, 17]


def test_retry_after_as_a_date_is_waited(loopback, tmp_path):
    naps = Naps()
    with client_of(QUICK, naps) as client:
        assert client.download(loopback.url("/busy-once?in=20"), tmp_path).provenance.evidence.attempts == 2
    assert 10 < naps.seconds[0] <= 20


@pytest.mark.parametrize(("after", "waits"), [(59, [59.0] * 3), (60, [60.0] * 3), (61, [])])
def test_a_retry_after_beyond_the_longest_wait_ends_the_attempts(loopback, tmp_path, after, waits):
    naps = Naps()
    patient = replace(QUICK, total_timeout=10_000)  # so that only the longest wait of 60 seconds can end them
    assert rejection_of(loopback.url(f"/busy?after={after}"), tmp_path, patient, naps).reason == Reason.THROTTLED
    assert naps.seconds == waits


@pytest.mark.parametrize("query", ["after=3600", "in=3600", "after=999999999999"])
def test_a_long_retry_after_does_not_hold_the_thread(loopback, tmp_path, query):
    naps = Naps()
    rejected = rejection_of(loopback.url(f"/busy?{query}"), tmp_path, naps=naps)
    assert (rejected.reason, rejected.provenance.evidence.attempts, naps.seconds) == (Reason.THROTTLED, 1, [])
    assert loopback.n_requests["/busy"] == 1


@pytest.mark.parametrize(
    "after",
    [
        *("soon", "-5", "", "1e3", "9" * 5000, "²", "Mon, 99 Foo 2026"),
        *("Fri, 31 Dec 99999999999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"),
    ],
)
def test_a_retry_after_that_cannot_be_read_is_the_usual_wait(loopback, tmp_path, after):
    naps = Naps()
    assert rejection_of(loopback.url(f"/busy?after={after}"), tmp_path, naps=naps).reason == Reason.THROTTLED
    assert len(naps.seconds) == 3
    assert max(naps.seconds) < 10


# Time.


@pytest.mark.parametrize("path", ["/stall", "/stall-head"])
def test_silence_ends_after_the_read_timeout(loopback, tmp_path, path):
    rejected = rejection_of(loopback.url(path), tmp_path, replace(QUICK, read_timeout=0.2, attempts=2))
    assert (rejected.reason, rejected.provenance.evidence.attempts) == (Reason.TIMEOUT, 2)
    assert loopback.n_requests[path] == 2


@pytest.mark.parametrize("path", ["/drip", "/drip-head", "/stall", "/stall-head"])
def test_the_total_time_holds_for_a_slow_drip_and_for_silence(loopback, tmp_path, path):
    began = time.monotonic()
    rejected = rejection_of(loopback.url(path), tmp_path, replace(QUICK, total_timeout=0.5))
    assert (rejected.reason, rejected.provenance.evidence.attempts) == (Reason.TIMEOUT, 1)
    assert time.monotonic() - began < 4.5  # the read timeout alone would be longer


def test_the_total_time_holds_for_all_attempts_together(loopback, tmp_path):
    naps = Naps()
    rejected = rejection_of(loopback.url("/busy?after=20"), tmp_path, replace(QUICK, total_timeout=10), naps)
    assert (rejected.reason, rejected.provenance.evidence.attempts, naps.seconds) == (Reason.THROTTLED, 1, [])


def test_a_retry_has_only_the_time_that_is_left(loopback, tmp_path):
    hasty = replace(QUICK, read_timeout=0.4, total_timeout=1.0, attempts=50, backoff=0.01)
    rejected = rejection_of(loopback.url("/stall"), tmp_path, hasty, time.sleep)
    assert rejected.reason == Reason.TIMEOUT
    assert 2 <= rejected.provenance.evidence.attempts < 10
