"""What an address answers with becomes a recording: pages are refused, and a recording in a zip is taken out of it."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Recording, Rejected
from tests.downloads import QUICK, client_of
from tests.loopback import Loopback
from tests.test_archives import make_zip
from transforms.fetching.web.http_handler import HttpHandler


def fetch(url: str, work: Path, max_bytes: int = QUICK.max_bytes) -> Recording:
    with client_of(replace(QUICK, max_bytes=max_bytes)) as client:
        return HttpHandler(client).fetch(Clip("table", "D", "train", "a", url), work)


def fetch_bytes(data: bytes, work: Path, max_bytes: int = QUICK.max_bytes) -> Recording:
    with Loopback({"/a.wav": data}) as server:
        return fetch(server.url("/a.wav"), work, max_bytes)


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize(("url", "matches"), [("http://h/a", True), ("HTTPS://h/a", True), ("a.wav", False), ("s3://b/a", False)])
def test_addresses_of_http_match(url, matches):
    with client_of(QUICK) as client:
        assert HttpHandler(client).matches(Clip("table", "D", "train", "a", url)) is matches


def test_a_page_is_refused_by_its_content_and_nothing_is_left(loopback, work):
    with pytest.raises(Rejected) as caught:
        fetch(loopback.url("/html"), work)
    assert (caught.value.reason, caught.value.detail) == (Reason.NOT_AUDIO, "not audio but a page of HTML: 'Sorry'")
    assert caught.value.provenance.final_url == loopback.url("/html")
    assert list(work.iterdir()) == []


def test_a_recording_that_the_server_calls_a_page_is_a_recording(work):
    assert fetch_bytes(b"RIFF sound", work).path.read_bytes() == b"RIFF sound"


def test_the_one_recording_in_a_zip_is_taken_out_of_it(tmp_path, work):
    files = {"07076051.wav": b"a door", "__MACOSX/._07076051.wav": b"", "license.txt": b"RemArc"}
    recording = fetch_bytes(make_zip(tmp_path / "zip", files).read_bytes(), work)
    assert (recording.path.read_bytes(), list(work.iterdir())) == (b"a door", [recording.path])
    facts = recording.provenance
    assert (facts.n_bytes, facts.sha256, facts.http_status) == (6, hashlib.sha256(b"a door").hexdigest(), 200)


@pytest.mark.parametrize(
    ("files", "reason", "detail"),
    [
        ({}, Reason.NOT_AUDIO, "a zip of 0 files without a recording"),
        ({"a.txt": b"", "b.pdf": b""}, Reason.NOT_AUDIO, "a zip of 2 files without a recording"),
        ({"a.wav": b"a", "x/b.wav": b"b"}, Reason.AMBIGUOUS, "a zip with 2 recordings, such as 'a.wav' and 'x/b.wav'"),
        ({"a.wav": bytes(2001)}, Reason.TOO_LARGE, "2001 bytes when unpacked, at most 2000"),
    ],
)
def test_a_zip_that_is_not_one_recording_is_refused(tmp_path, work, files, reason, detail):
    data = make_zip(tmp_path / "zip", files).read_bytes()
    with pytest.raises(Rejected) as caught:
        fetch_bytes(data, work, max_bytes=2000)
    assert (caught.value.reason, caught.value.detail) == (reason, detail)
    assert caught.value.provenance.http_status == 200
    assert list(work.iterdir()) == []


def test_a_damaged_or_encrypted_zip_has_a_reason(tmp_path, work):
    data = make_zip(tmp_path / "zip", {"../a.wav": b"x" * 100}, zipfile.ZIP_STORED).read_bytes()
    encrypted = bytearray(data)
    for header, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        encrypted[data.index(header) + at] |= 1
    for broken, reason in (
        (data[:-30], Reason.CORRUPT),
        (data.replace(b"xxxx", b"yxxx", 1), Reason.CORRUPT),
        (bytes(encrypted), Reason.FORBIDDEN),
    ):
        with pytest.raises(Rejected) as caught:
            fetch_bytes(broken, work)
        assert caught.value.reason == reason
        assert list(work.iterdir()) == []
