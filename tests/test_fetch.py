"""Where a clip's recording comes from: `audio_root`, a file of the user's own, the package, or its address."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.records import Clip, Provenance, Reason, Rejected
from transforms.fetching import fetch
from transforms.fetching.fetch import Fetcher, bundled_path, local_recording
from transforms.fetching.http import HttpSettings

OPEN = HttpSettings(allow_private=True, backoff=0.01)


def clip(url: str, **fields: object) -> Clip:
    return Clip(**{"source": "table", "dataset": "Mine", "split": "train", "id": "one", "url": url} | fields)


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def refusal(url: str, base: Path, work: Path, settings: HttpSettings = OPEN, **fields: object) -> Rejected:
    with pytest.raises(Rejected) as caught:
        Fetcher(base, settings)(clip(url, **fields), work)
    assert not list(work.iterdir())
    assert 0 < len(caught.value.detail) <= 300
    return caught.value


# Files of the user's own.


def test_a_plain_path_is_a_file_beside_the_recipe(tmp_path, work):
    (tmp_path / "in").mkdir()
    for name in ("in/rain.wav", "in/what? 100%.wav", "雨.wav", ".hidden"):
        (tmp_path / name).write_bytes(name.encode())
        got = Fetcher(tmp_path, HttpSettings())(clip(name), work)
        assert got.path == tmp_path / name
        assert got.provenance == Provenance(n_bytes=len(name.encode()), sha256=hashlib.sha256(name.encode()).hexdigest())
    assert Fetcher(tmp_path / "in", OPEN)(clip(str(tmp_path / "雨.wav")), work).path == tmp_path / "雨.wav"
    assert Fetcher(tmp_path / "in", OPEN)(clip("../雨.wav"), work).provenance.n_bytes == len("雨.wav".encode())
    assert not list(work.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.wav", Reason.NOT_FOUND),
        ("folder/missing.wav", Reason.NOT_FOUND),
        ("file.wav/below.wav", Reason.NOT_FOUND),
        ("folder", Reason.NOT_AUDIO),
        (".", Reason.NOT_AUDIO),
        ("a" * 300, Reason.NOT_FOUND),
        ("a/" * 40000, Reason.NOT_FOUND),
        ("nul\0.wav", Reason.NOT_FOUND),
        ("half \ud800.wav", Reason.NOT_FOUND),
        ("loop", Reason.NOT_FOUND),
        ("dangling", Reason.NOT_FOUND),
        ("pipe", Reason.NOT_AUDIO),
        ("link to pipe", Reason.NOT_AUDIO),
        ("/dev/zero", Reason.NOT_AUDIO),
        ("/dev/tty", Reason.NOT_AUDIO),
        ("//127.0.0.1/share/a.wav", Reason.NOT_FOUND),
    ],
)
def test_what_is_no_file_has_its_reason(tmp_path, work, name, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.wav").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to pipe").symlink_to("pipe")
    no = refusal(name, tmp_path, work)
    assert no.reason == reason
    assert str(tmp_path) not in no.detail  # folders of the user's own are nobody's business


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while, where the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_forbidden(tmp_path, work):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"secret")
    secret.chmod(0)
    with without_privileges(), pytest.raises(Rejected) as caught:
        local_recording(secret)
    assert caught.value.reason == Reason.FORBIDDEN


def test_an_empty_file_is_a_recording_for_the_decoder_to_refuse(tmp_path, work):
    (tmp_path / "empty.wav").write_bytes(b"")
    assert Fetcher(tmp_path, OPEN)(clip("empty.wav"), work).provenance.n_bytes == 0


# Addresses.


def test_an_address_is_downloaded(loopback, tmp_path, work):
    got = Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav")), work)
    assert (got.path.parent, got.provenance.http_status, got.provenance.n_bytes) == (work, 200, len(loopback.body))
    assert Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav").replace("http", "HTTP")), work).provenance == got.provenance


def test_addresses_of_ours_are_refused_unless_the_recipe_allows_them(loopback, tmp_path, work):
    assert refusal(loopback.url("/good"), tmp_path, work, HttpSettings()).reason == Reason.UNSAFE_ADDRESS
    assert loopback.n_connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file:/etc/passwd",
        "file:secret.wav",
        "FILE:secret.wav",
        "ftp://127.0.0.1/a",
        "data:audio/wav;base64,UklGRg==",
        "s3://bucket/a",
        "gs://bucket/a",
        "javascript:1",
        "concat:secret.wav",
        "a" * 70000 + ":b",
        "BUNDLED:quickstart/clips.csv",
    ],
)
def test_other_schemes_are_not_fetched(tmp_path, work, url):
    (tmp_path / "secret.wav").write_bytes(b"secret")
    no = refusal(url, tmp_path, work)
    assert (no.reason, "not fetched, only http and https" in no.detail) == (Reason.UNSAFE_ADDRESS, True)


@pytest.mark.parametrize("url", ["http://", "http:", "https:///a", "http://me:hush@/a", "http://two words/", "http:\n", "http://\r\n/"])
def test_half_an_address_is_not_found(tmp_path, work, url):
    no = refusal(url, tmp_path, work)
    assert (no.reason, "hush" in no.detail) == (Reason.NOT_FOUND, False)


def test_neither_address_nor_file(tmp_path, work):
    (tmp_path / "recordings").mkdir()
    no = refusal("", tmp_path, work, audio_root="recordings")
    assert (no.reason, no.detail) == (Reason.NOT_FOUND, "id 'one' is not in recordings, and the row has no address")


# What the package brings.


def test_bundled_sounds_are_found_wherever_the_recipe_is(tmp_path, work):
    got = Fetcher(tmp_path, HttpSettings())(clip("bundled:quickstart/clips.csv"), work)
    assert got.path.name == "clips.csv"
    assert got.provenance.n_bytes == got.path.stat().st_size


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../pyproject.toml", Reason.UNSAFE_ADDRESS),
        ("quickstart/../../pyproject.toml", Reason.UNSAFE_ADDRESS),
        ("/etc/passwd", Reason.UNSAFE_ADDRESS),
        ("//etc/passwd", Reason.UNSAFE_ADDRESS),
        ("../sources-of-others/a.wav", Reason.UNSAFE_ADDRESS),
        ("quickstart/no-such.wav", Reason.NOT_FOUND),
        ("a\0b", Reason.NOT_FOUND),
        ("a" * 300, Reason.NOT_FOUND),
        ("%2e%2e/pyproject.toml", Reason.NOT_FOUND),
        ("", Reason.NOT_AUDIO),
        ("quickstart", Reason.NOT_AUDIO),
        ("quickstart/..", Reason.NOT_AUDIO),
    ],
)
def test_bundled_never_leads_out_of_the_package(tmp_path, work, name, reason):
    assert refusal(f"bundled:{name}", tmp_path, work).reason == reason


def test_a_bundled_name_is_below_the_sources():
    assert bundled_path("bundled:quickstart/clips.csv").parts[-3:] == ("sources", "quickstart", "clips.csv")


# audio_root.


def test_what_the_user_has_is_not_fetched(loopback, tmp_path, work):
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.wav").write_bytes(b"mine")
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        archive.writestr("a.wav", b"mine")
    for root in ("recordings", "recordings.zip", str(tmp_path / "recordings")):
        got = Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav"), audio_root=root), work)
        assert (got.path.read_bytes(), got.provenance.http_status) == (b"mine", None)
        assert got.provenance.sha256 == hashlib.sha256(b"mine").hexdigest()
    assert loopback.n_connections == 0


def test_what_the_user_has_not_is_fetched(loopback, tmp_path, work):
    (tmp_path / "recordings").mkdir()
    got = Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav"), audio_root="recordings"), work)
    assert got.provenance.http_status == 200


def test_a_root_that_cannot_be_opened_is_said_so(tmp_path, work):
    assert refusal("a.wav", tmp_path, work, audio_root="no such folder").reason == Reason.UNAVAILABLE


def test_a_root_is_opened_once_for_all_threads(tmp_path, work, monkeypatch):
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        for n in range(50):
            archive.writestr(f"{n}.wav", f"sound {n}")
    opened = []
    monkeypatch.setattr(fetch, "open_audio_root", lambda path, real=fetch.open_audio_root: opened.append(path) or real(path))
    fetcher = Fetcher(tmp_path, OPEN)
    together = threading.Barrier(8)

    def one(n: int) -> bytes:
        if n < 8:
            together.wait(timeout=20)
        place = work / str(n)
        place.mkdir()
        return fetcher(clip("", id=str(n), audio_root="recordings.zip"), place).path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(50))) == [f"sound {n}".encode() for n in range(50)]
    assert len(opened) == 1


def test_a_fetcher_travels_to_workers_without_what_it_has_open(loopback, tmp_path, work):
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        archive.writestr("one.wav", b"mine")
    fetcher = Fetcher(tmp_path, OPEN)
    fetcher(clip("", audio_root="recordings.zip"), work)
    fetcher(clip(loopback.url("/good")), work)
    copy = pickle.loads(pickle.dumps(fetcher))
    assert copy == fetcher
    assert copy(clip("", audio_root="recordings.zip"), work).path.read_bytes() == b"mine"
    assert copy(clip(loopback.url("/good")), work).provenance.http_status == 200
