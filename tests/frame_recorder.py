"""A sink for tests that records all frames of an excerpt."""

from __future__ import annotations

import numpy as np

from pipeline.records import SourceFormat
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import ExcerptCutter


class FrameRecorder:
    """Records the frames of an excerpt; give its `cutter` to a decoder."""

    def __init__(self, excerpt: Excerpt | None = None):
        self.cutter = ExcerptCutter(excerpt or Excerpt(), self)
        self.blocks: list[np.ndarray] = []

    def begin(self, source: SourceFormat) -> None:
        self.source = source
        self.blocks = []

    def add(self, frames: np.ndarray) -> None:
        self.blocks.append(frames.copy())

    @property
    def frames(self) -> np.ndarray:
        """All frames, float32 with full scale at 1.0."""
        return np.concatenate([np.zeros(0, np.float32), *self.blocks]).astype(np.float32) / np.float32(32768)
