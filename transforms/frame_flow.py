"""FFmpeg's frames -> mono blocks for every excerpt: gathered first, since mixing a frame at a time takes five times as long."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import soxr
from av.audio.fifo import AudioFifo

from pipeline.records import SourceFormat
from transforms.excerpt import Cut, check_format
from transforms.mix import to_mono

BLOCK = 1 << 16  # frames gathered before they are mixed down


class FrameFlow:
    """A recording as it goes by, frame by frame, at the rate of its first frame whatever comes later."""

    def __init__(self, cuts: Sequence[Cut]):
        self.source: SourceFormat | None = None
        self._cuts = cuts
        self._at = 0  # of the first frame in the fifo
        self._fifo = AudioFifo()
        self._shape: tuple[str, str, int] | None = None
        self._converter: soxr.ResampleStream | None = None
        self._first = self._stop = 0

    @property
    def n_seen(self) -> int:
        """How many frames have come, at the first frame's rate."""
        if self._converter is None or self._shape is None or self.source is None:
            return self._at + self._fifo.samples
        return self._at + self._fifo.samples * self.source.rate // self._shape[2]

    @property
    def is_full(self) -> bool:
        """Whether no excerpt wants more."""
        return self.source is not None and self.n_seen >= self._stop

    def seconds(self, since: int) -> float:
        """Return how long it went on since frame `since`."""
        return (self.n_seen - since) / self.source.rate if self.source else 0.0

    def add(self, frame: av.AudioFrame, source: SourceFormat) -> None:
        """Take a decoded frame; those before the first excerpt are only counted."""
        if not frame.samples:
            return
        if self._shape != (shape := (frame.format.name, frame.layout.name, frame.sample_rate)):
            self.drain()
            check_format(source.rate, source.n_channels)
            self._shape, self._fifo = shape, AudioFifo()
            if self.source is None:
                self._begin(source)
            first_rate = self.source.rate if self.source else source.rate
            same = source.rate == first_rate
            self._converter = None if same else soxr.ResampleStream(source.rate, first_rate, 1, dtype="float32", quality="HQ")
        if not self._fifo.samples and self._converter is None and self._at + frame.samples <= self._first:
            self._at += frame.samples
            return
        frame.pts = None
        self._fifo.write(frame)
        if self._fifo.samples >= BLOCK or self.is_full:
            self._pass_on(last=False)

    def drain(self) -> None:
        """Pass on what was gathered; called where the recording ends or its shape changes."""
        self._pass_on(last=True)

    def _begin(self, source: SourceFormat) -> None:
        self.source = source
        for cut in self._cuts:
            cut.begin(source)
        self._first, self._stop = min(cut.first for cut in self._cuts), max(cut.stop for cut in self._cuts)

    def _pass_on(self, last: bool) -> None:
        mono, n_bad = self._gathered()
        if self._converter is not None:
            mono = self._converter.resample_chunk(mono, last=last)
            if last:
                self._converter, self._shape = None, None
        for cut in self._cuts:
            cut.offer(self._at, mono, n_bad)
        self._at += len(mono)

    def _gathered(self) -> tuple[np.ndarray, int]:
        if not self._fifo.samples:
            return np.zeros(0, np.float32), 0
        whole = self._fifo.read()
        assert whole is not None  # there are samples
        values = whole.to_ndarray()
        return to_mono(values.T if whole.format.is_planar else values.reshape(-1, whole.layout.nb_channels))
