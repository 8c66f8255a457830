"""Downloading, against a server on 127.0.0.1 that misbehaves; nothing here leaves this machine."""

from __future__ import annotations

import doctest
import errno
import hashlib
import pickle
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.records import Reason, Rejected
from tests.loopback import BODY, Loopback
from transforms.fetching import http as fetch_http
from transforms.fetching import safe_sockets as wire
from transforms.fetching.http import HttpClient, HttpSettings, http_address
from transforms.fetching.safe_sockets import check_public

QUICK = HttpSettings(allow_private=True, connect_timeout=5, read_timeout=5, total_timeout=30, max_bytes=1_000_000, backoff=0.5)
GUARDED = replace(QUICK, allow_private=False)
PUBLIC = "93.184.215.14"
SHA256 = hashlib.sha256(BODY).hexdigest()


class Naps:
    """A sleep that only writes down how long it was to be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@contextmanager
def client_of(settings: HttpSettings, naps: Callable[[float], None] | None = None) -> Iterator[HttpClient]:
    client = HttpClient(settings, naps or Naps())
    yield client
    client.manager.clear()


def refusal(url: str, work: Path, settings: HttpSettings = QUICK, naps: Callable[[float], None] | None = None) -> Rejected:
    """Return what `url` is rejected with, having looked that nothing stays behind and that the detail is fit for the books."""
    with client_of(settings, naps) as client, pytest.raises(Rejected) as caught:
        client.download(url, work)
    no = caught.value
    assert list(work.iterdir()) == [], "a partial file stayed behind"
    assert no.provenance is not None
    assert 0 < len(no.detail) <= 300
    assert no.detail.isprintable()
    assert pickle.loads(pickle.dumps(no)).detail == no.detail
    return no


# What ends well.


@pytest.mark.parametrize("path", ["/good", "/unknown-length", "/chunked", "/nosnippet", "/odd-length", "/long-length"])
def test_a_good_answer_is_the_file_byte_by_byte(loopback, tmp_path, path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url(path), tmp_path)
    assert got.path.read_bytes() == BODY
    facts = got.provenance
    assert (facts.final_url, facts.http_status, facts.attempts, facts.n_bytes, facts.sha256) == (
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


def test_a_page_with_status_200_is_fetched_and_left_to_the_decoder(loopback, tmp_path):
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/html"), tmp_path).path.read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("behaviour", ["weak-once", "truncated-once", "reset-once", "busy-once"])
def test_a_fault_that_passes_is_tried_again(loopback, tmp_path, behaviour):
    naps = Naps()
    with client_of(QUICK, naps) as client:
        got = client.download(loopback.url(f"/{behaviour}/a.wav"), tmp_path)
    assert got.path.read_bytes() == BODY  # what the first attempt had written is gone
    assert (got.provenance.attempts, got.provenance.sha256, got.provenance.http_status) == (2, SHA256, 200)
    assert loopback.n_requests[f"/{behaviour}/a.wav"] == 2
    assert len(naps.seconds) == 1


def test_five_redirects_are_followed_whatever_their_kind(loopback, tmp_path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/redirects/5"), tmp_path)
    assert got.path.read_bytes() == BODY
    assert got.provenance.final_url == loopback.url("/redirects/0?token=...")
    assert (got.provenance.http_status, got.provenance.attempts) == (200, 1)


def test_a_redirect_with_an_endless_page_costs_nothing(loopback, tmp_path):
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

        def one(n: int) -> bytes:
            (tmp_path / str(n)).mkdir()
            return client.download(server.url(f"/{n}.wav"), tmp_path / str(n)).path.read_bytes()

        assert list(pool.map(one, range(40))) == list(files.values())
        assert server.most_in_flight[""] <= 8


# What is asked for.


@pytest.mark.parametrize(("contact", "agent"), [(None, "laion-audio/0.1"), ("me@example.org", "laion-audio/0.1 (me@example.org)")])
def test_we_say_who_we_are_and_ask_for_plain_bytes(loopback, tmp_path, contact, agent):
    with client_of(replace(QUICK, contact=contact)) as client:
        client.download(loopback.url("/redirects/1"), tmp_path)
    assert [(headers["User-Agent"], headers["Accept-Encoding"]) for headers in loopback.headers] == [(agent, "identity")] * 2


def test_passwords_in_an_address_are_neither_sent_nor_kept(loopback, tmp_path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/good?key=hush").replace("//", "//me:hush@"), tmp_path)
    assert got.provenance.final_url == loopback.url("/good?key=...")
    assert "Authorization" not in loopback.headers[0]


def test_a_proxy_in_the_environment_is_not_used(loopback, tmp_path, monkeypatch):
    with Loopback() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        monkeypatch.delenv("no_proxy", raising=False)
        with client_of(QUICK) as client:
            client.download(loopback.url("/good"), tmp_path)
    assert (proxy.n_connections, loopback.n_requests["/good"]) == (0, 1)


# What is refused at once.


@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        ("/status/404", Reason.NOT_FOUND, "HTTP 404"),
        ("/status/410", Reason.NOT_FOUND, "HTTP 410"),
        ("/status/401", Reason.FORBIDDEN, "HTTP 401"),
        ("/status/402", Reason.FORBIDDEN, "HTTP 402"),
        ("/status/403", Reason.FORBIDDEN, "HTTP 403"),
        ("/status/407", Reason.FORBIDDEN, "HTTP 407"),
        ("/status/451", Reason.FORBIDDEN, "HTTP 451"),
        ("/status/400", Reason.UNAVAILABLE, "HTTP 400"),
        ("/status/206", Reason.UNAVAILABLE, "HTTP 206"),
        ("/nowhere", Reason.UNAVAILABLE, "HTTP 302"),
        ("/noai", Reason.FORBIDDEN, "X-Robots-Tag: all, NoAI"),
        ("/long-robots-tag", Reason.FORBIDDEN, "X-Robots-Tag: noai, aaa"),
        ("/gzip", Reason.UNAVAILABLE, "sent with Content-Encoding 'gzip', which was not asked for"),
        ("/huge", Reason.TOO_LARGE, "9999999999999 bytes announced, at most 1000000"),
        ("/endless", Reason.TOO_LARGE, "more than 1000000 bytes"),
        ("/endless-chunks", Reason.TOO_LARGE, "more than 1000000 bytes"),
        ("/endless-trailers", Reason.TOO_LARGE, "more than 2048576 bytes with all that is around the file"),
        ("/endless-continue", Reason.TOO_LARGE, "more than 2048576 bytes with all that is around the file"),
    ],
)
def test_a_lasting_fault_is_asked_for_once(loopback, tmp_path, path, reason, detail):
    naps = Naps()
    no = refusal(loopback.url(path), tmp_path, naps=naps)
    assert (no.reason, no.provenance.attempts, no.provenance.final_url) == (reason, 1, loopback.url(path))
    assert no.detail.startswith(detail)
    assert (loopback.n_requests[path], naps.seconds) == (1, [])


def test_the_status_that_was_met_is_kept(loopback, tmp_path):
    assert refusal(loopback.url("/status/404"), tmp_path).provenance.http_status == 404
    assert refusal(loopback.url("/noai"), tmp_path).provenance.http_status == 200


def test_a_recipe_may_overrule_the_robots_tag(loopback, tmp_path):
    with client_of(replace(QUICK, respect_robots_tag=False)) as client:
        assert client.download(loopback.url("/noai"), tmp_path).provenance.sha256 == SHA256


def test_the_limit_is_the_largest_size_allowed(tmp_path):
    with Loopback({"/a": b"x" * 1000, "/b": b"x" * 1001}) as server, client_of(replace(QUICK, max_bytes=1000)) as client:
        assert client.download(server.url("/a"), tmp_path).provenance.n_bytes == 1000
        with pytest.raises(Rejected) as caught:
            client.download(server.url("/b"), tmp_path)
        assert caught.value.reason == Reason.TOO_LARGE


# What is tried again, and how long is waited.


@pytest.mark.parametrize(
    ("path", "reason", "detail", "status"),
    [
        ("/status/500", Reason.SERVER_ERROR, "HTTP 500", 500),
        ("/status/503", Reason.SERVER_ERROR, "HTTP 503", 503),
        ("/status/408", Reason.TIMEOUT, "HTTP 408", 408),
        ("/busy", Reason.THROTTLED, "HTTP 429", 429),
        ("/truncated", Reason.CONNECTION, "broke off: ", 200),
        ("/truncated-chunks", Reason.CONNECTION, "broke off: ", 200),
        ("/negative-chunk", Reason.CONNECTION, "broke off: ", 200),
        ("/unbounded-chunk", Reason.CONNECTION, "broke off: ", 200),
        ("/no-chunk", Reason.CONNECTION, "broke off: ", 200),
        ("/endless-chunk-line", Reason.CONNECTION, "broke off: ", 200),
        ("/reset", Reason.CONNECTION, "", None),
        ("/hang-up", Reason.CONNECTION, "", None),
        ("/contradiction", Reason.CONNECTION, "", None),
        ("/many-headers", Reason.CONNECTION, "", None),
        ("/long-header", Reason.CONNECTION, "", None),
        ("/endless-headers", Reason.CONNECTION, "", None),
        ("/endless-status", Reason.CONNECTION, "", None),
    ],
)
def test_a_fault_that_may_pass_is_tried_four_times(loopback, tmp_path, path, reason, detail, status):
    naps = Naps()
    no = refusal(loopback.url(path), tmp_path, naps=naps)
    assert (no.reason, no.provenance.attempts, no.provenance.http_status) == (reason, 4, status)
    assert no.detail.startswith(detail)
    assert no.reason.transient
    assert loopback.n_requests[path] == 4
    assert len(naps.seconds) == 3  # none after the last
    assert all(0.5 * 2**n <= nap <= 0.5 * 2**n + 0.5 for n, nap in enumerate(naps.seconds))  # twice as long each time, and jitter


def test_nobody_at_home(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    no = refusal(f"http://127.0.0.1:{port}/a.wav?key=hush", tmp_path)
    assert (no.reason, no.provenance.attempts, no.provenance.http_status) == (Reason.CONNECTION, 4, None)
    assert "hush" not in no.detail


def test_retry_after_in_seconds_is_waited(loopback, tmp_path):
    naps = Naps()
    no = refusal(loopback.url("/busy?after=17"), tmp_path, naps=naps)
    assert (no.reason, no.detail, no.provenance.attempts) == (Reason.THROTTLED, "HTTP 429, Retry-After 17 s", 4)
    assert naps.seconds == [17, 17, 17]


def test_retry_after_as_a_date_is_waited(loopback, tmp_path):
    naps = Naps()
    with client_of(QUICK, naps) as client:
        assert client.download(loopback.url("/busy-once?in=20"), tmp_path).provenance.attempts == 2
    assert 10 < naps.seconds[0] <= 20


@pytest.mark.parametrize("query", ["after=3600", "after=61", "in=3600", "after=999999999999"])
def test_a_long_retry_after_does_not_hold_the_thread(loopback, tmp_path, query):
    naps = Naps()
    no = refusal(loopback.url(f"/busy?{query}"), tmp_path, naps=naps)
    assert (no.reason, no.provenance.attempts, naps.seconds) == (Reason.THROTTLED, 1, [])
    assert loopback.n_requests["/busy"] == 1


@pytest.mark.parametrize(
    "after",
    [
        *("soon", "-5", "", "1e3", "9" * 5000, "²", "Mon, 99 Foo 2026"),
        *("Fri, 31 Dec 99999999999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT"),
    ],
)
def test_a_retry_after_that_says_nothing_is_the_usual_wait(loopback, tmp_path, after):
    naps = Naps()
    assert refusal(loopback.url(f"/busy?after={after}"), tmp_path, naps=naps).reason == Reason.THROTTLED
    assert len(naps.seconds) == 3
    assert max(naps.seconds) < 10


# Time.


@pytest.mark.parametrize("path", ["/stall", "/stall-head"])
def test_silence_ends_after_the_read_timeout(loopback, tmp_path, path):
    no = refusal(loopback.url(path), tmp_path, replace(QUICK, read_timeout=0.2, attempts=2))
    assert (no.reason, no.provenance.attempts) == (Reason.TIMEOUT, 2)
    assert loopback.n_requests[path] == 2


@pytest.mark.parametrize("path", ["/drip", "/drip-head", "/stall", "/stall-head"])
def test_the_total_time_holds_for_a_slow_drip_and_for_silence(loopback, tmp_path, path):
    began = time.monotonic()
    no = refusal(loopback.url(path), tmp_path, replace(QUICK, total_timeout=0.5))
    assert (no.reason, no.provenance.attempts) == (Reason.TIMEOUT, 1)
    assert time.monotonic() - began < 4.5  # the read timeout alone would be longer


def test_the_total_time_holds_for_all_attempts_together(loopback, tmp_path):
    naps = Naps()
    no = refusal(loopback.url("/busy?after=20"), tmp_path, replace(QUICK, total_timeout=10), naps)
    assert (no.reason, no.provenance.attempts, naps.seconds) == (Reason.THROTTLED, 1, [])


def test_a_retry_has_only_the_time_that_is_left(loopback, tmp_path):
    hasty = replace(QUICK, read_timeout=0.4, total_timeout=1.0, attempts=50, backoff=0.01)
    no = refusal(loopback.url("/stall"), tmp_path, hasty, time.sleep)
    assert no.reason == Reason.TIMEOUT
    assert 2 <= no.provenance.attempts < 10


# Redirects.


def test_a_loop_of_redirects_ends(loopback, tmp_path):
    no = refusal(loopback.url("/loop"), tmp_path)
    assert (no.reason, no.detail, no.provenance.http_status) == (Reason.LIMIT_EXCEEDED, "more than 5 redirects", 302)
    assert loopback.n_requests["/loop"] == 6


def test_one_redirect_too_many(loopback, tmp_path):
    assert refusal(loopback.url("/redirects/6"), tmp_path).reason == Reason.LIMIT_EXCEEDED
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
    no = refusal(loopback.url(f"/to?{to}"), tmp_path)
    assert (no.reason, no.provenance.attempts) == (reason, 1)
    assert no.provenance.final_url == loopback.url("/to?...")
    assert loopback.n_requests.total() == 1


def test_a_redirect_shows_no_secrets(loopback, tmp_path):
    no = refusal(loopback.url(f"/to?http://me:hush@127.0.0.1:{loopback.port}/status/404?token=hush%26sig=hush%23hush"), tmp_path)
    assert no.reason == Reason.NOT_FOUND
    assert no.provenance.final_url == loopback.url("/status/404?token=...&sig=...")
    no = refusal(loopback.url("/to?http://me:hu/sh@127.0.0.1/"), tmp_path)  # a password that makes it no address
    assert (no.reason, "hu" in no.detail) == (Reason.NOT_FOUND, False)


# Addresses inside our own network.

OURS = [
    "127.0.0.1",
    "127.1",
    "127.8.9.10",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "localhost",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", OURS)
def test_an_address_of_ours_is_not_connected_to(loopback, tmp_path, host, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: pytest.fail(f"connected to {address}"))
    naps = Naps()
    for scheme in ("http", "https"):
        no = refusal(f"{scheme}://{host}:{loopback.port}/good?key=hush", tmp_path, GUARDED, naps)
        assert (no.reason, no.provenance.attempts, naps.seconds) == (Reason.UNSAFE_ADDRESS, 1, [])
        assert "hush" not in no.detail
    assert loopback.n_connections == 0


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::6810:84e5", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"])
def test_public_addresses_are_public(address):
    check_public("example.org", [address])


def test_loopback_over_ipv6_is_refused_and_where_allowed_reached(tmp_path):
    with Loopback(host="::1") as server:
        assert refusal(server.url("/good"), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
        assert server.n_connections == 0
        with client_of(QUICK) as client:
            assert client.download(server.url("/good"), tmp_path).provenance.sha256 == SHA256


class Names:
    """Answers of a name server: name -> the addresses that each look-up in turn is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: list[list[str]]):
        self.answers = answers
        self.asked: list[str] = []
        self.connected: list[str] = []
        self._really_look_up, self._really_connect = socket.getaddrinfo, socket.socket.connect
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)
        monkeypatch.setattr(socket.socket, "connect", lambda sock, address: self.connect(sock, address))

    def look_up(self, host, port, *args, **options):
        if host not in self.answers:
            return self._really_look_up(host, port, *args, **options)
        self.asked.append(host)
        turns = self.answers[host]
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    def connect(self, sock, address):
        self.connected.append(address[0])
        if address[0] not in {"127.0.0.1", "::1"}:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")  # nothing leaves this machine
        self._really_connect(sock, address)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "10.0.0.1"], [PUBLIC, "fe80::1%eth0"]],
)
def test_a_name_with_any_address_of_ours_is_refused(loopback, tmp_path, monkeypatch, addresses):
    names = Names(monkeypatch, mixed=[addresses])
    assert refusal(loopback.url("/good", host="mixed"), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
    assert (names.connected, loopback.n_connections) == ([], 0)


def test_a_dot_at_the_end_of_a_name_changes_nothing(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, **{"127.0.0.1.": [["127.0.0.1"]], "localhost.": [["127.0.0.1"]]})
    for host in ("127.0.0.1.", "localhost."):
        assert refusal(loopback.url("/good", host=host), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
    assert names.connected == []


def test_a_name_that_changes_its_answer_is_asked_only_once_before_connecting(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, turncoat=[[PUBLIC], ["127.0.0.1"]])
    no = refusal(loopback.url("/good", host="turncoat"), tmp_path, replace(GUARDED, attempts=1))
    assert (no.reason, names.asked, names.connected) == (Reason.CONNECTION, ["turncoat"], [PUBLIC])
    assert loopback.n_connections == 0


def test_a_name_that_changes_its_answer_between_attempts_is_refused(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, turncoat=[[PUBLIC], ["127.0.0.1"]])
    no = refusal(loopback.url("/good", host="turncoat"), tmp_path, GUARDED)
    assert (no.reason, no.provenance.attempts, names.connected) == (Reason.UNSAFE_ADDRESS, 2, [PUBLIC])
    assert loopback.n_connections == 0


def test_all_addresses_of_a_name_are_tried_but_not_thousands(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, many=[[f"93.184.215.{n}" for n in range(1, 200)]], dual=[["2606:4700::1", "127.0.0.1"]])
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/good", host="dual"), tmp_path).provenance.http_status == 200
    assert names.connected == ["2606:4700::1", "127.0.0.1"]
    (tmp_path / "many").mkdir()
    no = refusal(loopback.url("/good", host="many"), tmp_path / "many", replace(GUARDED, attempts=1))
    assert (no.reason, len(names.connected)) == (Reason.CONNECTION, 2 + wire.MAX_LOOKED_UP)


def test_a_name_that_nobody_knows_is_tried_again(tmp_path, monkeypatch):
    names = Names(monkeypatch, unknown=[[]])
    no = refusal("http://unknown/a.wav", tmp_path, GUARDED)
    assert (no.reason, no.provenance.attempts, len(names.asked)) == (Reason.CONNECTION, 4, 4)
    assert "unknown" in no.detail


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1", "[::1]", "2130706433", "localhost", "turncoat"])
def test_a_redirect_to_an_address_of_ours_is_not_followed(loopback, tmp_path, monkeypatch, host):
    """Only the first server stands for one on the internet: its name is `outside`, and only its address passes for public."""
    names = Names(monkeypatch, outside=[["::1"]], turncoat=[["127.0.0.1"]])
    monkeypatch.setattr(wire, "check_public", lambda name, found: None if name == "outside" else check_public(name, found))
    with Loopback(host="::1") as outside:
        no = refusal(outside.url(f"/to?http://{host}:{loopback.port}/good", host="outside"), tmp_path, GUARDED)
        assert outside.n_requests["/to"] == 1
    assert no.reason == Reason.UNSAFE_ADDRESS
    assert no.provenance.final_url == http_address(f"http://{host}:{loopback.port}/good")
    assert (loopback.n_connections, names.connected) == (0, ["::1"])


def test_a_private_address_is_refused_in_every_thread(loopback, tmp_path):
    with client_of(GUARDED) as client, ThreadPoolExecutor(4) as pool:

        def one(n: int) -> Reason:
            with pytest.raises(Rejected) as caught:
                client.download(loopback.url("/good"), tmp_path)
            return caught.value.reason

        assert set(pool.map(one, range(8))) == {Reason.UNSAFE_ADDRESS}
    assert loopback.n_connections == 0


def test_a_client_that_may_does_not_open_the_door_for_one_that_may_not(loopback, tmp_path):
    with client_of(QUICK) as open_client, client_of(GUARDED) as guarded:
        open_client.download(loopback.url("/good"), tmp_path)
        with pytest.raises(Rejected, match="unsafe_address"):
            guarded.download(loopback.url("/good"), tmp_path)
    assert loopback.n_connections == 1


# What is no address.


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:",
        "http:///a.wav",
        "http://?a",
        "http://@/",
        "http://:80/",
        "http://[/",
        "http://[::1/a",
        "http://]/",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1 /a.wav",
        "http://two words/a.wav",
        "http://127.0.0.1\r\nX-Evil: 1/a",
        "http://127.0.0.1\x00/",
        "http://me:pass/word@127.0.0.1/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 200 + "example/",
        "http://a..b/",
        "http://.a/",
        "http://\ud800/",
        "http://ﷺ" + "a" * 60 + ".example/",
        "http://127.0.0.1/" + "a" * 70_000,
        "http://" + "a" * 70_000,
        "http://127.0.0.1:" + "9" * 7000 + "/",
    ],
)
def test_what_is_no_address_is_said_so_at_once(tmp_path, url, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: pytest.fail(f"connected to {address}"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        no = refusal(url, tmp_path)
    assert (no.reason, no.provenance.attempts) == (Reason.NOT_FOUND, 1)
    assert "pass" not in no.detail


@pytest.mark.parametrize(
    "path", ["two words", "\r\nX-Evil: 1", "?a=\r\nX-Evil: 1", "\x00\x7f", "größe/雨.wav", "\ud800", "%zz", "a\\b", "#\r\n", "?;&#=??"]
)
def test_odd_characters_of_a_path_are_sent_encoded(loopback, tmp_path, path):
    with client_of(QUICK) as client:
        got = client.download(loopback.url(f"/good/{path}"), tmp_path)
    assert got.provenance.sha256 == SHA256
    assert got.provenance.final_url.isascii()
    assert got.provenance.final_url.isprintable()
    assert "X-Evil" not in loopback.headers[0]


def test_a_name_beyond_ascii_is_looked_up_as_such_names_are(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, **{"xn--mnchen-3ya.example": [["127.0.0.1"]]})
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/good", host="münchen.example"), tmp_path).provenance.sha256 == SHA256
    assert refusal_at(loopback.url("/good", host="münchen.example"), tmp_path / "other").reason == Reason.UNSAFE_ADDRESS
    assert names.connected == ["127.0.0.1"]


def refusal_at(url: str, work: Path) -> Rejected:
    work.mkdir()
    return refusal(url, work, GUARDED)


def test_a_backslash_does_not_hide_the_host(loopback, tmp_path, monkeypatch):
    Names(monkeypatch, **{"public.example": [[PUBLIC]]})
    for url in (f"http://public.example\\@127.0.0.1:{loopback.port}/good", f"http://127.0.0.1:{loopback.port}\\@public.example/good"):
        no = refusal(url, tmp_path, replace(GUARDED, attempts=1))
        assert no.reason in {Reason.UNSAFE_ADDRESS, Reason.CONNECTION, Reason.NOT_FOUND}
    assert loopback.n_connections == 0


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {cert}"
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    return SimpleNamespace(key=key, cert=cert)


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    with Loopback(tls=context) as server:
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server, tmp_path):
    no = refusal(tls_server.url("/good?key=hush"), tmp_path)
    assert (no.reason, no.provenance.attempts, tls_server.n_requests.total()) == (Reason.UNAVAILABLE, 1, 0)
    assert "certificate verify failed" in no.detail


def test_a_certificate_that_is_vouched_for_serves(tls_server, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    with client_of(QUICK) as client:
        got = client.download(tls_server.url("/good"), tmp_path)
        assert (got.provenance.sha256, got.provenance.final_url) == (SHA256, tls_server.url("/good"))


def test_a_certificate_for_another_name_is_refused(tls_server, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    Names(monkeypatch, **{"other.example": [["127.0.0.1"]]})
    no = refusal(tls_server.url("/good", host="other.example"), tmp_path)
    assert (no.reason, tls_server.n_requests.total()) == (Reason.UNAVAILABLE, 0)
    assert "other.example" in no.detail


@pytest.mark.parametrize("path", ["/drip", "/drip-head", "/stall"])
def test_the_total_time_holds_under_tls(tls_server, certificate, tmp_path, monkeypatch, path):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    assert refusal(tls_server.url(path), tmp_path, replace(QUICK, total_timeout=0.5)).reason == Reason.TIMEOUT


def test_a_server_without_tls_behind_an_https_address_may_come_back(loopback, tmp_path):
    no = refusal(loopback.url("/good").replace("http:", "https:"), tmp_path)
    assert (no.reason, no.provenance.attempts) == (Reason.CONNECTION, 4)


# Faults of our own.


def test_a_full_disk_is_not_blamed_on_the_server(loopback, tmp_path):
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
        client = HttpClient(replace(QUICK, attempts=2), Naps())
        with suppress(Rejected):
            client.download(loopback.url(path), tmp_path / path[1:3])
        del client  # an open socket would be a warning here, and a warning is an error
    assert threading.active_count() <= before + loopback.n_connections


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://h/a?c2VjcmV0==", "http://h/a?..."),
        ("http://h/a?c2VjcmV0=", "http://h/a?..."),
        ("http://h/a?secret&k=secret", "http://h/a?...&k=..."),
        ("http://h/a?k=secret;l=secret", "http://h/a?k=..."),
        ("http://h/a?next=http://x/?t=secret&u=secret", "http://h/a?next=...&u=..."),
        ("http://secret:secret@h/a", "http://h/a"),
        ("http://secret@secret:secret@h/a@b", "http://h/a@b"),
        ("no https://me:secret@h/a?t=secret here", "no https://h/a?t=... here"),
        ("http://h/a.wav", "http://h/a.wav"),
    ],
)
def test_secrets_are_taken_out_of_words(address, shown):
    assert fetch_http._without_secrets(address) == shown


def test_examples():
    assert doctest.testmod(fetch_http).failed == 0 and doctest.testmod(wire).failed == 0
