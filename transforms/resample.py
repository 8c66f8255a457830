"""Waveform -> 48 kHz, 16 bits: soxr HQ, then rounding that saturates instead of wrapping around."""

from __future__ import annotations

import numpy as np
import soxr

from pipeline.records import SAMPLE_RATE


def resample(frames: np.ndarray, rate: int) -> np.ndarray:
    """Return float32 frames at 48 kHz.

    soxr HQ keeps >= 130 dB to 20 kHz with aliases at -140 dB, where the default resamplers of FFmpeg and torchaudio
    leave 25-44 dB near the top of the band.
    """
    return frames if rate == SAMPLE_RATE else soxr.resample(frames, rate, SAMPLE_RATE, quality="HQ")


def to_int16(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """Return int16 frames and how many were clipped; no dither, so that 16-bit sources come out as they went in.

    >>> to_int16(np.array([0.5, 1.27, -1.0], np.float32))
    (array([ 16384,  32767, -32768], dtype=int16), 1)
    """
    scaled = np.rint(frames * np.float32(32768.0))
    # +1.0 is one step above what 16 bits hold: a source that touches it loses that step and is not called clipped
    n_clipped = int(np.count_nonzero(np.abs(scaled) > 32768.0))
    return np.clip(scaled, -32768, 32767).astype(np.int16), n_clipped
