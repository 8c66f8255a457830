"""Read and write plan files: the rows of one shard as parquet, and the rows that were left out of the plan."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.keys import stable_hash
from pipeline.output.columns import cells, columns, record_from, required
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import LEFT_OUT, PLAN, plan_name
from pipeline.output.parquet_files import read_footer, read_table
from pipeline.output.storage import Folder
from pipeline.records import MAX_DETAIL, Clip, Rejection, ShardId

ROWS_SHA256 = "rows_sha256"
_TEXT = pa.string()
CLIPS = pa.schema({"key": _TEXT} | columns(Clip))
REJECTIONS = pa.schema(dict.fromkeys(("dataset", "split", "source", "id", "key", "url", "reason", "stage", "detail"), _TEXT))


def rows_sha256(clips: Iterable[Clip]) -> str:
    """Return the hash of a shard's rows: equal for equal rows, whatever wrote the file."""
    return _hash(map(_row, clips))


def write_plan_file(clips: Sequence[Clip], path: Path) -> None:
    """Write the rows of one shard; the same rows give the same bytes."""
    rows = [_row(clip) for clip in clips]
    table = pa.Table.from_pylist(rows, CLIPS)
    pq.write_table(table.replace_schema_metadata({ROWS_SHA256: _hash(rows)}), path, compression="zstd")


def read_plan_file(folder: Folder, name: str) -> list[Clip]:
    """Return the rows of a plan file, in order.

    Raises:
        FileNotFoundError: it is missing.
        DamagedFileError: it is damaged.
    """
    rows = read_table(folder, name, CLIPS, required=required(Clip)).to_pylist()
    try:
        clips = [record_from(Clip, row) for row in rows]
    except (TypeError, ValueError) as error:
        raise DamagedFileError(name, str(error)) from error
    for clip in clips:
        if not all(seconds is None or math.isfinite(seconds) for seconds in (clip.start, clip.end, clip.file_start)):
            raise DamagedFileError(name, f"{clip.key}: start, end or file_start is no number of seconds")
    return clips


def read_rows_of(folder: Folder, shard: ShardId, below: str = PLAN) -> list[Clip]:
    """Return the rows of a shard of a plan, in order; raises as `read_plan_file`."""
    return read_plan_file(folder, f"{below}/{plan_name(shard)}")


def summary(folder: Folder, name: str) -> tuple[int, str]:
    """Return the number of rows of a plan file and their hash, without reading them; raises as `read_plan_file`."""
    metadata = read_footer(folder, name)
    try:
        return metadata.num_rows, (metadata.metadata or {})[ROWS_SHA256.encode()].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise DamagedFileError(name, "the hash of its rows is missing") from error


def read_keys(folder: Folder, shard: ShardId) -> list[str]:
    """Return the sample keys of a planned shard, in order; raises as `read_plan_file`."""
    return read_column(folder, shard, "key")


def read_column(folder: Folder, shard: ShardId, name: str) -> list[str]:
    """Return a column of a planned shard, in order of its rows; raises as `read_plan_file`."""
    return read_table(folder, f"{PLAN}/{plan_name(shard)}", CLIPS, [name], [name])[name].to_pylist()


def write_left_out(rejections: Iterable[Rejection], path: Path) -> None:
    """Write the rows that were left out of the plan, sorted by their values."""
    rows = [_left_out(rejection) for rejection in rejections]
    rows.sort(key=lambda row: tuple(value or "" for value in row.values()))
    pq.write_table(pa.Table.from_pylist(rows, REJECTIONS), path, compression="zstd")


def read_left_out(folder: Folder, below: str = PLAN) -> pa.Table:
    """Return the rows that were left out of a plan, as a table; raises as `read_plan_file`."""
    return read_table(folder, f"{below}/{LEFT_OUT}", REJECTIONS, required=("dataset", "reason"))


def count_left_out(table: pa.Table) -> Mapping[str, Mapping[str, int]]:
    """Return the number of rows left out by dataset and reason, both sorted."""
    counts = Counter(zip(table["dataset"].to_pylist(), table["reason"].to_pylist(), strict=True))
    by_dataset: dict[str, dict[str, int]] = {}
    for (dataset, reason), count in sorted(counts.items()):
        by_dataset.setdefault(dataset, {})[reason] = count
    return by_dataset


def _hash(rows: Iterable[dict[str, Any]]) -> str:
    return stable_hash(*(json.dumps(row, sort_keys=True) for row in rows))


def _row(clip: Clip) -> dict[str, Any]:
    return {"key": clip.key} | cells(clip)


def _left_out(rejection: Rejection) -> dict[str, str]:
    clip = rejection.clip
    values = {name: getattr(clip, name) for name in ("dataset", "split", "source", "id", "key", "url")}
    return values | {"reason": str(rejection.reason), "stage": rejection.stage, "detail": rejection.detail[:MAX_DETAIL]}
