"""Draw the spectrogram of a sample: time across, frequency upwards on a logarithmic scale, loudness as colour."""

from __future__ import annotations

import itertools

import numpy as np

from pipeline.records import SAMPLE_RATE
from pipeline.report.html.png import png

WIDTH, HEIGHT = 360, 96  # pixels
WINDOW = 2048  # frames: 43 ms, which tells tones of 23 Hz apart
LOWEST, HIGHEST = 40.0, 20_000.0  # Hz, of the picture
RANGE = 75.0  # dB below the loudest point of the sample that are shown
N_COLORS = 32
STOPS = ((11, 16, 24), (19, 60, 85), (24, 120, 120), (108, 190, 130), (250, 240, 180))
"""Colours from silence to the loudest point; each is lighter than the one before, so that the picture can be read without colours."""


def spectrogram(frames: np.ndarray) -> bytes:
    """Return the spectrogram of int16 mono frames at 48 kHz, `(n_frames,)`, as PNG; silence is all dark."""
    power = _power(frames)
    levels = 10 * np.log10(np.maximum(power, 1e-12))
    loudness = np.clip((levels - levels.max()) / RANGE + 1, 0, 1) if frames.any() else np.zeros_like(levels)
    return png(np.rint(loudness * (N_COLORS - 1)).astype(np.uint8), palette())


def palette() -> list[tuple[int, int, int]]:
    """Return the colours from silence to the loudest point."""
    at = np.linspace(0, len(STOPS) - 1, N_COLORS)
    mixed = np.stack([np.interp(at, range(len(STOPS)), [stop[part] for stop in STOPS]) for part in range(3)], axis=1)
    return [(int(red), int(green), int(blue)) for red, green, blue in np.rint(mixed)]


def _power(frames: np.ndarray) -> np.ndarray:
    """Return the power at each pixel, `(HEIGHT, WIDTH)`: of the strongest bin of its band, or of the bin nearest to a narrow band."""
    padded = np.zeros(max(len(frames), 1) + WINDOW)
    padded[WINDOW // 2 : WINDOW // 2 + len(frames)] = frames / 32768
    starts = np.linspace(0, len(padded) - WINDOW, WIDTH).astype(int)
    windows = np.stack([padded[start : start + WINDOW] for start in starts]) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2  # (WIDTH, WINDOW // 2 + 1)
    bins = np.geomspace(LOWEST, HIGHEST, HEIGHT + 1) * WINDOW / SAMPLE_RATE
    rows = [power[:, int(low) : max(int(low) + 1, int(np.ceil(high)))].max(axis=1) for low, high in itertools.pairwise(bins)]
    return np.stack(rows[::-1])
