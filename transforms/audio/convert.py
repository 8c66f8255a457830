"""Convert the excerpts of a recording to FLAC, block by block: decode, cut, mix to mono, resample to 48 kHz, round to 16 bits."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.records import SAMPLE_RATE, AudioLimits, Reason, Rejected, SourceFormat, Statistics
from transforms.audio.converted import Converted
from transforms.audio.decode import decode
from transforms.audio.encode import IN_MEMORY, FlacWriter, long_flac
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.meter import Meter
from transforms.audio.plain_flac import plain_flac_md5
from transforms.audio.resample import Resampler, to_int16

COPIED_FORMAT = ("flac/pcm_16", SAMPLE_RATE, 1)  # name, rate and channels of recordings that are already what is wanted
PIECE_BYTES = 1 << 20  # of a long FLAC that are in memory while it is copied


def convert(path: Path, excerpts: Sequence[Excerpt], limits: AudioLimits, folder: Path) -> list[Converted | Rejected]:
    """Convert every excerpt of the recording in a local file; return the results, or why there is none, in the same order.

    Args:
        path: of the recording.
        excerpts: any number of parts of it, in any order.
        limits: what may become a sample.
        folder: for FLAC that is too long for memory. The caller removes these files.

    Raises:
        FileNotFoundError: there is no file at `path`.
    """
    conversions = [_Conversion(path, excerpt, folder) for excerpt in excerpts]
    rejections: Sequence[Rejected | None]
    try:
        rejections = decode(path, [conversion.cutter for conversion in conversions])
    except Rejected as rejected:
        rejections = [rejected] * len(conversions)
    return [conversion.result(rejection, limits) for conversion, rejection in zip(conversions, rejections, strict=True)]


def check_limits(statistics: Statistics, limits: AudioLimits) -> None:
    """Accept audio within the limits.

    Raises:
        Rejected: `too_short`, `too_long` or `silent`.
    """
    if statistics.duration < limits.min_seconds:
        raise Rejected(Reason.TOO_SHORT, f"{statistics.duration:.3f} s; the recipe requires at least {limits.min_seconds:g} s")
    if statistics.duration > limits.max_seconds:
        raise Rejected(Reason.TOO_LONG, f"{statistics.duration:.3f} s; the recipe allows at most {limits.max_seconds:g} s")
    level = 20 * math.log10(statistics.peak) if statistics.peak else -math.inf
    if level < limits.silent_below_db:
        raise Rejected(Reason.SILENT, f"the peak is at {level:.1f} dB; the recipe requires at least {limits.silent_below_db:g} dB")


class _Conversion:
    """The conversion of one excerpt: receives its decoded frames and writes its FLAC."""

    def __init__(self, path: Path, excerpt: Excerpt, folder: Path):
        self.cutter = ExcerptCutter(excerpt, self)
        self._path = path
        self._folder = folder
        self._meter = Meter()
        self._resampler: Resampler | None = None
        self._writer: FlacWriter | None = None
        self._header_md5: bytes | None = None  # of the frames, from the header of a FLAC that can be copied
        self._decoded_md5 = hashlib.md5(usedforsecurity=False)

    def begin(self, source: SourceFormat) -> None:
        """Decide whether to convert or to copy. A file that is copied is decoded too, to check its frames."""
        if self._writer is not None:
            self._writer.discard()
        self._resampler, self._writer, self._header_md5 = Resampler(source.rate), None, None
        self._meter, self._decoded_md5 = Meter(), hashlib.md5(usedforsecurity=False)
        if (source.name, source.rate, source.n_channels) == COPIED_FORMAT and self.cutter.excerpt.is_full_recording:
            self._header_md5 = plain_flac_md5(self._path)
        if self._header_md5 is None:
            self._writer = FlacWriter(self._folder)

    def add(self, frames: np.ndarray) -> None:
        """Convert the next frames of the excerpt: mono `(n_frames,)`, at the rate of the recording, full scale at 32768."""
        assert self._resampler is not None  # begun
        self._write(self._resampler.add(frames))

    def result(self, rejection: Rejected | None, limits: AudioLimits) -> Converted | Rejected:
        """Return the FLAC, or why there is none; then no file of this excerpt is left.

        Args:
            rejection: why the decoded frames are not accepted, or None.
            limits: what may become a sample.
        """
        try:
            if rejection is not None:
                raise rejection
            return self._finish(limits)
        except Rejected as rejected:
            if self._writer is not None:
                self._writer.discard()
            return rejected

    def _finish(self, limits: AudioLimits) -> Converted:
        source = self.cutter.source
        assert source is not None  # a decoder that rejects nothing has begun
        assert self._resampler is not None
        if source.rate < limits.min_source_rate:
            raise Rejected(Reason.LIMIT_EXCEEDED, f"recorded at {source.rate} Hz; the recipe requires at least {limits.min_source_rate} Hz")
        self._write(self._resampler.finish())
        if not self._meter.n_frames:
            raise Rejected(Reason.TOO_SHORT, f"{self.cutter.n_frames} frames at {source.rate} Hz are no frame at {SAMPLE_RATE} Hz")
        statistics = self._meter.statistics(self.cutter.n_nonfinite)
        check_limits(statistics, limits)
        return Converted(self._copied() if self._writer is None else self._writer.finish(), statistics, source)

    def _write(self, frames: np.ndarray) -> None:
        rounded, n_clipped = to_int16(frames)
        self._meter.add(rounded, n_clipped)
        if self._writer is not None:
            self._writer.write(rounded)
        else:
            self._decoded_md5.update(rounded.astype("<i2", copy=False).data)

    def _copied(self) -> bytes | Path:
        if self._header_md5 != self._decoded_md5.digest():
            raise Rejected(Reason.CORRUPT, "the MD5 in the FLAC header is not that of the decoded frames")
        if self._path.stat().st_size <= IN_MEMORY:
            return self._path.read_bytes()
        with long_flac(self._folder) as copy, self._path.open("rb") as file:
            shutil.copyfileobj(file, copy, PIECE_BYTES)
        return Path(copy.name)
