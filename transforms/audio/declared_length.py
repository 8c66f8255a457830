"""Read from the chunks of a file where its header says that the audio ends: WAV, RF64, BW64, RIFX, W64, AIFF, CAF, AU, 8SVX, DSDIFF.

Decoders accept a file whose end is missing and decode what is there. So the promise of the header is compared with the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, Literal

MAX_CHUNKS = 4096  # that are examined before the audio; more are in no file that a program wrote
MAX_FORMAT_BYTES = 64  # of a `fmt ` chunk that are read
PLACEHOLDER_32, PLACEHOLDER_64 = 0x7F000000, 1 << 62
"""A writer that cannot seek, as into a pipe, leaves sizes of at least this, or 0: sox 0x7ffff000, ffmpeg and espeak 0xffffffff."""
EXTENSIBLE = 0xFFFE  # format tag of a WAV whose codec stands in the first bytes of its sub-format


@dataclass(frozen=True, slots=True)
class Layout:
    """How the chunks of a kind of file are written.

    `first_chunk` is their offset in the file, `n_id` and `n_size` are the bytes of a chunk's name and size, `multiple` is that
    to which chunks are padded, `counts_header` says whether a size includes name and size.
    """

    first_chunk: int
    audio: bytes  # the name of the chunk that holds the audio
    order: Literal["little", "big"] = "little"
    n_id: int = 4
    n_size: int = 4
    multiple: int = 2
    counts_header: bool = False


W64_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
LAYOUTS: tuple[tuple[bytes, int, bytes, Layout], ...] = (
    (b"RIFF", 8, b"WAVE", Layout(12, b"data")),
    (b"RF64", 8, b"WAVE", Layout(12, b"data")),
    (b"BW64", 8, b"WAVE", Layout(12, b"data")),
    (b"RIFX", 8, b"WAVE", Layout(12, b"data", "big")),
    (b"riff", 24, b"wave", Layout(40, b"data" + W64_TAIL, n_id=16, n_size=8, multiple=8, counts_header=True)),
    (b"FORM", 8, b"AIFF", Layout(12, b"SSND", "big")),
    (b"FORM", 8, b"AIFC", Layout(12, b"SSND", "big")),
    (b"FORM", 8, b"8SVX", Layout(12, b"BODY", "big")),
    (b"FORM", 8, b"16SV", Layout(12, b"BODY", "big")),
    (b"FRM8", 12, b"DSD ", Layout(16, b"DSD ", "big", n_size=8)),
    (b".RMF", 4, b"\x00\x00\x00\x12", Layout(0, b"DATA", "big", multiple=1, counts_header=True)),
    (b"caff", 4, b"\x00\x01", Layout(8, b"data", "big", n_size=8, multiple=1)),
)
"""First bytes, offset of the second name, second name, layout."""


@dataclass(frozen=True, slots=True)
class DeclaredAudio:
    """What the header of a file says about its audio: offset of the first byte, of the byte after the last one, and the codec.

    `end` is None where the header does not say it; `repair` then holds offsets and bytes of sizes that say it, where
    they can be written. `codec` (a format tag of WAV) is None in all other files.
    """

    first: int
    end: int | None
    codec: int | None = None
    repair: tuple[tuple[int, bytes], ...] = ()

    def is_cut(self, file_bytes: int) -> bool:
        """Return whether a file of this size ends before its audio does. One pad byte may be missing."""
        return self.end is not None and self.end > file_bytes + 1


def declared_audio(file: IO[bytes], at: int = 0) -> DeclaredAudio | None:
    """Return what the header of a file says about its audio; None for other kinds of files and where no audio chunk is found.

    Args:
        file: open for reading; its position changes.
        at: offset of the header, as after an ID3 tag.
    """
    file.seek(at)
    head = file.read(40)
    if head[:4] in {b".snd", b"dns."}:
        return _declared_by_au(head, at, file.seek(0, os.SEEK_END))
    for magic, offset, name, layout in LAYOUTS:
        if head.startswith(magic) and head.startswith(name, offset):
            return _find_audio(file, at, layout)
    return None


def _declared_by_au(head: bytes, at: int, file_bytes: int) -> DeclaredAudio | None:
    order: Literal["little", "big"] = "big" if head.startswith(b".snd") else "little"
    if len(head) < 24:
        return None
    first, size = at + int.from_bytes(head[4:8], order), int.from_bytes(head[8:12], order)
    return DeclaredAudio(first, end_of_audio(first, size, file_bytes, 4))


def _find_audio(file: IO[bytes], at: int, layout: Layout) -> DeclaredAudio | None:
    """Walk the chunks to the one that holds the audio."""
    position, file_bytes = at + layout.first_chunk, file.seek(0, os.SEEK_END)
    n_header, codec, size_64 = layout.n_id + layout.n_size, None, None
    for _ in range(MAX_CHUNKS):
        if position > file_bytes:  # and perhaps beyond where a file can be read
            return None
        file.seek(position)
        header = file.read(n_header)
        if len(header) < n_header:
            return None
        name, size = header[: layout.n_id], int.from_bytes(header[layout.n_id :], layout.order)
        first, n_width = position + n_header, layout.n_size
        if layout.counts_header:
            size = max(0, size - n_header)
        if name == layout.audio:
            if size_64 is not None and size == 0xFFFFFFFF:
                size, n_width = size_64, 8
            end = end_of_audio(first, size, file_bytes, n_width)
            return DeclaredAudio(first, end, codec, _repair(at, position, file_bytes, layout) if end is None else ())
        if name[:4] == b"fmt ":
            codec = _codec(file.read(MAX_FORMAT_BYTES), layout.order)
        elif name == b"ds64":
            size_64 = int.from_bytes(file.read(16)[8:], "little")
        position = _next_chunk(file, first, size, layout) if first + size < file_bytes else first + size
    return None


def _repair(at: int, position: int, file_bytes: int, layout: Layout) -> tuple[tuple[int, bytes], ...]:
    """Return sizes of the file and of its last chunk, as if both reach to the end of the file, and their offsets."""
    patches = []
    for chunk in (at, position):
        size = file_bytes - chunk - (0 if layout.counts_header else layout.n_id + layout.n_size)
        if size >= 1 << 8 * layout.n_size - 1:
            return ()
        patches.append((chunk + layout.n_id, size.to_bytes(layout.n_size, layout.order)))
    return tuple(patches)


def _next_chunk(file: IO[bytes], first: int, size: int, layout: Layout) -> int:
    """Return the offset of the chunk after one. Some programs do not write the pad byte of a chunk with an odd size."""
    if layout.multiple == 2 and size % 2:
        file.seek(first + size)
        if file.read(4).strip().isalnum():  # a name, where the pad byte should be
            return first + size
    return first + -(-size // layout.multiple) * layout.multiple


def _codec(body: bytes, order: Literal["little", "big"]) -> int | None:
    tag = int.from_bytes(body[:2], order) if len(body) >= 16 else None
    return int.from_bytes(body[24:28], order) if tag == EXTENSIBLE and len(body) >= 40 else tag


def end_of_audio(first: int, size: int, file_bytes: int, n_width: int) -> int | None:
    """Return where the audio ends; None for a size that a writer left because it did not know it.

    Args:
        first: offset of the first byte of the audio.
        size: as the header gives it.
        file_bytes: of the file.
        n_width: of how many bytes the size is, 4 or 8.
    """
    is_beyond = first + size > file_bytes
    limit = PLACEHOLDER_32 if n_width == 4 else PLACEHOLDER_64
    if size == 0 or (is_beyond and (size >= limit or size in {0x7FFFFFFF, 0xFFFFFFFF})):
        return None
    return first + size
