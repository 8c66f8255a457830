"""Addresses are read the same way everywhere, and shown without secrets."""

from __future__ import annotations

import socket
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected
from tests.downloads import GUARDED, PUBLIC, QUICK, SHA256, Names, client_of, rejection_of
from transforms.fetching.addresses import host_of, http_address, redirected, scheme_of, without_secrets


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
def test_a_text_that_is_not_an_address_is_refused_without_a_connection(tmp_path, url, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: pytest.fail(f"connected to {address}"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rejected = rejection_of(url, tmp_path)
    assert (rejected.reason, rejected.provenance.evidence.attempts) == (Reason.NOT_FOUND, 1)
    assert "pass" not in rejected.detail


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


def test_a_name_beyond_ascii_is_looked_up_in_its_ascii_form(loopback, tmp_path, monkeypatch):
    names = Names(monkeypatch, **{"xn--mnchen-3ya.example": [["127.0.0.1"]]})
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/good", host="münchen.example"), tmp_path).provenance.sha256 == SHA256
    assert refusal_at(loopback.url("/good", host="münchen.example"), tmp_path / "other").reason == Reason.UNSAFE_ADDRESS
    assert names.connected == ["127.0.0.1"]


def refusal_at(url: str, work: Path) -> Rejected:
    work.mkdir()
    return rejection_of(url, work, GUARDED)


def test_a_backslash_does_not_hide_the_host(loopback, tmp_path, monkeypatch):
    Names(monkeypatch, **{"public.example": [[PUBLIC]]})
    for url in (f"http://public.example\\@127.0.0.1:{loopback.port}/good", f"http://127.0.0.1:{loopback.port}\\@public.example/good"):
        rejected = rejection_of(url, tmp_path, replace(GUARDED, attempts=1))
        assert rejected.reason in {Reason.UNSAFE_ADDRESS, Reason.CONNECTION, Reason.NOT_FOUND}
    assert loopback.n_connections == 0


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
        ("at https://me:secret@h/a?t=secret here", "at https://h/a?t=... here"),
        ("http://h/a.wav", "http://h/a.wav"),
    ],
)
def test_an_address_is_shown_without_secrets(address, shown):
    assert without_secrets(address) == shown


def test_the_longest_address_and_the_longest_host_are_allowed():
    host = ".".join(["a" * 49] * 5)
    assert len(host) == 249
    assert http_address(f"http://{host}.com/") == f"http://{host}.com/"  # 253 characters
    longest = "http://h/".ljust(8192, "a")
    assert http_address(longest) == longest
    for text, detail in (
        (f"http://{host}.coms/", "not an address: it names no host"),
        (longest + "a", "not an address: 8193 characters, at most 8192"),
        ("http://me:hush@[/", "not an address"),
        ("http:///a", "not an address: it names no host"),
    ):
        with pytest.raises(Rejected) as caught:
            http_address(text)
        assert (caught.value.reason, caught.value.detail) == (Reason.NOT_FOUND, detail)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("ftp://h/a", "leads to ftp: addresses; only http and https are fetched"),
        ("a" * 100 + "://h/", f"leads to {'a' * 80}: addresses; only http and https are fetched"),
        ("/path", "leads to no: addresses; only http and https are fetched"),
    ],
)
def test_only_http_addresses_are_requested(text, detail):
    with pytest.raises(Rejected) as caught:
        http_address(text)
    assert (caught.value.reason, caught.value.detail) == (Reason.UNSAFE_ADDRESS, detail)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("http://h/", "http"),
        ("HTTP://h/", "http"),
        ("bundled:a/b.wav", "bundled"),
        ("s3+x.y-z:a", "s3+x.y-z"),
        ("C:/a.wav", None),
        ("a/b:c.wav", None),
        ("3d:a", None),
        (" http://h/", None),
        ("", None),
    ],
)
def test_a_scheme_has_two_characters_at_least_and_begins_the_address(url, scheme):
    assert scheme_of(url) == scheme


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://[broken/", ""), ("https://WWW.Example.org:8080/a", "example.org"), ("rain.wav", ""), ("https://me:pw@h/", "h")],
)
def test_a_host_is_in_lower_case_without_www_and_port(url, host):
    assert host_of(url) == host


def test_a_location_is_relative_to_the_address_that_sent_it():
    assert redirected("http://h/a/b", "c") == "http://h/a/c"
    assert redirected("http://h/a/b", "//g/c") == "http://g/c"
    with pytest.raises(Rejected) as caught:
        redirected("http://h/a", "//[me:hush/")
    assert (caught.value.reason, caught.value.detail) == (Reason.NOT_FOUND, "redirected to a location that is not an address")
