"""Recordings in an object store are found as in a folder, and rows reach only what the recipe names: over fsspec's store in memory."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.records import Clip, Reason, Rejected
from sources.metadata import store_files
from tests.caches import UNUSED
from tests.test_archives import FILES, make_zip
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.archive_cache import ArchiveCache
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.roots.remote_root import RemoteHandler, download_object, faults_as_rejections, open_remote_root, open_store


class Store(MemoryFileSystem):
    """An object store under the name of another."""

    protocol = "s3"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    options: ClassVar[list[dict]] = []

    def __init__(self, *args, **options):
        super().__init__(*args)
        Store.options.append(options)

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.replace("s3://", "memory://").replace("gs://", "memory://"))


@pytest.fixture(autouse=True)
def store(monkeypatch):
    Store.store, Store.pseudo_dirs, Store.options = {}, [""], []
    for name in ("s3", "gs"):
        monkeypatch.setitem(sys.modules["fsspec.registry"]._registry, name, Store)
    Store.clear_instance_cache()
    files = fsspec.filesystem("s3")
    for name, data in FILES.items():
        files.pipe(f"/bucket/recordings/{name}", data)
    files.pipe("/bucket/private/secret.wav", b"secret")
    yield files
    Store.clear_instance_cache()


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def clip(url: str, audio_root: str | None = None, clip_id: str = "no id") -> Clip:
    return Clip("table", "D", "train", clip_id, url, audio_root=audio_root)


@pytest.mark.parametrize("root", ["s3://bucket/recordings", "s3://bucket/recordings/", "gs://bucket"])
@pytest.mark.parametrize(
    ("given", "name"),
    [
        (clip("rain/3.wav"), "rain/3.wav"),
        (clip("", clip_id="100032"), "100032.flac"),
        (clip("https://h/heavy%20rain.ogg?t=1"), "rain/heavy rain.ogg"),
        (clip("s3://bucket/recordings/wind/4.wav"), "wind/4.wav"),
    ],
)
def test_a_recording_is_found_as_in_a_folder(tmp_path, work, root, given, name):
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    wanted = clip(given.url, root, given.id)
    recording = handler.fetch(wanted, work)
    assert recording.path.read_bytes() == FILES[name]
    assert recording.provenance.sha256 == hashlib.sha256(FILES[name]).hexdigest()
    assert handler.local_file(wanted) is None
    assert not handler.matches(clip("no.wav", root))


def test_the_listing_is_not_kept(store):
    before = open_remote_root("s3://bucket/recordings").names.names
    store.pipe("/bucket/recordings/new.wav", b"new")
    assert open_remote_root("s3://bucket/recordings").names.names == before | {"new.wav"}
    assert Store.options[-1] == {"use_listings_cache": False}


@pytest.mark.parametrize("root", ["s3://bucket/no-such", "s3://nobody"])
def test_a_folder_without_objects_is_unavailable(root):
    with pytest.raises(Rejected) as caught:
        open_remote_root(root)
    assert (caught.value.reason, caught.value.detail) == (Reason.UNAVAILABLE, f"audio_root {root!r}: no object lies there")


def test_an_archive_in_a_store_is_fetched_into_the_cache(tmp_path, work, store):
    data = make_zip(tmp_path / "a.zip", FILES).read_bytes()
    store.pipe("/bucket/dev.zip", data)
    cache = ArchiveCache(tmp_path / "cache", UNUSED.download, {"s3": download_object})
    root = f"s3://bucket/dev.zip#sha256={hashlib.sha256(data).hexdigest()}"
    assert AudioRootHandler(LocalFolders(tmp_path), cache).fetch(clip("rain/3.wav", root), work).path.read_bytes() == FILES["rain/3.wav"]
    store.rm("/bucket/dev.zip")
    assert AudioRootHandler(LocalFolders(tmp_path), cache).matches(clip("rain/4.wav", root))


# Addresses of rows.


def handler_of(tmp_path: Path, *remote: str, max_bytes: int = 1000) -> RemoteHandler:
    return RemoteHandler(LocalFolders(tmp_path, remote=remote), max_bytes)


@pytest.mark.parametrize(("url", "matches"), [("s3://b/a", True), ("GS://b/a", True), ("https://h/a", False), ("a.wav", False)])
def test_addresses_of_stores_match(tmp_path, url, matches):
    assert handler_of(tmp_path).matches(clip(url)) is matches


@pytest.mark.parametrize("above", ["s3://bucket", "s3://bucket/recordings/", "s3://bucket/recordings/rain"])
def test_a_row_may_name_what_lies_below_a_folder_of_the_recipe(tmp_path, work, above):
    recording = handler_of(tmp_path, above, max_bytes=1 << 20).fetch(clip("s3://bucket/recordings/rain/3.wav"), work)
    assert recording.path.read_bytes() == FILES["rain/3.wav"]
    assert recording.provenance.evidence.fetched_at


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/private/secret.wav", "s3://bucket/recordings-2/a.wav", "s3://bucket/recordings/../private/secret.wav", "gs://bucket/a"],
)
def test_a_row_may_name_nothing_else(tmp_path, work, url):
    with pytest.raises(Rejected) as caught:
        handler_of(tmp_path, "s3://bucket/recordings").fetch(clip(url), work)
    assert (caught.value.reason, "lies outside of the audio_root" in caught.value.detail) == (Reason.UNSAFE_ADDRESS, True)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(("name", "reason"), [("no.wav", Reason.NOT_FOUND), ("rain", Reason.NOT_FOUND), ("rain/19.wav", Reason.TOO_LARGE)])
def test_what_cannot_be_had_has_a_reason(tmp_path, work, name, reason):
    with pytest.raises(Rejected) as caught:
        handler_of(tmp_path, "s3://bucket", max_bytes=100).fetch(clip(f"s3://bucket/recordings/{name}"), work)
    assert (caught.value.reason, list(work.iterdir())) == (reason, [])


class NoCredentialsError(Exception):
    """As botocore's."""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (FileNotFoundError(), Reason.NOT_FOUND),
        (PermissionError(), Reason.FORBIDDEN),
        (OSError(5, "reset"), Reason.CONNECTION),
        (ValueError("odd"), Reason.CONNECTION),
        (NoCredentialsError("Unable to locate credentials"), Reason.FORBIDDEN),
    ],
)
def test_a_fault_of_the_store_has_a_reason(monkeypatch, fault, reason):
    monkeypatch.setattr(store_files, "FAULTS", ((__name__, "NoCredentialsError"), ("no.such.module", "Error")))
    with pytest.raises(Rejected) as caught, faults_as_rejections("s3://b/a.wav"):
        raise fault
    assert (caught.value.reason, "s3://b/a.wav" in caught.value.detail) == (reason, True)


def test_a_package_that_is_missing_is_named(monkeypatch):
    def missing(*args, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(Rejected, match=r"pip install 'laion-audio\[gcs\]'"):
        open_store("gs://b/a.wav")
