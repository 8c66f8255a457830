"""Find what rows that are added to a plan change in it: plan the rows that they have to do with twice, without them and with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.output.plan_files import left_out_row, plan_line
from pipeline.records import Clip, Rejection, ShardId
from transforms.planning.leave_out_removed import LeftOutRow, redacted_rows
from transforms.planning.plan_rows import assign, by_split, decide_rows
from transforms.planning.rules import Rules
from transforms.planning.share_recordings import Pair


@dataclass(frozen=True, slots=True)
class ShardChange:
    """The clips that leave a shard, and those that come to it, sorted; a clip with another text does both."""

    removed: Sequence[Clip]
    added: Sequence[Clip]


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """What changes in a plan: shards, the rows that are left out, and counts of shared recordings (to be added)."""

    shards: Mapping[ShardId, ShardChange]
    no_longer_left_out: Counter[LeftOutRow]
    newly_left_out: Counter[LeftOutRow]
    shared: Mapping[Pair, int]


class OtherPlanError(ValueError):
    """A plan is not the plan of the rows that it was made from, so that rows cannot be added to it."""


def difference(
    before: Iterable[Clip | Rejection],
    after: Iterable[Clip | Rejection],
    rules: Rules,
    shard_size: int,
    sizes: Mapping[ShardId, int],
    indices_of: Callable[[str, str, frozenset[str]], Mapping[str, int]],
) -> PlanDifference:
    """Return what changes in a plan when some of its rows become others.

    Args:
        before, after: rows of a source, all of each recording and of each sample key among them.
        sizes: the number of rows of each shard of the plan.
        indices_of: (dataset, split, sample keys) -> the shard index of those keys that the plan has.

    Raises:
        OtherPlanError: the plan does not have the clips of `before`.
        OtherShardsMoveError: shards with other clips would get other indices.
    """
    old, new = decide_rows(before, rules), decide_rows(after, rules)
    standing, planned = by_split(old.clips), by_split(new.clips)
    shards: dict[ShardId, ShardChange] = {}
    for split in sorted({*standing, *planned}):
        keys = [clip.key for clip in standing[split]]
        indices = indices_of(*split, frozenset(keys)) if keys else {}
        if len(set(keys)) < len(keys) or indices.keys() != set(keys):
            raise OtherPlanError(f"{'/'.join(split)}: the plan does not have the clips of its rows")
        shards |= _changes(standing[split], planned[split], indices, shard_size, sizes)
    left_before, left_after = (Counter(redacted_rows(map(_row, each.left_out), rules.removals)) for each in (old, new))
    shared = Counter(new.shared)
    shared.subtract(old.shared)
    return PlanDifference(shards, left_before - left_after, left_after - left_before, shared)


def _changes(
    standing: Sequence[Clip], planned: Sequence[Clip], indices: Mapping[str, int], shard_size: int, sizes: Mapping[ShardId, int]
) -> dict[ShardId, ShardChange]:
    """Return what changes in the shards of one split."""
    first = (standing or planned)[0]
    before: dict[ShardId, list[Clip]] = {}
    for clip in standing:
        before.setdefault(ShardId(clip.dataset, clip.split, indices[clip.key]), []).append(clip)
    of_split = {shard: size for shard, size in sizes.items() if (shard.dataset, shard.split) == (first.dataset, first.split)}
    others = [shard.index for shard, size in of_split.items() if size > len(before.get(shard, ()))]
    after = assign(planned, indices, shard_size, others)
    changes = {shard: ShardChange(before.get(shard, []), after.get(shard, [])) for shard in sorted({*before, *after})}
    return {shard: change for shard, change in changes.items() if _stored(change.removed) != _stored(change.added)}


def _stored(clips: Iterable[Clip]) -> Counter[tuple[str, str]]:
    """Count what the files of a plan have of clips: rows and full addresses."""
    return Counter((plan_line(clip, clip.key), clip.full_url) for clip in clips)


def _row(rejection: Rejection) -> LeftOutRow:
    return tuple(left_out_row(rejection).values())
