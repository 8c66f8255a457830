"""Read and write `.recordings`: size and time of the local files that each shard was made from.

The next build on this machine compares them, to see which recordings were replaced. The file is not part of the published set;
without it, local recordings are hashed again.
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
    """The local file that a clip of a shard is read from, as it was when the shard was made.

    `path` is relative to the recipe's folder, `size` in bytes (-1: missing), `modified` in nanoseconds.
    """

    shard: str
    key: str
    path: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Recordings:
    """The local files of shards; `shards` also has shards that were made without local files."""

    shards: frozenset[ShardId] = frozenset()
    files: tuple[LocalFile, ...] = ()

    def replaced_by(self, other: Recordings) -> Recordings:
        """Return these recordings, replaced by those of `other` for the shards of `other`."""
        names = {shard.name for shard in other.shards}
        return Recordings(self.shards | other.shards, (*(file for file in self.files if file.shard not in names), *other.files))

    def only(self, shards: Iterable[ShardId]) -> Recordings:
        """Return the recordings of some shards."""
        wanted = self.shards & frozenset(shards)
        names = {shard.name for shard in wanted}
        return Recordings(wanted, tuple(file for file in self.files if file.shard in names))


def read_recordings(folder: Folder) -> Recordings:
    """Return the recordings of the last build; none where the file is missing or damaged."""
    try:
        with folder.open(RECORDINGS) as file:
            table = pq.read_table(file)
        metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
        shards = frozenset(map(ShardId.parse, json.loads(metadata.get(SHARDS, b"[]"))))
        return Recordings(shards, tuple(record_from(LocalFile, row) for row in table.to_pylist()))
    except (FileNotFoundError, pa.ArrowInvalid, TypeError, ValueError):
        return Recordings()


def write_recordings(recordings: Recordings, folder: Folder) -> None:
    """Write `.recordings` for the next build."""
    names = sorted(shard.name for shard in recordings.shards)
    table = pa.Table.from_pylist([asdict(file) for file in recordings.files], pa.schema(columns(LocalFile)))
    with folder.workspace() as work:
        path = work / "recordings"
        pq.write_table(table.replace_schema_metadata({SHARDS: json.dumps(names)}), path, compression="zstd")
        folder.publish(path, RECORDINGS)
