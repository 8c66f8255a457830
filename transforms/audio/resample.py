"""Resample mono frames to 48 kHz with soxr HQ, and round them to 16 bits with saturation."""

from __future__ import annotations

import numpy as np
import soxr

from pipeline.records import SAMPLE_RATE


class Resampler:
    """Resamples mono frames to 48 kHz block by block. The sizes of the blocks make no difference to the result.

    soxr HQ has a signal-to-noise ratio of at least 130 dB up to 20 kHz and aliases at -140 dB. The default resamplers of
    FFmpeg and torchaudio reach 25 to 44 dB near the top of the band.

    Args:
        rate: of the source, Hz.
    """

    def __init__(self, rate: int):
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def add(self, frames: np.ndarray) -> np.ndarray:
        """Resample the next frames.

        Args:
            frames: `(n_frames,)`, int16 or float32.

        Returns:
            The output that is ready, float32 `(n_ready,)`. At 48 kHz the frames themselves, unchanged.
        """
        return frames if self._stream is None else self._stream.resample_chunk(frames.astype(np.float32, copy=False))

    def finish(self) -> np.ndarray:
        """Return the rest of the output, float32; call it once, after the last `add`."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def to_int16(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Round frames to int16; return them and how many were clipped. No dither: 16-bit sources stay as they are.

    Args:
        frames: `(n_frames,)`, full scale at 32768; int16 frames are returned unchanged.

    >>> to_int16(np.array([16384.4, 41615, -32768], np.float32))
    (array([ 16384,  32767, -32768], dtype=int16), 1)
    """
    if frames.dtype == np.int16 or not len(frames):
        return frames.astype(np.int16, copy=False), 0
    rounded = np.rint(frames)
    lowest, highest = rounded.min(), rounded.max()
    if lowest >= -32768 and highest <= 32767:
        return rounded.astype(np.int16), 0
    # +32768 is one step more than int16 holds: a source that touches it loses this step, and that is not counted as clipped
    n_clipped = int(np.count_nonzero(np.abs(rounded) > 32768))
    return np.clip(rounded, -32768, 32767).astype(np.int16), n_clipped
