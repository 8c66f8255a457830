"""Plan rows in this thread, without an engine: what the pipeline does in partitions, done to one list.

The pipeline must give the same plan for the same rows; tests compare the two, and the bench measures what the engine adds. Recipes of few
rows are planned so, see `plan_here.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.keys import N_RECORDING
from pipeline.output.shared_file import SharedRecordings
from pipeline.records import Clip, Rejection, ShardId
from transforms.planning.drop_duplicates import distinct_excerpts, distinct_keys
from transforms.planning.lay_out import lay_out
from transforms.planning.plan_lines import NEW
from transforms.planning.rules import Rules, shared_pairs
from transforms.planning.share_recordings import Pair, listed

IndicesOfSplit = Callable[[str, str], Mapping[str, int]]
"""(dataset, split) -> the shard index of every sample key of the previous plan."""


@dataclass(frozen=True, slots=True)
class PlannedRows:
    """A plan: the clips of each shard, sorted; the rows that are in no shard; the recordings that splits share; rows by dataset."""

    shards: Mapping[ShardId, list[Clip]]
    left_out: list[Rejection]
    shared: list[SharedRecordings]
    rows_read: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DecidedRows:
    """What becomes of rows: the clips that are planned, as they are planned; the rows that are in no shard; counts of shared recordings."""

    clips: list[Clip]
    left_out: list[Rejection]
    shared: Counter[Pair]


class OtherShardsMoveError(ValueError):
    """Shards that hold other clips would get other indices."""


def plan_rows(rows: Iterable[Clip | Rejection], rules: Rules, shard_size: int, indices: IndicesOfSplit | None = None) -> PlannedRows:
    """Plan the rows that sources gave (`read_source`), with captions by template.

    Args:
        indices: (dataset, split) -> the shard index of each sample key of the previous plan.
    """
    rows = list(rows)
    decided = decide_rows(rows, rules)
    shards: dict[ShardId, list[Clip]] = {}
    for split, clips in sorted(by_split(decided.clips).items()):
        shards |= assign(clips, indices(*split) if indices else {}, shard_size)
    counts = Counter((row if isinstance(row, Clip) else row.clip).dataset for row in rows)
    return PlannedRows(shards, decided.left_out, listed(decided.shared), dict(sorted(counts.items())))


def decide_rows(rows: Iterable[Clip | Rejection], rules: Rules) -> DecidedRows:
    """Return which rows are planned, with which text.

    Args:
        rows: all rows of each recording and of each sample key among them.
    """
    read: list[Clip] = []
    rejections: list[Rejection] = []
    for row in rows:
        if isinstance(row, Clip):
            read.append(row)
        else:
            rejections.append(row)
    distinct = distinct_keys(distinct_excerpts(read, rules.holdout, rejections), rules.holdout, rejections)
    captioned = rules.captioned(rules.allowed(distinct, rejections), rejections)
    return DecidedRows([rules.neutral(clip) for clip in captioned], rejections, shared_pairs(distinct, captioned))


def by_split(clips: Iterable[Clip]) -> dict[tuple[str, str], list[Clip]]:
    """Return clips by dataset and split."""
    clips_of: dict[tuple[str, str], list[Clip]] = defaultdict(list)
    for clip in clips:
        clips_of[clip.dataset, clip.split].append(clip)
    return clips_of


def assign(clips: Iterable[Clip], indices: Mapping[str, int], shard_size: int, others: Collection[int] = ()) -> dict[ShardId, list[Clip]]:
    """Return the clips of each shard of one split, sorted.

    Args:
        indices: the shard index of each sample key of the previous plan.
        others: indices of shards of the previous plan that hold other clips too, which stay there.

    Raises:
        OtherShardsMoveError: one of `others` would get another index.
    """
    ordered = sorted(clips, key=lambda clip: clip.shard_sort_key)
    recordings = np.array([int(clip.shard_sort_key[:N_RECORDING], 16) for clip in ordered], np.uint64)
    planned = np.array([indices.get(clip.key, NEW) for clip in ordered], np.int64)
    standing = {*planned[planned != NEW].tolist(), *others}
    layout = lay_out(*np.unique(recordings[planned == NEW], return_counts=True), standing, shard_size)
    if not layout.renumbered.keys().isdisjoint(others):
        raise OtherShardsMoveError
    shards: dict[ShardId, list[Clip]] = {}
    for clip, index in zip(ordered, layout.indices_of(recordings, planned).tolist(), strict=True):
        shards.setdefault(ShardId(clip.dataset, clip.split, index), []).append(clip)
    return shards
