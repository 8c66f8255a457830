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
from pipeline.output.damage import DamagedFileError
from pipeline.output.json_values import parse_json, text
from pipeline.output.layout import RECORDINGS
from pipeline.output.parquet_files import read_table
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
        return checked_recordings(folder)
    except (FileNotFoundError, DamagedFileError):
        return Recordings()


def checked_recordings(folder: Folder) -> Recordings:
    """Return the recordings of the last build.

    Raises:
        FileNotFoundError: no build noted any.
        DamagedFileError: the file is damaged.
    """
    schema = pa.schema(columns(LocalFile))
    table = read_table(folder, RECORDINGS, schema, required=schema.names)
    metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
    try:
        shards = frozenset(ShardId.parse(text(name, "a shard")) for name in parse_json(metadata.get(SHARDS, b"[]")))
        files = tuple(record_from(LocalFile, row) for row in table.to_pylist())
    except (TypeError, ValueError) as error:
        raise DamagedFileError(RECORDINGS, str(error)) from error
    if not {file.shard for file in files} <= {shard.name for shard in shards}:
        raise DamagedFileError(RECORDINGS, "it has files of shards that it does not list")
    return Recordings(shards, files)


def write_recordings(recordings: Recordings, folder: Folder) -> None:
    """Write `.recordings` for the next build."""
    names = sorted(shard.name for shard in recordings.shards)
    table = pa.Table.from_pylist([asdict(file) for file in recordings.files], pa.schema(columns(LocalFile)))
    with folder.workspace() as work:
        path = work / "recordings"
        pq.write_table(table.replace_schema_metadata({SHARDS: json.dumps(names)}), path, compression="zstd")
        folder.publish(path, RECORDINGS)
