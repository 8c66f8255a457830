"""Find the shards that a repair makes anew."""

from __future__ import annotations

from pipeline.engines.run import Engine
from pipeline.output.snapshot import Snapshot
from pipeline.records import ShardId


def faulty_shards(snapshot: Snapshot, engine: Engine) -> frozenset[ShardId]:
    """Return the planned shards in which `verify` finds faults."""
    raise NotImplementedError
