"""Recordings the user has already: found in a folder, a zip or a tar, however the archive was made."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected
from transforms.fetching import archives as audio_root
from transforms.fetching.archives import open_audio_root

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
    return open_audio_root(MAKERS[request.param](tmp_path / "recordings", FILES))


@pytest.fixture
def work(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def refusal(path: Path, work: Path, clip_id: str = "a", url: str = "") -> Rejected:
    with pytest.raises(Rejected) as caught:
        open_audio_root(path).find(clip_id, url, work)
    assert not list(work.iterdir())
    assert len(caught.value.detail) < 300
    return caught.value


@pytest.mark.parametrize(
    ("clip_id", "url", "name"),
    [
        ("", "rain/3.wav", "rain/3.wav"),
        ("", "wind/3.wav", "wind/3.wav"),
        ("", "19.wav", "rain/19.wav"),  # of equal names the first in order
        ("", "https://example.org/x/heavy%20rain.ogg?token=1", "rain/heavy rain.ogg"),
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
    found = root.find(clip_id, url, work)
    assert found is not None
    assert found.read_bytes() == FILES[name]


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
def test_what_is_not_there_is_not_found(root, work, clip_id, url):
    assert root.find(clip_id, url, work) is None
    assert not list(work.iterdir())


def test_many_threads_over_one_root_get_the_right_bytes(root, work):
    def one(n: int) -> bytes:
        place = work / str(n)
        place.mkdir()
        found = root.find("", list(FILES)[n % len(FILES)], place)
        assert found is not None
        return found.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(200))) == [list(FILES.values())[n % len(FILES)] for n in range(200)]


# What is no folder and no archive.


def test_no_such_root(tmp_path, work):
    rejected = refusal(tmp_path / "missing", work)
    assert rejected.reason == Reason.UNAVAILABLE
    assert "neither a folder nor a zip or uncompressed tar" in rejected.detail


@pytest.mark.parametrize("data", [b"", b"RIFF" + bytes(5000), b"PK\x03\x04" + bytes(100), bytes(100), b"PK\x05\x06" + b"\xff" * 18])
def test_a_file_that_is_no_archive(tmp_path, work, data):
    (tmp_path / "root.zip").write_bytes(data)
    assert refusal(tmp_path / "root.zip", work).reason == Reason.UNAVAILABLE


def test_a_pipe_is_not_waited_for(tmp_path, work):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe", work).reason == Reason.UNAVAILABLE


@pytest.mark.parametrize("name", ["a\0b", "a" * 300])
def test_a_name_that_no_file_can_have(tmp_path, work, name):
    with pytest.raises(Rejected) as caught:
        open_audio_root(tmp_path / name)
    assert caught.value.reason == Reason.UNAVAILABLE


@pytest.mark.parametrize(("mode", "name"), [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_a_compressed_tar_is_said_so_plainly(tmp_path, work, mode, name):
    rejected = refusal(make_tar(tmp_path / "root.tar.x", FILES, mode), work)
    assert rejected.reason == Reason.UNAVAILABLE
    assert f"'root.tar.x' is compressed as a whole ({name})" in rejected.detail
    assert "unpack it" in rejected.detail


def test_an_empty_archive_holds_nothing(tmp_path, work):
    for path in (
        make_zip(tmp_path / "zip", {}),
        make_tar(tmp_path / "tar", {}),
        make_folder(tmp_path / "folder", {"other.wav": b""}),
    ):
        assert open_audio_root(path).find("a", "a.wav", work) is None


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path, work):
    inner = make_zip(tmp_path / "inner.zip", {"secret.wav": b"inner"}).read_bytes()
    root = open_audio_root(make_tar(tmp_path / "root.tar", {"a.wav": b"outer", "b.zip": inner}))
    found = root.find("a", "", work)
    assert found is not None
    assert found.read_bytes() == b"outer"
    assert root.find("secret", "", work) is None


def test_a_zip_behind_other_bytes_is_a_zip(tmp_path, work):
    data = make_zip(tmp_path / "zip", {"a.wav": b"a"}).read_bytes()
    (tmp_path / "self-extracting").write_bytes(b"#!/bin/sh\n" * 100 + data)
    assert open_audio_root(tmp_path / "self-extracting").find("a", "", work) is not None


# Hostile members.

EVIL = ["../evil.wav", "../../evil.wav", "/tmp/evil.wav", "a/../../evil.wav", "C:\\evil.wav", "./evil.wav", "member/evil.wav"]


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", EVIL)
def test_a_members_name_is_never_where_it_is_written(tmp_path, work, make, name):
    root = open_audio_root(make(tmp_path / "root", {name: b"evil"}))
    before = sorted(tmp_path.rglob("*"))
    found = root.find("evil", name, work)
    assert found == work / "member"
    assert found.read_bytes() == b"evil"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, found])


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../etc/passwd"),
        (tarfile.SYMTYPE, "a.wav"),
        (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "b.wav"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_links_and_devices_of_a_tar_are_not_there(tmp_path, work, kind, link):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "b.wav", b"b")
        add(archive, "a.wav", kind=kind, link=link)
    root = open_audio_root(tmp_path / "root.tar")
    assert root.find("a", "a.wav", work) is None
    assert root.find("b", "", work) is not None


def test_a_file_that_a_tar_calls_a_link_later_is_still_the_file(tmp_path, work):
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        add(archive, "a.wav", b"first")
        add(archive, "a.wav", kind=tarfile.SYMTYPE, link="/etc/passwd")
    found = open_audio_root(tmp_path / "root.tar").find("a", "", work)
    assert found is not None
    assert found.read_bytes() == b"first"


def test_a_link_in_a_zip_is_only_its_text(tmp_path, work):
    link = zipfile.ZipInfo("a.wav")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "root.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    found = open_audio_root(tmp_path / "root.zip").find("a", "", work)
    assert found is not None
    assert (found.is_symlink(), found.read_bytes()) == (False, b"/etc/passwd")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_of_two_members_with_one_name_the_later_counts(tmp_path, work, kind):
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "root", "w") as archive:
            archive.writestr("a.wav", "first")
            archive.writestr("a.wav", "second")
    else:
        with tarfile.open(tmp_path / "root", "w") as bundle:
            add(bundle, "a.wav", b"first")
            add(bundle, "a.wav", b"second")
    found = open_audio_root(tmp_path / "root").find("a", "", work)
    assert found is not None
    assert found.read_bytes() == b"second"


# Sizes that lie, and damage.


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_that_is_too_large_is_not_unpacked(tmp_path, work, make, monkeypatch):
    path = make(tmp_path / "root", {"a.wav": bytes(100_001), "b.wav": bytes(100_000)})
    monkeypatch.setattr(audio_root, "MAX_MEMBER_BYTES", 100_000)
    rejected = refusal(path, work)
    assert (rejected.reason, rejected.detail) == (Reason.TOO_LARGE, "root: a.wav: 100001 bytes in the archive, at most 100000")
    assert open_audio_root(path).find("b", "", work) is not None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_lies_about_its_size_ends_at_that_size(tmp_path, work, method, monkeypatch):
    """Fifty megabytes that call themselves a thousand bytes, in both places where a zip says so."""
    path = make_zip(tmp_path / "root.zip", {"a.wav": bytes(50_000_000 if method else 5_000_000)}, method)
    data = bytearray(path.read_bytes())
    for header, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.index(header) + at
        data[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(data)
    written = []
    monkeypatch.setattr(audio_root.ArchiveRoot, "_blocks", _counting(audio_root.ArchiveRoot._blocks, written))
    rejected = refusal(path, work)
    assert rejected.reason == Reason.CORRUPT
    assert sum(written) <= 1000


def _counting(blocks, written):
    def counted(self, member):
        for block in blocks(self, member):
            written.append(len(block))
            yield block

    return counted


def test_an_encrypted_member_is_said_to_be_so(tmp_path, work):
    data = bytearray(make_zip(tmp_path / "root.zip", {"a.wav": b"x" * 100}).read_bytes())
    for header, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(header) + at] |= 1
    (tmp_path / "root.zip").write_bytes(data)
    rejected = refusal(tmp_path / "root.zip", work)
    assert (rejected.reason, rejected.detail) == (Reason.FORBIDDEN, "root.zip: a.wav: encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_corrupt_and_its_neighbours_are_not(tmp_path, work, method):
    noise = os.urandom(20_000)
    path = make_zip(tmp_path / "root.zip", {"a.wav": noise, "b.wav": noise}, method)
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)
    rejected = refusal(path, work)
    assert rejected.reason == Reason.CORRUPT
    assert rejected.detail.startswith("root.zip: a.wav: ")
    found = open_audio_root(path).find("b", "", work)
    assert found is not None
    assert found.read_bytes() == noise


def test_a_member_beyond_the_end_of_its_archive_is_corrupt(tmp_path, work):
    path = make_zip(tmp_path / "root.zip", {"a.wav": b"a", "b.wav": b"b"})
    data = bytearray(path.read_bytes())
    for wrong in (1, len(data) - 5, 0x7FFFFFFF):
        place = data.index(b"PK\x01\x02") + 42
        data[place : place + 4] = struct.pack("<I", wrong)
        path.write_bytes(data)
        assert refusal(path, work).reason == Reason.CORRUPT


@pytest.mark.parametrize("method", [99, 9])
def test_a_compression_that_nobody_here_knows_is_corrupt(tmp_path, work, method):
    data = bytearray(make_zip(tmp_path / "root.zip", {"a.wav": b"x" * 100}).read_bytes())
    for header, at in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        data[data.index(header) + at] = method
    (tmp_path / "root.zip").write_bytes(data)
    assert refusal(tmp_path / "root.zip", work).reason == Reason.CORRUPT


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_any_byte_may_be_wrong_and_any_end_missing(tmp_path, work, make):
    """Whatever happens to an archive: the right bytes, other bytes, not found, or a reason; never a traceback."""
    whole = make(tmp_path / "whole", {"a.wav": bytes(range(256)) * 3, "b/c.wav": b"c" * 300}).read_bytes()
    path = tmp_path / "root"
    places = range(len(whole)) if make is make_zip else [*range(0, 512, 2), *range(1536, 2048, 2)]  # of a tar: the headers
    damaged = [whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :] for n in places]
    damaged += [whole[:n] for n in range(0, len(whole), 97)]
    for data in damaged:
        path.write_bytes(data)
        try:
            root = open_audio_root(path)
        except Rejected as rejected:
            assert rejected.reason == Reason.UNAVAILABLE
            continue
        for clip_id in ("a", "c"):
            try:
                root.find(clip_id, "", work)
            except Rejected as rejected:
                assert rejected.reason in {Reason.CORRUPT, Reason.TOO_LARGE, Reason.FORBIDDEN}


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path, work):
    path = make_tar(tmp_path / "root.tar", FILES)
    root = open_audio_root(path)
    with pytest.raises(FileNotFoundError):
        root.find("100032", "", work / "no such folder")
    if Path("/dev/full").exists():
        (work / "member").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            root.find("100032", "", work)
        (work / "member").unlink()
    assert root.find("100032", "", work) is not None  # the archive is free for others


def test_files_of_one_kind_are_not_taken_for_another(tmp_path):
    assert audio_root.COMPRESSED.keys() == {gzip.compress(b"")[:2], b"BZh", lzma.compress(b"")[:6], b"\x28\xb5\x2f\xfd"}
