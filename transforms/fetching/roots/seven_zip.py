"""Write a 7z archive as an uncompressed tar, through py7zr, without writing any of its members under its own name."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py7zr import SevenZipFile
from py7zr.exceptions import AbsolutePathError, ArchiveError, PasswordRequired
from py7zr.io import Py7zIO, WriterFactory

from pipeline.records import Reason, Rejected
from transforms.fetching.roots.tar_members import MAX_MEMBERS

SEVEN_ZIP_FAULTS = (ArchiveError, AbsolutePathError, KeyError, TypeError, AttributeError, IndexError, AssertionError, MemoryError)
"""What py7zr raises over damaged archives, beside `DAMAGES`: much of it is not checked there before it is used."""
LZMA, LZMA2, PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"


def seven_zip_to_tar(path: Path, target: Path, max_bytes: int, max_memory: int) -> None:
    """Write the regular files of a 7z archive to a new tar.

    Args:
        max_bytes: what they may have together.
        max_memory: the largest dictionary that may be needed.

    Raises:
        Rejected: `forbidden` for an encrypted archive; `limit_exceeded`.
        SEVEN_ZIP_FAULTS, DAMAGES: it is damaged, or has a member with an unsafe name.
    """
    try:
        with io.FileIO(path) as file, SevenZipFile(file) as archive:  # py7zr takes threads for a name, and none for a file
            if archive.needs_password():
                raise Rejected(Reason.FORBIDDEN, "encrypted")
            needed = max(_dictionaries(archive), default=0)
            if needed > max_memory:
                raise Rejected(Reason.LIMIT_EXCEEDED, f"needs {needed} bytes of memory to unpack, at most {max_memory}")
            files = [file for file in archive.files if file.is_file and not file.is_symlink and not file.is_junction]
            n_bytes = sum(file.uncompressed for file in files)
            if len(archive.files) > MAX_MEMBERS or n_bytes > max_bytes:
                given, allowed = f"{len(archive.files)} members of {n_bytes} bytes", f"at most {MAX_MEMBERS} of {max_bytes}"
                raise Rejected(Reason.LIMIT_EXCEEDED, f"{given}, {allowed}")
            with target.open("wb") as tar:
                writer = TarWriter(tar, max_bytes)
                if files:
                    archive.extract(targets=[file.filename for file in files], factory=writer)
                tar.write(bytes(2 * tarfile.BLOCKSIZE))
    except PasswordRequired as error:
        raise Rejected(Reason.FORBIDDEN, "encrypted") from error


def _dictionaries(archive: SevenZipFile) -> Iterator[int]:
    """Yield the memory in bytes that each part of an archive needs for its dictionary (7z's Methods.txt)."""
    streams = getattr(archive.header, "main_streams", None)
    for folder in streams.unpackinfo.folders if streams is not None else ():
        for coder in folder.coders:
            method, properties = bytes(coder["method"]), bytes(coder.get("properties") or b"")
            if method == LZMA2 and properties:
                yield (2 | properties[0] & 1) << (properties[0] // 2 + 11)
            elif method in {LZMA, PPMD} and len(properties) >= 5:
                yield struct.unpack_from("<xI", properties)[0]


class TarWriter(WriterFactory):
    """Writes the members that py7zr unpacks, one after the other, to a tar."""

    def __init__(self, file: Any, max_bytes: int):
        self.file = file
        self.left = max_bytes

    def create(self, filename: str) -> Py7zIO:
        """Return what the bytes of the next member are written to."""
        return TarMember(self, filename)


class TarMember(Py7zIO):
    """One member of the tar: its header is written again when its size is known."""

    def __init__(self, writer: TarWriter, name: str):
        self._writer = writer
        self._info = tarfile.TarInfo(name)
        self._start = writer.file.tell()
        self._write_header()

    def _write_header(self) -> None:
        self._writer.file.write(self._info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))

    def write(self, s: bytes | bytearray) -> int:
        """Write bytes of the member; return how many."""
        self._writer.left -= len(s)
        if self._writer.left < 0:
            raise Rejected(Reason.LIMIT_EXCEEDED, "unpacks to more bytes than its list of members says")
        self._info.size += len(s)
        return int(self._writer.file.write(s))

    def close(self) -> None:
        """End the member."""
        file = self._writer.file
        file.write(bytes(-self._info.size % tarfile.BLOCKSIZE))
        end = file.tell()
        file.seek(self._start)
        self._write_header()
        file.seek(end)

    def seekable(self) -> bool:
        """Return that py7zr must not go back."""
        return False

    def read(self, size: int | None = None) -> bytes:
        """Return nothing: a member is only written."""
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stay: a member is only written."""
        return 0

    def flush(self) -> None:
        """Do nothing: the tar is flushed when it is closed."""

    def size(self) -> int:
        """Return the bytes so far."""
        return self._info.size
