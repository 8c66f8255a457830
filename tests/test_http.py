"""Download over HTTP from a server on 127.0.0.1 that misbehaves; nothing here leaves this machine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected
from tests.downloads import QUICK, SHA256, Naps, client_of, rejection_of
from tests.loopback import BODY, Loopback
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpClient, HttpSettings
from transforms.fetching.web.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits


def test_the_defaults_are_those_of_the_documentation():
    assert HttpSettings() == HttpSettings(
        allow_private=False,
        respect_robots_tag=True,
        respect_robots_txt=False,
        contact=None,
        connect_timeout=10,
        read_timeout=30,
        total_timeout=1800,
        max_bytes=2 * 1024**3,
        max_redirects=5,
        attempts=4,
        retry_wait=60,
        backoff=1,
    )


# Files that are downloaded.


@pytest.mark.parametrize("path", ["/good", "/unknown-length", "/chunked", "/nosnippet", "/odd-length", "/long-length"])
def test_a_good_answer_is_the_file_byte_by_byte(loopback, tmp_path, path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url(path), tmp_path)
    assert got.path.read_bytes() == BODY
    facts = got.provenance
    assert (facts.final_url, facts.http_status, facts.evidence.attempts, facts.n_bytes, facts.sha256) == (
        loopback.url(path),
        200,
        1,
        len(BODY),
        SHA256,
    )
    assert loopback.n_requests[path] == 1


def test_an_empty_file_is_a_file(tmp_path):
    with Loopback({"/empty.wav": b""}) as server, client_of(QUICK) as client:
        got = client.download(server.url("/empty.wav"), tmp_path)
    assert (got.path.read_bytes(), got.provenance.n_bytes) == (b"", 0)


def test_a_page_with_status_200_is_downloaded_for_the_decoder_to_refuse(loopback, tmp_path):
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/html"), tmp_path).path.read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("behaviour", ["weak-once", "truncated-once", "reset-once", "busy-once"])
def test_after_a_fault_that_passes_the_file_is_that_of_the_second_attempt(loopback, tmp_path, behaviour):
    naps = Naps()
    with client_of(QUICK, naps) as client:
        got = client.download(loopback.url(f"/{behaviour}/a.wav"), tmp_path)
    assert got.path.read_bytes() == BODY  # what the first attempt had written is gone
    assert (got.provenance.evidence.attempts, got.provenance.sha256, got.provenance.http_status) == (2, SHA256, 200)
    assert loopback.n_requests[f"/{behaviour}/a.wav"] == 2
    assert len(naps.seconds) == 1


@pytest.mark.parametrize("path", ["/good", "/status/404"])
def test_the_limits_of_a_download_end_with_it(loopback, tmp_path, path):
    with client_of(QUICK) as client, suppress(Rejected):
        client.download(loopback.url(path), tmp_path)
    assert DOWNLOAD_LIMITS.get() == DownloadLimits()


def test_five_redirects_of_five_statuses_are_followed(loopback, tmp_path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/redirects/5"), tmp_path)
    assert got.path.read_bytes() == BODY
    assert got.provenance.final_url == loopback.url("/redirects/0?token=...")
    assert (got.provenance.http_status, got.provenance.evidence.attempts) == (200, 1)


def test_the_endless_body_of_a_redirect_is_not_read(loopback, tmp_path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/endless-redirect"), tmp_path)
    assert got.provenance.final_url == loopback.url("/good")


def test_a_connection_serves_several_files(loopback, tmp_path):
    with client_of(QUICK) as client:
        for _ in range(5):
            client.download(loopback.url("/good"), tmp_path)
    assert (loopback.n_requests["/good"], loopback.n_connections) == (5, 1)


def test_one_client_serves_many_threads(tmp_path):
    files = {f"/{n}.wav": bytes([n]) * (1000 + n) for n in range(40)}
    with Loopback(files) as server, client_of(QUICK) as client, ThreadPoolExecutor(8) as pool:

        def download(n: int) -> bytes:
            (tmp_path / str(n)).mkdir()
            return client.download(server.url(f"/{n}.wav"), tmp_path / str(n)).path.read_bytes()

        assert list(pool.map(download, range(40))) == list(files.values())
        assert server.most_in_flight[""] <= 8
        assert server.n_connections <= 8  # a connection that is free serves the next file, of whatever thread


# Requests.


@pytest.mark.parametrize(("contact", "agent"), [(None, "laion-audio/0.1"), ("me@example.org", "laion-audio/0.1 (me@example.org)")])
def test_a_request_names_us_and_asks_for_uncompressed_bytes(loopback, tmp_path, contact, agent):
    with client_of(replace(QUICK, contact=contact)) as client:
        client.download(loopback.url("/redirects/1"), tmp_path)
    assert [(headers["User-Agent"], headers["Accept-Encoding"]) for headers in loopback.headers] == [(agent, "identity")] * 2


def test_passwords_in_an_address_are_neither_sent_nor_recorded(loopback, tmp_path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/good?key=hush").replace("//", "//me:hush@"), tmp_path)
    assert got.provenance.final_url == loopback.url("/good?key=...")
    assert "Authorization" not in loopback.headers[0]


# Headers and sizes that are refused.


@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        ("/noai", Reason.FORBIDDEN, "X-Robots-Tag: all, NoAI"),
        ("/long-robots-tag", Reason.FORBIDDEN, "X-Robots-Tag: noai, " + "a" * 194),
        ("/gzip", Reason.UNAVAILABLE, "sent with Content-Encoding 'gzip', which was not asked for"),
        ("/huge", Reason.TOO_LARGE, "9999999999999 bytes announced, at most 1000000"),
        ("/endless", Reason.TOO_LARGE, "more than 1000000 bytes"),
        ("/endless-chunks", Reason.TOO_LARGE, "more than 1000000 bytes"),
        ("/endless-trailers", Reason.TOO_LARGE, "more than 2048576 bytes with all that is around the file"),
        ("/endless-continue", Reason.TOO_LARGE, "more than 2048576 bytes with all that is around the file"),
    ],
)
def test_an_answer_that_is_refused_is_requested_once(loopback, tmp_path, path, reason, detail):
    naps = Naps()
    rejected = rejection_of(loopback.url(path), tmp_path, naps=naps)
    assert (rejected.reason, rejected.provenance.evidence.attempts, rejected.provenance.final_url) == (reason, 1, loopback.url(path))
    assert rejected.detail == detail
    assert (loopback.n_requests[path], naps.seconds) == (1, [])


def test_a_recipe_may_overrule_the_robots_tag(loopback, tmp_path):
    with client_of(replace(QUICK, respect_robots_tag=False)) as client:
        assert client.download(loopback.url("/noai"), tmp_path).provenance.sha256 == SHA256


def test_the_limit_is_the_largest_size_allowed(tmp_path):
    with Loopback({"/a": b"x" * 1000, "/b": b"x" * 1001}) as server, client_of(replace(QUICK, max_bytes=1000)) as client:
        assert client.download(server.url("/a"), tmp_path).provenance.n_bytes == 1000
        with pytest.raises(Rejected) as caught:
            client.download(server.url("/b"), tmp_path)
        assert caught.value.reason == Reason.TOO_LARGE


# Redirects.


def test_a_loop_of_redirects_ends(loopback, tmp_path):
    rejected = rejection_of(loopback.url("/loop"), tmp_path)
    assert (rejected.reason, rejected.detail, rejected.provenance.http_status) == (Reason.LIMIT_EXCEEDED, "more than 5 redirects", 302)
    assert loopback.n_requests["/loop"] == 6


def test_a_sixth_redirect_is_not_followed(loopback, tmp_path):
    assert rejection_of(loopback.url("/redirects/6"), tmp_path).reason == Reason.LIMIT_EXCEEDED
    assert loopback.n_requests["/redirects/0"] == 0


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("file:///etc/passwd", Reason.UNSAFE_ADDRESS),
        ("FILE:/etc/passwd", Reason.UNSAFE_ADDRESS),
        ("ftp://127.0.0.1/a", Reason.UNSAFE_ADDRESS),
        ("gopher://127.0.0.1/a", Reason.UNSAFE_ADDRESS),
        ("data:audio/wav;base64,UklGRg==", Reason.UNSAFE_ADDRESS),
        ("javascript:alert(1)", Reason.UNSAFE_ADDRESS),
        ("bundled:quickstart/clips.csv", Reason.UNSAFE_ADDRESS),
        ("http://[::1", Reason.NOT_FOUND),
        ("//[oops/", Reason.NOT_FOUND),
        ("http://127.0.0.1:99999/", Reason.NOT_FOUND),
        ("http://a b/", Reason.NOT_FOUND),
    ],
)
def test_a_redirect_out_of_http_is_not_followed(loopback, tmp_path, to, reason):
    rejected = rejection_of(loopback.url(f"/to?{to}"), tmp_path)
    assert (rejected.reason, rejected.provenance.evidence.attempts) == (reason, 1)
    assert rejected.provenance.final_url == loopback.url("/to?...")
    assert loopback.n_requests.total() == 1


def test_a_redirect_shows_no_secrets(loopback, tmp_path):
    rejected = rejection_of(loopback.url(f"/to?http://me:hush@127.0.0.1:{loopback.port}/status/404?token=hush%26sig=hush%23hush"), tmp_path)
    assert rejected.reason == Reason.NOT_FOUND
    assert rejected.provenance.final_url == loopback.url("/status/404?token=...&sig=...")
    rejected = rejection_of(loopback.url("/to?http://me:hu/sh@127.0.0.1/"), tmp_path)  # a password that makes it invalid
    assert (rejected.reason, "hu" in rejected.detail) == (Reason.NOT_FOUND, False)


# Faults on this side.


def test_a_full_disk_ends_the_build_and_does_not_reject_the_clip(loopback, tmp_path):
    with client_of(QUICK) as client, pytest.raises(FileNotFoundError):
        client.download(loopback.url("/good"), tmp_path / "no such folder")
    full = Path("/dev/full")
    if full.exists():
        (tmp_path / "download").symlink_to(full)
        with client_of(QUICK) as client, pytest.raises(OSError, match="No space left"):
            client.download(loopback.url("/good"), tmp_path)


def test_nothing_is_left_running_or_open(loopback, tmp_path):
    before = threading.active_count()
    for path in ("/good", "/truncated", "/endless", "/status/404", "/loop"):
        (tmp_path / path[1:3]).mkdir()
        client = HttpClient(replace(QUICK, attempts=2), Budgets(BudgetSettings()), Naps())
        with suppress(Rejected):
            client.download(loopback.url(path), tmp_path / path[1:3])
        del client  # an open socket would be a warning here, and a warning is an error
    assert threading.active_count() <= before + loopback.n_connections
