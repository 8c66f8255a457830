"""Read and write `plan/equal_sounds.parquet`: what each shard depends on in other shards because clips sound exactly alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.layout import EQUAL_SOUNDS, PLAN
from pipeline.output.storage import Folder
from pipeline.records import ShardId

SOUNDS = b"sounds_sha256"
SCHEMA = pa.schema([("shard", pa.string()), ("pcm_sha256", pa.string()), ("key", pa.string())])

Elsewhere = tuple[tuple[str, str], ...]
"""(hash of the frames, key of the clip of another shard that keeps this sound), in order: a shard must not hold these sounds."""


@dataclass(frozen=True, slots=True)
class EqualSounds:
    """For each shard that must leave sounds to other shards: which. `sounds_sha256` names the sounds this was found in."""

    sounds_sha256: str = ""
    elsewhere: Mapping[ShardId, Elsewhere] = field(default_factory=dict)

    def of(self, shard: ShardId) -> Elsewhere:
        """Return the part of one shard."""
        return self.elsewhere.get(shard, ())


def read_equal_sounds(folder: Folder) -> EqualSounds:
    """Return the equal sounds of a folder; none where they were never looked for, or the file is damaged: it is then made again."""
    try:
        with folder.open(f"{PLAN}/{EQUAL_SOUNDS}") as file:
            table = pq.read_table(file)  # as it stands: with a schema given, pyarrow forgets the metadata of the file
        rows = table.cast(SCHEMA).to_pylist()
    except (FileNotFoundError, pa.ArrowInvalid, ValueError):
        return EqualSounds()
    elsewhere: dict[ShardId, list[tuple[str, str]]] = {}
    for row in rows:
        elsewhere.setdefault(ShardId.parse(row["shard"]), []).append((row["pcm_sha256"], row["key"]))
    sounds = (table.schema.metadata or {}).get(SOUNDS, b"").decode()
    return EqualSounds(sounds, {shard: tuple(sorted(pairs)) for shard, pairs in elsewhere.items()})


def write_equal_sounds(found: Iterable[tuple[ShardId, str, str]], sounds_sha256: str, path: Path) -> None:
    """Write (shard, hash of the frames, key of the clip that stays), in order; equal content gives equal bytes."""
    rows = [{"shard": shard.name, "pcm_sha256": pcm, "key": key} for shard, pcm, key in sorted(found)]
    table = pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata({SOUNDS: sounds_sha256})
    pq.write_table(table, path, compression="zstd")
