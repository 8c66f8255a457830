"""Read and write the books of a shard, `N.parquet`: one row for each planned row, with its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.keys import shard_sort_key, stable_hash
from pipeline.masking import mask_text
from pipeline.output.columns import cells, columns, record_from, required
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import books_name
from pipeline.output.parquet_files import read_table
from pipeline.output.sample_files import json_member, text_json
from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, Clip, Provenance, Reason, Rejection, Sample, ShardId, SourceFormat, Statistics

SAMPLE, REJECTED = "sample", "rejected"
CLIP_COLUMNS = ("dataset", "split", "source", "id", "url", "start", "end", "recording", "license", "creator", "title")
_TEXT, _COUNT = pa.string(), pa.int64()
BOOKS = pa.schema(
    {"key": _TEXT}
    | {name: columns(Clip)[name] for name in CLIP_COLUMNS}
    | {"n_captions": _COUNT, "audio_request_hash": _TEXT}
    | dict.fromkeys(("status", "reason", "stage", "detail"), _TEXT)
    | columns(Provenance)
    | columns(SourceFormat)
    | {"flac_bytes": _COUNT, "json_bytes": _COUNT, "text_json": _TEXT}
    | columns(Statistics)
)
_OF_SAMPLES = required(SourceFormat) | required(Statistics)
REQUIRED = frozenset({"key", "n_captions", "audio_request_hash", "status"}) | (required(Clip) & set(CLIP_COLUMNS)) | required(Provenance)
"""Columns that have a value in every row."""


def write_books(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the books of one shard; equal rows give equal bytes."""
    pq.write_table(pa.Table.from_pylist(list(rows), BOOKS), path, compression="zstd")


def read_books(folder: Folder, shard: ShardId, names: list[str] | None = None) -> pa.Table:
    """Return the books of one shard as a table, or some of its columns.

    Raises:
        FileNotFoundError: there are none.
        DamagedFileError: they are damaged.
    """
    wanted = BOOKS.names if names is None else names
    return read_table(folder, books_name(shard), BOOKS, wanted, REQUIRED & set(wanted))


def read_outcomes(folder: Folder, shard: ShardId) -> list[dict[str, Any]]:
    """Return the rows of the books of one shard, each of which holds an outcome; raises as `read_books`."""
    rows = read_books(folder, shard).to_pylist()
    for row in rows:
        if (fault := outcome_fault(row)) is not None:
            raise DamagedFileError(books_name(shard), f"{row['key']}: {fault}")
    return rows


def outcome_fault(row: Mapping[str, Any]) -> str | None:
    """Return why a row of the books holds no outcome; `None` where it holds one."""
    if row["status"] == REJECTED:
        if row["reason"] not in set(Reason):
            return f"rejected without a reason that exists: {row['reason']!r}"
        lacking = [name for name in ("stage", "detail") if row[name] is None]
    elif row["status"] == SAMPLE:
        lacking = [name for name in (*_OF_SAMPLES, "flac_bytes") if row[name] is None]
    else:
        return f"status is {row['status']!r}, neither {SAMPLE!r} nor {REJECTED!r}"
    return f"{lacking[0]} has no value" if lacking else None


def books_row(outcome: Sample | Rejection, audio_request_hash: str) -> dict[str, Any]:
    """Return the row of the books for an outcome; `audio_request_hash` is that of the clip."""
    clip = outcome.clip
    values = cells(clip)
    row = {"key": clip.key} | {name: values[name] for name in CLIP_COLUMNS}
    row |= {"n_captions": len(clip.captions), "audio_request_hash": audio_request_hash}
    row |= cells(outcome.provenance or Provenance())
    if isinstance(outcome, Rejection):
        why = {"reason": str(outcome.reason), "stage": outcome.stage, "detail": mask_text(outcome.detail)[:MAX_DETAIL]}
        return row | {"status": REJECTED, "pcm_sha256": outcome.pcm_sha256, "fingerprint": outcome.fingerprint} | why
    sizes = {"flac_bytes": outcome.flac_bytes, "json_bytes": len(json_member(outcome)), "text_json": text_json(clip)}
    return row | {"status": SAMPLE} | sizes | cells(outcome.format) | cells(outcome.statistics)


def rejection_from(clip: Clip, row: dict[str, Any]) -> Rejection:
    """Return the rejection of a clip that its row records."""
    why = Reason(row["reason"]), row["stage"], row["detail"]
    return Rejection(clip, *why, record_from(Provenance, row), row["pcm_sha256"], row["fingerprint"])


def sample_from(clip: Clip, flac: bytes | Path, row: dict[str, Any]) -> Sample:
    """Return the sample of a clip that its row records, with the audio that was published."""
    return Sample(clip, flac, record_from(Statistics, row), record_from(SourceFormat, row), record_from(Provenance, row))


def sounds_sha256(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the hash of the sounds of a shard: of the sort key and the frames of every row that was converted, in any order."""
    sounds = ((shard_sort_key(row["recording"], row["start"], row["key"]), row.get("pcm_sha256")) for row in rows)
    return stable_hash(*sorted(f"{key} {pcm}" for key, pcm in sounds if pcm is not None))
