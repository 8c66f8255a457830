"""A clip is fetched by the first handler of the table that matches it."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.records import Clip, Provenance, Reason, Recording, Rejected
from transforms.fetching.bundled import BundledHandler
from transforms.fetching.embedded import EmbeddedHandler
from transforms.fetching.fetch import Fetcher, Handler, handlers
from transforms.fetching.folders import LocalFolders
from transforms.fetching.freesound.freesound_handler import FreesoundHandler
from transforms.fetching.limits.hosts import HostLimits
from transforms.fetching.local import LocalHandler
from transforms.fetching.roots.archives import ArchiveRoot
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.roots.folder_root import FolderRoot
from transforms.fetching.roots.remote_root import RemoteHandler
from transforms.fetching.settings import FetchSettings
from transforms.fetching.web.http import HttpSettings
from transforms.fetching.web.http_handler import HttpHandler
from transforms.fetching.web.safe_sockets import DownloadLimits
from transforms.fetching.youtube.youtube_handler import YouTubeHandler

OPEN = FetchSettings(HttpSettings(allow_private=True, backoff=0.01))


def clip(url: str, clip_id: str = "a", audio_root: str | None = None) -> Clip:
    return Clip(source="table", dataset="Mine", split="train", id=clip_id, url=url, audio_root=audio_root)


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def rejection_of(wanted: Clip, base: Path, work: Path, settings: FetchSettings = OPEN) -> Rejected:
    with pytest.raises(Rejected) as caught:
        Fetcher(base, settings)(wanted, work)
    assert not list(work.iterdir())
    assert 0 < len(caught.value.detail) <= 300
    return caught.value


@pytest.mark.parametrize("record", [HostLimits, HttpSettings, DownloadLimits, LocalFolders, FolderRoot, ArchiveRoot])
def test_records_that_threads_share_cannot_be_changed(record):
    assert record.__dataclass_params__.frozen
    assert "__slots__" in vars(record)


# The table.


def test_the_handlers_are_asked_in_the_order_of_the_table(tmp_path):
    table = handlers(LocalFolders(tmp_path), OPEN)
    local = [AudioRootHandler, LocalHandler, BundledHandler, EmbeddedHandler]
    assert [type(handler) for handler in table] == [*local, RemoteHandler, FreesoundHandler, YouTubeHandler, HttpHandler]


@dataclass(frozen=True)
class ToneHandler:
    """Makes a recording from an address such as `tone:440`: a handler that this package does not have."""

    def matches(self, clip: Clip) -> bool:
        return clip.url.startswith("tone:")

    def fetch(self, clip: Clip, work: Path) -> Recording:
        if not clip.url.removeprefix("tone:").isdigit():
            raise Rejected(Reason.NOT_FOUND, "not a tone")
        (work / "tone").write_bytes(clip.url.encode())
        return Recording(work / "tone", Provenance(n_bytes=len(clip.url)))


def with_tones(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    return (ToneHandler(), *handlers(folders, settings))


def test_another_handler_is_one_line_in_the_table(tmp_path, work):
    assert rejection_of(clip("tone:440"), tmp_path, work).reason == Reason.UNSAFE_ADDRESS
    fetcher = pickle.loads(pickle.dumps(Fetcher(tmp_path, OPEN, with_tones)))
    assert fetcher(clip("tone:440"), work).path.read_bytes() == b"tone:440"
    with pytest.raises(Rejected, match="not a tone"):
        fetcher(clip("tone:loud"), work)
    (tmp_path / "rain.wav").write_bytes(b"rain")
    assert fetcher(clip("rain.wav"), work).path.read_bytes() == b"rain"  # the other handlers are still asked


# Each way to a recording, through the table.


def test_each_kind_of_address_has_its_handler(loopback, tmp_path, work):
    (tmp_path / "rain.wav").write_bytes(b"rain")
    fetcher = Fetcher(tmp_path, OPEN)
    assert fetcher(clip("rain.wav"), work).path == tmp_path / "rain.wav"
    assert fetcher(clip("bundled:quickstart/clips.csv"), work).path.name == "clips.csv"
    assert not list(work.iterdir())
    for url in (loopback.url("/good/a.wav"), loopback.url("/good/a.wav").replace("http", "HTTP")):
        recording = fetcher(clip(url), work)
        assert (recording.path.parent, recording.provenance.http_status) == (work, 200)
        assert recording.path.read_bytes() == loopback.body


def test_private_addresses_are_refused_unless_the_recipe_allows_them(loopback, tmp_path, work):
    assert rejection_of(clip(loopback.url("/good")), tmp_path, work, FetchSettings()).reason == Reason.UNSAFE_ADDRESS
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
        "javascript:1",
        "concat:secret.wav",
        "BUNDLED:quickstart/clips.csv",
    ],
)
def test_other_schemes_are_not_fetched(tmp_path, work, url):
    (tmp_path / "secret.wav").write_bytes(b"secret")
    rejected = rejection_of(clip(url), tmp_path, work)
    scheme = url.split(":")[0].lower()
    assert (rejected.reason, rejected.detail) == (
        Reason.UNSAFE_ADDRESS,
        f"{scheme}: addresses are not fetched, only http and https",
    )


def test_a_long_scheme_is_cut_in_the_detail(tmp_path, work):
    rejected = rejection_of(clip("a" * 70000 + ":b"), tmp_path, work)
    assert rejected.detail == f"{'a' * 80}: addresses are not fetched, only http and https"


@pytest.mark.parametrize("url", ["http://", "http:", "https:///a", "http://me:hush@/", "http://two words/", "http:\n", "http://\r\n/"])
def test_half_an_address_is_not_found(tmp_path, work, url):
    rejected = rejection_of(clip(url), tmp_path, work)
    assert (rejected.reason, "hush" in rejected.detail) == (Reason.NOT_FOUND, False)


# audio_root.


def test_a_recording_that_the_user_has_is_not_downloaded(loopback, tmp_path, work):
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.wav").write_bytes(b"mine")
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        archive.writestr("a.wav", b"mine")
    for root in ("recordings", "recordings.zip", str(tmp_path / "recordings")):
        recording = Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav"), audio_root=root), work)
        assert (recording.path.read_bytes(), recording.provenance.http_status) == (b"mine", None)
        assert recording.provenance.sha256 == hashlib.sha256(b"mine").hexdigest()
    assert loopback.n_connections == 0


def test_a_recording_that_the_user_does_not_have_is_downloaded(loopback, tmp_path, work):
    (tmp_path / "recordings").mkdir()
    recording = Fetcher(tmp_path, OPEN)(clip(loopback.url("/good/a.wav"), audio_root="recordings"), work)
    assert recording.provenance.http_status == 200


def test_a_row_with_neither_address_nor_file_is_not_found(tmp_path, work):
    (tmp_path / "recordings").mkdir()
    rejected = rejection_of(clip("", "one", audio_root="recordings"), tmp_path, work)
    assert (rejected.reason, rejected.detail) == (Reason.NOT_FOUND, "id 'one' is not in recordings, and the row has no address")


def test_a_root_that_cannot_be_opened_is_unavailable(tmp_path, work):
    (tmp_path / "a.wav").write_bytes(b"not asked for")
    assert rejection_of(clip("a.wav", audio_root="no such folder"), tmp_path, work).reason == Reason.UNAVAILABLE


# One fetcher for all threads and workers.


def test_one_fetcher_serves_many_threads(loopback, tmp_path, work):
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        for n in range(0, 40, 2):
            archive.writestr(f"{n}.wav", f"sound {n}")
    fetcher = Fetcher(tmp_path, OPEN)

    def fetch(n: int) -> bytes:
        (work / str(n)).mkdir()
        return fetcher(clip(loopback.url(f"/good/{n}.wav"), str(n), "recordings.zip"), work / str(n)).path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(fetch, range(40)))
    assert results == [loopback.body if n % 2 else f"sound {n}".encode() for n in range(40)]


def test_a_fetcher_is_pickled_without_what_it_has_open(loopback, tmp_path, work):
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        archive.writestr("one.wav", b"mine")
    mine, theirs = clip("", "one", "recordings.zip"), clip(loopback.url("/good"))
    fetcher = Fetcher(tmp_path, OPEN)
    fetcher(mine, work)
    fetcher(theirs, work)
    copy = pickle.loads(pickle.dumps(fetcher))
    assert copy == fetcher and hash(copy) == hash(fetcher)
    assert copy != Fetcher(tmp_path, FetchSettings())
    assert copy != Fetcher(tmp_path / "in", OPEN)
    assert copy(mine, work).path.read_bytes() == b"mine"
    assert copy(theirs, work).provenance.http_status == 200


def test_the_file_of_a_clip_on_disk_is_known_and_that_of_others_is_not(tmp_path: Path) -> None:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    (tmp_path / "root" / "deep" / "b.wav").write_bytes(b"b")
    with zipfile.ZipFile(tmp_path / "root.zip", "w") as archive:
        archive.writestr("deep/b.wav", b"b")
    fetcher = Fetcher(tmp_path, FetchSettings())
    clip = Clip("table", "D", "train", "1", "a.wav")
    assert fetcher.local_file(clip) == tmp_path / "a.wav"
    assert fetcher.local_file(replace(clip, url="https://example.org/b.wav")) is None
    assert fetcher.local_file(replace(clip, url="bundled:quickstart/clips.csv")) is None
    assert fetcher.local_file(replace(clip, url="")) is None
    assert fetcher.local_file(replace(clip, url="https://example.org/b.wav", audio_root="root")) == tmp_path / "root" / "deep" / "b.wav"
    assert fetcher.local_file(replace(clip, url="https://example.org/b.wav", audio_root="root.zip")) == tmp_path / "root.zip"
    assert fetcher.local_file(replace(clip, audio_root="no-such-root")) is None
