"""Find clips of benchmarks among rows of training splits, by several kinds of evidence. Pure functions over one shard at a time."""

from __future__ import annotations

import enum
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from pipeline.output.shard_rows import ShardRows
from pipeline.verbs.leak_benchmarks import BenchmarkClip, id_space
from pipeline.verbs.leak_texts import normalised, normalised_captions
from transforms.audio.similar_index import SoundIndex

IN_CATALOGUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*:")

Match = tuple[int, int, str]
"""Number of a clip of a benchmark, number of a row in its shard, and the kind of evidence."""


class NamedBy(enum.StrEnum):
    """What the name of a recording is: an id of a video, an address, an id in another catalogue (`freesound:17`), or a path."""

    VIDEO = "video"
    ADDRESS = "address"
    CATALOGUE = "catalogue"
    PATH = "path"


def named_by(recording: str) -> NamedBy:
    """Return what the name of a recording is.

    >>> [named_by(name).value for name in ("youtube:dQw4w9WgXcQ", "https://example.org/a.mp3", "freesound:17", "sounds/rain.wav")]
    ['video', 'address', 'catalogue', 'path']
    """
    if recording.startswith("youtube:"):
        return NamedBy.VIDEO
    if "://" in recording:
        return NamedBy.ADDRESS
    return NamedBy.CATALOGUE if IN_CATALOGUE.match(recording) else NamedBy.PATH


def has_common_times(recording: str) -> bool:
    """Return whether seconds of a recording mean the same in every table: files that are cut from a sound have times of their own."""
    return named_by(recording) != NamedBy.CATALOGUE


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: numbers of clips by sample key (made from source and id), by recording, by frames, by normalised caption."""

    clips: Sequence[BenchmarkClip]
    by_key: Mapping[str, Sequence[int]]
    by_recording: Mapping[str, Sequence[int]]
    by_pcm: Mapping[str, Sequence[int]]
    by_text: Mapping[str, Sequence[int]]
    sounding: Sequence[int]
    sounds: SoundIndex

    @classmethod
    def of(cls, clips: Sequence[BenchmarkClip], named: Sequence[bool]) -> Wanted:
        """Return what is looked for of clips.

        Args:
            named: of each clip whether the name of its recording means the same in the folder that is compared.
        """
        by_key: dict[str, list[int]] = defaultdict(list)
        by_recording: dict[str, list[int]] = defaultdict(list)
        by_pcm: dict[str, list[int]] = defaultdict(list)
        by_text: dict[str, list[int]] = defaultdict(list)
        for number, clip in enumerate(clips):
            if clip.key:
                by_key[clip.key].append(number)
            if named[number]:
                by_recording[clip.recording].append(number)
            if clip.pcm is not None:
                by_pcm[clip.pcm].append(number)
            for text in dict.fromkeys(filter(None, map(normalised, clip.texts))):
                by_text[text].append(number)
        sounding = [number for number, clip in enumerate(clips) if clip.fingerprint]
        sounds = SoundIndex([clips[number].fingerprint for number in sounding])
        return cls(clips, by_key, by_recording, by_pcm, by_text, sounding, sounds)


def matches(rows: ShardRows, wanted: Wanted) -> Iterator[Match]:
    """Yield every match of a row of a shard with a clip, by each kind of evidence."""
    for number, key in _hits(rows.keys, wanted.by_key.keys()):
        space = id_space(rows.sources[number], rows.shard.dataset)
        yield from ((clip, number, "id") for clip in wanted.by_key[key] if wanted.clips[clip].id_space == space)
    for number, recording in _hits(rows.recordings, wanted.by_recording.keys()):
        for clip in wanted.by_recording[recording]:
            yield clip, number, "recording"
            if has_common_times(recording) and overlaps(wanted.clips[clip], rows.starts[number], rows.ends[number]):
                yield clip, number, "seconds"
    for number, pcm in _hits(rows.pcm, wanted.by_pcm.keys()):
        yield from ((clip, number, "pcm") for clip in wanted.by_pcm[pcm])
    if wanted.sounding:
        for number, made in enumerate(rows.fingerprints):
            yield from ((wanted.sounding[sound], number, "fingerprint") for sound, _ in wanted.sounds.copies_of(made))
    if wanted.by_text and len(rows):
        for owners, texts in normalised_captions(rows.captions):
            for at, text in _hits(texts, wanted.by_text.keys()):
                yield from ((clip, owners[at], "text") for clip in wanted.by_text[text])


def _hits(values: Sequence[str | None], wanted: Set[str]) -> Iterator[tuple[int, str]]:
    """Yield number and value of the values that are wanted; most shards have none, and cost one comparison of sets."""
    if wanted and not wanted.isdisjoint(values):
        yield from ((number, value) for number, value in enumerate(values) if value is not None and value in wanted)


def overlaps(clip: BenchmarkClip, start: float | None, end: float | None) -> bool:
    """Return whether a clip has a part of the seconds from `start` to `end` of its recording; excerpts that only touch have not."""
    clip_end, row_end = (math.inf if each is None else each for each in (clip.end, end))
    return (start or 0.0) < clip_end and row_end > (clip.start or 0.0)
