"""Make samples of the clips of one recording: fetch it once, convert all clips together; clips that fail become rejections."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.records import AudioLimits, Clip, Recording, Rejected, Rejection, Sample
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt
from transforms.fetching.fetch import Fetch

Convert = Callable[[Path, Sequence[Excerpt], AudioLimits, Path], list[Converted | Rejected]]
"""A function like `transforms.audio.convert.convert`, which may convert in another process."""


def make_samples(clips: Sequence[Clip], fetch: Fetch, limits: AudioLimits, work: Path, convert: Convert) -> list[Sample | Rejection]:
    """Return the outcome of every clip of one recording, in order.

    Args:
        work: local folder for downloads, which are removed, and for FLAC too long for memory, which stays.
    """
    with _downloads(work) as downloads:
        try:
            recording = fetch(span_of(clips), downloads)
        except Rejected as rejected:
            return [Rejection(clip, rejected.reason, "fetch", rejected.detail, rejected.provenance) for clip in clips]
        excerpts = [Excerpt(clip.start or 0.0, clip.end, limits.max_seconds, recording.offset) for clip in clips]
        results = convert(recording.path, excerpts, limits, work)
    return [_outcome(clip, recording, result) for clip, result in zip(clips, results, strict=True)]


@contextlib.contextmanager
def _downloads(work: Path) -> Iterator[Path]:
    """Give an empty folder below `work` to this thread, and empty it at the end.

    The folder stays for the next recording of the thread: most recordings are on this disk and put nothing there, and to make and
    remove a folder for each costs more than a tenth of what converting it does.
    """
    folder = work / f"downloads-{threading.get_ident()}"
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    Path(entry.path).unlink()


def span_of(clips: Sequence[Clip]) -> Clip:
    """Return the first of several clips of one recording, with the times of all of them: what has to be fetched.

    >>> excerpts = [Clip("s", "D", "train", "a", "u", start, end) for start, end in ((30.0, 40.0), (10.0, 20.0))]
    >>> span = span_of(excerpts)
    >>> span.start, span.end
    (10.0, 40.0)
    """
    ends = [clip.end for clip in clips if clip.end is not None]
    return replace(clips[0], start=min(clip.start or 0.0 for clip in clips), end=max(ends) if len(ends) == len(clips) else None)


def _outcome(clip: Clip, recording: Recording, result: Converted | Rejected) -> Sample | Rejection:
    if isinstance(result, Rejected):
        return Rejection(clip, result.reason, "convert", result.detail, recording.provenance)
    return Sample(clip, result.flac, result.statistics, result.format, recording.provenance)
