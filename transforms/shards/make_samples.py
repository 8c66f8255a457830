"""Make samples of the clips of one recording: fetch it once, convert all clips together; clips that fail become rejections."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.records import AudioLimits, Clip, Recording, Rejected, Rejection, Sample
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt
from transforms.fetching.fetch import Fetch

Convert = Callable[[Path, Sequence[Excerpt], AudioLimits, Path], list[Converted | Rejected]]
"""A function like `transforms.audio.convert.convert`, which may convert in another process."""


def make_samples(
    clips: Sequence[Clip], fetch: Fetch, limits: AudioLimits, work: Path, convert: Convert = convert
) -> list[Sample | Rejection]:
    """Return the outcome of every clip of one recording, in order.

    Args:
        work: local folder for downloads, which are removed, and for FLAC too long for memory, which stays.
    """
    with tempfile.TemporaryDirectory(dir=work) as downloads:
        try:
            recording = fetch(clips[0], Path(downloads))
        except Rejected as rejected:
            return [Rejection(clip, rejected.reason, "fetch", rejected.detail, rejected.provenance) for clip in clips]
        excerpts = [Excerpt(clip.start or 0.0, clip.end, limits.max_seconds) for clip in clips]
        results = convert(recording.path, excerpts, limits, work)
    return [_outcome(clip, recording, result) for clip, result in zip(clips, results, strict=True)]


def _outcome(clip: Clip, recording: Recording, result: Converted | Rejected) -> Sample | Rejection:
    if isinstance(result, Rejected):
        return Rejection(clip, result.reason, "convert", result.detail, recording.provenance)
    return Sample(clip, result.flac, result.statistics, result.format, recording.provenance)
