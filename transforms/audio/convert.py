"""Recording -> FLAC of its excerpts: decode, cut, mono, 48 kHz, 16 bits, FLAC, all of it block by block."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.records import SAMPLE_RATE, AudioLimits, Reason, Rejected, SourceFormat, Statistics
from transforms.audio.decode import decode
from transforms.audio.encode import IN_MEMORY, FlacWriter, Meter, long_flac
from transforms.audio.excerpt import Cut, Excerpt
from transforms.audio.plain_flac import plain_flac_md5
from transforms.audio.resample import Resampler, to_int16


@dataclass(frozen=True, slots=True)
class Converted:
    """An excerpt as 16-bit mono 48 kHz FLAC: bytes, or a file where they are many."""

    flac: bytes | Path = field(repr=False)
    statistics: Statistics
    format: SourceFormat


def convert(path: Path, excerpts: Sequence[Excerpt], limits: AudioLimits, place: Path) -> list[Converted | Rejected]:
    """Return every excerpt of the recording in a local file as FLAC, or why not; what is long is written below `place`."""
    conversions = [_Conversion(path, excerpt, place) for excerpt in excerpts]
    try:
        verdicts = decode(path, [conversion.cut for conversion in conversions])
    except Rejected as rejected:
        verdicts = [rejected] * len(conversions)
    return [conversion.result(verdict, limits) for conversion, verdict in zip(conversions, verdicts, strict=True)]


class _Conversion:
    """One excerpt on its way from decoded frames to FLAC."""

    def __init__(self, path: Path, excerpt: Excerpt, place: Path):
        self.cut = Cut(excerpt, self)
        self._path = path
        self._place = place
        self._meter = Meter()
        self._resampler: Resampler | None = None
        self._writer: FlacWriter | None = None
        self._md5: bytes | None = None  # what the header of a FLAC that can be copied says of its frames
        self._found_md5 = hashlib.md5(usedforsecurity=False)

    def begin(self, source: SourceFormat) -> None:
        """Choose between converting and copying: a FLAC that is what we want already is only decoded, to see that it is sound."""
        self._resampler = Resampler(source.rate)
        if (source.name, source.rate, source.n_channels) == ("flac/pcm_16", SAMPLE_RATE, 1) and self.cut.excerpt.is_whole:
            self._md5 = plain_flac_md5(self._path)
        if self._md5 is None:
            self._writer = FlacWriter(self._place)

    def take(self, frames: np.ndarray) -> None:
        """Convert the next frames of the excerpt."""
        assert self._resampler is not None  # begun
        self._put(self._resampler.add(frames))

    def result(self, refusal: Rejected | None, limits: AudioLimits) -> Converted | Rejected:
        """Return the FLAC, or why there is none."""
        try:
            if refusal is not None:
                raise refusal
            return self._finished(limits)
        except Rejected as rejected:
            if self._writer is not None:
                self._writer.discard()
            return rejected

    def _finished(self, limits: AudioLimits) -> Converted:
        source = self.cut.source
        assert source is not None  # without a fault there were frames
        assert self._resampler is not None
        if source.rate < limits.min_source_rate:
            raise Rejected(Reason.LIMIT_EXCEEDED, f"recorded at {source.rate} Hz, the recipe wants {limits.min_source_rate} Hz or more")
        self._put(self._resampler.finish())
        if not self._meter.n_frames:
            raise Rejected(Reason.TOO_SHORT, f"{self.cut.n_frames} frames at {source.rate} Hz")
        statistics = self._meter.statistics(self.cut.n_nonfinite)
        check_limits(statistics, limits)
        return Converted(self._flac(), statistics, source)

    def _put(self, frames: np.ndarray) -> None:
        rounded, n_clipped = to_int16(frames)
        self._meter.add(rounded, n_clipped)
        if self._writer is not None:
            self._writer.write(rounded)
        else:
            self._found_md5.update(rounded.astype("<i2", copy=False).data)

    def _flac(self) -> bytes | Path:
        if self._writer is not None:
            flac, self._writer = self._writer.finish(), None
            return flac
        if self._md5 != self._found_md5.digest():
            raise Rejected(Reason.CORRUPT, "the checksum in the header is not that of the sound")
        if self._path.stat().st_size <= IN_MEMORY:
            return self._path.read_bytes()
        with (
            long_flac(self._place) as copy,
            self._path.open("rb") as file,
        ):
            shutil.copyfileobj(file, copy, 1 << 20)
        return Path(copy.name)


def check_limits(statistics: Statistics, limits: AudioLimits) -> None:
    """Raise Rejected (`too_short`, `too_long`, `silent`) for sound outside the recipe's limits."""
    if statistics.duration < limits.min_seconds:
        raise Rejected(Reason.TOO_SHORT, f"{statistics.duration:.3f} s, at least {limits.min_seconds:g} s are wanted")
    if statistics.duration > limits.max_seconds:
        raise Rejected(Reason.TOO_LONG, f"{statistics.duration:.3f} s, at most {limits.max_seconds:g} s are wanted")
    level = 20 * math.log10(statistics.peak) if statistics.peak else -math.inf
    if level < limits.silent_below_db:
        raise Rejected(Reason.SILENT, f"peak at {level:.1f} dB, at least {limits.silent_below_db:g} dB is wanted")
