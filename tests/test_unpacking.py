"""Compressed tars and 7z archives become uncompressed tars, within bounds, and whatever is wrong with them has a reason."""

from __future__ import annotations

import contextlib
import errno
import io
import lzma
import os
import random
import tarfile
from pathlib import Path

import py7zr
import pyarrow as pa
import pytest

from pipeline.records import Reason, Rejected
from tests.test_archives import FILES, add, make_tar
from transforms.fetching.roots import seven_zip, unpacking
from transforms.fetching.roots.archives import open_archive
from transforms.fetching.roots.unpacking import kind_of, unpack


def make_7z(path: Path, files: dict[str, bytes], **options) -> Path:
    with py7zr.SevenZipFile(path, "w", **options) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return path


def make_zst(path: Path, files: dict[str, bytes]) -> Path:
    data = make_tar(path.with_name("plain"), files).read_bytes()
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(data)
    return path


MAKERS = {
    "gzip": lambda path, files: make_tar(path, files, "w:gz"),
    "bzip2": lambda path, files: make_tar(path, files, "w:bz2"),
    "xz": lambda path, files: make_tar(path, files, "w:xz"),
    "zstd": make_zst,
    "7z": make_7z,
}


def contents(tar: Path, work: Path) -> dict[str, bytes]:
    root = open_archive(tar)
    return {name: root.extract(name, work).read_bytes() for name in sorted(root.members)}


def rejection_of(path: Path, kind: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        unpack(path, kind, path.with_name("out.tar"))
    assert {name.name for name in path.parent.iterdir()} <= {path.name, "plain"}
    assert 0 < len(caught.value.detail) < 300
    return caught.value


@pytest.mark.parametrize("kind", MAKERS)
def test_the_members_are_those_of_the_archive(tmp_path, kind):
    files = {**FILES, "n" * 180 + ".wav": b"a long name", "empty.wav": b""}
    path = MAKERS[kind](tmp_path / "a", files)
    assert kind_of(path) == kind
    unpack(path, kind, tmp_path / "out.tar")
    assert contents(tmp_path / "out.tar", tmp_path) == files
    assert not (tmp_path / "out.tar.part").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"RIFF", bytes(600)])
def test_other_files_are_not_unpacked(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert kind_of(tmp_path / "a") is None


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_archive_has_a_reason(tmp_path, kind, seed):
    noise = random.Random(seed)
    path = MAKERS[kind](tmp_path / "a", {"a.wav": noise.randbytes(30_000), "b.wav": bytes(30_000)})
    full = path.read_bytes()
    path.write_bytes(full[: noise.randrange(7, len(full) - 1)])
    assert rejection_of(path, kind).reason == Reason.UNAVAILABLE
    for _ in range(5):
        data = bytearray(full)
        for _ in range(3):
            data[noise.randrange(6, len(data))] ^= 1 + noise.randrange(255)
        path.write_bytes(data)
        try:
            unpack(path, kind, tmp_path / "out.tar")  # gzip keeps its header's time and name unchecked
        except Rejected as rejected:
            assert rejected.reason in {Reason.UNAVAILABLE, Reason.LIMIT_EXCEEDED, Reason.FORBIDDEN}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_bomb_ends_at_its_bound(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 1 << 20)
    path = MAKERS[kind](tmp_path / "a", {"a.wav": bytes(20 << 20)})
    assert path.stat().st_size * unpacking.MAX_RATIO < 20 << 20
    assert rejection_of(path, kind).reason == Reason.LIMIT_EXCEEDED
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 30 << 20)
    unpack(path, kind, tmp_path / "out.tar")


def test_an_archive_whose_members_are_longer_than_it_says_ends_there(tmp_path):
    writer = seven_zip.TarWriter(io.BytesIO(), 10)
    member = writer.create("a.wav")
    assert (member.write(b"0123456789"), member.size(), member.read(), member.seek(5)) == (10, 10, b"", 0)
    with pytest.raises(Rejected, match="more bytes than its list"):
        member.write(b"a")


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_what_is_compressed_and_no_tar_is_named_before_all_is_unpacked(tmp_path, kind):
    import bz2
    import gzip

    data = os.urandom(100_000)
    if kind == "zstd":
        with pa.CompressedOutputStream(str(tmp_path / "a"), "zstd") as stream:
            stream.write(data)
    else:
        (tmp_path / "a").write_bytes({"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind].compress(data))
    rejected = rejection_of(tmp_path / "a", kind)
    assert (rejected.reason, rejected.detail) == (Reason.UNAVAILABLE, f"audio_root 'a': compressed ({kind}), and what it holds is no tar")


@pytest.mark.parametrize("options", [{}, {"header_encryption": True}])
def test_an_encrypted_archive_is_forbidden(tmp_path, options):
    rejected = rejection_of(make_7z(tmp_path / "a.7z", {"a.wav": b"a"}, password="hush", **options), "7z")
    assert (rejected.reason, rejected.detail) == (Reason.FORBIDDEN, "audio_root 'a.7z': encrypted")


def test_what_needs_too_much_memory_is_refused(tmp_path, monkeypatch):
    make_7z(tmp_path / "a.7z", {"a.wav": b"a" * 1000})
    make_tar(tmp_path / "a.xz", {"a.wav": b"a" * 1000}, "w:xz")
    monkeypatch.setattr(unpacking, "MAX_MEMORY", 1 << 16)
    for name, kind in (("a.7z", "7z"), ("a.xz", "xz")):
        (tmp_path / kind).mkdir()
        rejected = rejection_of((tmp_path / name).rename(tmp_path / kind / name), kind)
        assert (rejected.reason, "bytes of memory" in rejected.detail) == (Reason.LIMIT_EXCEEDED, True)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(seven_zip, "MAX_MEMBERS", 2)
    path = make_7z(tmp_path / "a.7z", {"a.wav": b"", "b.wav": b"", "c.wav": b""})
    assert rejection_of(path, "7z").reason == Reason.LIMIT_EXCEEDED


@pytest.mark.parametrize("name", ["../evil.wav", "/tmp/evil.wav", "a/../../evil.wav"])
def test_an_unsafe_name_writes_nothing_outside(tmp_path, name):
    (tmp_path / "in").mkdir()
    archive = make_7z(tmp_path / "in" / "a.7z", {"x" * len(name): b"evil"}, filters=[{"id": py7zr.FILTER_COPY}])
    with py7zr.SevenZipFile(archive) as opened:
        opened.files.files_list[0]["filename"] = name
        before = sorted(tmp_path.rglob("*"))
        with contextlib.suppress(py7zr.exceptions.ArchiveError, py7zr.exceptions.AbsolutePathError):  # an absolute path is made relative
            opened.extract(targets=[name], factory=seven_zip.TarWriter(io.BytesIO(), 100))
    assert sorted(tmp_path.rglob("*")) == before
    make_tar(tmp_path / "in" / "a.tgz", {name: b"evil"}, "w:gz")
    unpack(tmp_path / "in" / "a.tgz", "gzip", tmp_path / "in" / "out.tar")
    assert open_archive(tmp_path / "in" / "out.tar").extract(name, tmp_path / "in") == tmp_path / "in" / "member"


def test_links_and_devices_are_not_written(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "f.wav").write_bytes(b"f")
    (tmp_path / "r" / "l.wav").symlink_to("/etc/passwd")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.writeall(tmp_path / "r", "r")
    unpack(tmp_path / "a.7z", "7z", tmp_path / "out.tar")
    assert contents(tmp_path / "out.tar", tmp_path) == {"r/f.wav": b"f"}
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as bundle:
        add(bundle, "f.wav", b"f")
        add(bundle, "l.wav", kind=tarfile.SYMTYPE, link="/etc/passwd")
        add(bundle, "d.wav", kind=tarfile.CHRTYPE)
    unpack(tmp_path / "a.tgz", "gzip", tmp_path / "out.tar")
    assert contents(tmp_path / "out.tar", tmp_path) == {"f.wav": b"f"}


def test_several_streams_of_xz_are_one_file(tmp_path):
    data = make_tar(tmp_path / "plain", {"a.wav": b"a" * 5000}).read_bytes()
    (tmp_path / "a.xz").write_bytes(lzma.compress(data[:1000]) + bytes(8) + lzma.compress(data[1000:]))
    unpack(tmp_path / "a.xz", "xz", tmp_path / "out.tar")
    assert (tmp_path / "out.tar").read_bytes() == data


@pytest.mark.parametrize("kind", ["gzip", "7z"])
def test_a_full_disk_ends_the_build_and_is_no_fault_of_the_archive(tmp_path, kind):
    path = MAKERS[kind](tmp_path / "a", {"a.wav": os.urandom(1 << 20)})
    (tmp_path / "out.tar.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        unpack(path, kind, tmp_path / "out.tar")
    assert caught.value.errno == errno.ENOSPC
