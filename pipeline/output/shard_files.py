"""The books of one shard: every planned row with what became of it, and the marker that makes the shard count."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, Provenance, Rejection, Sample, ShardId

SCHEMA = 1
_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()
BOOKS = pa.schema(
    [(name, _TEXT) for name in ("key", "dataset", "split", "source", "id", "status", "reason", "stage", "detail")]
    + [("audio_request_hash", _TEXT), ("attempts", _WHOLE), ("url", _TEXT), ("final_url", _TEXT), ("http_status", _WHOLE)]
    + [("source_bytes", _WHOLE), ("source_sha256", _TEXT)]
    + [("source_format", _TEXT), ("source_rate", _WHOLE), ("source_channels", _WHOLE), ("decoder", _TEXT)]
    + [("pcm_sha256", _TEXT), ("duration", _REAL), ("n_frames", _WHOLE), ("flac_bytes", _WHOLE), ("n_nonfinite", _WHOLE)]
    + [(name, _REAL) for name in ("peak", "rms", "dc", "clipped_fraction", "silent_fraction")]
    + [("n_captions", _WHOLE), ("license", _TEXT), ("creator", _TEXT), ("title", _TEXT)]
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Size in bytes and SHA-256 of a published file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Marker:
    """`N_stats.json`: written last, so that a shard exists if and only if it is there and its hashes agree.

    `inputs_sha256` names what the shard was made from: its plan rows and everything that shapes the audio. `duration` is
    that of all samples in seconds; `seconds` is the time that making the shard took.
    """

    shard: ShardId
    inputs_sha256: str
    n_planned: int
    n_samples: int
    n_rejected: int
    reasons: dict[str, int]
    duration: float
    tar: FileFacts
    parquet: FileFacts
    seconds: dict[str, float]
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the marker as it is written."""
        return {"schema": SCHEMA} | asdict(self) | {"shard": str(self.shard)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Marker:
        """Return the marker that `value` was written from.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        dataset, split, index = value["shard"].split("/")
        values = {name: value[name] for name in cls.__dataclass_fields__}
        files = {name: FileFacts(**value[name]) for name in ("tar", "parquet")}
        return cls(**values | files | {"shard": ShardId(dataset, split, int(index))})


def tar_name(shard: ShardId) -> str:
    """Return the name of a shard's tar below the output folder."""
    return f"{shard}.tar"


def books_name(shard: ShardId) -> str:
    """Return the name of a shard's books below the output folder."""
    return f"{shard}.parquet"


def marker_name(shard: ShardId) -> str:
    """Return the name of a shard's marker below the output folder."""
    return f"{shard}_stats.json"


def read_marker(folder: Folder, shard: ShardId) -> Marker | None:
    """Return the marker of a shard; `None` where there is none, or one that no build of ours wrote."""
    if not folder.exists(marker_name(shard)):
        return None
    try:
        return Marker.from_json(folder.read_json(marker_name(shard)))
    except (KeyError, TypeError, ValueError):  # ValueError covers broken JSON
        return None


def finished(folder: Folder, shard: ShardId, inputs_sha256: str) -> Marker | None:
    """Return the marker of a shard that is there and was made from just this; `None` when it has to be made."""
    marker = read_marker(folder, shard)
    if marker is None or marker.inputs_sha256 != inputs_sha256 or folder.size(tar_name(shard)) != marker.tar.bytes:
        return None
    return marker if folder.size(books_name(shard)) == marker.parquet.bytes else None


def write_books(outcomes: list[dict[str, Any]], path: Path) -> None:
    """Write the books of one shard; equal rows give equal bytes."""
    pq.write_table(pa.Table.from_pylist(outcomes, BOOKS), path, compression="zstd")


def read_books(folder: Folder, shard: ShardId, columns: list[str] | None = None) -> pa.Table:
    """Return the books of one shard as a table."""
    with folder.open(books_name(shard)) as file:
        return pq.read_table(file, columns=columns)


def facts_of(folder: Folder, name: str) -> FileFacts:
    """Return size and SHA-256 of a file, read to its end."""
    digest, n_bytes = hashlib.sha256(), 0
    with folder.open(name) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            n_bytes += len(chunk)
    return FileFacts(n_bytes, digest.hexdigest())


def books_row(outcome: Sample | Rejection, audio_request_hash: str) -> dict[str, Any]:
    """Return the row of the books for what became of a planned row that asked for the audio `audio_request_hash`."""
    clip = outcome.clip
    row: dict[str, Any] = {
        "key": clip.key,
        "dataset": clip.dataset,
        "split": clip.split,
        "source": clip.source,
        "id": clip.id,
        "audio_request_hash": audio_request_hash,
        "url": clip.url,
        "n_captions": len(clip.captions),
        "license": clip.license,
        "creator": clip.creator,
        "title": clip.title,
    }
    if isinstance(outcome, Rejection):
        told = {"status": "rejected", "reason": str(outcome.reason), "stage": outcome.stage, "detail": outcome.detail[:MAX_DETAIL]}
        return row | told | _fetched(outcome.provenance)
    measured = asdict(outcome.statistics)
    converted = {
        "source_format": outcome.format.name,
        "source_rate": outcome.format.rate,
        "source_channels": outcome.format.n_channels,
        "decoder": outcome.format.decoder,
        "flac_bytes": outcome.flac_bytes,
    }
    return row | {"status": "sample"} | _fetched(outcome.provenance) | converted | measured


def _fetched(provenance: Provenance | None) -> dict[str, Any]:
    if provenance is None:
        return {"attempts": 1}
    return {
        "attempts": provenance.attempts,
        "final_url": provenance.final_url,
        "http_status": provenance.http_status,
        "source_bytes": provenance.n_bytes,
        "source_sha256": provenance.sha256,
    }
