"""Find entries of `holdout` that hold nothing out, since no row of the recipe has what they name: most often a list of other ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.output.storage import Folder
from pipeline.records import Clip
from sources.metadata.held_lists import Entry, HeldOut, as_table, read_list
from transforms.planning.hold_out import names

MAX_SPLITS = 20  # names in a message

Match = tuple[int, str]
"""The number of an entry, and an empty text where a row has what it names; or the split of a row of the source or dataset that it names."""


@dataclass(frozen=True, slots=True)
class HeldRows:
    """What the entries of `holdout` name: `lists` maps recordings to the numbers of the entries that list them."""

    entries: tuple[Entry, ...]
    lists: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, entries: Sequence[Entry], base: Path) -> HeldRows:
        """Read the lists of entries, whose paths start from `base`."""
        lists: dict[str, list[int]] = defaultdict(list)
        for number, given in enumerate(entries):
            entry = as_table(given, base)
            if entry.path is not None:
                for recording in {listed.recording for listed in read_list(entry, base)}:
                    lists[recording].append(number)
        return cls(tuple(entries), dict(lists))

    def matches(self, clips: Iterable[Clip]) -> set[Match]:
        """Return the matches of clips: entries that have something to do with any of them."""
        one_of_each, recordings = {}, set()
        for clip in clips:
            one_of_each[clip.source, clip.dataset, clip.split] = clip
            recordings.add(clip.recording)
        matches = {(number, "") for recording in recordings & self.lists.keys() for number in self.lists[recording]}
        for clip in one_of_each.values():
            for number, entry in enumerate(self.entries):
                if names(entry, clip):
                    matches.add((number, ""))
                elif names(str(entry).partition(":")[0], clip):
                    matches.add((number, clip.split))
        return matches


def unmatched(entries: Sequence[Entry], matches: Iterable[Match], base: Path, elsewhere: Collection[HeldOut] = ()) -> list[str]:
    """Return a line for every entry that no row has to do with, unless it says `allow_empty` or is one of `elsewhere`.

    A source that the recipe does not build has the right ids, whether or not a row has one of them.
    """
    splits: dict[int, set[str]] = defaultdict(set)
    for number, split in matches:
        splits[number].add(split)
    faults = []
    for number, given in enumerate(entries):
        entry = as_table(given, base)
        if "" in splits[number] or entry.allow_empty or entry in elsewhere:
            continue
        if entry.name is not None:
            there = ", ".join(sorted(splits[number])[:MAX_SPLITS])
            why = f"the source has no row of that split, there are {there}" if there else "it has no readable row"
            remedy = f'{{ name = "{entry.name}", allow_empty = true }}'
        else:
            listed = read_list(entry, base)
            why = f"no row of this recipe has one of its {len(listed)} recordings, the first is {listed[0].recording!r}"
            remedy = f'{{ path = "{entry.path}", {f"""source = "{entry.source}", """ if entry.source else ""}allow_empty = true }}'
        faults.append(f"holdout = {str(entry)!r} holds nothing out: {why}; if that is right, write {remedy}")
    return faults


def write_matches(matches: Iterable[Match], folder: Folder, name: str) -> None:
    """Write matches for `take_matches`."""
    folder.write_json(name, sorted(matches))


def take_matches(folder: Folder, name: str) -> list[Match]:
    """Return the matches that were written, and remove the file."""
    matches = [(number, split) for number, split in folder.read_json(name)]
    folder.remove(name)
    return matches
