"""16-bit frames -> FLAC bytes, and what the books say of them, block by block."""

from __future__ import annotations

import hashlib
import io
import math
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

from pipeline.records import SAMPLE_RATE, Statistics
from transforms.audio.streaming_sound_file import StreamingSoundFile

SILENT_STEP = 1  # frames whose int16 value is at most this far from 0 count as silent
ROW = 4096  # frames multiplied at once: from 10,000 on BLAS would start threads, which wait at full speed
IN_MEMORY = 8 << 20  # bytes of FLAC (two to three minutes) that are kept in memory; more goes to a file


def long_flac(place: Path) -> IO[bytes]:
    """Open a new file below `place` for FLAC that is too long for memory; its name is the caller's from now on."""
    return tempfile.NamedTemporaryFile(dir=place, prefix="long-", suffix=".flac", delete=False)


class FlacWriter:
    """Writes int16 mono 48 kHz frames as FLAC (libFLAC level 5): equal frames give equal bytes, however they come in blocks.

    Args:
        place: folder for FLAC that is too long to be kept in memory.
    """

    def __init__(self, place: Path):
        self._spool = _Spool(place)
        self._sound = StreamingSoundFile(self._spool, "w", SAMPLE_RATE, 1, format="FLAC", subtype="PCM_16")

    def write(self, frames: np.ndarray) -> None:
        """Append frames."""
        self._sound.write(frames)

    def finish(self) -> bytes | Path:
        """Return the FLAC: its bytes, or the file that holds them, which is the caller's from now on."""
        self._sound.close()
        return self._spool.content()

    def discard(self) -> None:
        """Throw away what was written."""
        content = self.finish()
        if isinstance(content, Path):
            content.unlink()


class Meter:
    """Statistics of int16 mono 48 kHz frames as they go by; whole numbers inside, so that blocks make no difference."""

    def __init__(self) -> None:
        self.n_frames = self.n_clipped = 0
        self._lowest = self._highest = 0
        self._sum = self._squares = self._n_silent = 0
        self._digest = hashlib.sha256()

    def add(self, frames: np.ndarray, n_clipped: int) -> None:
        """Take the next frames, fewer than 2**22 of them: up to there float64 adds squares of 16 bits exactly, in any order."""
        if not len(frames):
            return
        self.n_frames += len(frames)
        self.n_clipped += n_clipped
        wide = frames.astype(np.float64)
        n_in_rows = len(wide) - len(wide) % ROW
        for part in (wide[:n_in_rows].reshape(-1, ROW), wide[n_in_rows:]):
            self._squares += int(np.vecdot(part, part).sum())
        self._sum += int(wide.sum())
        self._lowest, self._highest = min(self._lowest, int(frames.min())), max(self._highest, int(frames.max()))
        self._n_silent += int(np.count_nonzero((frames + np.int16(SILENT_STEP)).view(np.uint16) <= 2 * SILENT_STEP))
        self._digest.update(frames.astype("<i2", copy=False).data)

    def statistics(self, n_nonfinite: int = 0) -> Statistics:
        """Return the statistics of all frames, at least one; `n_nonfinite` values of the source were not finite."""
        n_frames = self.n_frames
        return Statistics(
            n_frames=n_frames,
            duration=n_frames / SAMPLE_RATE,
            peak=max(-self._lowest, self._highest) / 32768,
            rms=round(math.sqrt(self._squares / n_frames) / 32768, 9),
            dc=round(self._sum / n_frames / 32768, 9),
            clipped_fraction=self.n_clipped / n_frames,
            silent_fraction=self._n_silent / n_frames,
            pcm_sha256=self._digest.hexdigest(),
            n_nonfinite=n_nonfinite,
        )


class _Spool:
    """A file in memory that moves to disk when it grows: libFLAC comes back to its beginning at the end."""

    def __init__(self, place: Path):
        self._place = place
        self._path: Path | None = None
        self._file: IO[bytes] = io.BytesIO()

    def write(self, data: bytes | memoryview) -> int:
        written = self._file.write(data)
        if isinstance(self._file, io.BytesIO) and self._file.tell() > IN_MEMORY:
            self._move()
        return written

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def content(self) -> bytes | Path:
        if isinstance(self._file, io.BytesIO):
            return self._file.getvalue()
        self._file.close()
        assert self._path is not None  # set when the file was moved
        return self._path

    def _move(self) -> None:
        assert isinstance(self._file, io.BytesIO)
        with long_flac(self._place) as file:
            file.write(self._file.getbuffer())
            self._path = Path(file.name)
        at = self._file.tell()
        self._file = self._path.open("r+b")
        self._file.seek(at)
