"""Waveform -> 48 kHz, 16 bits: soxr HQ, then rounding that saturates instead of wrapping around."""

from __future__ import annotations

import numpy as np
import soxr

from pipeline.records import SAMPLE_RATE


class Resampler:
    """Brings mono frames to 48 kHz as they come; blocks of any size give the same frames as all at once.

    soxr HQ keeps >= 130 dB to 20 kHz with aliases at -140 dB, where the default resamplers of FFmpeg and torchaudio
    leave 25-44 dB near the top of the band.

    Args:
        rate: of the source, Hz.
    """

    def __init__(self, rate: int):
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def add(self, frames: np.ndarray) -> np.ndarray:
        """Return what is ready after these frames, float32; at 48 kHz the frames themselves."""
        return frames if self._stream is None else self._stream.resample_chunk(frames.astype(np.float32, copy=False))

    def finish(self) -> np.ndarray:
        """Return the rest."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def to_int16(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Return int16 frames and how many were clipped; no dither, so that 16-bit sources come out as they went in.

    Args:
        frames: in steps of 16 bits; int16 frames are returned as they are.

    >>> to_int16(np.array([16384.4, 41615, -32768], np.float32))
    (array([ 16384,  32767, -32768], dtype=int16), 1)
    """
    if frames.dtype == np.int16 or not len(frames):
        return frames.astype(np.int16, copy=False), 0
    rounded = np.rint(frames)
    lowest, highest = rounded.min(), rounded.max()
    if lowest >= -32768 and highest <= 32767:
        return rounded.astype(np.int16), 0
    # +32768 is one step above what 16 bits hold: a source that touches it loses that step and is not called clipped
    n_clipped = int(np.count_nonzero(np.abs(rounded) > 32768))
    return np.clip(rounded, -32768, 32767).astype(np.int16), n_clipped
