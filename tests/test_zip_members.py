"""Members of a zip are found by every reading of their names, and their bytes are complete or an error."""

from __future__ import annotations

import io
import struct
import threading
import zipfile
import zlib
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected
from transforms.fetching.roots import zip_members as module
from transforms.fetching.roots.archive_members import BLOCK, BoundedFile
from transforms.fetching.roots.zip_members import ENCRYPTED, MAX_DICTIONARY, UNICODE_PATH, UTF8, zip_members, zip_names

DATA = bytes(range(256)) * 1000  # several blocks
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
EXPANDED = METHODS[2:]


def packed(folder: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return folder / "a.zip"


def blocks(path: Path, name: str = "a.wav", **changed: int) -> list[bytes]:
    """Return the blocks of a member whose entry in the list is changed."""
    with BoundedFile(io.FileIO(path)) as file:
        member = zip_members(file)[0][name]
        for field, value in changed.items():
            setattr(member.info, field, value)  # type: ignore[attr-defined]
        return list(member.blocks(file, threading.Lock()))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["a.wav", "folder/b.wav", "ü.wav"])
def test_the_bytes_of_a_member_come_in_blocks(method: int, name: str, tmp_path: Path) -> None:
    path = packed(tmp_path, ("first.wav", b"x" * 70_000), (name, DATA), ("last.wav", b""), method=method)
    read = blocks(path, name)
    assert b"".join(read) == DATA and {len(block) <= BLOCK for block in read} == {True}
    assert b"".join(blocks(path, "last.wav")) == b"" and b"".join(blocks(path, "first.wav")) == b"x" * 70_000


@pytest.mark.parametrize("method", EXPANDED)
def test_a_field_after_the_name_is_no_part_of_the_bytes(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        info = zipfile.ZipInfo("a.wav")
        info.compress_type, info.extra = method, struct.pack("<HH3s", 0x9999, 3, b"abc")
        archive.writestr(info, DATA)
    assert b"".join(blocks(tmp_path / "a.zip")) == DATA


@pytest.mark.parametrize("method", EXPANDED)
def test_a_member_of_another_size_or_checksum_than_listed_is_bad(method: int, tmp_path: Path) -> None:
    path = packed(tmp_path, ("a.wav", DATA), method=method)
    for changed in ({"file_size": len(DATA) + 1}, {"file_size": len(DATA) - 1}, {"CRC": 1}):
        with pytest.raises(zipfile.BadZipFile, match="wrong size or checksum"):
            blocks(path, **changed)
    with pytest.raises(EOFError, match="the compressed bytes end too early"):
        blocks(path, compress_size=40)


def test_an_encrypted_member_is_forbidden(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as raised:
        blocks(packed(tmp_path, ("a.wav", DATA)), flag_bits=ENCRYPTED | 8)
    assert (raised.value.reason, raised.value.detail) == (Reason.FORBIDDEN, "encrypted")


def lzma_header(dictionary: int, lc: int = 3, lp: int = 0, pb: int = 2) -> bytes:
    return struct.pack("<BBHBI", 9, 4, 5, (pb * 5 + lp) * 9 + lc, dictionary)


def test_an_lzma_dictionary_takes_no_more_memory_than_the_member_has_bytes_or_is_allowed() -> None:
    module._lzma_decoder(lzma_header(1 << 31), 1000)
    module._lzma_decoder(lzma_header(1), MAX_DICTIONARY * 2)
    module._lzma_decoder(lzma_header(MAX_DICTIONARY), MAX_DICTIONARY * 2)
    with pytest.raises(Rejected) as raised:
        module._lzma_decoder(lzma_header(MAX_DICTIONARY + 1), MAX_DICTIONARY * 2)
    assert raised.value.reason is Reason.LIMIT_EXCEEDED
    assert raised.value.detail == f"needs {MAX_DICTIONARY + 1} bytes of memory to unpack, at most {MAX_DICTIONARY}"
    assert (module.SMALLEST_DICTIONARY, MAX_DICTIONARY) == (4096, 134_217_728)


@pytest.mark.parametrize(("lc", "lp", "pb"), [(3, 0, 2), (0, 2, 0), (1, 3, 4), (4, 0, 1)])
def test_every_property_of_an_lzma_decoder_is_read(lc: int, lp: int, pb: int) -> None:
    import lzma

    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": lc, "lp": lp, "pb": pb}]
    data = lzma.compress(DATA, lzma.FORMAT_RAW, filters=filters)
    assert module._lzma_decoder(lzma_header(1 << 16, lc, lp, pb), len(DATA)).decompress(data, len(DATA)) == DATA


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_folders_are_no_members_and_names_with_two_contents_are_reported(tmp_path: Path) -> None:
    path = packed(
        tmp_path, ("x/", b""), ("x/a", b"1"), ("same", b"2"), ("same", b"2"), ("longer", b"3"), ("longer", b"33"), ("other", b"4")
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other", b"5")
    with BoundedFile(io.FileIO(path)) as file:
        members, repeated = zip_members(file)
        assert (set(members), repeated) == ({"x/a", "same", "longer", "other"}, {"longer", "other"})
        assert [members[name].size for name in ("x/a", "longer")] == [1, 1]
        assert members["x/a"].offset == path.read_bytes().index(b"PK\3\4", 1) and members["same"].offset > members["x/a"].offset
        assert file.budget is None


def test_the_list_of_members_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.MAX_INDEX_BYTES == 268_435_456
    monkeypatch.setattr(module, "MAX_INDEX_BYTES", 100)
    path = packed(tmp_path, *((f"{n}.wav", b"") for n in range(9)))
    with BoundedFile(io.FileIO(path)) as file, pytest.raises(ValueError, match="its list of members is longer than any that is read"):
        zip_members(file)


def entry(raw: bytes, flags: int = 0, extra: bytes = b"") -> zipfile.ZipInfo:
    """Return an entry as zipfile reads it from a list of members."""
    info = zipfile.ZipInfo(raw.decode("utf-8" if flags & UTF8 else "cp437"))
    info.flag_bits, info.extra = flags, extra
    return info


def unicode_path(raw: bytes, name: str) -> bytes:
    data = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", UNICODE_PATH, len(data)) + data


RAW = "é.wav".encode("cp850")
OTHER = struct.pack("<HH2s", 1, 2, b"ab")


@pytest.mark.parametrize(
    ("info", "names"),
    [
        (entry(b"a.wav"), ["a.wav"]),
        (entry(b"a.wav", extra=unicode_path(b"a.wav", "b.wav")), ["a.wav"]),
        (entry("é.wav".encode(), UTF8), ["é.wav"]),
        (entry("é.wav".encode()), ["é.wav", "├⌐.wav"]),
        (entry(RAW), ["é.wav"]),
        (entry(b"\xb0.wav"), ["░.wav"]),
        (entry(b"\xb0.wav", extra=unicode_path(b"\xb0.wav", "ř.wav")), ["ř.wav", "░.wav"]),
        (entry(b"\xb0.wav", extra=OTHER + unicode_path(b"\xb0.wav", "ř.wav") + OTHER), ["ř.wav", "░.wav"]),
        (entry(b"\xb0.wav", extra=unicode_path(b"another", "ř.wav")), ["░.wav"]),
        (entry(b"\xb0.wav", extra=unicode_path(b"\xb0.wav", "ř.wav")[:7]), ["░.wav"]),
        (entry(b"\xb0.wav", extra=struct.pack("<HH", UNICODE_PATH + 1, 14) + unicode_path(b"\xb0.wav", "ř.wav")[4:]), ["░.wav"]),
        (entry("é.wav".encode(), extra=unicode_path("é.wav".encode(), "é.wav")), ["é.wav", "├⌐.wav"]),
    ],
)
def test_a_name_is_read_in_every_way_that_its_program_may_have_meant(info: zipfile.ZipInfo, names: list[str]) -> None:
    assert zip_names(info) == names
