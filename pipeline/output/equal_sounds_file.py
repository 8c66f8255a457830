"""Read and write `plan/equal_sounds.parquet`: which sounds a shard must leave out, because a clip of another shard has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import EQUAL_SOUNDS, PLAN
from pipeline.output.parquet_files import read_table
from pipeline.output.storage import Folder
from pipeline.records import ShardId

SOUNDS = b"sounds_sha256"
SCHEMA = pa.schema([("shard", pa.string()), ("pcm_sha256", pa.string()), ("key", pa.string())])

SoundsInOtherShards = tuple[tuple[str, str], ...]
"""(hash of the frames, key of the clip of another shard that keeps this sound), sorted: a shard must not hold these sounds."""


@dataclass(frozen=True, slots=True)
class EqualSounds:
    """The sounds that each shard must leave out; `sounds_sha256` is the hash of all sounds that were compared."""

    sounds_sha256: str = ""
    in_other_shards: Mapping[ShardId, SoundsInOtherShards] = field(default_factory=dict)

    def of(self, shard: ShardId) -> SoundsInOtherShards:
        """Return the sounds that one shard must leave out."""
        return self.in_other_shards.get(shard, ())


def read_equal_sounds(folder: Folder) -> EqualSounds:
    """Return the equal sounds of a folder; none where no build compared sounds yet, or the file is damaged: it is then made again."""
    try:
        return checked_equal_sounds(folder)
    except (FileNotFoundError, DamagedFileError):
        return EqualSounds()


def checked_equal_sounds(folder: Folder) -> EqualSounds:
    """Return the equal sounds of a folder.

    Raises:
        FileNotFoundError: no build compared sounds yet.
        DamagedFileError: the file is damaged.
    """
    name = f"{PLAN}/{EQUAL_SOUNDS}"
    table = read_table(folder, name, SCHEMA, required=SCHEMA.names)
    in_other_shards: dict[ShardId, list[tuple[str, str]]] = {}
    try:
        sounds = (table.schema.metadata or {}).get(SOUNDS, b"").decode()
        for row in table.to_pylist():
            in_other_shards.setdefault(ShardId.parse(row["shard"]), []).append((row["pcm_sha256"], row["key"]))
    except ValueError as error:
        raise DamagedFileError(name, str(error)) from error
    return EqualSounds(sounds, {shard: tuple(sorted(pairs)) for shard, pairs in in_other_shards.items()})


def write_equal_sounds(left_out: Iterable[tuple[ShardId, str, str]], sounds_sha256: str, path: Path) -> None:
    """Write (shard, hash of the frames, key of the clip that stays), sorted; equal content gives equal bytes."""
    rows = [{"shard": shard.name, "pcm_sha256": pcm, "key": key} for shard, pcm, key in sorted(left_out)]
    table = pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata({SOUNDS: sounds_sha256})
    pq.write_table(table, path, compression="zstd")
