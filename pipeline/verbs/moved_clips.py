"""Find clips that an earlier plan had in other shards, so that their audio is copied."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.output.moved_shards import held_folder, held_shards
from pipeline.output.plan_files import read_keys
from pipeline.output.recordings_file import Recordings
from pipeline.output.snapshot import Snapshot
from pipeline.output.standing import read_shards
from pipeline.records import ShardId
from pipeline.verbs.recordings import ReplacedSince, replaced_since
from transforms.fetching.fetch import Fetcher
from transforms.shards.shard_task import MovedClips

Holders = dict[str, list[tuple[str, ShardId]]]
"""Sample key -> the folder of a held shard that has it, and the shard; the latest folder first. Datasets may share a key."""


def find_moved(snapshot: Snapshot, noted: Recordings, fetcher: Fetcher) -> Mapping[ShardId, MovedClips]:
    """Return the clips of each planned shard that stand in shards which are held for them; reads nothing where no shard is held.

    Clips whose recordings were replaced since the held shard was made are not among them.
    """
    where: Holders = {}
    for below, shards in held_shards(snapshot.files).items():
        for shard, rows in read_shards(held_folder(snapshot.folder, below), shards).items():
            for excerpt in rows.samples if rows else ():
                where.setdefault(excerpt[0], []).append((below, shard))
    if not where or snapshot.plan is None:
        return {}
    are_replaced = replaced_since(snapshot.folder, noted, fetcher)
    moved = {planned.shard: _moved_to(planned.shard, snapshot, where, are_replaced) for planned in snapshot.plan.shards}
    return {shard: clips for shard, clips in moved.items() if clips}


def _moved_to(shard: ShardId, snapshot: Snapshot, where: Holders, are_replaced: ReplacedSince) -> MovedClips:
    keys: dict[tuple[str, ShardId], set[str]] = {}
    for key in read_keys(snapshot.folder, shard):
        for holder in where.get(key, ()):
            keys.setdefault(holder, set()).add(key)
    holders = ((below, held, keys[below, held]) for below, held in sorted(keys, key=_latest_first))
    return tuple((below, held, frozenset(of_held - are_replaced(shard, below, held, of_held))) for below, held, of_held in holders)


def _latest_first(holder: tuple[str, ShardId]) -> tuple[int, ShardId]:
    return -int(holder[0].rpartition("/")[2]), holder[1]
