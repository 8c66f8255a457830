"""A proxy is only a way to an address that was checked here."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from pipeline.records import Reason
from tests.downloads import GUARDED, PUBLIC, QUICK, SHA256, Names, client_of, rejection_of
from tests.loopback import Loopback
from tests.tunnels import TunnelProxy
from transforms.fetching.web.proxies import Proxy, proxy_for


@pytest.fixture
def proxy(loopback, monkeypatch):
    with TunnelProxy(loopback.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address.replace("//", "//me:p%40ss@"))
        yield proxy


def test_a_download_goes_through_a_tunnel_to_the_checked_address(loopback, proxy, tmp_path, monkeypatch):
    names = Names(monkeypatch, outside=[[PUBLIC], ["127.0.0.1"]])
    with client_of(GUARDED) as client:
        for _ in range(3):
            got = client.download(f"http://outside:{loopback.port}/good", tmp_path)
            assert (got.provenance.sha256, got.provenance.http_status) == (SHA256, 200)
    assert proxy.asked == [f"CONNECT {PUBLIC}:{loopback.port} HTTP/1.{proxy.asked[0][-1]}"]  # one tunnel for three files
    assert names.asked == ["outside"]
    assert proxy.headers[0]["proxy-authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert [headers.get("Proxy-Authorization") for headers in loopback.headers] == [None] * 3
    assert loopback.headers[0]["Host"] == f"outside:{loopback.port}"


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "inside", "mixed", "localhost"])
def test_a_private_address_is_not_asked_of_a_proxy(loopback, proxy, tmp_path, monkeypatch, host):
    Names(monkeypatch, inside=[["192.168.1.1"]], mixed=[[PUBLIC, "10.0.0.1"]])
    rejected = rejection_of(f"http://{host}:{loopback.port}/good", tmp_path, GUARDED)
    assert (rejected.reason, proxy.asked) == (Reason.UNSAFE_ADDRESS, [])


def test_a_redirect_inwards_is_not_asked_of_a_proxy(loopback, proxy, tmp_path, monkeypatch):
    Names(monkeypatch, outside=[[PUBLIC]])
    rejected = rejection_of(f"http://outside:{loopback.port}/to?http://10.0.0.1/good", tmp_path, GUARDED)
    assert (rejected.reason, len(proxy.asked)) == (Reason.UNSAFE_ADDRESS, 1)


def test_a_name_that_is_not_known_here_is_left_to_the_proxy_only_where_private_addresses_are_allowed(
    loopback, proxy, tmp_path, monkeypatch
):
    Names(monkeypatch, far=[[]])
    url = f"http://far:{loopback.port}/good"
    rejected = rejection_of(url, tmp_path, replace(GUARDED, attempts=1))
    assert (rejected.reason, proxy.asked) == (Reason.CONNECTION, [])
    with client_of(QUICK) as client:
        assert client.download(url, tmp_path).provenance.sha256 == SHA256
    assert proxy.asked[0].startswith(f"CONNECT far:{loopback.port} ")


def test_this_machine_and_the_hosts_of_no_proxy_are_reached_directly(loopback, proxy, tmp_path, monkeypatch):
    with client_of(QUICK) as client:
        client.download(loopback.url("/good"), tmp_path)
        Names(monkeypatch, **{"nas.example": [["127.0.0.1"]]})
        monkeypatch.setenv("NO_PROXY", "other.example, .example")
        client.download(loopback.url("/good", host="nas.example"), tmp_path)
    assert proxy.asked == []


def test_https_has_a_proxy_of_its_own(monkeypatch):
    monkeypatch.setenv("https_proxy", "proxy.example:8080")
    assert proxy_for("https", "h.org", 443) == Proxy("proxy.example", 8080)
    assert proxy_for("http", "h.org", 80) is None
    monkeypatch.setenv("no_proxy", "h.org")
    assert proxy_for("https", "h.org", 443) is None


def test_an_ipv6_address_is_asked_for_in_brackets(loopback, proxy):
    with Proxy.parse(proxy.address).tunnel("2606:4700::1", 80, 5):
        assert proxy.asked[0].startswith("CONNECT [2606:4700::1]:80 ")


@pytest.mark.parametrize(
    ("status", "raw", "detail"),
    [
        ("403 Forbidden", None, "Tunnel connection failed: 403 Forbidden"),
        ("407 Proxy Authentication Required", None, "Tunnel connection failed: 407 Proxy Authentication Required"),
        ("200", b"220 hush FTP server\r\n", "it does not answer as a proxy"),
    ],
)
def test_what_a_proxy_refuses_is_reported_with_its_name_and_without_its_password(tmp_path, monkeypatch, status, raw, detail):
    Names(monkeypatch, outside=[[PUBLIC]])
    with TunnelProxy(1, status, raw) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address.replace("//", "//me:hush@"))
        rejected = rejection_of("http://outside/a.wav", tmp_path, replace(GUARDED, attempts=1))
    assert (rejected.reason, rejected.detail) == (Reason.CONNECTION, f"no connection to outside through the proxy 127.0.0.1: {detail}")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("socks5://me:hush@proxy:1080", "socks5:// proxies are not supported, only http://"),
        ("https://proxy:443", "https:// proxies are not supported, only http://"),
        ("http://", "http:// proxies are not supported, only http://"),
        ("http://proxy:port", "its address is not valid"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(tmp_path, monkeypatch, address, fault):
    Names(monkeypatch, outside=[[PUBLIC]])
    monkeypatch.setenv("HTTP_PROXY", address)
    rejected = rejection_of("http://outside/a.wav", tmp_path, replace(GUARDED, attempts=1))
    assert rejected.reason == Reason.CONNECTION
    assert rejected.detail.endswith(fault)
    assert "hush" not in rejected.detail


def test_tls_is_checked_through_a_tunnel_too(tmp_path, monkeypatch):
    Names(monkeypatch, outside=[[PUBLIC]])
    with Loopback() as server, TunnelProxy(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        rejected = rejection_of("https://outside/good", tmp_path, replace(GUARDED, attempts=1))
        assert (rejected.reason, server.n_requests.total(), len(proxy.asked)) == (Reason.CONNECTION, 0, 1)
        assert rejected.detail.startswith("TLS: ")
