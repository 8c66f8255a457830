"""Read a part of a file as a file."""

from __future__ import annotations

import io
import os
from typing import IO


class FileSlice(io.RawIOBase):
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
