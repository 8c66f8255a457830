"""Clips -> shards of clips that keep still: who has a place keeps it, newcomers fill new shards.

Newcomers are ordered by the hash of their recording, so a plan made from nothing is the same everywhere, and clips of
one recording stay together and are fetched once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import apache_beam as beam

from pipeline.records import Clip, ShardId, stable_hash

Places = Callable[[str, str], Mapping[str, int]]
"""(dataset, split) -> the shard index of every sample key that already has a place."""


def assign_shards(clips: Iterable[Clip], shard_size: int, places: Mapping[str, int]) -> dict[int, list[Clip]]:
    """Return the clips of every shard of one split: indices count from 0 without gaps, no shard holds more than `shard_size`.

    Args:
        places: index of the shard in which a sample key already stands.
    """
    shards: dict[int, list[Clip]] = {}
    newcomers = []
    for clip in sorted(clips, key=_order):
        index = places.get(clip.key)
        if index is None:
            newcomers.append(clip)
        else:
            shards.setdefault(index, []).append(clip)
    free = (index for index in itertools.count() if index not in shards)
    fresh = {index: members for members, index in zip(fill(newcomers, shard_size), free, strict=False)}
    return _without_gaps(shards | fresh)


def fill(clips: list[Clip], shard_size: int) -> Iterator[list[Clip]]:
    """Yield the fewest shards that hold `clips`, of nearly equal size, without dividing a recording that fits into one.

    >>> clips = [Clip("s", "S", "train", str(i), "", recording=str(i)) for i in range(10)]
    >>> [len(shard) for shard in fill(clips, 4)]
    [4, 3, 3]
    """
    groups = [list(group) for _, group in itertools.groupby(clips, key=lambda clip: clip.recording)]
    pieces = [group[at : at + shard_size] for group in groups for at in range(0, len(group), shard_size)]
    n_left, n_shards = len(clips), -(-len(clips) // shard_size)
    shard: list[Clip] = []
    for piece in pieces:
        fair = -(-n_left // max(n_shards, 1))
        if shard and (len(shard) >= fair or len(shard) + len(piece) > shard_size):
            yield shard
            n_left, n_shards, shard = n_left - len(shard), n_shards - 1, []
        shard = shard + piece
    if shard:
        yield shard


def _order(clip: Clip) -> tuple[str, str, float, str]:
    return stable_hash(clip.recording), clip.recording, clip.start or 0.0, clip.key


def _without_gaps(shards: dict[int, list[Clip]]) -> dict[int, list[Clip]]:
    """Move the last shards into the places that emptied: readers count from 0 without gaps."""
    compact = dict(shards)
    for index in range(len(shards)):
        if index not in compact:
            compact[index] = compact.pop(max(compact))
    return compact


class AssignShards(beam.PTransform):
    """Clips -> (shard, its clips in order)."""

    def __init__(self, shard_size: int, places: Places):
        super().__init__()
        self.shard_size = shard_size
        self.places = places

    def expand(self, clips: beam.PCollection) -> beam.PCollection:
        return (
            clips
            | "BySplit" >> beam.Map(lambda clip: ((clip.dataset, clip.split), clip))
            | "Together" >> beam.GroupByKey()
            | "Shards" >> beam.FlatMap(_shards_of_split, self.shard_size, self.places)
        )


def _shards_of_split(
    grouped: tuple[tuple[str, str], Iterable[Clip]], shard_size: int, places: Places
) -> Iterator[tuple[ShardId, list[Clip]]]:
    (dataset, split), clips = grouped
    for index, members in sorted(assign_shards(clips, shard_size, places(dataset, split)).items()):
        yield ShardId(dataset, split, index), members
