"""Leave out clips of recordings that are held out for evaluation, whatever source they come from."""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import partial
from pathlib import Path

import apache_beam as beam

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.identity import recordings_in
from sources.metadata.options import split_name
from transforms.planning.map_or_reject import map_or_reject


def check_held_out(clip: Clip, held: Set[str], entries: Sequence[str], listed: Set[str] = frozenset()) -> Clip:
    """Return the clip unless its recording is held out. Clips that `entries` name are returned: they are the evaluation set.

    Args:
        held: recordings of the clips that `entries` name.
        entries: as in the recipe: `source`, `dataset`, `source:split` or `dataset:split`.
        listed: recordings that a file of the recipe names.

    Raises:
        Rejected: `held_out`.
    """
    if (clip.recording not in held and clip.recording not in listed) or is_held(clip, entries):
        return clip
    by = ", ".join(entries) if clip.recording in held else "a list of recordings"
    raise Rejected(Reason.HELD_OUT, f"recording {clip.recording} is held out by {by}")


def is_held(clip: Clip, entries: Sequence[str]) -> bool:
    """Return whether a clip belongs to one of `entries`: `source`, `dataset`, `source:split` or `dataset:split`.

    >>> is_held(Clip("clotho", "Clotho", "test", "1", "a.wav"), ["clotho:test"])
    True
    """
    for entry in entries:
        name, _, split = entry.partition(":")
        if name in {clip.source, clip.dataset} and (not split or split_name(split) == clip.split):
            return True
    return False


class HoldOut(beam.PTransform):
    """Clips -> (clips that may be used, rejections).

    An entry that is a file, relative to `base`, lists recordings.
    """

    def __init__(self, entries: Sequence[str], base: Path):
        super().__init__()
        files = [entry for entry in entries if (base / entry).is_file()]
        self.names = [entry for entry in entries if entry not in files]
        self.listed = frozenset().union(*(recordings_in(base / entry) for entry in files))

    def expand(self, clips: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        check = partial(check_held_out, entries=self.names, listed=self.listed)
        if not self.names:  # no recordings to gather
            return map_or_reject(clips, "hold_out", partial(check, held=frozenset()))
        recordings = (
            clips
            | "IsHeld" >> beam.Filter(is_held, self.names)
            | "RecordingOf" >> beam.Map(lambda clip: clip.recording)
            | "AllRecordings" >> beam.combiners.ToSet()
        )
        return map_or_reject(clips, "hold_out", check, beam.pvalue.AsSingleton(recordings))
