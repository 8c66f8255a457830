"""A zip in several parts is read as one, as `zip -s` makes it and as the format allows it."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipeline.records import Rejected
from tests.test_archives import FILES, make_zip
from transforms.fetching.roots.archives import open_archive
from transforms.fetching.roots.split_zip import END, JoinedFile, SplitZipError, n_parts_of, open_split, part_name

NOISE = {f"dev/{n}.wav": random.Random(n).randbytes(30_000) for n in range(12)} | {"dev/zeros.wav": bytes(100_000)}


def split(path: Path, data: bytes, sizes: list[int]) -> Path:
    """Write a zip as the parts of a split zip, the last as `path`: offsets count from the start of their part (APPNOTE 6.3.9, 4.4.16)."""
    starts = [sum(sizes[:n]) for n in range(len(sizes) + 1)]

    def part_and_offset(offset: int) -> tuple[int, int]:
        part = max(n for n, start in enumerate(starts) if start <= offset)
        return part, offset - starts[part]

    data = bytearray(data)
    end = data.rfind(b"PK\x05\x06")
    count, _, first = struct.unpack_from("<HII", data, end + 10)
    at = first
    for _ in range(count):
        (offset,) = struct.unpack_from("<I", data, at + 42)
        struct.pack_into("<H", data, at + 34, part_and_offset(offset)[0])
        struct.pack_into("<I", data, at + 42, part_and_offset(offset)[1])
        at += 46 + sum(struct.unpack_from("<3H", data, at + 28))
    struct.pack_into("<2H", data, end + 4, len(sizes), part_and_offset(first)[0])
    struct.pack_into("<I", data, end + 16, part_and_offset(first)[1])
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True), 1):
        part = path if number > len(sizes) else path.with_name(part_name(path.name, number))
        part.write_bytes(data[start:stop])
    return path


def contents(path: Path, work: Path) -> dict[str, bytes]:
    root = open_archive(path)
    return {name: root.extract(name, work).read_bytes() for name in sorted(root.members)}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("sizes", [[100_000, 100_000], [1] * 30, [389_000], [390_600, 100]])
def test_the_members_of_a_split_zip_are_those_of_one_file(tmp_path, method, sizes):
    data = make_zip(tmp_path / "one.zip", NOISE, method).read_bytes()
    path = split(tmp_path / "dev.zip", data, [min(size, len(data) // (len(sizes) + 1)) for size in sizes])
    assert n_parts_of(path) == len(sizes) + 1
    assert contents(path, tmp_path) == NOISE


def test_the_list_of_members_may_lie_in_two_parts(tmp_path):
    data = make_zip(tmp_path / "one.zip", FILES).read_bytes()
    first = struct.unpack_from("<I", data, data.rfind(b"PK\x05\x06") + 16)[0]
    assert contents(split(tmp_path / "dev.zip", data, [1000, first + 10 - 1000]), tmp_path) == FILES


@pytest.mark.skipif(shutil.which("zip") is None, reason="zip is not installed; the tests above make their parts by themselves")
@pytest.mark.parametrize("options", [[], ["-0"], ["-fz"]])
def test_what_zip_splits_is_read(tmp_path, options):
    for name, data in NOISE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    subprocess.run(["zip", "-q", "-r", "-s", "64k", *options, "dev.zip", "dev"], cwd=tmp_path, check=True)
    assert n_parts_of(tmp_path / "dev.zip") > 3
    assert contents(tmp_path / "dev.zip", tmp_path) == NOISE


def test_a_split_zip_with_offsets_of_64_bits_is_read(tmp_path):
    """Its end record and its members say "see the record of 64 bits", as in a zip of more than 4 GiB."""
    data = bytearray(make_zip(tmp_path / "one.zip", {"a.wav": b"a" * 500}, zipfile.ZIP_STORED).read_bytes())
    end = data.rfind(b"PK\x05\x06")
    at = struct.unpack_from("<I", data, end + 16)[0]
    crc_to_sizes = struct.unpack_from("<2I", data, at + 20)
    extra = struct.pack("<2H3QI", 1, 28, *reversed(crc_to_sizes), 0, 0)
    listed = bytearray(data[at:end] + extra)
    struct.pack_into("<2I3H", listed, 20, 0xFFFFFFFF, 0xFFFFFFFF, 5, len(extra), 0)
    struct.pack_into("<H", listed, 34, 0xFFFF)
    struct.pack_into("<I", listed, 42, 0xFFFFFFFF)
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 1, 1, 1, 1, len(listed), at - 100)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 1, at - 100 + len(listed), 2)
    end_record = END.pack(b"PK\x05\x06", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "dev.z01").write_bytes(data[:100])
    (tmp_path / "dev.zip").write_bytes(data[100:at] + listed + end64 + locator + end_record)
    assert n_parts_of(tmp_path / "dev.zip") == 2
    assert contents(tmp_path / "dev.zip", tmp_path) == {"a.wav": b"a" * 500}


@pytest.fixture
def dev(tmp_path):
    return split(tmp_path / "dev.zip", make_zip(tmp_path / "one.zip", NOISE).read_bytes(), [100_000, 100_000, 100_000])


def test_a_missing_part_is_named(dev):
    (dev.parent / "dev.z02").unlink()
    with pytest.raises(SplitZipError, match=r"^of its 4 parts 1 are missing: put dev\.z02 beside it$"):
        open_archive(dev)


def test_a_last_part_with_another_name_is_explained(dev):
    other = dev.rename(dev.with_name("dev.bin"))
    with pytest.raises(SplitZipError, match=r"the last of 4 parts, and its name does not end in \.zip"):
        open_archive(other)


@pytest.mark.parametrize("name", ["dev.z01", "dev.z03"])
def test_a_part_that_is_cut_off_spoils_what_lies_there_and_nothing_else_is_taken(dev, tmp_path, name):
    part = dev.with_name(name)
    part.write_bytes(part.read_bytes()[:-5000])
    try:
        root = open_archive(dev)
    except SplitZipError:
        return
    good = 0
    for member in NOISE:
        try:
            assert root.extract(member, tmp_path).read_bytes() == NOISE[member]
            good += 1
        except Rejected as rejected:
            assert rejected.reason == "corrupt"
    assert good < len(NOISE)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_list_of_members_raises_nothing_but_damages(dev, seed, tmp_path):
    noise, data = random.Random(seed), bytearray(dev.read_bytes())
    first = struct.unpack_from("<I", data, data.rfind(b"PK\x05\x06") + 16)[0]
    for _ in range(6):
        data[noise.randrange(first, len(data))] = noise.randrange(256)
    dev.write_bytes(data)
    try:
        root = open_archive(dev)
    except (ValueError, zipfile.BadZipFile):
        return
    for member in root.members:
        with contextlib.suppress(Rejected):
            root.extract(member, tmp_path)


def test_a_zip_that_says_it_has_very_many_parts_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(END.pack(b"PK\x05\x06", 60_000, 0, 0, 0, 0, 0, 0))
    with pytest.raises(SplitZipError, match="60001 parts, at most 1000"):
        n_parts_of(tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes(END.pack(b"PK\x05\x06", 1, 0, 0, 9, MAX := 0xFFFFFFFF, 0, 0))
    (tmp_path / "a.z01").write_bytes(b"")
    with pytest.raises(SplitZipError, match=f"its list of members has {MAX} bytes"):
        open_split(tmp_path / "a.zip", 2)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"RIFF" * 50_000, b"PK\x05\x06" + bytes(16) + b"\x05\x00" + b"wrong comment"])
def test_other_files_have_one_part(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert n_parts_of(tmp_path / "a") == 1


def test_joined_files_read_as_one_from_anywhere(tmp_path):
    parts = []
    for number, data in enumerate((b"abc", b"", b"defgh", b"i")):
        parts.append(tmp_path / str(number))
        parts[-1].write_bytes(data)
    joined = b"abcdefgTAIL"
    with io.BufferedReader(JoinedFile(parts, 7, b"TAIL")) as file:
        assert file.read() == joined
    with JoinedFile(parts, 7, b"TAIL") as file:
        for at in range(15):
            assert (file.seek(at), file.read(3)) == (at, joined[at : at + 3][: len(file_part(joined, at))])
        assert (file.seek(-4, os.SEEK_END), file.read(), file.seek(0, os.SEEK_CUR)) == (7, b"TAIL", 11)
        with pytest.raises(ValueError, match="before the beginning"):
            file.seek(-1)
        assert (file.position(2, 1), file.position(3, 0)) == (4, 8)
        with pytest.raises(SplitZipError, match="byte 9 of part 4"):
            file.position(3, 9)


def file_part(joined: bytes, at: int) -> bytes:
    """Return what one read of three bytes returns: it ends with a part."""
    ends = [end for end in (3, 7, 11) if end > at]
    return joined[at : min(at + 3, ends[0])] if ends else b""
