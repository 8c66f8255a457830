"""Read and write the marker of a shard, `N_stats.json`. A shard counts as built only if its marker exists and agrees with its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.keys import stable_hash
from pipeline.output.json_values import count, field, mapping, seconds, table, text
from pipeline.output.layout import books_name, marker_name, tar_name
from pipeline.output.plan_index import FORMAT, check_format
from pipeline.output.sample_files import MEMBERS
from pipeline.output.storage import Folder
from pipeline.records import ShardId

BLOCK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Size in bytes and SHA-256 of a published file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Marker:
    """The content of a marker, the last file of a shard that is written.

    `rows_sha256` is the hash of its plan rows. `inputs_sha256` is the hash of all that decides its bytes: its rows, the settings of
    its dataset, and the equal sounds it must leave out. `sounds_sha256` is the hash of the sounds of its clips, also of those left
    out as equal. `audio_seconds` is the duration of all samples, `build_seconds` the time that each step took. `left` counts by host the
    rows that are left for later: the next build goes on with them.
    """

    shard: ShardId
    rows_sha256: str
    inputs_sha256: str
    sounds_sha256: str
    n_planned: int
    n_samples: int
    n_rejected: int
    reasons: dict[str, int]
    audio_seconds: float
    tar: FileFacts
    parquet: FileFacts
    build_seconds: dict[str, float]
    versions: dict[str, str]
    left: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def conversion(self) -> int | None:
        """The number of the conversion that made the shard; `None` where the marker has none."""
        number = self.versions.get("conversion", "")
        return int(number) if number.isdecimal() and number.isascii() and len(number) < 10 else None

    def is_finished(self, shard: ShardId, inputs_sha256: str, size_of: Callable[[str], int | None]) -> bool:
        """Return whether a shard was made from these inputs, and its tar and books have the sizes that are recorded here.

        Args:
            size_of: returns the size in bytes of a file by its name in the folder, `None` where there is no such file.
        """
        if self.inputs_sha256 != inputs_sha256:
            return False
        return size_of(tar_name(shard)) == self.tar.bytes and size_of(books_name(shard)) == self.parquet.bytes

    def to_json(self) -> dict[str, Any]:
        """Return the marker as it is written."""
        return {"format": FORMAT} | asdict(self) | {"shard": self.shard.name}

    @classmethod
    def from_json(cls, value: Any) -> Marker:
        """Return the marker that `value` was written from.

        Raises:
            OutputFormatError: another version of this program wrote it.
            ValueError: it is not a marker; the message names the first wrong value.
        """
        check_format(value, "a marker")
        return cls(
            shard=ShardId.parse(field(value, "shard", text)),
            rows_sha256=field(value, "rows_sha256", text),
            inputs_sha256=field(value, "inputs_sha256", text),
            sounds_sha256=field(value, "sounds_sha256", text),
            n_planned=field(value, "n_planned", count),
            n_samples=field(value, "n_samples", count),
            n_rejected=field(value, "n_rejected", count),
            reasons=field(value, "reasons", table(count)),
            audio_seconds=field(value, "audio_seconds", seconds),
            tar=field(value, "tar", _facts),
            parquet=field(value, "parquet", _facts),
            build_seconds=field(value, "build_seconds", table(seconds)),
            versions=field(value, "versions", table(text)),
            left=field(value, "left", table(count)),
        )


def read_marker(folder: Folder, shard: ShardId) -> Marker | None:
    """Return the marker of a shard; `None` where it is missing or damaged: the shard then has to be made again."""
    try:
        return Marker.from_json(folder.read_json(marker_name(shard)))
    except (FileNotFoundError, ValueError):  # ValueError covers broken JSON
        return None


def _facts(value: Any, name: str) -> FileFacts:
    facts = mapping(value, name)
    return FileFacts(field(facts, "bytes", count), field(facts, "sha256", text))


def facts_of(folder: Folder, name: str) -> FileFacts:
    """Return size and SHA-256 of a file of an output folder; reads all of it."""
    digest, n_bytes = sha256(), 0
    with folder.naming(name), folder.open(name) as file:
        while chunk := file.read(BLOCK):
            digest.update(chunk)
            n_bytes += len(chunk)
    return FileFacts(n_bytes, digest.hexdigest())


def file_facts(path: Path) -> FileFacts:
    """Return size and SHA-256 of a local file."""
    return facts_of(Folder(str(path.parent)), path.name)


def inputs_sha256(rows_sha256: str, settings_hash: str, in_other_shards: Iterable[tuple[str, str]]) -> str:
    """Return the hash of all that decides the bytes of a shard.

    Args:
        rows_sha256: hash of its plan rows.
        settings_hash: hash of the settings of its dataset.
        in_other_shards: the sounds it must leave out: (hash of the frames, key of the clip that stays).
    """
    return stable_hash(MEMBERS, rows_sha256, settings_hash, *(f"{pcm} {key}" for pcm, key in in_other_shards))
