"""Collect FFmpeg's frames into mono blocks. Mixing one frame (20 ms) at a time would take five times as long."""

from __future__ import annotations

import math
from collections.abc import Sequence

import av
import numpy as np
import soxr
from av.audio.fifo import AudioFifo

from pipeline.records import Reason, Rejected, SourceFormat
from transforms.audio.excerpt import check_format
from transforms.audio.excerpt_cutter import BLOCK_FRAMES, ExcerptCutter
from transforms.audio.mix import to_mono

READABLE_FORMATS = frozenset({"u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"})
"""FFmpeg's sample formats that PyAV converts to arrays: all but 64-bit integers."""

MAX_PLANES = 7
"""PyAV looks for the end of a frame's planes in eight pointers, and reads what follows them where all eight are used."""


class UnsupportedByAvError(Exception):
    """FFmpeg's libraries in PyAV have no demuxer, decoder or sample format for these bytes; a larger build of FFmpeg may."""

    def __init__(self, rejected: Rejected):
        super().__init__(rejected)
        self.rejected = rejected


class AvFrameCollector:
    """Mixes the frames of a recording to mono and passes them to the cutters in blocks.

    All positions count frames at the rate of the first frame. Later frames with another rate are resampled to it.
    `add` is called for every 20 ms of audio, so it leaves all it can to `_pass_on`, which is called once a block.
    """

    def __init__(self, cutters: Sequence[ExcerptCutter]):
        self.source: SourceFormat | None = None  # None until the first frame
        self.name = ""  # of the source format, "container/codec"; set before the first frame
        self.is_complete = False  # whether no cutter needs more frames
        self._cutters = cutters
        self._first_frame = self._stop_frame = 0  # of the part of the recording that any cutter needs
        self._position = 0  # of the first frame that was not passed on, at the first rate
        self._fifo: AudioFifo | None = None
        self._rate = self._n_channels = 1  # of the frames in the fifo
        self._n_in_fifo = 0
        self._n_in_block = 0  # frames to have in the fifo before they are passed on
        self._resampler: soxr.ResampleStream | None = None
        self._late = 0.0  # seconds of silence before the first frame
        self._interleaver: av.AudioResampler | None = None  # for frames of more than MAX_PLANES planes
        self._interleaver_kind = ("", "", 0)  # sample format, layout and rate of these frames

    @property
    def n_decoded(self) -> int:
        """How many frames were added, counted at the rate of the first one."""
        if self._resampler is None or self.source is None:
            return self._position + self._n_in_fifo
        return self._position + self._n_in_fifo * self.source.rate // self._rate

    def seconds_since(self, frame: int) -> float:
        """Return the duration of what was added after `frame`, an earlier value of `n_decoded`."""
        return (self.n_decoded - frame) / self.source.rate if self.source else 0.0

    def add(self, frame: av.AudioFrame, n_frames: int | None = None) -> None:
        """Add a decoded frame. Frames before the first excerpt are only counted.

        Args:
            frame: any number of frames of audio, in any format.
            n_frames: how many of them to use, from the first one on; None for all.

        Raises:
            UnsupportedByAvError: PyAV cannot convert its sample format.
            Rejected: `corrupt`, for an impossible rate or number of channels.
        """
        if frame.layout.nb_channels > MAX_PLANES and frame.format.is_planar and frame.samples:
            frame = self._interleaved(frame)
        if n_frames is not None and n_frames < frame.samples:
            self._add_part(frame, n_frames)
            return
        n_frames = frame.samples
        if not n_frames:
            return
        frame.pts = None
        if self._fifo is None or frame.layout.nb_channels != self._n_channels:  # PyAV's fifo would read channels that do not exist
            self._begin_format(frame)
        is_before_excerpts = self._position + n_frames <= self._first_frame
        if is_before_excerpts and not self._n_in_fifo and self._resampler is None and frame.sample_rate == self._rate:
            self._position += n_frames
            self._plan_block()
            return
        assert self._fifo is not None  # set by _begin_format
        try:
            self._fifo.write(frame)
        except ValueError:  # the rate or the sample format has changed, which a fifo does not accept
            self._begin_format(frame)
            self._fifo.write(frame)
        self._n_in_fifo += n_frames
        if self._n_in_fifo >= self._n_in_block:
            self._pass_on(is_last=False)

    def add_silence(self, seconds: float) -> None:
        """Add silence, as for a hole in a container's timeline."""
        if self.source is None:
            self._late = seconds
            return
        self._pass_on(is_last=False)
        n_left = min(round(seconds * self.source.rate), max(0, self._stop_frame - self._position))
        while n_left > 0:
            if self._position < self._first_frame:
                n_frames = min(n_left, self._first_frame - self._position)
                self._position += n_frames
            else:
                n_frames = min(n_left, BLOCK_FRAMES)
                self._pass_to_cutters(np.zeros(n_frames, np.int16), 0)
            n_left -= n_frames
        self._plan_block()

    def flush(self) -> None:
        """Pass on all frames that are left; called when the recording ends or the format of its frames changes."""
        self._pass_on(is_last=True)
        self._fifo = self._resampler = None

    def _begin_format(self, frame: av.AudioFrame) -> None:
        """Flush, then prepare for frames with the rate, channels and sample format of this one."""
        self.flush()
        rate, n_channels = frame.sample_rate, frame.layout.nb_channels
        check_format(rate, n_channels)
        if frame.format.name not in READABLE_FORMATS:
            raise UnsupportedByAvError(Rejected(Reason.UNSUPPORTED, f"the sample format {frame.format.name} cannot be read"))
        if self.source is None:
            self.source = SourceFormat(self.name, rate, n_channels, "av")
            for cutter in self._cutters:
                cutter.begin(self.source)
            self._first_frame = min(cutter.first_frame for cutter in self._cutters)
            self._stop_frame = max(cutter.stop_frame for cutter in self._cutters)
        self._rate, self._n_channels, self._fifo = rate, n_channels, AudioFifo()
        if rate != self.source.rate:
            self._resampler = soxr.ResampleStream(rate, self.source.rate, 1, dtype="float32", quality="HQ")
        self._plan_block()
        if self._late:
            late, self._late = self._late, 0.0
            self.add_silence(late)

    def _interleaved(self, frame: av.AudioFrame) -> av.AudioFrame:
        """Return a frame of many planes as one of a single plane, with the same values."""
        check_format(frame.sample_rate, frame.layout.nb_channels)
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._interleaver_kind:
            self._interleaver_kind, self._interleaver = kind, av.AudioResampler(frame.format.packed.name, frame.layout, frame.sample_rate)
        assert self._interleaver is not None  # set with its kind
        (interleaved,) = self._interleaver.resample(frame)  # it changes no rate, and so keeps no frames back
        return interleaved

    def _add_part(self, frame: av.AudioFrame, n_frames: int) -> None:
        """Add the first frames of a decoded frame, past the fifo."""
        if self._fifo is None or frame.layout.nb_channels != self._n_channels or frame.sample_rate != self._rate:
            self._begin_format(frame)
        self._pass_on(is_last=False)
        mono, n_nonfinite = _to_mono(frame)
        self._pass_to_cutters(self._at_first_rate(mono[:n_frames], is_last=False), n_nonfinite)

    def _plan_block(self) -> None:
        """Set how many frames the next block has: BLOCK_FRAMES, or fewer where the last excerpt ends earlier."""
        if self.source is not None:
            n_wanted = (self._stop_frame - self._position) * self._rate / self.source.rate
            self.is_complete, self._n_in_block = n_wanted <= 0, min(BLOCK_FRAMES, math.ceil(n_wanted))

    def _pass_on(self, is_last: bool) -> None:
        mono, n_nonfinite = self._read_fifo()
        self._pass_to_cutters(self._at_first_rate(mono, is_last), n_nonfinite)

    def _at_first_rate(self, mono: np.ndarray, is_last: bool) -> np.ndarray:
        if self._resampler is None:
            return mono
        resampled: np.ndarray = self._resampler.resample_chunk(mono.astype(np.float32, copy=False), last=is_last)
        return resampled

    def _pass_to_cutters(self, mono: np.ndarray, n_nonfinite: int) -> None:
        for cutter in self._cutters:
            cutter.add(self._position, mono, n_nonfinite)
        self._position += len(mono)
        self._plan_block()

    def _read_fifo(self) -> tuple[np.ndarray, int]:
        """Empty the fifo; return its frames as `to_mono` does."""
        if self._fifo is None or not self._n_in_fifo:
            return np.zeros(0, np.float32), 0
        self._n_in_fifo = 0
        block = self._fifo.read()
        assert block is not None  # the fifo is not empty
        return _to_mono(block)


def _to_mono(block: av.AudioFrame) -> tuple[np.ndarray, int]:
    """Mix a block of FFmpeg's frames as `to_mono` does."""
    values = block.to_ndarray()
    return to_mono(values.T if block.format.is_planar else values.reshape(-1, block.layout.nb_channels))
