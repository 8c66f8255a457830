"""Find entries of `holdout` that hold nothing out, since no row of the recipe has what they name: most often a list of other ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import apache_beam as beam

from pipeline.output.storage import Folder
from pipeline.records import Clip
from sources.metadata.held_lists import Entry, HeldOut, as_table, read_list
from transforms.planning.hold_out import names

MAX_SPLITS = 20  # names in a message

Match = tuple[int, str]
"""The number of an entry, and an empty text where a row has what it names; or the split of a row of the source or dataset that it names."""


def matches_of(clip: Clip, entries: Sequence[Entry], lists: Mapping[str, Sequence[int]]) -> Iterator[Match]:
    """Yield the entries that have something to do with a clip.

    Args:
        lists: recording -> the numbers of the entries that list it.
    """
    for number, entry in enumerate(entries):
        if names(entry, clip):
            yield number, ""
        elif names(str(entry).partition(":")[0], clip):
            yield number, clip.split
    for number in lists.get(clip.recording, ()):
        yield number, ""


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


class FindHeldRows(beam.PTransform):
    """Clips as read -> one sorted list of the matches of all entries."""

    def __init__(self, entries: Sequence[Entry], base: Path):
        super().__init__()
        self.entries = entries
        lists: dict[str, list[int]] = defaultdict(list)
        for number, given in enumerate(entries):
            entry = as_table(given, base)
            if entry.path is not None:
                for recording in {listed.recording for listed in read_list(entry, base)}:
                    lists[recording].append(number)
        self.lists = dict(lists)

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        matches = clips | "MatchesOf" >> beam.FlatMap(matches_of, self.entries, self.lists)
        return matches | "AllMatches" >> beam.combiners.ToSet() | "Sort" >> beam.Map(sorted)


def write_matches(matches: list[Match], folder: Folder, name: str) -> None:
    """Write matches for `read_matches`."""
    folder.write_json(name, matches)


def take_matches(folder: Folder, name: str) -> list[Match]:
    """Return the matches that were written, and remove the file."""
    matches = [(number, split) for number, split in folder.read_json(name)]
    folder.remove(name)
    return matches
