"""Ogg files that are several recordings in a row: FFmpeg follows such a chain only while nothing about the sound changes."""

from __future__ import annotations

import io
import os
from typing import IO, cast

PAGE = 27  # bytes of a page's header before its segment table
BEGINS = 2  # the bit of a page that begins a stream


def links(file: IO[bytes]) -> list[IO[bytes]]:
    """Return every link of a chain as a file of its own; the file itself where there is but one.

    Streams that run side by side (a film with sound) begin together and are one link.
    """
    starts, at, begun = [0], 0, True
    file.seek(0)
    while len(header := file.read(PAGE)) == PAGE and header.startswith(b"OggS"):
        begins = bool(header[5] & BEGINS)
        if begins and not begun:
            starts.append(at)
        begun = begins
        segments = file.read(header[26])
        at += PAGE + len(segments) + sum(segments)
        file.seek(at)
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if len(starts) == 1:
        return [file]
    return [cast("IO[bytes]", _Part(file, start, stop)) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


class _Part(io.RawIOBase):
    """Bytes `start` to `stop` of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, stop: int):
        super().__init__()
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
