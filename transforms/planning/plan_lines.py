"""Turn planned clips into the rows of plan files, as lines of JSON: nothing after this needs a clip as an object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.keys import N_RECORDING
from pipeline.output.plan_files import plan_line
from pipeline.records import Clip
from transforms.planning.batches import positions_by_value

NEW = -1
"""In place of the index of a shard: the clip is not in the previous plan."""


@dataclass(frozen=True, slots=True)
class PlannedClips:
    """Clips of one partition with the indices of their shards in the previous plan, `NEW` for new clips."""

    partition: int
    clips: Sequence[Clip]
    planned: Sequence[int]


@dataclass(frozen=True, slots=True)
class SplitLines:
    """The rows of one split in one partition, in the order of their sort keys.

    `recordings` are the first 64 bits of the hashes of the recordings, `planned` the indices of shards as in `PlannedClips`. `addresses`
    are full addresses by sample key, of the rows (by number) whose address holds a secret.
    """

    split: tuple[str, str]
    partition: int
    lines: Sequence[str]
    recordings: np.ndarray
    planned: np.ndarray
    addresses: Mapping[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ShardLines:
    """The rows of one shard in one partition, in order; `addresses` are full addresses by sample key."""

    partition: int
    lines: Sequence[str]
    addresses: Mapping[str, str]


def split_lines(batch: PlannedClips) -> list[SplitLines]:
    """Return the rows of a batch by split."""
    by_split: dict[tuple[str, str], list[tuple[str, int, str, Clip]]] = defaultdict(list)
    for clip, planned in zip(batch.clips, batch.planned, strict=True):
        by_split[clip.dataset, clip.split].append((clip.shard_sort_key, planned, clip.key, clip))
    return [_lines_of(split, batch.partition, rows) for split, rows in by_split.items()]


def _lines_of(split: tuple[str, str], partition: int, rows: list[tuple[str, int, str, Clip]]) -> SplitLines:
    rows.sort(key=lambda row: row[0])
    return SplitLines(
        split,
        partition,
        [plan_line(clip, key) for _, _, key, clip in rows],
        np.array([int(sort_key[:N_RECORDING], 16) for sort_key, *_ in rows], np.uint64),
        np.array([planned for _, planned, *_ in rows], np.int64),
        {number: (key, clip.full_url) for number, (_, _, key, clip) in enumerate(rows) if clip.full_url},
    )


def by_shard(rows: SplitLines, indices: np.ndarray) -> dict[int, ShardLines]:
    """Return the rows of each shard, given the shard index of each row."""
    return {shard: _part(rows, numbers.tolist()) for shard, numbers in positions_by_value(indices)}


def _part(rows: SplitLines, numbers: list[int]) -> ShardLines:
    addresses = dict(rows.addresses[number] for number in numbers if number in rows.addresses) if rows.addresses else {}
    return ShardLines(rows.partition, [rows.lines[number] for number in numbers], addresses)
