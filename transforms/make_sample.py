"""Clip -> sample, or the reason why not: fetch, decode, cut, mono, 48 kHz, FLAC."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import Clip, Reason, Recording, Rejected, Rejection, Sample, Statistics
from transforms.decode import decode
from transforms.encode import encode_flac, measure
from transforms.excerpt import Excerpt
from transforms.fetch import Fetch
from transforms.resample import resample, to_int16


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What may become a sample: durations in seconds, rate in Hz, level in dB of full scale (highest peak)."""

    min_seconds: float = 0.0
    max_seconds: float = 7200.0
    min_source_rate: int = 1000
    silent_below_db: float = -90.0


def make_samples(clips: Sequence[Clip], fetch: Fetch, limits: AudioLimits, work: Path) -> Iterator[Sample | Rejection]:
    """Yield the outcome of every clip of one recording, in order; the recording is fetched once, into `work`."""
    try:
        recording = fetch(clips[0], work)
    except Rejected as no:
        for clip in clips:
            yield Rejection(clip, no.reason, "fetch", no.detail, no.provenance)
        return
    for clip in clips:
        try:
            yield convert(clip, recording, limits)
        except Rejected as no:
            yield Rejection(clip, no.reason, "convert", no.detail, recording.provenance)


def convert(clip: Clip, recording: Recording, limits: AudioLimits) -> Sample:
    """Return the sample of a clip from its recording.

    Raises:
        Rejected: the sound is not there, not sound, or outside the recipe's limits.
    """
    excerpt = Excerpt(clip.start or 0.0, clip.end, limits.max_seconds)
    waveform = decode(recording.path, excerpt)
    if waveform.rate < limits.min_source_rate:
        raise Rejected(Reason.LIMIT_EXCEEDED, f"recorded at {waveform.rate} Hz, the recipe wants {limits.min_source_rate} Hz or more")
    frames, n_clipped = to_int16(resample(waveform.frames, waveform.rate))
    if len(frames) == 0:
        raise Rejected(Reason.TOO_SHORT, f"{len(waveform.frames)} frames at {waveform.rate} Hz")
    statistics = measure(frames, n_clipped)
    check_limits(statistics, limits)
    return Sample(clip, encode_flac(frames), statistics, waveform.format, recording.provenance)


def check_limits(statistics: Statistics, limits: AudioLimits) -> None:
    """Raise Rejected (`too_short`, `too_long`, `silent`) for sound outside the recipe's limits."""
    if statistics.duration < limits.min_seconds:
        raise Rejected(Reason.TOO_SHORT, f"{statistics.duration:.3f} s, at least {limits.min_seconds:g} s are wanted")
    if statistics.duration > limits.max_seconds:
        raise Rejected(Reason.TOO_LONG, f"{statistics.duration:.3f} s, at most {limits.max_seconds:g} s are wanted")
    level = 20 * math.log10(statistics.peak) if statistics.peak else -math.inf
    if level < limits.silent_below_db:
        raise Rejected(Reason.SILENT, f"peak at {level:.1f} dB, at least {limits.silent_below_db:g} dB is wanted")
