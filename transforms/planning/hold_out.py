"""Leave out clips of recordings that are held out for evaluation, whatever source they come from."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.keys import TRAINING, split_rank
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.held_lists import Entry, HeldOut, Listed, as_table, read_list
from sources.metadata.options import split_name
from transforms.planning.held_sources import read_source_of
from transforms.planning.map_or_reject import map_or_reject


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A part of a recording that is held out, in seconds, and the entry of the recipe that holds it out."""

    recording: str
    by: str
    start: float = 0.0
    end: float = math.inf

    def overlaps(self, clip: Clip) -> bool:
        """Return whether a clip of this recording has a part of it; excerpts that only touch do not overlap."""
        return (clip.start or 0.0) < self.end and (math.inf if clip.end is None else clip.end) > self.start


HeldParts = Mapping[str, Collection[Held]]
"""Recording -> the parts of it that are held out."""


def check_held_out(clip: Clip, held: HeldParts, entries: Sequence[Entry], listed: HeldParts | None = None) -> Clip:
    """Return the clip unless its recording is held out. Clips that `entries` name are returned: they are the evaluation set.

    Args:
        held: parts of recordings of the clips that `entries` name.
        entries: as in the recipe.
        listed: parts of recordings that lists of the recipe name.

    Raises:
        Rejected: `held_out`.
    """
    parts = [*held.get(clip.recording, ()), *(listed or {}).get(clip.recording, ())]
    if not parts or is_held(clip, entries):
        return clip
    if by := sorted({part.by for part in parts if part.overlaps(clip)}):
        raise Rejected(Reason.HELD_OUT, f"recording {clip.recording} is held out by {', '.join(by)}")
    return clip


def is_for_training(clip: Clip, entries: Sequence[Entry]) -> bool:
    """Return whether a clip belongs to no evaluation set: its split is for training, and no entry of the recipe's `holdout` names it."""
    return split_rank(clip.split) == TRAINING and not is_held(clip, entries)


def is_held(clip: Clip, entries: Sequence[Entry]) -> bool:
    """Return whether a clip belongs to one of `entries`: `source`, `dataset`, `source:split` or `dataset:split`; not whether a list has it.

    >>> is_held(Clip("clotho", "Clotho", "test", "1", "a.wav"), ["clotho:test"])
    True
    """
    return any(names(entry, clip) for entry in entries)


def names(entry: Entry, clip: Clip) -> bool:
    """Return whether an entry names the source or dataset of a clip, and, if it gives a split, the split of the clip."""
    given = entry if isinstance(entry, str) else entry.name or ""
    name, _, split = given.partition(":")
    return name in {clip.source, clip.dataset} and (not split or split_name(split) == clip.split)


def held_by(clip: Clip, entries: Sequence[HeldOut]) -> Iterator[Held]:
    """Yield what the entries that name a clip hold out: its recording or, with `seconds`, its excerpt of a YouTube video."""
    for entry in entries:
        if names(entry, clip):
            yield _held(entry, Listed(clip.recording, clip.start, clip.end))


def _held(entry: HeldOut, listed: Listed) -> Held:
    by_seconds = entry.seconds and listed.recording.startswith("youtube:")
    if not by_seconds:
        return Held(listed.recording, str(entry))
    return Held(listed.recording, str(entry), listed.start or 0.0, math.inf if listed.end is None else listed.end)


def by_recording(parts: Iterable[Held]) -> dict[str, tuple[Held, ...]]:
    """Return parts by their recording, sorted."""
    grouped: dict[str, list[Held]] = defaultdict(list)
    for part in parts:
        grouped[part.recording].append(part)
    return {recording: tuple(sorted(set(grouped[recording]))) for recording in grouped}


@dataclass(frozen=True, slots=True)
class HoldOuts:
    """What a recipe holds out: `named` are the entries that name clips of the recipe, `listed` the parts of recordings that others list."""

    named: tuple[HeldOut, ...] = ()
    listed: HeldParts = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Sequence[Entry], base: Path, elsewhere: Collection[HeldOut] = ()) -> HoldOuts:
        """Read the entries of a recipe. Files start from `base` and list recordings; `elsewhere` are sources that it does not build."""
        tables = [as_table(entry, base) for entry in entries]
        named = tuple(entry for entry in tables if entry.name is not None and entry not in elsewhere)
        lists = (entry for entry in tables if entry not in named)
        return cls(named, by_recording(itertools.chain.from_iterable(_parts_of(entry, base) for entry in lists)))

    def apply(self, clips: Sequence[Clip], rejections: list[Rejection]) -> list[Clip]:
        """Return the clips that may be used; append rejections of the others.

        Args:
            clips: all clips of each recording among them.
        """
        if not self.named and not self.listed:
            return list(clips)
        held = by_recording(part for clip in self._named_among(clips) for part in held_by(clip, self.named))
        check = partial(check_held_out, held=held, entries=self.named, listed=self.listed)
        return map_or_reject(clips, "hold_out", check, rejections)

    def _named_among(self, clips: Sequence[Clip]) -> Iterator[Clip]:
        """Yield the clips that an entry names: entries are compared once for each split, not for each clip."""
        one_of_each = {(clip.source, clip.dataset, clip.split): clip for clip in clips}
        named = {split for split, clip in one_of_each.items() if is_held(clip, self.named)}
        return (clip for clip in clips if (clip.source, clip.dataset, clip.split) in named)


def _parts_of(entry: HeldOut, base: Path) -> Iterator[Held]:
    recordings = read_list(entry, base) if entry.path is not None else read_source_of(entry, base)
    return (_held(entry, listed) for listed in recordings)
