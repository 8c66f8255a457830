"""Connections go only to allowed addresses, and what they receive is bounded."""

from __future__ import annotations

import io
import math
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import urllib3

from pipeline.records import Reason, Rejected
from tests.downloads import GUARDED, PUBLIC, QUICK, SHA256, Names, Naps, client_of, rejection_of
from tests.loopback import Loopback
from transforms.fetching.addresses import http_address
from transforms.fetching.web import safe_sockets
from transforms.fetching.web.safe_sockets import DownloadLimits, LimitedReader, check_public

NOT_PUBLIC = [
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


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_not_connected_to(loopback, tmp_path, host, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: pytest.fail(f"connected to {address}"))
    naps = Naps()
    for scheme in ("http", "https"):
        rejected = rejection_of(f"{scheme}://{host}:{loopback.port}/good?key=hush", tmp_path, GUARDED, naps)
        assert (rejected.reason, rejected.provenance.evidence.attempts, naps.seconds) == (Reason.UNSAFE_ADDRESS, 1, [])
        assert "hush" not in rejected.detail
    assert loopback.n_connections == 0


def test_every_address_of_a_host_is_checked():
    check_public("example.org", ["93.184.215.14", "2606:4700::6810:84e5"])
    with pytest.raises(Rejected) as caught:
        check_public("h" * 300, ["93.184.215.14", "10.0.0.1"])
    assert (caught.value.reason, caught.value.detail) == (Reason.UNSAFE_ADDRESS, f"{'h' * 200} is 10.0.0.1, not a public address")


def test_loopback_over_ipv6_is_refused_and_where_allowed_reached(tmp_path):
    with Loopback(host="::1") as server:
        assert rejection_of(server.url("/good"), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
        assert server.n_connections == 0
        with client_of(QUICK) as client:
            assert client.download(server.url("/good"), tmp_path).provenance.sha256 == SHA256


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "10.0.0.1"], [PUBLIC, "fe80::1%eth0"]],
)
def test_a_name_with_any_address_that_is_not_public_is_refused(loopback, tmp_path, monkeypatch, addresses):
    names = Names(monkeypatch, mixed=[addresses])
    assert rejection_of(loopback.url("/good", host="mixed"), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
    assert (names.connected, loopback.n_connections) == ([], 0)


def test_a_dot_at_the_end_of_a_name_changes_nothing(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, **{"127.0.0.1.": [["127.0.0.1"]], "localhost.": [["127.0.0.1"]]})
    for host in ("127.0.0.1.", "localhost."):
        assert rejection_of(loopback.url("/good", host=host), tmp_path, GUARDED).reason == Reason.UNSAFE_ADDRESS
    assert names.connected == []


def test_a_name_that_changes_its_answer_is_asked_only_once_before_connecting(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, turncoat=[[PUBLIC], ["127.0.0.1"]])
    rejected = rejection_of(loopback.url("/good", host="turncoat"), tmp_path, replace(GUARDED, attempts=1))
    assert (rejected.reason, names.asked, names.connected) == (Reason.CONNECTION, ["turncoat"], [PUBLIC])
    assert loopback.n_connections == 0


def test_a_name_that_changes_its_answer_between_attempts_is_refused(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, turncoat=[[PUBLIC], ["127.0.0.1"]])
    rejected = rejection_of(loopback.url("/good", host="turncoat"), tmp_path, GUARDED)
    assert (rejected.reason, rejected.provenance.evidence.attempts, names.connected) == (Reason.UNSAFE_ADDRESS, 2, [PUBLIC])
    assert loopback.n_connections == 0


def test_at_most_eight_addresses_of_a_name_are_tried(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, many=[[f"93.184.215.{n}" for n in range(1, 200)]], dual=[["2606:4700::1", "127.0.0.1"]])
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/good", host="dual"), tmp_path).provenance.http_status == 200
    assert names.connected == ["2606:4700::1", "127.0.0.1"]
    (tmp_path / "many").mkdir()
    rejected = rejection_of(loopback.url("/good", host="many"), tmp_path / "many", replace(GUARDED, attempts=1))
    assert (rejected.reason, len(names.connected)) == (Reason.CONNECTION, 2 + 8)


def test_a_name_that_cannot_be_looked_up_is_tried_again(tmp_path, monkeypatch):
    names = Names(monkeypatch, unknown=[[]])
    rejected = rejection_of("http://unknown/a.wav", tmp_path, GUARDED)
    assert (rejected.reason, rejected.provenance.evidence.attempts, len(names.asked)) == (Reason.CONNECTION, 4, 4)
    assert rejected.detail == "the name unknown cannot be looked up: Name or service not known"


@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1", "[::1]", "2130706433", "localhost", "turncoat"])
def test_a_redirect_to_an_address_that_is_not_public_is_not_followed(loopback, tmp_path, monkeypatch, host):
    """The first server plays a public one: the check lets the name `outside` through, and no other."""
    names = Names(monkeypatch, outside=[["::1"]], turncoat=[["127.0.0.1"]])
    monkeypatch.setattr(safe_sockets, "check_public", lambda name, addresses: None if name == "outside" else check_public(name, addresses))
    with Loopback(host="::1") as outside:
        rejected = rejection_of(outside.url(f"/to?http://{host}:{loopback.port}/good", host="outside"), tmp_path, GUARDED)
        assert outside.n_requests["/to"] == 1
    assert rejected.reason == Reason.UNSAFE_ADDRESS
    assert rejected.provenance.final_url == http_address(f"http://{host}:{loopback.port}/good")
    assert (loopback.n_connections, names.connected) == (0, ["::1"])


def test_a_private_address_is_refused_in_every_thread(loopback, tmp_path):
    with client_of(GUARDED) as client, ThreadPoolExecutor(4) as pool:

        def reason_of(n: int) -> Reason:
            with pytest.raises(Rejected) as caught:
                client.download(loopback.url("/good"), tmp_path)
            return caught.value.reason

        assert set(pool.map(reason_of, range(8))) == {Reason.UNSAFE_ADDRESS}
    assert loopback.n_connections == 0


def test_what_one_client_may_reach_stays_forbidden_to_another(loopback, tmp_path):
    with client_of(QUICK) as open_client, client_of(GUARDED) as guarded:
        open_client.download(loopback.url("/good"), tmp_path)
        with pytest.raises(Rejected, match="unsafe_address"):
            guarded.download(loopback.url("/good"), tmp_path)
    assert loopback.n_connections == 1


def test_a_host_that_does_not_answer_in_time_is_a_timeout(tmp_path, monkeypatch):
    Names(monkeypatch, slow=[[PUBLIC]])

    def connect(sock, address):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", connect)
    rejected = rejection_of("http://slow/a.wav", tmp_path, GUARDED)
    assert (rejected.reason, rejected.detail, rejected.provenance.evidence.attempts) == (Reason.TIMEOUT, "no connection to slow in time", 4)


def test_a_name_without_an_address_is_a_fault_of_the_connection(tmp_path, monkeypatch):
    Names(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [])
    rejected = rejection_of("http://empty/a.wav", tmp_path, GUARDED)
    assert (rejected.reason, rejected.detail) == (Reason.CONNECTION, "no connection to empty: it has no address")


def test_a_name_that_cannot_be_written_for_a_look_up_is_not_an_address(tmp_path):
    rejected = rejection_of(f"http://{'a' * 64}.example/a.wav", tmp_path, GUARDED)
    assert (rejected.reason, rejected.detail, rejected.provenance.evidence.attempts) == (Reason.NOT_FOUND, "not an address", 1)


def test_an_address_that_is_listed_twice_is_tried_once(tmp_path, monkeypatch):
    names = Names(monkeypatch, twice=[[PUBLIC, PUBLIC]])
    rejection_of("http://twice/a.wav", tmp_path, replace(GUARDED, attempts=1))
    assert names.connected == [PUBLIC]


# Bounds of one response.


@pytest.fixture
def pair():
    """Two connected sockets: the server's end, and a raw reader of the client's with that socket."""
    server, client = socket.socketpair()
    client.settimeout(5)
    raw = client.makefile("rb", buffering=0)
    with server, client, raw:
        yield server, raw, client


def test_a_read_waits_no_longer_than_the_deadline(pair):
    _, raw, client = pair
    began = time.monotonic()
    reader = LimitedReader(raw, client, DownloadLimits(began + 0.2, 1000))
    with pytest.raises(TimeoutError):
        reader.readinto(bytearray(10))
    assert 0.1 < time.monotonic() - began < 2  # the socket's own timeout is 5 seconds


def test_a_read_waits_no_longer_than_the_read_timeout(pair):
    _, raw, client = pair
    client.settimeout(0.2)
    reader = LimitedReader(raw, client, DownloadLimits(time.monotonic() + 30, 1000))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.readinto(bytearray(10))
    assert 0.1 < time.monotonic() - began < 5


def test_after_the_deadline_not_even_what_has_arrived_is_read(pair):
    server, raw, client = pair
    server.sendall(b"late")
    with pytest.raises(Rejected) as caught:
        LimitedReader(raw, client, DownloadLimits(time.monotonic(), 1000)).readinto(bytearray(10))
    assert (caught.value.reason, caught.value.detail) == (Reason.TIMEOUT, "not done in the time that all attempts together have")


def test_a_response_may_have_as_many_bytes_as_allowed_and_not_one_more(pair):
    server, raw, client = pair
    server.sendall(b"0123456789a")
    reader = LimitedReader(raw, client, DownloadLimits(math.inf, 10))
    assert (reader.readinto(bytearray(6)), reader.readinto(bytearray(4))) == (6, 4)
    with pytest.raises(Rejected) as caught:
        reader.readinto(bytearray(1))
    assert (caught.value.reason, caught.value.detail) == (Reason.TOO_LARGE, "more than 10 bytes with all that is around the file")


def test_the_end_of_a_response_is_not_an_error(pair):
    server, raw, client = pair
    server.close()
    assert LimitedReader(raw, client, DownloadLimits(math.inf, 0)).readinto(bytearray(10)) == 0


def test_a_socket_without_a_timeout_is_left_without_one_before_a_deadline_that_never_comes(pair):
    server, raw, client = pair
    client.settimeout(None)
    server.sendall(b"a")
    LimitedReader(raw, client, DownloadLimits(math.inf, 10)).readinto(bytearray(1))
    assert client.gettimeout() is None


def test_closing_the_reader_closes_what_it_reads_from(pair):
    _, raw, client = pair
    io.BufferedReader(LimitedReader(raw, client, DownloadLimits(math.inf, 10))).close()
    assert raw.closed


def test_nothing_is_read_without_a_limit(pair):
    _, raw, client = pair
    with pytest.raises(ValueError, match="no valid length"):
        LimitedReader(raw, client, DownloadLimits(math.inf, 10)).readall()


# Private parts of urllib3.


def test_urllib3_has_the_private_parts_that_are_used_here(loopback, tmp_path, monkeypatch):
    """setup.py allows urllib3 below 3; within that, this test says which release took a part away."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    assert int(urllib3.__version__.split(".")[0]) == 2
    for connection in (HTTPConnection("example.org."), HTTPSConnection("example.org.")):
        assert connection._dns_host == "example.org."
        assert callable(connection._new_conn)
        assert connection.response_class.__name__ == "HTTPResponse"
    made = []
    for made_by in (safe_sockets._Connection, safe_sockets._Response):
        monkeypatch.setattr(made_by, "__init__", _recording(made_by.__init__, made))
    with client_of(QUICK) as client:
        client.download(loopback.url("/good"), tmp_path)
    assert made == [safe_sockets._Connection, safe_sockets._Response]


def _recording(init, made):
    def recorded(self, *args, **options):
        made.append(type(self))
        init(self, *args, **options)

    return recorded
