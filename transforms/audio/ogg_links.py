"""Split chained Ogg files, which are several recordings in a row. FFmpeg reads a chain only while its format stays the same."""

from __future__ import annotations

import os
from typing import IO, cast

from transforms.audio.file_slice import FileSlice

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
    return [cast("IO[bytes]", FileSlice(file, start, stop)) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
