"""Write a picture of few colours as PNG. Equal pictures give equal bytes, as long as zlib has the same version."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
INDEXED = 3  # colour type: each pixel is an index into the palette
_HEADER = struct.Struct(">IIBBBBB")


def png(pixels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a picture as PNG.

    Args:
        pixels: uint8 `(height, width)`, indices into the palette; the first row is at the top.
        palette: at most 256 colours, as red, green and blue from 0 to 255.
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with the number of its filter, 0
    rows[:, 1:] = pixels
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", _HEADER.pack(width, height, 8, INDEXED, 0, 0, 0)),
            _chunk(b"PLTE", bytes(value for color in palette for value in color)),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
