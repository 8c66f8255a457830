"""Clips -> shards of clips that keep still: who has a place keeps it, newcomers fill new shards.

Newcomers are ordered by the hash of their recording, so a plan made from nothing is the same everywhere, and clips of
one recording stay together and are fetched once. What meets in one place to be laid out is one short text a clip; the
clips themselves only ever meet by the shard.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import apache_beam as beam
from apache_beam.utils.shared import Shared

from pipeline.records import N_RECORDING, Clip, ShardId
from transforms.planning.map_or_reject import GroupClips

Places = Callable[[str, str], Mapping[str, int]]
"""(dataset, split) -> the shard index of every sample key that already has a place."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the clips of one split go.

    New shard `indices[i]` begins with the order `firsts[i]`, which rise; shards that stood and `moved` have a new index.
    """

    firsts: tuple[str, ...]
    indices: tuple[int, ...]
    moved: Mapping[int, int]

    def index_of(self, place: str | int) -> int:
        """Return the shard of a clip that stood in the shard of index `place`, or of a newcomer whose order `place` is."""
        if isinstance(place, int):
            return self.moved.get(place, place)
        return self.indices[bisect.bisect_right(self.firsts, place) - 1]


def lay_out(newcomers: Iterable[str], standing: Iterable[int], shard_size: int) -> Layout:
    """Return the layout of one split: indices count from 0 without gaps, no new shard holds more than `shard_size`.

    Args:
        newcomers: orders of the clips without a place.
        standing: indices of the shards that hold the others.
    """
    stood = set(standing)
    firsts = [shard[0] for shard in fill(sorted(newcomers), shard_size)]
    indices = list(itertools.islice((index for index in itertools.count() if index not in stood), len(firsts)))
    moved = _without_gaps(stood | set(indices))
    return Layout(tuple(firsts), tuple(indices), moved)


def fill(orders: list[str], shard_size: int) -> Iterator[list[str]]:
    """Yield the fewest shards that hold `orders`, of nearly equal size, without dividing a recording that fits into one.

    >>> [len(shard) for shard in fill([f"{number:016}" for number in range(10)], 4)]
    [4, 3, 3]
    """
    groups = (list(group) for _, group in itertools.groupby(orders, key=lambda order: order[:N_RECORDING]))
    pieces = (group[at : at + shard_size] for group in groups for at in range(0, len(group), shard_size))
    n_left, n_shards = len(orders), -(-len(orders) // shard_size)
    shard: list[str] = []
    for piece in pieces:
        fair = -(-n_left // max(n_shards, 1))
        if shard and (len(shard) >= fair or len(shard) + len(piece) > shard_size):
            yield shard
            n_left, n_shards, shard = n_left - len(shard), n_shards - 1, []
        shard += piece
    if shard:
        yield shard


def _without_gaps(indices: set[int]) -> dict[int, int]:
    """Return new indices for the last shards, into the places that emptied: readers count from 0 without gaps."""
    gaps = [index for index in range(len(indices)) if index not in indices]
    return dict(zip(sorted(indices, reverse=True), gaps, strict=False))


class AssignShards(beam.PTransform):
    """Clips -> (shard, its clips in order)."""

    def __init__(self, shard_size: int, places: Places):
        super().__init__()
        self.shard_size = shard_size
        self.places = places

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        placed = clips | "Place" >> beam.ParDo(_Place(self.places))
        layouts = (
            placed | "OfSplit" >> beam.Map(_of_split) | "BySplit" >> beam.GroupByKey() | "LayOut" >> beam.Map(_lay_out, self.shard_size)
        )
        return (
            placed
            | "ShardOf" >> beam.Map(_shard_of, beam.pvalue.AsDict(layouts))
            | "ByShard" >> GroupClips()
            | "InOrder" >> beam.MapTuple(_in_order)
        )


class _Place(beam.DoFn):
    """Clip -> (clip, index of the shard in which it stands, or the order of a newcomer)."""

    def __init__(self, places: Places):
        self.places = places
        self.shared = Shared()
        self.known: dict[tuple[str, str], Mapping[str, int]] = {}

    def process(self, clip: Clip) -> Iterator[tuple[Clip, str | int]]:
        split = clip.dataset, clip.split
        if split not in self.known:  # the threads of a worker share them
            self.known[split] = self.shared.acquire(lambda: _Places(self.places(*split)), split)
        known = self.known[split]
        place = known.get(clip.key) if known else None
        yield clip, clip.shard_sort_key if place is None else place


class _Places(dict):
    """A dict that can be shared: it can be referred to weakly."""


def _of_split(placed: tuple[Clip, str | int]) -> tuple[tuple[str, str], str | int]:
    clip, place = placed
    return (clip.dataset, clip.split), place


def _lay_out(grouped: tuple[tuple[str, str], Iterable[str | int]], shard_size: int) -> tuple[tuple[str, str], Layout]:
    newcomers, standing = [], set()
    for one in grouped[1]:
        if isinstance(one, str):
            newcomers.append(one)
        else:
            standing.add(one)
    return grouped[0], lay_out(newcomers, standing, shard_size)


def _shard_of(placed: tuple[Clip, str | int], layouts: Mapping[tuple[str, str], Layout]) -> tuple[str, Clip]:
    clip, place = placed
    index = layouts[clip.dataset, clip.split].index_of(place)
    return str(ShardId(clip.dataset, clip.split, index)), clip


def _in_order(name: str, clips: list[Clip]) -> tuple[ShardId, list[Clip]]:
    return ShardId.parse(name), sorted(clips, key=attrgetter("shard_sort_key"))
