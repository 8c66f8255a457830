"""Cut an excerpt out of the blocks of frames that a decoder produces."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pipeline.records import Rejected, SourceFormat
from transforms.audio.excerpt import Excerpt

BLOCK_FRAMES = 1 << 16
"""Frames that decoders pass on at once: a block stays in the processor's cache, and memory does not depend on what a header promises."""


class FrameSink(Protocol):
    """Receives the frames of one excerpt: its format once, then its frames in order."""

    def begin(self, source: SourceFormat) -> None:
        """Prepare for frames at the rate of `source`. A later call discards all frames: another decoder begins anew."""

    def add(self, frames: np.ndarray) -> None:
        """Process the next frames: mono `(n_frames,)`, int16 or float32, full scale at 32768; valid until the call returns."""


class ExcerptCutter:
    """Passes the frames of one excerpt to a sink; the decoder adds every block of the recording in order."""

    def __init__(self, excerpt: Excerpt, sink: FrameSink):
        self.excerpt = excerpt
        self.source: SourceFormat | None = None
        self.first_frame = self.n_wanted = self.n_frames = self.n_nonfinite = 0
        self._sink = sink

    @property
    def stop_frame(self) -> int:
        """The number of the frame after the last wanted one."""
        return self.first_frame + self.n_wanted

    @property
    def is_complete(self) -> bool:
        """Whether every wanted frame was passed to the sink."""
        return self.source is not None and self.n_frames >= self.n_wanted

    def begin(self, source: SourceFormat) -> None:
        """Set the format of the recording, before the first block. A later call discards all frames: another decoder begins anew."""
        self.source = source
        self.n_frames = self.n_nonfinite = 0
        self.first_frame, self.n_wanted = self.excerpt.span(source.rate)
        self._sink.begin(source)

    def add(self, position: int, frames: np.ndarray, n_nonfinite: int) -> None:
        """Pass the wanted frames of a block to the sink.

        Args:
            position: number of the block's first frame in the recording.
            frames: mono `(n_frames,)`, full scale at 32768.
            n_nonfinite: values of the block that were not finite and were replaced.
        """
        wanted = frames[max(0, self.first_frame - position) : max(0, self.stop_frame - position)]
        if len(wanted):
            self.n_frames += len(wanted)
            self.n_nonfinite += n_nonfinite
            self._sink.add(wanted)

    def rejection(self, n_before: int, fault: str) -> Rejected | None:
        """Return why the frames are not accepted, or None; arguments and reasons as in `Excerpt.check`."""
        assert self.source is not None  # begun
        try:
            self.excerpt.check(self.n_frames, n_before, self.source.rate, fault)
        except Rejected as rejected:
            return rejected
        return None
