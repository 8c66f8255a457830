"""Clips -> clips whose recordings are not held out; the others as rejections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import apache_beam as beam

from pipeline.records import Clip, Reason, Rejected
from sources.identity import recording_of
from sources.rows import read_rows
from transforms.sift import sift


def check_held_out(clip: Clip, held: frozenset[str], entries: Sequence[str]) -> Clip:
    """Return the clip unless its recording is held out; rows that are themselves what is held out stay where they are.

    Raises:
        Rejected: `held_out`.
    """
    if clip.recording in held and not is_held(clip, entries):
        raise Rejected(Reason.HELD_OUT, f"recording {clip.recording} is held out by {', '.join(entries)}")
    return clip


def is_held(clip: Clip, entries: Sequence[str]) -> bool:
    """Return whether a row belongs to one of `entries`: `source`, `dataset`, `source:split` or `dataset:split`.

    >>> is_held(Clip("clotho", "Clotho", "test", "1", "a.wav"), ["clotho:test"])
    True
    """
    return any(
        name in {clip.source, clip.dataset} and split in {"", clip.split} for name, _, split in (entry.partition(":") for entry in entries)
    )


def held_in_file(path: Path) -> frozenset[str]:
    """Return the recordings that a table lists in its column `recording` or `url`.

    Raises:
        ValueError: it has neither column, or a row that cannot be read.
    """
    held = set()
    for row in read_rows(path):
        name = row.values.get("recording") or row.values.get("url")
        if row.fault or not name:
            raise ValueError(f"{path}, row {row.number}: {row.fault or 'neither recording nor url is given'}")
        held.add(recording_of(str(name).strip()))
    return frozenset(held)


class HoldOut(beam.PTransform):
    """Clips -> (clips that may be used, rejections)."""

    def __init__(self, entries: Sequence[str], base: Path):
        super().__init__()
        files = [entry for entry in entries if (base / entry).is_file()]
        self.names = [entry for entry in entries if entry not in files]
        self.listed = frozenset().union(*(held_in_file(base / entry) for entry in files))

    def expand(self, clips: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        recordings = (
            clips
            | "Held" >> beam.Filter(is_held, self.names)
            | "RecordingOf" >> beam.Map(lambda clip: clip.recording)
            | "Together" >> beam.CombineGlobally(_union, self.listed)
        )
        return sift(clips, "hold_out", partial(check_held_out, entries=self.names), beam.pvalue.AsSingleton(recordings))


def _union(recordings: Iterable[str | frozenset[str]], listed: frozenset[str]) -> frozenset[str]:
    return listed.union(*(part if isinstance(part, frozenset) else {part} for part in recordings))
