"""Define what a member of an archive is, and a file of which only a bounded part is read."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from typing import Protocol

BLOCK = 1 << 16  # bytes


class BoundedFile(io.BufferedReader):
    """A file that raises ValueError when more than `budget` bytes are read; `None`: as many as wanted."""

    budget: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes."""
        if self.budget is None:
            return super().read(size)
        wanted = self._left() if size is None or size < 0 else size
        if wanted > self.budget:
            raise ValueError("its list of members is longer than any that is read")
        data = super().read(max(wanted, 0))
        self.budget -= len(data)
        return data

    def _left(self) -> int:
        """Return the number of bytes from here to the end."""
        at = self.tell()
        left = self.seek(0, os.SEEK_END) - at
        self.seek(at)
        return left


class Member(Protocol):
    """A member of an archive: where it is, how long it is, how its bytes are read."""

    @property
    def offset(self) -> int:
        """Where it begins; links to a member have its offset."""

    @property
    def size(self) -> int:
        """Length in bytes, as the archive says."""

    def blocks(self, file: BoundedFile, lock: threading.Lock) -> Iterator[bytes]:
        """Yield its bytes.

        Raises:
            Rejected: it may not be read, or takes too much memory.
        """
