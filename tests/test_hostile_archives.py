"""Hostile archives take little memory and time, and each of their members has a reason."""

from __future__ import annotations

import io
import resource
import struct
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from tests.caches import UNUSED
from tests.test_archives import add, make_zip
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots import tar_members, zip_members
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.roots.open_root import open_local_root

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def bounded():
    """Fail where a test takes more than 160 MB of memory or 20 seconds."""
    tracemalloc.start()
    began = time.monotonic()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 160 * MEGABYTE
    assert time.monotonic() - began < 20


def rejection_of(path: Path, name: str = "a.wav") -> Rejected:
    work = path.parent / "work"
    work.mkdir(exist_ok=True)
    handler = AudioRootHandler(LocalFolders(path.parent), UNUSED)
    clip = Clip("table", "D", "train", "no", name, audio_root=path.name)
    with pytest.raises(Rejected) as caught:
        assert handler.matches(clip), "the member was not found"
        handler.fetch(clip, work)
    assert not list(work.iterdir())
    return caught.value


def test_a_dictionary_of_four_gigabytes_is_not_made(tmp_path):
    """No decoder needs a dictionary longer than the member: a small member is read, a large one is refused."""
    path = make_zip(tmp_path / "a.zip", {"a.wav": b"x" * 1000}, zipfile.ZIP_LZMA)
    data = bytearray(path.read_bytes())
    at = 30 + len("a.wav") + 4 + 1  # local header, name, version and size of the properties, first property
    assert struct.unpack("<I", data[at : at + 4])[0] == 1 << 23
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    assert handler.fetch(Clip("table", "D", "train", "a", "", audio_root="a.zip"), tmp_path).provenance.n_bytes == 1000
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 3 << 30)
    path.write_bytes(data)
    rejected = rejection_of(path)
    assert (rejected.reason, rejected.detail) == (
        Reason.LIMIT_EXCEEDED,
        f"a.zip: a.wav: needs {3 << 30} bytes of memory to unpack, at most {128 << 20}",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_unpacked_in_small_steps(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("a.wav", "w") as member:
        for _ in range(150):
            member.write(bytes(MEGABYTE))
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert handler.fetch(Clip("table", "D", "train", "a", "", audio_root="a.zip"), tmp_path).provenance.n_bytes == 150 * MEGABYTE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 130 * 1024  # kilobytes


@pytest.mark.parametrize("size", [1 << 33, (1 << 64) - 1])
def test_a_size_of_zip64_that_lies_is_too_large(tmp_path, size):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.wav", "w", force_zip64=True) as member:
        member.write(b"x")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    extra = struct.pack("<HHQ", 1, 8, size)
    data[entry + 24 : entry + 28] = b"\xff" * 4  # the size stands in the extra field
    n_extra = struct.unpack("<H", data[entry + 30 : entry + 32])[0]
    at = entry + 46 + len("a.wav")
    data[at : at + n_extra] = extra
    data[entry + 30 : entry + 32] = struct.pack("<H", len(extra))
    end = data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", end - entry)
    path.write_bytes(data)
    assert rejection_of(path).reason == Reason.TOO_LARGE


def test_a_list_of_members_longer_than_the_file_is_unavailable(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.wav": b"x"})
    data = bytearray(path.read_bytes())
    end = data.index(b"PK\x05\x06")
    for field in (b"\xff\xff\xff\x7f", struct.pack("<I", end)):
        data[end + 12 : end + 16] = field
        path.write_bytes(data)
        assert rejection_of(path).reason == Reason.UNAVAILABLE


def sparse_tar(path: Path, size: int) -> Path:
    """Write a tar with a member of `size` bytes, of which only the last is stored."""
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a.wav", "GNU.sparse.realsize": str(size)}
    content = f"1\n{size - 1}\n1\n".encode().ljust(512, b"\0") + b"x"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("GNUSparseFile.0/a.wav")
        member.size, member.pax_headers = len(content), pax
        archive.addfile(member, io.BytesIO(content))
    return path


def test_a_sparse_member_of_forty_gigabytes_is_too_large_and_a_small_one_is_read(tmp_path):
    assert rejection_of(sparse_tar(tmp_path / "a.tar", 40 << 30)).reason == Reason.TOO_LARGE
    sparse_tar(tmp_path / "b.tar", 100_000)
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    assert handler.fetch(Clip("table", "D", "train", "a", "", audio_root="b.tar"), tmp_path).path.read_bytes() == bytes(99_999) + b"x"


def test_a_header_of_a_tar_as_long_as_the_file_says_is_not_read(tmp_path):
    for kind in (b"x", b"L", b"g"):
        header = tarfile.TarInfo("a.wav")
        header.type, header.size = kind, 1 << 40
        (tmp_path / "a.tar").write_bytes(header.tobuf() + bytes(10_000))
        with (tmp_path / "a.tar").open("r+b") as file:
            file.truncate(1 << 41)
        assert rejection_of(tmp_path / "a.tar").reason == Reason.UNAVAILABLE


def test_a_tar_whose_members_lead_back_ends(tmp_path):
    header = bytearray(tarfile.TarInfo("a.wav").tobuf())
    header[124:136] = b"\xff" * 10 + struct.pack(">H", (1 << 16) - 1024)  # a size below zero
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(4096))
    assert rejection_of(tmp_path / "a.tar").reason in {Reason.UNAVAILABLE, Reason.CORRUPT}


def test_links_in_a_circle_and_to_nothing_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for n in range(100):
            add(archive, f"{n}.wav", kind=tarfile.SYMTYPE, link=f"{(n + 1) % 100}.wav")
        add(archive, "out.wav", kind=tarfile.SYMTYPE, link="../../etc/passwd")
        add(archive, "b.wav", b"b")
    root = open_local_root(tmp_path / "a.tar", UNUSED)
    assert root.names.names == {"b.wav"}
    assert len(root.left_out) == 101


def test_more_members_than_are_read_are_unavailable(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_members, "MAX_MEMBERS", 50)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for n in range(51):
            add(archive, f"{n}.wav")
    assert "more than 50 members" in rejection_of(tmp_path / "a.tar").detail
    monkeypatch.setattr(zip_members, "MAX_INDEX_BYTES", 3000)
    make_zip(tmp_path / "a.zip", {f"{n}.wav": b"" for n in range(100)})
    assert rejection_of(tmp_path / "a.zip").reason == Reason.UNAVAILABLE
