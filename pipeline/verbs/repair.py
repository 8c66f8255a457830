"""Find the shards that a repair makes anew."""

from __future__ import annotations

from pipeline.engines.run import Engine
from pipeline.output.snapshot import Snapshot
from pipeline.records import ShardId


def faulty_shards(snapshot: Snapshot, engine: Engine) -> frozenset[ShardId]:
    """Return the planned shards in which `verify --deep` finds faults."""
    from pipeline.verbs.verify import verify  # and all its checks, which other builds do not need

    planned = {entry.shard for entry in snapshot.plan.shards} if snapshot.plan is not None else set()
    return frozenset(fault.shard for fault in verify(snapshot.folder, True, engine) if fault.shard is not None and fault.shard in planned)
