"""Read and write `.recordings`: size and time of the local files that each shard was made from, to see when one is replaced.

It is a note for the next build on this machine and no part of what is published: without it, local recordings are hashed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.columns import columns, record_from
from pipeline.output.layout import RECORDINGS
from pipeline.output.storage import Folder
from pipeline.records import ShardId

SHARDS = b"shards"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """The local file that a clip of a shard is read from, as it was then.

    `path` is relative to the recipe's folder, `size` in bytes (-1: no such file), `modified` in nanoseconds.
    """

    shard: str
    key: str
    path: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Recordings:
    """The local files of shards; `shards` also has those that were made from none."""

    shards: frozenset[ShardId] = frozenset()
    files: tuple[LocalFile, ...] = ()

    def replaced_by(self, other: Recordings) -> Recordings:
        """Return these recordings with those of another for the shards that the other has."""
        names = {shard.name for shard in other.shards}
        return Recordings(self.shards | other.shards, (*(file for file in self.files if file.shard not in names), *other.files))

    def only(self, shards: Iterable[ShardId]) -> Recordings:
        """Return the recordings of some shards."""
        kept = self.shards & frozenset(shards)
        names = {shard.name for shard in kept}
        return Recordings(kept, tuple(file for file in self.files if file.shard in names))


def read_recordings(folder: Folder) -> Recordings:
    """Return what the last build noted; nothing where the file is missing or damaged."""
    try:
        with folder.open(RECORDINGS) as file:
            table = pq.read_table(file)
        metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
        shards = frozenset(map(ShardId.parse, json.loads(metadata.get(SHARDS, b"[]"))))
        return Recordings(shards, tuple(record_from(LocalFile, row) for row in table.to_pylist()))
    except (FileNotFoundError, pa.ArrowInvalid, TypeError, ValueError):
        return Recordings()


def write_recordings(recordings: Recordings, folder: Folder) -> None:
    """Write the note for the next build."""
    names = sorted(shard.name for shard in recordings.shards)
    table = pa.Table.from_pylist([asdict(file) for file in recordings.files], pa.schema(columns(LocalFile)))
    with folder.workspace() as work:
        path = work / "recordings"
        pq.write_table(table.replace_schema_metadata({SHARDS: json.dumps(names)}), path, compression="zstd")
        folder.publish(path, RECORDINGS)
