"""Split chained Ogg files, which are several recordings in a row. FFmpeg reads a chain only while its format stays the same."""

from __future__ import annotations

import io
import os
from typing import IO, cast

PAGE_HEADER_BYTES = 27  # of a page, before its segment table
FLAGS_AT, N_SEGMENTS_AT = 5, 26  # bytes of the page header (RFC 3533, section 6)
BEGIN_OF_STREAM = 2  # flag of the first page of a stream


def split_ogg_links(file: IO[bytes]) -> list[IO[bytes]]:
    """Return every link of a chain as a file of its own; the file itself when there is only one.

    Streams that run in parallel (a film with sound) begin together and are one link.
    """
    starts, at, previous_begins = [0], 0, True
    file.seek(0)
    while len(header := file.read(PAGE_HEADER_BYTES)) == PAGE_HEADER_BYTES and header.startswith(b"OggS"):
        begins = bool(header[FLAGS_AT] & BEGIN_OF_STREAM)
        if begins and not previous_begins:
            starts.append(at)
        previous_begins = begins
        segments = file.read(header[N_SEGMENTS_AT])
        at += PAGE_HEADER_BYTES + len(segments) + sum(segments)
        file.seek(at)
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if len(starts) == 1:
        return [file]
    return [cast("IO[bytes]", _FileSlice(file, start, stop)) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


class _FileSlice(io.RawIOBase):
    """The bytes `start` to `stop` of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, stop: int):
        self._file, self._start, self._stop, self._at = file, start, stop, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        data = self._file.read(min(len(buffer), self._stop - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: self._start, os.SEEK_CUR: self._at, os.SEEK_END: self._stop}[whence]
        self._at = min(max(origin + offset, self._start), self._stop)
        return self._at - self._start

    def tell(self) -> int:
        return self._at - self._start
