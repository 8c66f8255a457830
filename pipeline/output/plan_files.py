"""Plan files: the rows of one shard as parquet, and the rows that were left out of the plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, Caption, Clip, Reason, Rejection, ShardId, TextHolds, stable_hash

ROWS_SHA256 = "rows_sha256"
CAPTION = pa.struct([(name, pa.string()) for name in ("text", "origin", "model", "prompt", "before_debias")])
CLIPS = pa.schema(
    [(name, pa.string()) for name in ("key", "source", "dataset", "split", "id", "url")]
    + [("start", pa.float64()), ("end", pa.float64()), ("captions", pa.list_(CAPTION)), ("labels", pa.list_(pa.string()))]
    + [(name, pa.string()) for name in ("title", "license", "creator", "recording", "audio_root")]
)
WITH_T5 = CLIPS.append(pa.field("text_holds", pa.string()))  # plans without captions by a T5 have no such column
LEFT_OUT = pa.schema([(name, pa.string()) for name in ("dataset", "split", "source", "id", "key", "url", "reason", "stage", "detail")])


def plan_name(shard: ShardId) -> str:
    """Return the name of a shard's plan file below the plan's folder."""
    return f"{shard.folder}/{shard.index:05d}.parquet"


def rows_sha256(clips: Iterable[Clip]) -> str:
    """Return the hash of a shard's rows: equal for equal rows, whatever wrote the file."""
    return _hash(map(_row, clips))


def write_plan_file(clips: Sequence[Clip], path: Path) -> None:
    """Write the rows of one shard; the same rows give the same bytes."""
    rows = [_row(clip) for clip in clips]
    table = pa.Table.from_pylist(rows, WITH_T5 if any("text_holds" in row for row in rows) else CLIPS)
    pq.write_table(table.replace_schema_metadata({ROWS_SHA256: _hash(rows)}), path, compression="zstd")


def read_plan_file(folder: Folder, name: str) -> list[Clip]:
    """Return the rows of one shard, in order."""
    with folder.open(name) as file:
        rows = pq.read_table(file, schema=WITH_T5).to_pylist()
    return [_clip(row) for row in rows]


def summary(folder: Folder, name: str) -> tuple[int, str]:
    """Return the number of rows of a plan file and their hash, without reading them."""
    with folder.open(name) as file:
        metadata = pq.read_metadata(file)
    return metadata.num_rows, metadata.metadata[ROWS_SHA256.encode()].decode()


def read_keys(folder: Folder, name: str) -> list[str]:
    """Return the sample keys of one shard, in order."""
    with folder.open(name) as file:
        return pq.read_table(file, columns=["key"])["key"].to_pylist()


def write_left_out(rejections: Iterable[Rejection], path: Path) -> None:
    """Write the rows that were left out of the plan, in an order of their own content."""
    rows = [_left_out(rejection) for rejection in rejections]
    rows.sort(key=lambda row: tuple(value or "" for value in row.values()))
    pq.write_table(pa.Table.from_pylist(rows, LEFT_OUT), path, compression="zstd")


def read_left_out(folder: Folder, name: str) -> pa.Table:
    """Return the rows that were left out of the plan, as a table."""
    with folder.open(name) as file:
        return pq.read_table(file, schema=LEFT_OUT)


def left_out_reason(row: dict[str, Any]) -> Reason:
    """Return the reason of one such row."""
    return Reason(row["reason"])


def _hash(rows: Iterable[dict[str, Any]]) -> str:
    return stable_hash(*(json.dumps(row, sort_keys=True) for row in rows))


def _row(clip: Clip) -> dict[str, Any]:
    row = {name: getattr(clip, name) for name in CLIPS.names if name != "captions"} | (
        {"text_holds": str(clip.text_holds)} if clip.text_holds else {}
    )
    return row | {"captions": [{field.name: getattr(caption, field.name) for field in CAPTION} for caption in clip.captions]}


def _clip(row: dict[str, Any]) -> Clip:
    known = {field.name for field in fields(Clip)}
    values = {name: value for name, value in row.items() if name in known}
    texts = {"captions": tuple(Caption(**caption) for caption in row["captions"]), "labels": tuple(row["labels"])}
    holds = {"text_holds": TextHolds(row["text_holds"]) if row["text_holds"] else None}
    return Clip(**values | texts | holds)


def _left_out(rejection: Rejection) -> dict[str, str]:
    clip = rejection.clip
    return {
        "dataset": clip.dataset,
        "split": clip.split,
        "source": clip.source,
        "id": clip.id,
        "key": clip.key,
        "url": clip.url,
        "reason": str(rejection.reason),
        "stage": rejection.stage,
        "detail": rejection.detail[:MAX_DETAIL],
    }
