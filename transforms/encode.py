"""16-bit frames -> FLAC bytes, and what the books say of them."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import soundfile

from pipeline.records import SAMPLE_RATE, Statistics

SILENT_STEP = 1  # frames whose int16 value is at most this far from 0 count as silent


def encode_flac(frames: np.ndarray) -> bytes:
    """Return int16 mono 48 kHz frames as FLAC (libFLAC level 5): equal frames give equal bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def measure(frames: np.ndarray, n_clipped: int) -> Statistics:
    """Return the statistics of int16 mono 48 kHz frames, at least one."""
    n_frames = len(frames)
    as_float = frames.astype(np.float64)
    return Statistics(
        n_frames=n_frames,
        duration=n_frames / SAMPLE_RATE,
        peak=max(abs(int(frames.min())), abs(int(frames.max()))) / 32768,
        rms=round(float(np.sqrt(np.dot(as_float, as_float) / n_frames)) / 32768, 9),
        dc=round(float(as_float.sum()) / n_frames / 32768, 9),
        clipped_fraction=n_clipped / n_frames,
        silent_fraction=int(np.count_nonzero(np.abs(frames.astype(np.int32)) <= SILENT_STEP)) / n_frames,
        pcm_sha256=hashlib.sha256(frames.astype("<i2").tobytes()).hexdigest(),
    )
