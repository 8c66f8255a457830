"""Find clips that an earlier plan had in other shards, so that their audio is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.output.moved_shards import held_folder, held_shards
from pipeline.output.plan_files import read_keys
from pipeline.output.snapshot import Snapshot
from pipeline.output.standing import read_shards
from pipeline.records import ShardId
from transforms.shards.shard_task import MovedClips


def find_moved(snapshot: Snapshot, is_unchanged: Callable[[ShardId, str], bool]) -> Mapping[ShardId, MovedClips]:
    """Return the clips of each planned shard that stand in shards which are held for them; reads nothing where no shard is held.

    Args:
        is_unchanged: whether the recording of a clip, by the shard that stands and the key, is as it was when that shard was made.
    """
    where: dict[str, tuple[str, ShardId]] = {}  # sample key -> the folder of the held shard, and the shard; the latest folder counts
    for below, shards in held_shards(snapshot.files).items():
        for shard, rows in read_shards(held_folder(snapshot.folder, below), shards).items():
            keys = (excerpt[0] for excerpt in rows.samples) if rows else ()
            for key in keys:
                if is_unchanged(shard, key):
                    where.setdefault(key, (below, shard))
    if not where or snapshot.plan is None:
        return {}
    moved = {planned.shard: _moved_to(planned.shard, snapshot, where) for planned in snapshot.plan.shards}
    return {shard: clips for shard, clips in moved.items() if clips}


def _moved_to(shard: ShardId, snapshot: Snapshot, where: Mapping[str, tuple[str, ShardId]]) -> MovedClips:
    keys: dict[tuple[str, ShardId], set[str]] = {}
    for key in read_keys(snapshot.folder, shard):
        if key in where:
            keys.setdefault(where[key], set()).add(key)
    return tuple((below, held, frozenset(of_shard)) for (below, held), of_shard in sorted(keys.items()))
