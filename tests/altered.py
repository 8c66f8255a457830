"""Alter sounds as copies of them in other sets are altered: another format, level, rate, start, or a part."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import numpy as np
import soxr

from pipeline.records import SAMPLE_RATE
from tests.sounds import by_av


def coded(frames: np.ndarray, container: str, codec: str, bit_rate: int) -> np.ndarray:
    """Return frames after a codec."""
    data = by_av(frames[:, None] / 32768, SAMPLE_RATE, container, codec, bit_rate=bit_rate)
    resampler, parts = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE), []
    with av.open(io.BytesIO(data)) as file:
        for frame in (*file.decode(audio=0), None):
            parts += [each.to_ndarray().ravel() for each in resampler.resample(frame)]
    return np.concatenate(parts)


def louder(frames: np.ndarray, decibels: float) -> np.ndarray:
    """Return frames at another level, clipped at full scale."""
    return np.clip(np.rint(frames * 10 ** (decibels / 20)), -32768, 32767).astype(np.int16)


def through(frames: np.ndarray, rate: int) -> np.ndarray:
    """Return frames after another rate."""
    there = soxr.resample(frames.astype(np.float32), SAMPLE_RATE, rate)
    return np.clip(np.rint(soxr.resample(there, rate, SAMPLE_RATE)), -32768, 32767).astype(np.int16)


def later(frames: np.ndarray, seconds: float) -> np.ndarray:
    """Return frames with silence before them."""
    return np.concatenate([np.zeros(round(seconds * SAMPLE_RATE), np.int16), frames])


def part(frames: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Return the part between two shares of the length."""
    return frames[round(begin * len(frames)) : round(end * len(frames))]


def without_beginning(frames: np.ndarray, seconds: float) -> np.ndarray:
    """Return frames without their beginning, at most half of them."""
    return frames[min(round(seconds * SAMPLE_RATE), len(frames) // 2) :]


ALTERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mp3 64 kbit/s": lambda frames: coded(frames, "mp3", "libmp3lame", 64_000),
    "opus 64 kbit/s": lambda frames: coded(frames, "ogg", "libopus", 64_000),
    "opus 32 kbit/s": lambda frames: coded(frames, "ogg", "libopus", 32_000),
    "+12 dB, clipped": lambda frames: louder(frames, 12),
    "-12 dB": lambda frames: louder(frames, -12),
    "through 16 kHz": lambda frames: through(frames, 16_000),
    "1 s later": lambda frames: later(frames, 1.0),
    "0.7003 s later": lambda frames: later(frames, 0.7003),
    "without the first second": lambda frames: without_beginning(frames, 1.0),
    "the middle half": lambda frames: part(frames, 0.25, 0.75),
    "mp3 of it from 0.69 s, -6 dB": lambda frames: coded(louder(without_beginning(frames, 0.6943), -6), "mp3", "libmp3lame", 64_000),
    "opus of it through 16 kHz, later": lambda frames: coded(later(through(frames, 16_000), 0.3721), "ogg", "libopus", 64_000),
}
"""What is done to a sound -> a function of int16 frames `(n_frames,)`, mono, 48 kHz, that does it."""
