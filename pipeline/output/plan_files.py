"""Read and write plan files: the rows of one shard as parquet, and the rows that were left out of the plan."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.json
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

_LARGE = pa.schema(dict.fromkeys(REJECTIONS.names, pa.large_string()))
"""`REJECTIONS` for sorting: all values of a column are then one array, and one of `string` holds at most 2 GB."""
N_TOGETHER = 2**18
"""Rows left out that are one array of `string` when they are written."""

_ENCODE = json.JSONEncoder(sort_keys=True).encode
_SEPARATOR = "\x1f"  # of the parts of `stable_hash`
_READ = pyarrow.json.ReadOptions(use_threads=False, block_size=2**30)  # one block, so that columns are one chunk
_PARSE = pyarrow.json.ParseOptions(explicit_schema=CLIPS, newlines_in_values=False)


def rows_sha256(clips: Iterable[Clip]) -> str:
    """Return the hash of a shard's rows: equal for equal rows, whatever wrote the file."""
    return stable_hash(_SEPARATOR.join(plan_line(clip, clip.key) for clip in clips))


def plan_line(clip: Clip, key: str) -> str:
    """Return the row of a clip as JSON without line breaks, with its sample key: what the hash of rows is made of."""
    return _ENCODE({"key": key} | cells(clip))


def write_plan_file(clips: Sequence[Clip], path: Path) -> None:
    """Write the rows of one shard; the same rows give the same bytes."""
    write_plan_lines([plan_line(clip, clip.key) for clip in clips], path)


def write_plan_lines(lines: Sequence[str], path: Path) -> None:
    """Write the rows of one shard, given as `plan_line` returns them."""
    source = pa.BufferReader("\n".join(lines).encode())
    table = pyarrow.json.read_json(source, _READ, _PARSE).select(CLIPS.names) if lines else CLIPS.empty_table()
    digest = stable_hash(_SEPARATOR.join(lines))
    pq.write_table(table.cast(CLIPS).replace_schema_metadata({ROWS_SHA256: digest}), path, compression="zstd")


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
    """Return the rows of a shard of a plan, in order, to make something of them.

    Raises:
        FileNotFoundError: their file is missing.
        DamagedFileError: it is damaged, or a row is none that a plan has there.
    """
    name = f"{below}/{plan_name(shard)}"
    clips = read_plan_file(folder, name)
    for clip in clips:
        for fault in row_faults(clip, shard):
            raise DamagedFileError(name, f"{clip.key} {fault}")
    return clips


def row_faults(clip: Clip, shard: ShardId) -> Iterator[str]:
    """Yield what a row of a shard has that no plan gives it: another dataset or split, seconds that are no excerpt."""
    if (clip.dataset, clip.split) != (shard.dataset, shard.split):
        yield f"is a row of {clip.dataset}/{clip.split}"
    if (clip.start or 0.0) < 0 or (clip.end is not None and clip.end <= (clip.start or 0.0)):
        yield f"has the start {clip.start} and the end {clip.end}"
    if (clip.file_start or 0.0) < 0:
        yield f"has the file_start {clip.file_start}"


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


def read_values(folder: Folder, shard: ShardId, names: Sequence[str]) -> Iterator[tuple]:
    """Yield some columns of a planned shard, row by row, without making clips; raises as `read_plan_file`."""
    table = read_table(folder, f"{PLAN}/{plan_name(shard)}", CLIPS, names, required(Clip) & set(names))
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def left_out_bytes(rejections: Iterable[Rejection]) -> bytes:
    """Return rows that are left out of the plan as a table in bytes, for `write_left_out`."""
    return table_bytes(pa.Table.from_pylist(list(map(left_out_row, rejections)), REJECTIONS))


def table_bytes(table: pa.Table) -> bytes:
    """Return a table of `REJECTIONS` in bytes, for `write_left_out`."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, REJECTIONS, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def left_out_table(tables: Iterable[bytes]) -> pa.Table:
    """Return tables that `table_bytes` made as one."""
    return pa.concat_tables([REJECTIONS.empty_table(), *(pa.ipc.open_stream(each).read_all() for each in tables)])


def write_left_out(tables: Iterable[bytes], path: Path) -> None:
    """Write the rows that were left out of the plan, sorted by their values."""
    large = left_out_table(tables).cast(_LARGE).sort_by([(name, "ascending") for name in REJECTIONS.names]).combine_chunks()
    parts = [large.slice(at, N_TOGETHER).cast(REJECTIONS) for at in range(0, max(1, len(large)), N_TOGETHER)]
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def read_left_out(folder: Folder, below: str = PLAN) -> pa.Table:
    """Return the rows that were left out of a plan, as a table; raises as `read_plan_file`."""
    return read_table(folder, f"{below}/{LEFT_OUT}", REJECTIONS, required=("dataset", "reason"))


def count_left_out(table: pa.Table) -> Mapping[str, Mapping[str, int]]:
    """Return the number of rows left out by dataset and reason, both sorted."""
    by_dataset: dict[str, dict[str, int]] = {}
    counts = table.group_by(["dataset", "reason"], use_threads=False).aggregate([([], "count_all")])
    for row in counts.sort_by([("dataset", "ascending"), ("reason", "ascending")]).to_pylist():
        by_dataset.setdefault(row["dataset"], {})[row["reason"]] = row["count_all"]
    return by_dataset


def left_out_row(rejection: Rejection) -> dict[str, str]:
    """Return a row that is left out of the plan, by column of `REJECTIONS`."""
    clip = rejection.clip
    values = {name: getattr(clip, name) for name in ("dataset", "split", "source", "id", "key", "url")}
    return values | {"reason": str(rejection.reason), "stage": rejection.stage, "detail": rejection.detail[:MAX_DETAIL]}
