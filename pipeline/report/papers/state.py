"""Name the state of a set that papers were made from, so that papers of an earlier build are seen as such."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from pipeline.keys import stable_hash
from pipeline.output.layout import INDEX, PLAN
from pipeline.output.snapshot import Snapshot
from pipeline.report.papers.clips import current_shards


@dataclass(frozen=True, slots=True)
class SetState:
    """The SHA-256 of plan.json, and the hash of the tars and books of all shards that are built from it."""

    plan_sha256: str
    shards_sha256: str


def state_of(snapshot: Snapshot) -> SetState:
    """Return the state of a folder that has a plan."""
    markers = ((shard, snapshot.markers[shard]) for shard in current_shards(snapshot))
    hashes = (f"{shard} {marker.tar.sha256} {marker.parquet.sha256}" for shard, marker in markers)
    return SetState(sha256(snapshot.folder.read(f"{PLAN}/{INDEX}")).hexdigest(), stable_hash(*hashes))
