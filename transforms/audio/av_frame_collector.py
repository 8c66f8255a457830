"""FFmpeg's frames -> mono blocks for every excerpt: gathered first, since mixing a frame at a time takes five times as long."""

from __future__ import annotations

import math
from collections.abc import Sequence

import av
import numpy as np
import soxr
from av.audio.fifo import AudioFifo

from pipeline.records import Reason, Rejected, SourceFormat
from transforms.audio.excerpt import Cut, check_format
from transforms.audio.mix import to_mono

BLOCK = 1 << 16  # frames gathered before they are mixed down
READABLE = frozenset({"u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"})
"""Kinds of samples that PyAV hands out as arrays: all but 64-bit integers."""


class UnsupportedByAvError(Exception):
    """FFmpeg's libraries, as they came with PyAV, have no reader or decoder for these bytes; a larger build may."""

    def __init__(self, rejected: Rejected):
        super().__init__(rejected)
        self.rejected = rejected


class AvFrameCollector:
    """A recording as it goes by, frame by frame, at the rate of its first frame whatever comes later.

    `add` is called for every 20 ms of sound: what can be left for whole blocks is not done there.
    """

    def __init__(self, cuts: Sequence[Cut]):
        self.source: SourceFormat | None = None
        self.name = ""
        self.is_full = False  # whether no excerpt wants more
        self._cuts = cuts
        self._at = 0  # of the first frame that was not passed on, at the first rate
        self._n_gathered = 0  # at the rate of the frames that come now
        self._n_due = 0  # how many are gathered before they are passed on
        self._fifo: AudioFifo | None = None
        self._rate = self._n_channels = 1  # of the frames that come now
        self._converter: soxr.ResampleStream | None = None
        self._first = self._stop = 0

    @property
    def n_seen(self) -> int:
        """How many frames have come, at the first frame's rate."""
        if self._converter is None or self.source is None:
            return self._at + self._n_gathered
        return self._at + self._n_gathered * self.source.rate // self._rate

    def seconds(self, since: int) -> float:
        """Return how long it went on since frame `since`."""
        return (self.n_seen - since) / self.source.rate if self.source else 0.0

    def add(self, frame: av.AudioFrame) -> None:
        """Take a decoded frame; those before the first excerpt are only counted."""
        n_frames = frame.samples
        if not n_frames:
            return
        frame.pts = None
        if self._fifo is None or frame.layout.nb_channels != self._n_channels:  # a fifo of PyAV would read channels that are not there
            self._reshape(frame)
        if not self._n_gathered and self._converter is None and self._at + n_frames <= self._first and frame.sample_rate == self._rate:
            self._at += n_frames
            return
        assert self._fifo is not None
        try:
            self._fifo.write(frame)
        except ValueError:  # the rate or the kind of samples has changed: the fifo wants them all alike
            self._reshape(frame)
            self._fifo.write(frame)
        self._n_gathered += n_frames
        if self._n_gathered >= self._n_due:
            self._pass_on(last=False)

    def drain(self) -> None:
        """Pass on what was gathered; called where the recording ends or the shape of its frames changes."""
        self._pass_on(last=True)
        self._fifo = self._converter = None

    def _reshape(self, frame: av.AudioFrame) -> None:
        """Begin to gather frames of another shape."""
        self.drain()
        rate, n_channels = frame.sample_rate, frame.layout.nb_channels
        check_format(rate, n_channels)
        if frame.format.name not in READABLE:
            raise UnsupportedByAvError(Rejected(Reason.CORRUPT, f"samples of the kind {frame.format.name} cannot be read"))
        if self.source is None:
            self.source = SourceFormat(self.name, rate, n_channels, "av")
            for cut in self._cuts:
                cut.begin(self.source)
            self._first, self._stop = min(cut.first for cut in self._cuts), max(cut.stop for cut in self._cuts)
        self._rate, self._n_channels, self._fifo = rate, n_channels, AudioFifo()
        if rate != self.source.rate:
            self._converter = soxr.ResampleStream(rate, self.source.rate, 1, dtype="float32", quality="HQ")
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Set how many frames to gather next: a block, or what the last excerpt still wants."""
        if self.source is not None:
            n_wanted = (self._stop - self._at) * self._rate / self.source.rate
            self.is_full, self._n_due = n_wanted <= 0, min(BLOCK, math.ceil(n_wanted))

    def _pass_on(self, last: bool) -> None:
        mono, n_nonfinite = self._gathered()
        if self._converter is not None:
            mono = self._converter.resample_chunk(mono.astype(np.float32, copy=False), last=last)
        for cut in self._cuts:
            cut.offer(self._at, mono, n_nonfinite)
        self._at += len(mono)
        self._look_ahead()

    def _gathered(self) -> tuple[np.ndarray, int]:
        if self._fifo is None or not self._n_gathered:
            return np.zeros(0, np.float32), 0
        self._n_gathered = 0
        whole = self._fifo.read()
        assert whole is not None  # there are samples
        values = whole.to_ndarray()
        return to_mono(values.T if whole.format.is_planar else values.reshape(-1, whole.layout.nb_channels))
