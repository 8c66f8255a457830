"""Waveform -> 48 kHz, 16 bits: soxr HQ, then rounding that saturates instead of wrapping around."""

from __future__ import annotations

import numpy as np
import soxr

from pipeline.records import SAMPLE_RATE


class Resampler:
    """Brings float32 frames to 48 kHz as they come; blocks of any size give the same frames as all at once.

    soxr HQ keeps >= 130 dB to 20 kHz with aliases at -140 dB, where the default resamplers of FFmpeg and torchaudio
    leave 25-44 dB near the top of the band.

    Args:
        rate: of the source, Hz.
    """

    def __init__(self, rate: int):
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def add(self, frames: np.ndarray) -> np.ndarray:
        """Return what is ready after these frames."""
        return frames if self._stream is None else self._stream.resample_chunk(frames)

    def finish(self) -> np.ndarray:
        """Return the rest."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def to_int16(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Return int16 frames and how many were clipped; no dither, so that 16-bit sources come out as they went in.

    >>> to_int16(np.array([0.5, 1.27, -1.0], np.float32))
    (array([ 16384,  32767, -32768], dtype=int16), 1)
    """
    scaled = frames * np.float32(32768.0)
    np.rint(scaled, out=scaled)
    # +1.0 is one step above what 16 bits hold: a source that touches it loses that step and is not called clipped
    n_clipped = int(np.count_nonzero(np.abs(scaled) > 32768.0)) if len(scaled) and max(scaled.max(), -scaled.min()) > 32768.0 else 0
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16), n_clipped
