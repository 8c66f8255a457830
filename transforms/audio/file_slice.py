"""Read a part of a file as a file, with some of its bytes replaced."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import IO


class FileSlice(io.RawIOBase):
    """The bytes `start` to `stop` of a file, as a file.

    Args:
        file: open for reading; its position changes.
        start: offset of the first byte.
        stop: offset of the byte after the last one.
        patches: offsets in `file`, and the bytes that are read there instead.
    """

    def __init__(self, file: IO[bytes], start: int, stop: int, patches: Sequence[tuple[int, bytes]] = ()):
        self._file, self._start, self._stop, self._at, self._patches = file, start, stop, start, patches

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        data = bytearray(self._file.read(min(len(buffer), self._stop - self._at)))
        for offset, patch in self._patches:
            first, last = max(offset, self._at), min(offset + len(patch), self._at + len(data))
            if first < last:
                data[first - self._at : last - self._at] = patch[first - offset : last - offset]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: self._start, os.SEEK_CUR: self._at, os.SEEK_END: self._stop}[whence]
        self._at = min(max(origin + offset, self._start), self._stop)
        return self._at - self._start

    def tell(self) -> int:
        return self._at - self._start
