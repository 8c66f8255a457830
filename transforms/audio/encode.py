"""Write 16-bit frames as FLAC, in memory or, where it is long, in a file."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

from pipeline.records import SAMPLE_RATE
from transforms.audio.streaming_sound_file import StreamingSoundFile

IN_MEMORY = 8 << 20  # bytes of FLAC (two to three minutes) that are held in memory; more are written to a file


def long_flac(folder: Path) -> IO[bytes]:
    """Open a new file in `folder` for FLAC that is too long for memory. The caller removes the file."""
    return tempfile.NamedTemporaryFile(dir=folder, prefix="long-", suffix=".flac", delete=False)


class FlacWriter:
    """Writes int16 mono 48 kHz frames as FLAC, libFLAC level 5. Equal frames give equal bytes, whatever the sizes of the blocks.

    Args:
        folder: for FLAC that is too long for memory.
    """

    def __init__(self, folder: Path):
        self._file = _SpooledFile(folder)
        self._sound = StreamingSoundFile(self._file, "w", SAMPLE_RATE, 1, format="FLAC", subtype="PCM_16")

    def write(self, frames: np.ndarray) -> None:
        """Append int16 frames `(n_frames,)`."""
        self._sound.write(frames)

    def finish(self) -> bytes | Path:
        """Return the FLAC: its bytes, or the path of the file that holds them. The caller removes the file."""
        self._sound.close()
        return self._file.content()

    def discard(self) -> None:
        """Remove what was written."""
        flac = self.finish()
        if isinstance(flac, Path):
            flac.unlink()


class _SpooledFile:
    """A file in memory that moves to disk when it grows. It can seek, since libFLAC writes its header again at the end."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._path: Path | None = None
        self._file: IO[bytes] = io.BytesIO()

    def write(self, data: bytes | memoryview) -> int:
        n_written = self._file.write(data)
        if isinstance(self._file, io.BytesIO) and self._file.tell() > IN_MEMORY:
            self._move_to_disk()
        return n_written

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
        assert self._path is not None  # set when the file moved to disk
        return self._path

    def _move_to_disk(self) -> None:
        assert isinstance(self._file, io.BytesIO)
        with long_flac(self._folder) as file:
            file.write(self._file.getbuffer())
            self._path = Path(file.name)
        position = self._file.tell()
        self._file = self._path.open("r+b")
        self._file.seek(position)
