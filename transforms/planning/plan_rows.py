"""Plan rows in this thread, without an engine: what the pipeline does in partitions, done to one list.

The pipeline must give the same plan for the same rows; tests compare the two, and the bench measures what the engine adds. Recipes of few
rows are planned so, see `plan_here.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.keys import N_RECORDING
from pipeline.output.shared_file import SharedRecordings
from pipeline.records import Clip, Rejection, ShardId
from transforms.planning.drop_duplicates import distinct_excerpts, distinct_keys
from transforms.planning.lay_out import lay_out
from transforms.planning.plan_lines import NEW
from transforms.planning.rules import Rules, shared_pairs
from transforms.planning.share_recordings import listed

IndicesOfSplit = Callable[[str, str], Mapping[str, int]]
"""(dataset, split) -> the shard index of every sample key of the previous plan."""


@dataclass(frozen=True, slots=True)
class PlannedRows:
    """A plan: the clips of each shard, sorted; the rows that are in no shard; the recordings that splits share; rows by dataset."""

    shards: Mapping[ShardId, list[Clip]]
    left_out: list[Rejection]
    shared: list[SharedRecordings]
    rows_read: Mapping[str, int]


def plan_rows(rows: Iterable[Clip | Rejection], rules: Rules, shard_size: int, indices: IndicesOfSplit | None = None) -> PlannedRows:
    """Plan the rows that sources gave (`read_source`), with captions by template.

    Args:
        indices: (dataset, split) -> the shard index of each sample key of the previous plan.
    """
    read: list[Clip] = []
    rejections: list[Rejection] = []
    counts: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Clip):
            read.append(row)
            counts[row.dataset] += 1
        else:
            rejections.append(row)
            counts[row.clip.dataset] += 1
    distinct = distinct_keys(distinct_excerpts(read, rules.holdout, rejections), rules.holdout, rejections)
    captioned = rules.captioned(rules.allowed(distinct, rejections), rejections)
    shared = listed(shared_pairs(distinct, captioned))
    by_split: dict[tuple[str, str], list[Clip]] = defaultdict(list)
    for clip in rules.neutral(captioned):
        by_split[clip.dataset, clip.split].append(clip)
    shards: dict[ShardId, list[Clip]] = {}
    for split, clips in sorted(by_split.items()):
        shards |= assign(clips, indices(*split) if indices else {}, shard_size)
    return PlannedRows(shards, rejections, shared, dict(sorted(counts.items())))


def assign(clips: Iterable[Clip], indices: Mapping[str, int], shard_size: int) -> dict[ShardId, list[Clip]]:
    """Return the clips of each shard of one split, sorted.

    Args:
        indices: the shard index of each sample key of the previous plan.
    """
    ordered = sorted(clips, key=lambda clip: clip.shard_sort_key)
    recordings = np.array([int(clip.shard_sort_key[:N_RECORDING], 16) for clip in ordered], np.uint64)
    planned = np.array([indices.get(clip.key, NEW) for clip in ordered], np.int64)
    layout = lay_out(*np.unique(recordings[planned == NEW], return_counts=True), planned[planned != NEW].tolist(), shard_size)
    shards: dict[ShardId, list[Clip]] = {}
    for clip, index in zip(ordered, layout.indices_of(recordings, planned).tolist(), strict=True):
        shards.setdefault(ShardId(clip.dataset, clip.split, index), []).append(clip)
    return shards
