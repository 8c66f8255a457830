"""Read a media file on a server by ranges: all of it into a file, or the parts that a demuxer asks for."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import IncompleteRead, TransportError

from pipeline.records import Reason, Rejected

RANGE_BYTES = 10 << 20  # of one request; YouTube slows down larger ones, as yt-dlp found out
CHUNK = 1 << 18  # bytes
BLOCK = 1 << 18  # bytes that are read at once for a demuxer, and kept
MAX_BLOCKS = 256  # 64 MiB in memory; a section that needs more is not worth it
ATTEMPTS = 4  # in a row without a new byte
WAIT = 1.0  # seconds after the first of them; then twice as long each time
CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")

OpenRange = Callable[[int, int], Response]
"""(first byte, last byte) -> answer to a request with that range; raises what the networking of yt-dlp raises."""


class RemoteMedia:
    """A file on a server. Requests that break off are made again from where they broke off.

    Args:
        max_bytes: of the file.
        sleep: waits that many seconds.
    """

    def __init__(self, open_range: OpenRange, max_bytes: int, sleep: Callable[[float], None] = time.sleep):
        self.n_bytes: int | None = None  # known after the first answer with a range
        self._open = open_range
        self._max_bytes = max_bytes
        self._sleep = sleep

    def save(self, target: Path) -> int:
        """Write the complete file to `target`; return its size in bytes.

        Raises:
            Rejected: `too_large`.
            OSError: `target` cannot be written.
        """
        n_bytes = 0
        with target.open("wb") as file:
            for chunk in self.read(0, None):
                n_bytes += len(chunk)
                self._check_size(n_bytes)
                file.write(chunk)
        return n_bytes

    def head(self) -> bytes | None:
        """Return the first block; `None` where the server does not send parts of the file, or does not say how long it is."""
        with closing(self.read(0, BLOCK - 1)) as chunks:
            first = next(chunks, b"")
            return None if self.n_bytes is None else b"".join((first, *chunks))

    def read(self, first: int, last: int | None) -> Generator[bytes, None, None]:
        """Yield the bytes from `first` to `last` (`None`: to the end); all of the file, where the server has no ranges and `first` is 0.

        Raises:
            Rejected: `too_large`.
            RequestError: the file cannot be read.
        """
        at, n_faults = first, 0
        while at != self.n_bytes and (last is None or at <= last):
            try:
                for chunk in self._answer(at, at + RANGE_BYTES - 1 if last is None else min(last, at + RANGE_BYTES - 1)):
                    at, n_faults = at + len(chunk), 0
                    yield chunk
                if self.n_bytes is None:
                    return
            except TransportError:
                n_faults += 1
                if n_faults == ATTEMPTS or (at and self.n_bytes is None):  # without ranges there is no way to go on
                    raise
                self._sleep(WAIT * 2 ** (n_faults - 1))

    def _answer(self, first: int, last: int) -> Iterator[bytes]:
        """Request a range once, and yield what comes."""
        with closing(self._open(first, last)) as response:
            expected = self._expected(response, first, last)
            n_bytes = 0
            while expected is None or n_bytes < expected:
                chunk = response.read(CHUNK if expected is None else min(CHUNK, expected - n_bytes))
                if not chunk and expected is None:
                    return
                if not chunk:
                    raise IncompleteRead(n_bytes, expected - n_bytes if expected else None)
                n_bytes += len(chunk)
                yield chunk

    def _expected(self, response: Response, first: int, last: int) -> int | None:
        """Return how many bytes an answer must have; `None` where it does not say."""
        if (coding := response.headers.get("Content-Encoding", "identity").strip().lower()) not in {"", "identity"}:
            raise Rejected(Reason.UNAVAILABLE, f"sent with Content-Encoding {coding[:40]!r}, which was not asked for")
        if response.status == 206:
            return self._expected_of_range(response, first, last)
        if first:
            raise TransportError("the server sent another part of the file than was asked for")
        length = response.headers.get("Content-Length", "")
        expected = int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None
        self._check_size(expected or 0)
        return expected

    def _expected_of_range(self, response: Response, first: int, last: int) -> int:
        given = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        begin, end, n_bytes = (int(number) for number in given.groups()) if given else (-1, -1, -1)
        if begin != first or end != min(last, n_bytes - 1) or self.n_bytes not in {None, n_bytes}:
            raise TransportError("the server sent another part of the file than was asked for")
        self._check_size(n_bytes)
        self.n_bytes = n_bytes
        return end - begin + 1

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self._max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"more than {self._max_bytes} bytes")


class SeekableMedia(io.RawIOBase):
    """A remote file as a demuxer reads it: every block that is needed is requested once. `head` is the first block."""

    def __init__(self, media: RemoteMedia, head: bytes):
        super().__init__()
        self._media = media
        self._blocks = {0: head}
        self._at = 0

    def readable(self) -> bool:
        """Return that this can be read."""
        return True

    def seekable(self) -> bool:
        """Return that this can be read from any byte."""
        return True

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte, counted from the beginning, from here, or from the end."""
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._media.n_bytes or 0}[whence], 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, up to the end of a block; nothing at the end of the file, or when too many blocks were read."""
        n_bytes = self._media.n_bytes or 0
        if self._at >= n_bytes:
            return b""
        number, within = divmod(self._at, BLOCK)
        if number not in self._blocks:
            if len(self._blocks) >= MAX_BLOCKS:
                return b""
            first = number * BLOCK
            self._blocks[number] = b"".join(self._media.read(first, min(first + BLOCK, n_bytes) - 1))
        part = self._blocks[number][within : BLOCK if size < 0 else within + size]
        self._at += len(part)
        return part
