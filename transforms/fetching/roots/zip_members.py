"""Read the list of members of a zip, with every reading of their names, and the bytes of its members."""

from __future__ import annotations

import bz2
import contextlib
import lzma
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.records import Reason, Rejected
from transforms.fetching.roots.archive_members import BLOCK, BoundedFile, Member

MAX_INDEX_BYTES = 256 << 20  # of the list of members: more than a million members have
SMALLEST_DICTIONARY, MAX_DICTIONARY = 1 << 12, 128 << 20  # bytes of memory that an LZMA decoder takes
ENCRYPTED, UTF8 = 1, 0x800  # bits of a member's flags
UNICODE_PATH = 0x7075  # extra field of a member; APPNOTE 6.3.9, section 4.6.9


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def offset(self) -> int:
        """Where its header begins."""
        return self.info.header_offset

    @property
    def size(self) -> int:
        """Length in bytes after unpacking, as the archive says; what is longer is cut there and has a wrong checksum."""
        return self.info.file_size

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes."""
        if self.info.flag_bits & ENCRYPTED:
            raise Rejected(Reason.FORBIDDEN, "encrypted")
        with lock, self.archive.open(self.info) as content:  # one file position for all threads
            if self.info.compress_type in {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}:
                yield from self._expanded(file)
            else:
                while block := content.read(BLOCK):
                    yield block

    def _expanded(self, file: BoundedFile) -> Iterator[bytes]:
        """Yield the bytes of bzip2 or LZMA in blocks; zipfile expands what it has read at once, to a million times its size."""
        file.seek(self.info.header_offset)
        n_name, n_extra = struct.unpack("<26xHH", file.read(30))
        file.seek(n_name + n_extra, os.SEEK_CUR)
        packed, unpacked, checksum = self.info.compress_size, self.info.file_size, 0
        decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor = bz2.BZ2Decompressor()
        if self.info.compress_type == zipfile.ZIP_LZMA:
            decoder = _lzma_decoder(file.read(9), unpacked)
            packed -= 9
        while unpacked and not decoder.eof:
            data = file.read(min(BLOCK, packed)) if decoder.needs_input else b""
            packed -= len(data)
            if decoder.needs_input and not data:
                raise EOFError("the compressed bytes end too early")
            block = decoder.decompress(data, BLOCK)[:unpacked]
            unpacked, checksum = unpacked - len(block), zlib.crc32(block, checksum)
            yield block
        if unpacked or checksum != self.info.CRC:
            raise zipfile.BadZipFile("wrong size or checksum")


def _lzma_decoder(header: bytes, size: int) -> lzma.LZMADecompressor:
    """Return a decoder for a member of `size` bytes. APPNOTE 6.3.9, section 5.8.8: version, size of the properties, properties."""
    kind, dictionary = struct.unpack("<4xBI", header)
    dictionary = max(min(dictionary, size), SMALLEST_DICTIONARY)
    if dictionary > MAX_DICTIONARY:
        raise Rejected(Reason.LIMIT_EXCEEDED, f"needs {dictionary} bytes of memory to unpack, at most {MAX_DICTIONARY}")
    pb, lp, lc = kind // 45, kind // 9 % 5, kind % 9
    properties = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties])


def zip_members(file: BoundedFile) -> tuple[dict[str, Member], frozenset[str]]:
    """Return the files of a zip by every reading of their names, and the names of several members with other content."""
    file.budget = MAX_INDEX_BYTES
    archive = zipfile.ZipFile(file)
    file.budget = None
    members: dict[str, Any] = {}
    repeated = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        for name in zip_names(info):
            other = members.setdefault(name, ZipMember(archive, info)).info
            if (other.CRC, other.file_size) != (info.CRC, info.file_size):
                repeated.add(name)
    return members, frozenset(repeated)


def zip_names(info: zipfile.ZipInfo) -> list[str]:
    """Return the names that a member of a zip may have: many programs write UTF-8 without saying so, others a code page of DOS."""
    if info.flag_bits & UTF8 or info.filename.isascii():
        return [info.filename]
    names = [info.filename]  # zipfile reads code page 437
    raw = info.filename.encode("cp437")
    with contextlib.suppress(UnicodeDecodeError):
        names.insert(0, raw.decode())
    with contextlib.suppress(struct.error, UnicodeDecodeError):
        extra = info.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            if kind == UNICODE_PATH and struct.unpack("<xI", extra[4:9])[0] == zlib.crc32(raw):
                names.insert(0, extra[9 : 4 + size].decode())
            extra = extra[4 + size :]
    return list(dict.fromkeys(names))
