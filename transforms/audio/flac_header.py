"""Compare the number of frames in the header of a FLAC with the file. libsndfile decodes as many frames as the header says, not more."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from transforms.audio.excerpt_cutter import BLOCK_FRAMES
from transforms.audio.streaming_sound_file import StreamingSoundFile

MARKER = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")  # of a file: its name, and a STREAMINFO block of 34 bytes (RFC 9639, section 6)
MARKER_BYTES = 8
PIECE_BYTES = 1 << 20  # that are in memory at once
FRAME = re.compile(rb"\xff[\xf8\xf9]")
TAIL_BYTES = 1 << 18  # in which the last frame begins; the largest that encoders write has 130 kB
MD5 = slice(26, 42)  # of the file, in its STREAMINFO
BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}


def is_flac_header_right(file: IO[bytes], at: int) -> bool:
    """Return whether a FLAC is one file whose last frame ends where the header says, or not later.

    Args:
        file: open for reading; its position changes. It is read in pieces.
        at: offset of the header.
    """
    file_bytes = file.seek(0, os.SEEK_END)
    file.seek(at + 8)
    info = file.read(34)
    if _is_joined(file):
        return False
    file.seek(max(at + 42, file_bytes - TAIL_BYTES))
    last = _end_of_last_frame(file.read(TAIL_BYTES), int.from_bytes(info[:2]))
    return last is None or last <= int.from_bytes(info[13:18]) & 0xFFFFFFFFF


def _is_joined(file: IO[bytes]) -> bool:
    """Return whether another FLAC begins in the rest of a file."""
    while len(piece := file.read(PIECE_BYTES)) > MARKER_BYTES:
        at = piece.find(b"fLaC")  # faster than the expression
        if at >= 0 and MARKER.search(piece, at) is not None:
            return True
        if len(piece) == PIECE_BYTES:
            file.seek(-MARKER_BYTES, os.SEEK_CUR)
    return False


def md5_agrees(path: Path) -> bool:
    """Return whether the frames of a FLAC have the MD5 of its header: then all frames are there, whatever number the header gives."""
    with path.open("rb") as file:
        head = file.read(42)
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with StreamingSoundFile(path) as sound:
            bits = BITS.get(sound.subtype)
            if bits is None or not head.startswith(b"fLaC"):
                return False
            while len(frames := sound.read(BLOCK_FRAMES, dtype="int32", always_2d=True)):
                digest.update(_packed(frames, bits))
    except soundfile.LibsndfileError:
        return False
    return digest.digest() == head[MD5]


def _packed(frames: np.ndarray, bits: int) -> bytes:
    """Return frames as the little-endian bytes of which a FLAC holds the MD5."""
    values = np.ascontiguousarray(frames >> (32 - bits)).astype("<i4")
    return values.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()


def _end_of_last_frame(tail: bytes, block_size: int) -> int | None:
    """Return the number of the frame of audio after the last block that begins in `tail`; None when none is found."""
    for match in reversed(list(FRAME.finditer(tail))):
        end = _end_of_frame(tail[match.start() : match.start() + 16], block_size)
        if end is not None:
            return end
    return None


def _end_of_frame(header: bytes, block_size: int) -> int | None:
    """Return where a block ends, counted in frames of audio, from its header; None when the bytes are no header (RFC 9639, section 9.1)."""
    if len(header) < 16:
        return None
    n_more = max(0, 7 - (header[4] ^ 0xFF).bit_length())  # bytes of the coded number after the first one
    size_code, rate_code = header[2] >> 4, header[2] & 15
    at = 5 + n_more
    n_size, n_rate = {6: 1, 7: 2}.get(size_code, 0), {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    stop = at + n_size + n_rate
    if size_code == 0 or rate_code == 15 or stop >= len(header) or _crc8(header[:stop]) != header[stop]:
        return None
    number = header[4] if not n_more else header[4] & (0x3F >> n_more)
    for byte in header[5:at]:
        number = number << 6 | byte & 0x3F
    n_frames = int.from_bytes(header[at : at + n_size]) + 1 if n_size else _block_size(size_code)
    return n_frames + (number if header[1] & 1 else number * block_size)


def _block_size(code: int) -> int:
    return 192 if code == 1 else 576 << (code - 2) if code <= 5 else 256 << (code - 8)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x107) if value & 0x80 else value << 1
    return value
