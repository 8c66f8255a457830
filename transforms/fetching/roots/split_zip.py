"""Read a zip that is split over several files, as FSD50K's `dev.z01`, `dev.z02`, ..., `dev.zip`, as if it were one.

Python's zipfile reads no split zips: in these, offsets count from the start of a part. Here the parts are joined without a copy, and
the list of members is written anew, in memory, with offsets that count from the start of the first part. Sections are those of APPNOTE
6.3.9.
"""

from __future__ import annotations

import bisect
import io
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

END = struct.Struct("<4s4H2IH")  # 4.3.16: signature, this part, part of the list, members here, members, size, offset, comment
LOCATOR = struct.Struct("<4sIQI")  # 4.3.15: signature, part of the record, its offset, number of parts
END64 = struct.Struct("<4sQ2H2I4Q")  # 4.3.14: as END, in 64 bits
MEMBER = struct.Struct("<4s6H3I5H2I")  # 4.3.12
MAX_PARTS = 1000
MAX_LIST = 256 << 20  # bytes of the list of members: more than a million members have
MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF
ZIP64 = 1  # extra field of a member with what does not fit into 32 bits; 4.5.3


class SplitZipError(ValueError):
    """A split zip cannot be read; the text says why, for users."""


def n_parts_of(path: Path) -> int:
    """Return the number of parts of the zip whose last part is `path`; 1 for a file that is no split zip.

    Raises:
        SplitZipError: it says that it has more than `MAX_PARTS`.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - END.size - MAX_16 - LOCATOR.size, 0))
        tail = file.read()
    at = _end_in(tail)
    if at is None:
        return 1
    n_parts = END.unpack_from(tail, at)[1] + 1
    if at >= LOCATOR.size and tail[at - LOCATOR.size :].startswith(b"PK\x06\x07"):
        n_parts = max(LOCATOR.unpack_from(tail, at - LOCATOR.size)[3], 1)
    if n_parts > MAX_PARTS:
        raise SplitZipError(f"it says that it has {n_parts} parts, at most {MAX_PARTS}")
    return n_parts


def _end_in(tail: bytes) -> int | None:
    """Return where the end record of a zip begins: the last one whose comment reaches the end."""
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if len(tail) - at >= END.size and at + END.size + END.unpack_from(tail, at)[7] == len(tail):
            return at
        at = tail.rfind(b"PK\x05\x06", 0, at)
    return None


def part_name(name: str, number: int) -> str:
    """Return the name of a part of the split zip whose last part has this name; parts are counted from 1.

    >>> part_name("FSD50K.dev_audio.zip", 1), part_name("https://h/files/a.zip/content?d=1", 12)
    ('FSD50K.dev_audio.z01', 'https://h/files/a.z12/content?d=1')
    """
    return re.sub(r"\.(z)ip(?=(?:/[^/?#]*)?(?:[?#]|$))", rf".\g<1>{number:02}", name, count=1, flags=re.IGNORECASE)


def open_split(path: Path, n_parts: int) -> JoinedFile:
    """Return the parts of a split zip as one zip.

    Args:
        path: the last part, `.zip`; the others are beside it.

    Raises:
        SplitZipError: a part is missing, or the list of members is damaged.
    """
    if part_name(path.name, 1) == path.name:
        raise SplitZipError(f"it is the last of {n_parts} parts, and its name does not end in .zip, so that the others cannot be found")
    parts = [path.with_name(part_name(path.name, number)) for number in range(1, n_parts)] + [path]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise SplitZipError(f"of its {n_parts} parts {len(missing)} are missing: put {', '.join(missing[:3])} beside it")
    plain = JoinedFile(parts)
    with io.BufferedReader(plain) as file:
        try:
            return JoinedFile(parts, *_one_part_list(file, plain))
        except struct.error as error:
            raise SplitZipError("its list of members is cut off") from error


def _one_part_list(file: io.BufferedReader[JoinedFile], parts: JoinedFile) -> tuple[int, bytes]:
    """Return where the list of members begins in the joined parts, and the list and all after it as those of one file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - END.size - MAX_16 - LOCATOR.size, 0))
    tail = file.read()
    at = _end_in(tail)
    if at is None:
        raise SplitZipError("its end is missing")
    _, _, part, _, count, length, offset, _ = END.unpack_from(tail, at)
    if at >= LOCATOR.size and tail[at - LOCATOR.size :].startswith(b"PK\x06\x07"):
        _, record_part, record_offset, _ = LOCATOR.unpack_from(tail, at - LOCATOR.size)
        file.seek(parts.position(record_part, record_offset))
        *_, part, _, count, length, offset = END64.unpack(file.read(END64.size))
    if length > MAX_LIST:
        raise SplitZipError(f"its list of members has {length} bytes, at most {MAX_LIST}")
    start = parts.position(part, offset)
    file.seek(start)
    listed = _rewritten(file.read(length), count, parts)
    end64 = END64.pack(b"PK\x06\x06", END64.size - 12, 45, 45, 0, 0, count, count, len(listed), start)
    locator = LOCATOR.pack(b"PK\x06\x07", 0, start + len(listed), 1)
    end = END.pack(b"PK\x05\x06", 0, 0, MAX_16, MAX_16, MAX_32, MAX_32, 0)
    return start, b"".join((listed, end64, locator, end))


def _rewritten(listed: bytes, count: int, parts: JoinedFile) -> bytes:
    """Return a list of members with offsets in the joined parts."""
    records, at = [], 0
    for _ in range(count):
        fields = list(MEMBER.unpack_from(listed, at))
        packed, unpacked, n_name, n_extra, n_comment, part, offset = *fields[8:13], fields[13], fields[16]
        if fields[0] != b"PK\x01\x02":
            raise SplitZipError("its list of members is damaged")
        name_at = at + MEMBER.size
        name = listed[name_at : name_at + n_name]
        extra = listed[name_at + n_name : name_at + n_name + n_extra]
        at = name_at + n_name + n_extra + n_comment
        unpacked, packed, offset, part, others = _read_zip64(extra, unpacked, packed, offset, part)
        extra = struct.pack("<2H3Q", ZIP64, 24, unpacked, packed, parts.position(part, offset)) + others
        if len(extra) > MAX_16:
            raise SplitZipError("its list of members is damaged")
        fields[8:14] = MAX_32, MAX_32, n_name, len(extra), 0, 0
        fields[16] = MAX_32
        records.append(MEMBER.pack(*fields) + name + extra)
    return b"".join(records)


def _read_zip64(extra: bytes, unpacked: int, packed: int, offset: int, part: int) -> tuple[int, int, int, int, bytes]:
    """Return size, packed size, offset and part of a member, which an extra field may hold, and the other extra fields."""
    others, at = b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        field = extra[at : at + 4 + size]
        at += 4 + size
        if kind != ZIP64:
            others += field
            continue
        rest = io.BytesIO(field[4:])
        unpacked = struct.unpack("<Q", rest.read(8))[0] if unpacked == MAX_32 else unpacked
        packed = struct.unpack("<Q", rest.read(8))[0] if packed == MAX_32 else packed
        offset = struct.unpack("<Q", rest.read(8))[0] if offset == MAX_32 else offset
        part = struct.unpack("<I", rest.read(4))[0] if part == MAX_16 else part
    return unpacked, packed, offset, part, others


class JoinedFile(io.RawIOBase):
    """Files one after the other as one, with other bytes in place of its last ones.

    Args:
        end: where the files end, and `tail` begins; by default their whole length.
    """

    def __init__(self, paths: Sequence[Path], end: int | None = None, tail: bytes = b""):
        self._starts = [0]
        self._files: list[io.FileIO] = []
        for path in paths:
            self._files.append(io.FileIO(path))
            self._starts.append(self._starts[-1] + path.stat().st_size)
        self._end = self._starts[-1] if end is None else end
        self._tail = tail
        self._at = 0

    def position(self, part: int, offset: int) -> int:
        """Return where an offset in a part, counted from 0, is in the joined file.

        Raises:
            SplitZipError: there is no such part, or it is shorter.
        """
        if part >= len(self._files) or self._starts[part] + offset > self._starts[-1]:
            raise SplitZipError(f"it names byte {offset} of part {part + 1}, which is not there")
        return self._starts[part] + offset

    def readable(self) -> bool:
        """Return that this can be read."""
        return True

    def seekable(self) -> bool:
        """Return that this can be sought in."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position; return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end + len(self._tail)}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into `buffer`, at most to the end of a part; return the number of bytes."""
        view = memoryview(buffer).cast("B")
        if self._at >= self._end:
            first = self._at - self._end
            data = self._tail[first : first + len(view)]
        else:
            part = bisect.bisect_right(self._starts, self._at) - 1
            n_bytes = min(len(view), self._starts[part + 1] - self._at, self._end - self._at)
            data = os.pread(self._files[part].fileno(), n_bytes, self._at - self._starts[part])
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
        super().close()
