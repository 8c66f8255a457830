"""Read the pages of Ogg files: split chains, which are several recordings in a row, and compare positions with frames.

FFmpeg reads a chain only while its format stays the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from transforms.audio.file_slice import FileSlice

PAGE_HEADER_BYTES = 27  # of a page, before its segment table
FLAGS_AT, N_SEGMENTS_AT = 5, 26  # bytes of the page header (RFC 3533, section 6)
BEGIN_OF_STREAM = 2  # flag of the first page of a stream


def split_ogg_links(file: IO[bytes]) -> list[IO[bytes]]:
    """Return every link of a chain as a file of its own; the file itself when there is only one.

    Streams that run in parallel (a film with sound) begin together and are one link.
    """
    starts, previous_begins = [0], True
    for page in _pages(file):
        if page.begins and not previous_begins:
            starts.append(page.at)
        previous_begins = page.begins
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if len(starts) == 1:
        return [file]
    return [cast("IO[bytes]", FileSlice(file, start, stop)) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


def n_granules(file: IO[bytes], index: int) -> int:
    """Return how many granules (frames, of most codecs) a stream has at least, by the positions of its pages.

    The first position need not be that of the first page: a stream may be cut from the middle of another (RFC 7845, section 4.5).
    What the first page holds is not written there; it is taken for the least that any other page holds, and for 0 if there is no
    other page. The frames that a decoder of Opus drops at the beginning (section 4.2) do not count.

    Args:
        file: one link of a chain.
        index: of the stream, in the order in which streams begin.
    """
    positions: dict[int, list[int]] = {}  # serial number of a stream -> its first position, its last one, the least step
    n_dropped: list[int] = []  # frames at the beginning of each stream
    file_bytes = file.seek(0, os.SEEK_END)
    for page in _pages(file):
        if page.end > file_bytes:  # of a page that is cut, FFmpeg decodes nothing
            break
        if page.serial not in positions:
            n_dropped.append(_pre_skip(file, page))
        position = positions.setdefault(page.serial, [])
        if page.granule <= 0:
            continue
        if not position:
            position[:] = [page.granule] * 3
        elif page.granule > position[1]:
            position[1:] = [page.granule, min(position[2], page.granule - position[1])]
    if index >= len(positions):
        return 0
    first, last, step = list(positions.values())[index] or (0, 0, 0)
    return max(0, last - first + step - n_dropped[index]) if last > first else 0


def _pre_skip(file: IO[bytes], page: _Page) -> int:
    """Return how many frames a decoder drops at the beginning of the stream that begins with this page; 0 if it is not Opus."""
    file.seek(page.at)
    packet = file.read(PAGE_HEADER_BYTES + 13)[PAGE_HEADER_BYTES + 1 :]  # the packet of a first page has one segment
    return int.from_bytes(packet[10:12], "little") if packet.startswith(b"OpusHead") else 0


@dataclass(frozen=True, slots=True)
class _Page:
    at: int
    end: int
    begins: bool
    granule: int
    serial: int


def _pages(file: IO[bytes]) -> Iterator[_Page]:
    """Yield the pages of a file, without their content."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(PAGE_HEADER_BYTES)
        if len(header) < PAGE_HEADER_BYTES or not header.startswith(b"OggS"):
            return
        segments = file.read(header[N_SEGMENTS_AT])
        end = at + PAGE_HEADER_BYTES + len(segments) + sum(segments)
        granule = int.from_bytes(header[6:14], "little", signed=True)
        yield _Page(at, end, bool(header[FLAGS_AT] & BEGIN_OF_STREAM), granule, int.from_bytes(header[14:18]))
        at = end
