"""Samples that sound exactly alike, over all shards of a dataset: the later ones become rejections."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator

from pipeline.output.shard_files import read_books, read_marker
from pipeline.output.storage import Folder
from pipeline.records import ShardId, split_rank
from pipeline.verbs.plan import PLAN, Plan, PlannedShard
from pipeline.verbs.status import SettingsHashOf, inputs_sha256
from transforms.shards.build_shards import ShardTask

Sounds = Iterable[tuple[str, str]]
"""(key, hash of the frames) of the samples of one shard, in order."""


def repeats(shards: Iterable[tuple[ShardId, Sounds]]) -> dict[ShardId, tuple[tuple[str, str], ...]]:
    """Return for every shard its samples that sound like one that stays, as (key, key of that one).

    A test clip stays rather than a training clip, then the one that stands first: the answer does not depend on when
    which shard was made.
    """
    first: dict[tuple[str, str], str] = {}
    found: dict[ShardId, list[tuple[str, str]]] = collections.defaultdict(list)
    for shard, sounds in sorted(shards, key=lambda entry: (split_rank(entry[0].split), entry[0])):
        for key, sound in sounds:
            known = first.setdefault((shard.dataset, sound), key)
            if known != key:
                found[shard].append((key, known))
    return {shard: tuple(pairs) for shard, pairs in found.items()}


def repeat_tasks(plan: Plan, folder: Folder, settings_hash_of: SettingsHashOf) -> list[ShardTask]:
    """Return a task for every shard that holds samples to be refused as repetitions."""
    planned = {entry.shard: entry for entry in plan.shards}
    found = repeats((shard, _sounds(folder, shard)) for shard in planned if read_marker(folder, shard) is not None)
    return [_task(planned[shard], pairs, settings_hash_of(shard.dataset)) for shard, pairs in sorted(found.items())]


def _task(planned: PlannedShard, pairs: tuple[tuple[str, str], ...], shape: str) -> ShardTask:
    return ShardTask(planned.shard, PLAN, inputs_sha256(planned, shape), planned.n_rows, pairs)


def _sounds(folder: Folder, shard: ShardId) -> Iterator[tuple[str, str]]:
    table = read_books(folder, shard, ["key", "pcm_sha256"])
    pairs = zip(table["key"].to_pylist(), table["pcm_sha256"].to_pylist(), strict=True)
    return ((key, sound) for key, sound in pairs if sound is not None)
