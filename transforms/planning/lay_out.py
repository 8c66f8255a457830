"""Lay out the shards of a split: planned clips stay in their shard, new clips go to new shards.

New clips are sorted by the hash of their recording. A plan made from nothing is therefore the same everywhere, and clips
of one recording are in one shard, where the recording is fetched once. Only the number of new clips of each recording is needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Layout:
    """The shards of one split.

    The new shard of index `new_indices[i]` begins with the clip number `offsets[i]` of the recording of hash `recordings[i]`, and ends
    where the next one begins. `renumbered` maps the previous index of a shard to its new one, for shards that get another.
    """

    recordings: np.ndarray
    offsets: np.ndarray
    new_indices: np.ndarray
    renumbered: Mapping[int, int]

    def indices_of(self, recordings: np.ndarray, planned: np.ndarray) -> np.ndarray:
        """Return the shard index of each clip.

        Args:
            recordings: hashes of the recordings of clips in the order of their sort keys; of each recording here, all clips.
            planned: their indices in the previous plan, -1 for new clips.
        """
        indices = planned.copy()
        for before, after in self.renumbered.items():
            indices[planned == before] = after
        new = planned < 0
        if new.any():
            of_new = recordings[new]
            begins = np.searchsorted(of_new, self.recordings, "left")
            is_here = begins < np.searchsorted(of_new, self.recordings, "right")
            begins = begins + np.where(is_here, self.offsets, 0)
            indices[new] = self.new_indices[np.searchsorted(begins, np.arange(len(of_new)), "right") - 1]
        return indices


def lay_out(recordings: np.ndarray, counts: np.ndarray, planned_indices: Iterable[int], shard_size: int) -> Layout:
    """Return the layout of one split: indices count from 0 without gaps, no new shard holds more than `shard_size` clips.

    Args:
        recordings: hashes of the recordings of new clips, rising.
        counts: the number of new clips of each.
        planned_indices: indices of the shards of the previous plan that still hold a clip.
    """
    planned = set(planned_indices)
    begins = list(fill(counts, shard_size))
    free = (index for index in itertools.count() if index not in planned)
    new_indices = list(itertools.islice(free, len(begins)))
    at, offsets = np.array(begins, np.int64).reshape(-1, 2).T
    return Layout(recordings[at], offsets, np.array(new_indices, np.int64), close_gaps(planned.union(new_indices)))


def fill(counts: np.ndarray, shard_size: int) -> Iterator[tuple[int, int]]:
    """Yield where each shard begins, (number of a recording, number of its clip); a recording is divided only if it is larger than a shard.

    Where recordings have one clip each, there are as few shards as possible and their sizes differ by one at most. A
    recording of many clips that does not fit into what is left of a shard begins the next one.

    Args:
        counts: the number of clips of each recording, at least 1.

    >>> [begin for begin, _ in fill(np.ones(10, int), 4)]
    [0, 4, 7]
    """
    counts = np.asarray(counts, np.int64)
    n_pieces = -(-counts // shard_size)
    recording = np.repeat(np.arange(len(counts)), n_pieces)
    offset = (np.arange(len(recording)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)) * shard_size
    ends = np.concatenate([[0], np.cumsum(np.minimum(counts[recording] - offset, shard_size))])
    n_left, piece = int(ends[-1]), 0
    n_shards = -(-n_left // shard_size)
    while piece < len(recording):
        yield int(recording[piece]), int(offset[piece])
        equal_share = -(-n_left // max(n_shards, 1))  # more shards than counted where recordings leave room at the end of shards
        enough = int(np.searchsorted(ends, ends[piece] + equal_share, "left"))
        fits = int(np.searchsorted(ends, ends[piece] + shard_size, "right")) - 1
        after = min(enough, fits)
        n_left, n_shards, piece = n_left - int(ends[after] - ends[piece]), n_shards - 1, after


def close_gaps(indices: set[int]) -> dict[int, int]:
    """Return new indices for the last shards, which take the numbers that are free: readers count from 0 without gaps."""
    gaps = [index for index in range(len(indices)) if index not in indices]
    return dict(zip(sorted(indices, reverse=True), gaps, strict=False))
