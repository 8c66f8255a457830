"""An archive is fetched once, for all threads, processes and builds, and is what its checksum says."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from tests.downloads import QUICK, client_of
from tests.loopback import Loopback
from tests.test_archives import FILES, make_tar, make_zip
from tests.test_split_zip import NOISE, split
from tests.test_unpacking import make_7z
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots import archive_cache
from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.web import http


def clip(audio_root: str, url: str) -> Clip:
    return Clip("table", "D", "train", "no id", url, audio_root=audio_root)


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def client():
    with client_of(replace(QUICK, attempts=2)) as client:
        yield client


@pytest.fixture
def cache(tmp_path, client):
    return ArchiveCache(tmp_path / "cache", client.complete)


def read(cache: ArchiveCache, audio_root: str, work: Path, url: str = "rain/3.wav") -> bytes:
    handler = AudioRootHandler(LocalFolders(work), cache)
    assert handler.local_file(clip(audio_root, url)) is None
    recording = handler.fetch(clip(audio_root, url), work)
    assert recording.provenance.sha256 == hashlib.sha256(recording.path.read_bytes()).hexdigest()
    assert recording.provenance.evidence.fetched_at.endswith("Z")
    return recording.path.read_bytes()


def rejection_of(cache: ArchiveCache, audio_root: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        AudioRootHandler(LocalFolders(cache.folder), cache).matches(clip(audio_root, "a.wav"))
    assert 0 < len(caught.value.detail) <= 300
    return caught.value


MAKERS = {"zip": make_zip, "tar": make_tar, "tar.gz": lambda path, files: make_tar(path, files, "w:gz"), "7z": make_7z}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_archive_by_address_is_fetched_once_over_builds(tmp_path, work, client, kind):
    data = MAKERS[kind](tmp_path / "a", FILES).read_bytes()
    with Loopback({f"/files/dev.{kind}": data}) as server:
        url = server.url(f"/files/dev.{kind}?download=1#md5={hashlib.md5(data).hexdigest().upper()}")
        for _ in range(2):
            cache = ArchiveCache(tmp_path / "cache", client.complete)
            assert read(cache, url, work) == FILES["rain/3.wav"]
            assert read(cache, url, work, "wind/5.wav") == FILES["wind/5.wav"]
        assert server.n_requests.total() == 1
    (note,) = (tmp_path / "cache").rglob("note.json")
    facts = json.loads(note.read_text())
    assert (facts["size"], facts["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert facts["address"].endswith(f"dev.{kind}?download=...")


def test_a_split_zip_by_address_is_fetched_with_its_parts(tmp_path, work, cache):
    data = make_zip(tmp_path / "one.zip", NOISE).read_bytes()
    path = split(tmp_path / "FSD50K.dev_audio.zip", data, [100_000] * 3)
    files = {f"/records/1/files/{part.name}": part.read_bytes() for part in tmp_path.glob("FSD50K*")}
    with Loopback(files) as server:
        url = server.url("/records/1/files/FSD50K.dev_audio.zip?download=1")
        for name, sound in NOISE.items():
            assert read(cache, url, work, name) == sound
        assert (server.n_requests.total(), set(server.n_requests)) == (4, set(files))
        del server.files["/records/1/files/FSD50K.dev_audio.z02"]
        assert path.is_file()


def test_a_split_zip_with_a_part_that_is_not_there_is_not_found(tmp_path, cache):
    path = split(tmp_path / "a.zip", make_zip(tmp_path / "one", NOISE).read_bytes(), [100_000])
    with Loopback({"/a.zip": path.read_bytes()}) as server:
        rejected = rejection_of(cache, server.url("/a.zip"))
        assert (rejected.reason, rejected.detail) == (Reason.NOT_FOUND, "audio_root 'a.z01': HTTP 404")
    (tmp_path / "many").write_bytes(struct.pack("<4s4H2IH", b"PK\x05\x06", 60_000, 0, 0, 0, 0, 0, 0))
    with Loopback({"/b.zip": (tmp_path / "many").read_bytes(), "/c": path.read_bytes()}) as server:
        assert "60001 parts" in rejection_of(cache, server.url("/b.zip")).detail
        assert "give an address that ends in .zip" in rejection_of(cache, server.url("/c")).detail


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_a_wrong_checksum_is_refused_and_the_file_removed(tmp_path, work, cache, name):
    data = make_zip(tmp_path / "a", FILES).read_bytes()
    with Loopback({"/dev.zip": data}) as server:
        wrong = server.url(f"/dev.zip#{name}={'0' * len(hashlib.new(name).hexdigest())}")
        rejected = rejection_of(cache, wrong)
        assert (rejected.reason, f"{name} is {hashlib.new(name, data).hexdigest()[:16]}" in rejected.detail) == (Reason.UNAVAILABLE, True)
        assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] in ([], [".lock"])
        assert rejection_of(cache, wrong).detail == rejected.detail
        assert server.n_requests.total() == 1  # thousands of rows name it: it is asked for once
        assert read(cache, server.url(f"/dev.zip#{name}={hashlib.new(name, data).hexdigest()}"), work) == FILES["rain/3.wav"]
        assert rejection_of(ArchiveCache(tmp_path / "cache", cache.download), wrong).reason == Reason.UNAVAILABLE


@pytest.mark.parametrize("fragment", ["md5=5", "crc=00000000", "page=3", "md5=" + "g" * 32, "md5"])
def test_a_fragment_that_is_no_checksum_is_refused_before_anything_is_fetched(cache, fragment):
    rejected = rejection_of(cache, f"http://127.0.0.1:1/dev.zip#{fragment}")
    assert (rejected.reason, "is not a checksum, allowed: #md5= and 32 digits" in rejected.detail) == (Reason.UNAVAILABLE, True)


def test_a_page_in_place_of_an_archive_is_not_kept(tmp_path, work, cache):
    with Loopback({"/dev.zip": b"<!DOCTYPE html><title>Too many requests</title>"}) as server:
        rejected = rejection_of(cache, server.url("/dev.zip"))
        assert rejected.detail == "audio_root 'dev.zip': no archive but a page of HTML: 'Too many requests'"
        server.files["/dev.zip"] = make_zip(tmp_path / "a", FILES).read_bytes()
        assert read(ArchiveCache(tmp_path / "cache", cache.download), server.url("/dev.zip"), work) == FILES["rain/3.wav"]


@pytest.mark.parametrize(("kind", "start"), [("zip", b"no zip"), ("7z", b"7z\xbc\xaf\x27\x1c"), ("tar.gz", b"\x1f\x8b")])
def test_a_damaged_archive_is_fetched_again_by_the_next_build_and_not_for_every_row(tmp_path, work, client, kind, start):
    good = MAKERS[kind](tmp_path / "a", FILES).read_bytes()
    with Loopback({f"/a.{kind}": start + bytes(5000)}) as server:
        cache, url = ArchiveCache(tmp_path / "cache", client.complete), server.url(f"/a.{kind}")
        assert {rejection_of(cache, url).reason for _ in range(3)} == {Reason.UNAVAILABLE}
        assert server.n_requests[f"/a.{kind}"] == 1
        server.files[f"/a.{kind}"] = good
        assert read(ArchiveCache(tmp_path / "cache", client.complete), url, work) == FILES["rain/3.wav"]


def test_a_local_archive_that_cannot_be_unpacked_is_tried_once(tmp_path, work, cache, monkeypatch):
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b" + bytes(5000))
    first = rejection_of(cache, str(tmp_path / "a.tar.gz"))
    monkeypatch.setattr(archive_cache, "unpack", None)
    assert rejection_of(cache, str(tmp_path / "a.tar.gz")).detail == first.detail


def test_a_download_that_a_kill_ended_goes_on(tmp_path, work, cache, monkeypatch):
    data = make_zip(tmp_path / "a", NOISE).read_bytes()
    with Loopback(body=data) as server:
        url = server.url("/ranges/dev.zip?cut=200000")
        monkeypatch.setattr(http, "MAX_REQUESTS", 1)
        assert rejection_of(cache, url).reason == Reason.CONNECTION  # its process ends here
        monkeypatch.undo()
        assert read(ArchiveCache(tmp_path / "cache", cache.download), url, work, "dev/3.wav") == NOISE["dev/3.wav"]
        assert [headers.get("Range") for headers in server.headers][:2] == [None, "bytes=200000-"]
    assert not list((tmp_path / "cache").rglob("*.part*"))


def test_after_a_transient_fault_an_archive_is_asked_for_again_only_later(tmp_path, work, client):
    now = [0.0]
    cache = ArchiveCache(tmp_path / "cache", client.complete, clock=lambda: now[0])
    with Loopback() as server:
        url = server.url("/status/503")
        for now[0] in (0.0, archive_cache.REMEMBERED - 1):
            assert rejection_of(cache, url).reason == Reason.SERVER_ERROR
        assert server.n_requests.total() == 2  # the attempts of one download
        now[0] = archive_cache.REMEMBERED + 1
        assert rejection_of(cache, url).reason == Reason.SERVER_ERROR
        assert server.n_requests.total() == 4


def test_many_threads_fetch_an_archive_once(tmp_path, cache):
    with Loopback({"/dev.zip": make_zip(tmp_path / "a", FILES).read_bytes()}) as server, ThreadPoolExecutor(8) as pool:
        handlers = [AudioRootHandler(LocalFolders(tmp_path), cache) for _ in range(2)]
        matched = pool.map(lambda n: handlers[n % 2].matches(clip(server.url("/dev.zip"), f"rain/{n}.wav")), range(20))
        assert all(matched)
        assert server.n_requests.total() == 1


def _fetch(folder: Path, url: str) -> None:
    with client_of(QUICK) as client:
        ArchiveCache(folder, client.complete).fetched(url)


def test_many_processes_fetch_an_archive_once(tmp_path):
    with Loopback({"/dev.zip": make_zip(tmp_path / "a", FILES).read_bytes()}) as server:
        started = multiprocessing.get_context("fork")
        processes = [started.Process(target=_fetch, args=(tmp_path / "cache", server.url("/dev.zip"))) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert server.n_requests.total() == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"size": 5, "checked": 3, "evidence": {}}', "[" * 9000])
def test_a_damaged_note_makes_the_archive_be_fetched_again(tmp_path, work, cache, text):
    with Loopback({"/dev.zip": make_zip(tmp_path / "a", FILES).read_bytes()}) as server:
        cache.fetched(server.url("/dev.zip"))
        next((tmp_path / "cache").rglob("note.json")).write_text(text)
        assert read(cache, server.url("/dev.zip"), work) == FILES["rain/3.wav"]
        assert server.n_requests.total() == 2


def test_a_local_archive_that_is_compressed_is_unpacked_once(tmp_path, work, cache, monkeypatch):
    make_7z(tmp_path / "a.7z", FILES)
    unpacked = []
    really = archive_cache.unpack
    monkeypatch.setattr(archive_cache, "unpack", lambda *given: unpacked.append(given) or really(*given))
    for _ in range(2):
        handler = AudioRootHandler(LocalFolders(tmp_path), ArchiveCache(tmp_path / "cache", cache.download))
        assert handler.fetch(clip("a.7z", "rain/3.wav"), work).path.read_bytes() == FILES["rain/3.wav"]
        assert handler.local_file(clip("a.7z", "rain/3.wav")) == tmp_path / "a.7z"
    assert len(unpacked) == 1
    make_7z(tmp_path / "a.7z", {"rain/3.wav": b"another"})
    handler = AudioRootHandler(LocalFolders(tmp_path), cache)
    assert handler.fetch(clip("a.7z", "rain/3.wav"), work).path.read_bytes() == b"another"


def test_a_private_address_is_no_archive_either(tmp_path):
    with Loopback() as server, client_of(replace(QUICK, allow_private=False)) as client:
        rejected = rejection_of(ArchiveCache(tmp_path, client.complete), server.url("/good/a.zip"))
    assert (rejected.reason, server.n_connections) == (Reason.UNSAFE_ADDRESS, 0)
