"""Assign clips to shards. Planned clips stay in their shard; new clips go to new shards.

New clips are sorted by the hash of their recording. A plan made from nothing is therefore the same everywhere, and clips
of one recording are in one shard, where the recording is fetched once. Only a short text a new clip is gathered to compute
the layout of a split; the clips themselves are gathered by shard.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from pipeline.keys import N_RECORDING
from pipeline.records import Clip, ShardId

IndicesOfSplit = Callable[[str, str], Mapping[str, int]]
"""(dataset, split) -> the shard index of every sample key of the previous plan."""

@dataclass(frozen=True, slots=True)
class Layout:
    """The shards of one split.

    The new shard of index `new_indices[i]` holds the new clips from the sort key `first_keys[i]` up to the next; first
    keys rise. `renumbered` maps the previous index of a shard to its new one, for shards that get another.
    """

    first_keys: tuple[str, ...]
    new_indices: tuple[int, ...]
    renumbered: Mapping[int, int]

    def index_of_planned(self, index: int) -> int:
        """Return the shard index of a clip that was in shard `index` of the previous plan."""
        return self.renumbered.get(index, index)

    def index_of_new(self, sort_key: str) -> int:
        """Return the shard index of a new clip."""
        return self.new_indices[bisect.bisect_right(self.first_keys, sort_key) - 1]


def lay_out(new_keys: Iterable[str], planned_indices: Iterable[int], shard_size: int) -> Layout:
    """Return the layout of one split: indices count from 0 without gaps, no new shard holds more than `shard_size` clips.

    Args:
        new_keys: sort keys of the new clips.
        planned_indices: indices of the shards of the previous plan that still hold a clip.
    """
    planned = set(planned_indices)
    first_keys = [shard[0] for shard in fill(sorted(new_keys), shard_size)]
    free = (index for index in itertools.count() if index not in planned)
    new_indices = tuple(itertools.islice(free, len(first_keys)))
    return Layout(tuple(first_keys), new_indices, _close_gaps(planned.union(new_indices)))


def fill(sort_keys: list[str], shard_size: int) -> Iterator[list[str]]:
    """Yield sorted keys shard by shard, each with at most `shard_size`; a recording is divided only if it is larger than that.

    Where recordings have one clip each, there are as few shards as possible and their sizes differ by one at most. A
    recording of many clips that does not fit into what is left of a shard begins the next one.

    >>> [len(shard) for shard in fill([f"{number:016}" for number in range(10)], 4)]
    [4, 3, 3]
    """
    recordings = (list(keys) for _, keys in itertools.groupby(sort_keys, key=lambda key: key[:N_RECORDING]))
    pieces = (keys[at : at + shard_size] for keys in recordings for at in range(0, len(keys), shard_size))
    n_left, n_shards = len(sort_keys), -(-len(sort_keys) // shard_size)
    shard: list[str] = []
    for piece in pieces:
        equal_share = -(-n_left // max(n_shards, 1))  # more shards than counted where recordings leave room at the end of shards
        if shard and (len(shard) >= equal_share or len(shard) + len(piece) > shard_size):
            yield shard
            n_left, n_shards, shard = n_left - len(shard), n_shards - 1, []
        shard += piece
    if shard:
        yield shard


def _close_gaps(indices: set[int]) -> dict[int, int]:
    """Return new indices for the last shards, which take the numbers that are free: readers count from 0 without gaps."""
    gaps = [index for index in range(len(indices)) if index not in indices]
    return dict(zip(sorted(indices, reverse=True), gaps, strict=False))


def assign(clips: Iterable[Clip], indices: Mapping[str, int], shard_size: int) -> dict[ShardId, list[Clip]]:
    """Return the clips of each shard of one split, sorted.

    Args:
        indices: the shard index of each sample key of the previous plan.
    """
    ordered = sorted(((clip.shard_sort_key, indices.get(clip.key), clip) for clip in clips), key=itemgetter(0))
    layout = lay_out((key for key, planned, _ in ordered if planned is None), (p for _, p, _ in ordered if p is not None), shard_size)
    shards: dict[ShardId, list[Clip]] = {}
    for sort_key, planned, clip in ordered:
        index = layout.index_of_new(sort_key) if planned is None else layout.index_of_planned(planned)
        shards.setdefault(ShardId(clip.dataset, clip.split, index), []).append(clip)
    return shards
