"""Measure 16-bit frames block by block: the statistics that the books hold of every sample."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from pipeline.records import SAMPLE_RATE, Statistics
from transforms.audio.fingerprint import Fingerprinter

FULL_SCALE = 32768
SILENT_STEP = 1  # a frame whose int16 value is at most this far from 0 is silent
ROW_FRAMES = 4096  # frames multiplied at once: from 10,000 on BLAS would start threads, which wait in a busy loop


class Meter:
    """Measures int16 mono 48 kHz frames. Its sums are integers, so the sizes of the blocks make no difference."""

    def __init__(self) -> None:
        self.n_frames = self.n_clipped = 0
        self._lowest = self._highest = 0
        self._sum = self._sum_of_squares = self._n_silent = 0
        self._pcm_sha256 = hashlib.sha256()
        self._fingerprinter = Fingerprinter()

    def add(self, frames: np.ndarray, n_clipped: int) -> None:
        """Measure the next frames.

        Args:
            frames: int16 `(n_frames,)`, fewer than 2**22: up to there float64 adds squares of 16-bit values exactly.
            n_clipped: how many of them exceeded full scale before they were rounded.
        """
        if not len(frames):
            return
        self.n_frames += len(frames)
        self.n_clipped += n_clipped
        wide = frames.astype(np.float64)
        n_in_rows = len(wide) - len(wide) % ROW_FRAMES
        for rows in (wide[:n_in_rows].reshape(-1, ROW_FRAMES), wide[n_in_rows:]):
            self._sum_of_squares += int(np.vecdot(rows, rows).sum())
        self._sum += int(wide.sum())
        self._lowest, self._highest = min(self._lowest, int(frames.min())), max(self._highest, int(frames.max()))
        self._n_silent += int(np.count_nonzero((frames + np.int16(SILENT_STEP)).view(np.uint16) <= 2 * SILENT_STEP))
        self._pcm_sha256.update(frames.astype("<i2", copy=False).data)
        self._fingerprinter.add(frames)

    def statistics(self, n_nonfinite: int) -> Statistics:
        """Return the statistics of all frames, of which there must be at least one.

        Args:
            n_nonfinite: values of the source that were not finite and were replaced.
        """
        n_frames = self.n_frames
        return Statistics(
            n_frames=n_frames,
            duration=n_frames / SAMPLE_RATE,
            peak=max(-self._lowest, self._highest) / FULL_SCALE,
            rms=round(math.sqrt(self._sum_of_squares / n_frames) / FULL_SCALE, 9),
            dc=round(self._sum / n_frames / FULL_SCALE, 9),
            clipped_fraction=self.n_clipped / n_frames,
            silent_fraction=self._n_silent / n_frames,
            pcm_sha256=self._pcm_sha256.hexdigest(),
            n_nonfinite=n_nonfinite,
            fingerprint=self._fingerprinter.made(),
        )
