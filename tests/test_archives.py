"""Recordings the user already has are looked up in a folder, a zip or a tar, however the archive was made."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import struct
import tarfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from tests.caches import UNUSED
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots import archives
from transforms.fetching.roots import audio_root as audio_roots
from transforms.fetching.roots.audio_root import AudioRoot, AudioRootHandler, path_of
from transforms.fetching.roots.open_root import open_local_root, open_root

FILES = {f"{folder}/{n}.wav": f"{folder}{n}".encode() * (100 + n) for folder in ("rain", "wind") for n in range(20)} | {
    "rain/heavy rain.ogg": b"heavy rain",
    "100032.flac": b"by id",
    "ünï/雨.mp3": b"beyond ascii",
}


def make_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def make_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            add(archive, name, data)
    return path


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, len(data)
    archive.addfile(member, io.BytesIO(data))


MAKERS = {
    "folder": make_folder,
    "zip": make_zip,
    "stored zip": lambda path, files: make_zip(path, files, zipfile.ZIP_STORED),
    "lzma zip": lambda path, files: make_zip(path, files, zipfile.ZIP_LZMA),
    "tar": make_tar,
}


@pytest.fixture(params=MAKERS)
def root(request, tmp_path):
    return open_local_root(MAKERS[request.param](tmp_path / "recordings", FILES), UNUSED)


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def find(root: AudioRoot, clip_id: str, url: str, work: Path) -> Path | None:
    """Look a recording up as the handler does; `None` when the root does not hold it."""
    name = (root.find(path_of(url) if "://" in url else url, "://" in url) if url else None) or root.names.find_id(clip_id)
    return root.extract(name, work) if name is not None else None


def rejection_of(path: Path, work: Path, clip_id: str = "a", url: str = "") -> Rejected:
    with pytest.raises(Rejected) as caught:
        find(open_local_root(path, UNUSED), clip_id, url, work)
    assert not list(work.iterdir())
    assert len(caught.value.detail) < 300
    return caught.value


@pytest.mark.parametrize(
    ("clip_id", "url", "name"),
    [
        ("", "rain/3.wav", "rain/3.wav"),
        ("", "wind/3.wav", "wind/3.wav"),
        ("", "https://example.org/heavy%20rain.ogg?token=1", "rain/heavy rain.ogg"),
        ("", "https://example.org/x/rain/19.wav", "rain/19.wav"),
        ("", "https://example.org/heavy rain.ogg", "rain/heavy rain.ogg"),
        ("", "https://example.org/%E9%9B%A8.mp3", "ünï/雨.mp3"),
        ("100032", "", "100032.flac"),
        ("100032", "https://example.org/no-such.mp3", "100032.flac"),
        ("100032.flac", "", "100032.flac"),
        ("heavy rain", "", "rain/heavy rain.ogg"),
        ("100032", "wind/4.wav", "wind/4.wav"),  # the path says more than the id
    ],
)
def test_a_recording_is_found_by_path_by_name_and_by_id(root, work, clip_id, url, name):
    file = find(root, clip_id, url, work)
    assert file is not None
    assert file.read_bytes() == FILES[name]


@pytest.mark.parametrize(
    ("clip_id", "url"),
    [
        ("", ""),
        ("no", "no.wav"),
        ("..", ".."),
        ("../rain/1.wav", "/etc/passwd"),
        ("", "https://example.org/"),
        ("\0", "\0"),
        (".", "rain/"),
        ("a" * 70000, ""),
    ],
)
def test_a_recording_that_the_root_does_not_hold_is_not_looked_up(root, work, clip_id, url):
    assert find(root, clip_id, url, work) is None
    assert not list(work.iterdir())


def test_many_threads_over_one_root_get_the_right_bytes(root, work):
    def extract(n: int) -> bytes:
        folder = work / str(n)
        folder.mkdir()
        file = find(root, "", list(FILES)[n % len(FILES)], folder)
        assert file is not None
        return file.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(extract, range(200))) == [list(FILES.values())[n % len(FILES)] for n in range(200)]


# Paths that are neither a folder nor an archive.


def test_a_root_that_is_missing_is_unavailable(tmp_path, work):
    rejected = rejection_of(tmp_path / "missing", work)
    assert rejected.reason == Reason.UNAVAILABLE
    assert "neither a folder nor a zip, tar or 7z" in rejected.detail


@pytest.mark.parametrize("data", [b"", b"RIFF" + bytes(5000), b"PK\x03\x04" + bytes(100), bytes(100), b"PK\x05\x06" + b"\xff" * 18])
def test_a_file_that_is_not_an_archive_is_unavailable(tmp_path, work, data):
    (tmp_path / "root.zip").write_bytes(data)
    assert rejection_of(tmp_path / "root.zip", work).reason == Reason.UNAVAILABLE


def test_a_pipe_is_not_waited_for(tmp_path, work):
    os.mkfifo(tmp_path / "pipe")
    assert rejection_of(tmp_path / "pipe", work).reason == Reason.UNAVAILABLE


@pytest.mark.parametrize("name", ["a\0b", "a" * 300])
def test_a_name_that_no_file_can_have_is_unavailable(tmp_path, work, name):
    with pytest.raises(Rejected) as caught:
        open_local_root(tmp_path / name, UNUSED)
    assert caught.value.reason == Reason.UNAVAILABLE


def test_an_archive_without_members_can_be_opened(tmp_path, work):
    for path in (
        make_zip(tmp_path / "zip", {}),
        make_tar(tmp_path / "tar", {}),
        make_folder(tmp_path / "folder", {"other.wav": b""}),
    ):
        assert find(open_local_root(path, UNUSED), "a", "a.wav", work) is None


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path, work):
    inner = make_zip(tmp_path / "inner.zip", {"secret.wav": b"inner"}).read_bytes()
    root = open_local_root(make_tar(tmp_path / "root.tar", {"a.wav": b"outer", "b.zip": inner}), UNUSED)
    file = find(root, "a", "", work)
    assert file is not None
    assert file.read_bytes() == b"outer"
    assert find(root, "secret", "", work) is None


def test_a_zip_behind_other_bytes_is_a_zip(tmp_path, work):
    data = make_zip(tmp_path / "zip", {"a.wav": b"a"}).read_bytes()
    (tmp_path / "self-extracting").write_bytes(b"#!/bin/sh\n" * 100 + data)
    assert find(open_local_root(tmp_path / "self-extracting", UNUSED), "a", "", work) is not None


# Hostile members.

EVIL = ["../evil.wav", "../../evil.wav", "/tmp/evil.wav", "a/../../evil.wav", "C:\\evil.wav", "./evil.wav", "member/evil.wav"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", EVIL)
def test_a_members_name_is_never_where_it_is_written(tmp_path, work, make, name):
    root = open_local_root(make(tmp_path / "root", {name: b"evil"}), UNUSED)
    before = sorted(tmp_path.rglob("*"))
    file = find(root, "evil", name, work)
    assert file == work / "member"
    assert file.read_bytes() == b"evil"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, file])


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../etc/passwd"),
        (tarfile.SYMTYPE, "a.wav"),
        (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "no.wav"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_links_and_devices_of_a_tar_are_not_members(tmp_path, work, kind, link):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "b.wav", b"b")
        add(archive, "a.wav", kind=kind, link=link)
    root = open_local_root(tmp_path / "root.tar", UNUSED)
    assert find(root, "a", "a.wav", work) is None
    assert find(root, "b", "", work) is not None


def test_a_link_of_a_tar_to_one_of_its_members_is_that_member(tmp_path, work):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "deep/b.wav", b"b")
        add(archive, "hard.wav", kind=tarfile.LNKTYPE, link="deep/b.wav")
        add(archive, "deep/soft.wav", kind=tarfile.SYMTYPE, link="./b.wav")
        add(archive, "chain.wav", kind=tarfile.SYMTYPE, link="deep/soft.wav")
        add(archive, "other/b.wav", kind=tarfile.SYMTYPE, link="../deep/b.wav")
    root = open_local_root(tmp_path / "root.tar", UNUSED)
    for name in ("hard.wav", "deep/soft.wav", "chain.wav", "b.wav"):
        assert find(root, "", name, work).read_bytes() == b"b"
    assert root.left_out == ()


def test_a_file_that_a_tar_calls_a_link_later_is_still_the_file(tmp_path, work):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "a.wav", b"first")
        add(archive, "a.wav", kind=tarfile.SYMTYPE, link="/etc/passwd")
    file = find(open_local_root(tmp_path / "root.tar", UNUSED), "a", "", work)
    assert file is not None
    assert file.read_bytes() == b"first"


def test_a_link_in_a_zip_is_only_its_text(tmp_path, work):
    link = zipfile.ZipInfo("a.wav")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "root.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    file = find(open_local_root(tmp_path / "root.zip", UNUSED), "a", "", work)
    assert file is not None
    assert (file.is_symlink(), file.read_bytes()) == (False, b"/etc/passwd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_a_tar_with_one_name_the_later_counts_and_of_a_zip_none(tmp_path, work):
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        for name, data in (("a.wav", "first"), ("a.wav", "second"), ("b.wav", "same"), ("b.wav", "same")):
            archive.writestr(name, data)
    with tarfile.open(tmp_path / "tar", "w") as bundle:
        add(bundle, "a.wav", b"first")
        add(bundle, "a.wav", b"second")
    rejected = rejection_of(tmp_path / "zip", work)
    assert (rejected.reason, rejected.detail) == (Reason.AMBIGUOUS, "zip has several members 'a.wav' with other content")
    assert find(open_local_root(tmp_path / "zip", UNUSED), "b", "", work).read_bytes() == b"same"
    assert find(open_local_root(tmp_path / "tar", UNUSED), "a", "", work).read_bytes() == b"second"


# Sizes that lie, and damage.


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_that_is_too_large_is_not_unpacked(tmp_path, work, make, monkeypatch):
    path = make(tmp_path / "root", {"a.wav": bytes(100_001), "b.wav": bytes(100_000)})
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 100_000)
    rejected = rejection_of(path, work)
    assert (rejected.reason, rejected.detail) == (Reason.TOO_LARGE, "root: a.wav: 100001 bytes in the archive, at most 100000")
    assert find(open_local_root(path, UNUSED), "b", "", work) is not None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_lies_about_its_size_ends_at_that_size(tmp_path, work, method, monkeypatch):
    """Fifty megabytes that call themselves a thousand bytes, in both places where a zip says so."""
    path = make_zip(tmp_path / "root.zip", {"a.wav": bytes(50_000_000 if method else 5_000_000)}, method)
    data = bytearray(path.read_bytes())
    for header, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        position = data.index(header) + at
        data[position : position + 4] = struct.pack("<I", 1000)
    path.write_bytes(data)
    written = []
    monkeypatch.setattr(archives.ArchiveRoot, "_blocks", _counting(archives.ArchiveRoot._blocks, written))
    rejected = rejection_of(path, work)
    assert rejected.reason == Reason.CORRUPT
    assert sum(written) <= 1000


def _counting(blocks, written):
    def counted(self, member):
        for block in blocks(self, member):
            written.append(len(block))
            yield block

    return counted


def test_a_name_that_is_not_text_is_escaped_in_the_detail(tmp_path, work, monkeypatch):
    with tarfile.open(tmp_path / "root.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        add(archive, "na\u00efve.wav", b"x" * 1000)
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 10)
    rejected = rejection_of(tmp_path / "root.tar", work, url="na\u00efve.wav")
    assert rejected.detail.startswith(r"root.tar: 'na\udcefve.wav': ")


def test_a_tar_that_is_cut_off_says_so(tmp_path, work):
    path = make_tar(tmp_path / "root.tar", {"a.wav": b"x" * 5000, "b.wav": b"x" * 5000})
    path.write_bytes(path.read_bytes()[:8000])
    rejected = rejection_of(path, work)
    assert (rejected.reason, "unexpected end of data" in rejected.detail) == (Reason.UNAVAILABLE, True)


def test_an_encrypted_member_is_forbidden(tmp_path, work):
    data = bytearray(make_zip(tmp_path / "root.zip", {"a.wav": b"x" * 100}).read_bytes())
    for header, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(header) + at] |= 1
    (tmp_path / "root.zip").write_bytes(data)
    rejected = rejection_of(tmp_path / "root.zip", work)
    assert (rejected.reason, rejected.detail) == (Reason.FORBIDDEN, "root.zip: a.wav: encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_corrupt_and_the_next_is_not(tmp_path, work, method):
    noise = os.urandom(20_000)
    path = make_zip(tmp_path / "root.zip", {"a.wav": noise, "b.wav": noise}, method)
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)
    rejected = rejection_of(path, work)
    assert rejected.reason == Reason.CORRUPT
    assert rejected.detail.startswith("root.zip: a.wav: ")
    file = find(open_local_root(path, UNUSED), "b", "", work)
    assert file is not None
    assert file.read_bytes() == noise


def test_a_member_beyond_the_end_of_its_archive_is_corrupt(tmp_path, work):
    path = make_zip(tmp_path / "root.zip", {"a.wav": b"a", "b.wav": b"b"})
    data = bytearray(path.read_bytes())
    for wrong in (1, len(data) - 5, 0x7FFFFFFF):
        position = data.index(b"PK\x01\x02") + 42
        data[position : position + 4] = struct.pack("<I", wrong)
        path.write_bytes(data)
        assert rejection_of(path, work).reason == Reason.CORRUPT


@pytest.mark.parametrize("method", [99, 9])
def test_a_member_with_an_unknown_compression_is_corrupt(tmp_path, work, method):
    data = bytearray(make_zip(tmp_path / "root.zip", {"a.wav": b"x" * 100}).read_bytes())
    for header, at in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        data[data.index(header) + at] = method
    (tmp_path / "root.zip").write_bytes(data)
    assert rejection_of(tmp_path / "root.zip", work).reason == Reason.CORRUPT


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_damaged_archive_gives_a_file_or_a_reason_and_no_other_error(tmp_path, work, make):
    """Each byte is flipped, each end cut off: the result is the right bytes, other bytes, no member, or a reason."""
    intact = make(tmp_path / "intact", {"a.wav": bytes(range(256)) * 3, "b/c.wav": b"c" * 300}).read_bytes()
    path = tmp_path / "root"
    positions = range(len(intact)) if make is make_zip else [*range(0, 512, 2), *range(1536, 2048, 2)]  # of a tar: the headers
    damaged = [intact[:n] + bytes([intact[n] ^ 0xFF]) + intact[n + 1 :] for n in positions]
    damaged += [intact[:n] for n in range(0, len(intact), 97)]
    for data in damaged:
        path.write_bytes(data)
        try:
            root = open_local_root(path, UNUSED)
        except Rejected as rejected:
            assert rejected.reason == Reason.UNAVAILABLE
            continue
        for clip_id in ("a", "c"):
            try:
                find(root, clip_id, "", work)
            except Rejected as rejected:
                assert rejected.reason in {Reason.CORRUPT, Reason.TOO_LARGE, Reason.FORBIDDEN}


def test_a_full_disk_ends_the_build_and_does_not_reject_the_clip(tmp_path, work):
    path = make_tar(tmp_path / "root.tar", FILES)
    root = open_local_root(path, UNUSED)
    with pytest.raises(FileNotFoundError):
        find(root, "100032", "", work / "no such folder")
    if Path("/dev/full").exists():
        (work / "member").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            find(root, "100032", "", work)
        (work / "member").unlink()
    assert find(root, "100032", "", work) is not None  # the archive is free for others


# The handler.


def clip(audio_root: str | None, clip_id: str = "a", url: str = "") -> Clip:
    return Clip(source="table", dataset="Mine", split="train", id=clip_id, url=url, audio_root=audio_root)


def test_the_handler_matches_only_what_the_root_holds(tmp_path):
    make_zip(tmp_path / "root.zip", {"a.wav": b"a"})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    assert handler.matches(clip("root.zip"))
    assert handler.matches(clip(str(tmp_path / "root.zip"), "x", "https://example.org/a.wav"))
    assert not handler.matches(clip("root.zip", "b"))
    assert not handler.matches(clip(None))


@pytest.mark.parametrize("make", [make_folder, make_zip, make_tar])
def test_the_handler_fetches_what_it_matches(tmp_path, work, make):
    make(tmp_path / "root", {"a.wav": b"abc"})
    recording = AudioRootHandler(LocalFolders(tmp_path), UNUSED).fetch(clip("root"), work)
    assert (recording.path.read_bytes(), recording.provenance.n_bytes) == (b"abc", 3)
    assert recording.provenance.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_a_root_that_cannot_be_opened_rejects_the_clip_instead_of_leaving_it_to_other_handlers(tmp_path):
    with pytest.raises(Rejected) as caught:
        AudioRootHandler(LocalFolders(tmp_path), UNUSED).matches(clip("missing", url="https://example.org/a.wav"))
    assert caught.value.reason == Reason.UNAVAILABLE


def test_a_root_is_opened_once_for_all_threads(tmp_path, work, monkeypatch):
    make_zip(tmp_path / "root.zip", {f"{n}.wav": f"sound {n}".encode() for n in range(50)})
    opened = []
    monkeypatch.setattr(audio_roots, "open_root", lambda *given: opened.append(given) or open_root(*given))
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    together = threading.Barrier(8)

    def fetch(n: int) -> bytes:
        if n < 8:
            together.wait(timeout=20)
        folder = work / str(n)
        folder.mkdir()
        assert handler.matches(clip("root.zip", str(n)))
        return handler.fetch(clip("root.zip", str(n)), folder).path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, range(50))) == [f"sound {n}".encode() for n in range(50)]
    assert len(opened) == 1


def test_two_roots_are_not_mistaken_for_each_other(tmp_path, work):
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    for name in ("one", "two"):
        make_folder(tmp_path / name, {"a.wav": name.encode()})
    assert [handler.fetch(clip(name), work).path.read_bytes() for name in ("one", "two", "one")] == [b"one", b"two", b"one"]


def test_an_archive_that_is_no_longer_used_is_closed(tmp_path):
    root = open_local_root(make_zip(tmp_path / "root.zip", {"a.wav": b"a"}), UNUSED)
    file = root.file
    del root
    gc.collect()
    assert file.closed


def test_an_archive_whose_list_cannot_be_read_is_closed(tmp_path, monkeypatch):
    """An archive that stays open would be a ResourceWarning here, and a warning is an error."""

    def broken(archive, file):
        raise ValueError("damaged list")

    monkeypatch.setattr(archives, "tar_members", broken)
    path = make_tar(tmp_path / "root.tar", {"a.wav": b"a"})
    with pytest.raises(Rejected, match="damaged list"):
        open_local_root(path, UNUSED)
    gc.collect()
