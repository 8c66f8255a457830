"""Read parquet tables row by row. Only the columns in use are read, in batches that fit in memory; unreadable rows are named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.metadata.arrow_cells import cells_of
from sources.metadata.embedded import Embedded
from sources.metadata.headers import checked_header, cleaned
from sources.metadata.row import Row

MAX_ROWS = 50_000_000  # of a table; twenty times the largest set of clips known
MAX_EMPTY_ROWS = 1_000_000
MAX_CHUNK = 1 << 30  # bytes of a column in one row group
MAX_VALUES = 1 << 25  # of a column in one row group; a list has several a row
MIN_EXPANDED = 64 << 20
MAX_EXPANSION = 1000  # times its size in the file that a large column may have in memory; text compresses 3 to 30 times
BATCH_ROWS, BATCH_BYTES = 4096, 16 << 20
READ_FOOTER = """
import sys, pyarrow.parquet
footer = pyarrow.parquet.read_metadata(sys.argv[1])
for group in map(footer.row_group, range(footer.num_row_groups)):
    for number in range(footer.num_columns):
        group.column(number)
"""
FAULTS = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises over damaged files. Memory that a damaged size asks for is one of them."""


def columns(path: Path) -> list[str]:
    """Return the column names of a parquet table.

    Raises:
        ValueError: it is no parquet file, has too many rows, or two columns have one name.
    """
    return checked_header(path, _schema(path).names)


def recordings_columns(path: Path) -> list[str]:
    """Return the columns that hold recordings: records of `bytes` and `path`, as the library `datasets` writes them."""
    schema = _schema(path)
    return [cleaned(field.name) for field in schema if _is_of_recordings(field.type)]


def check(path: Path, needed: Collection[str], wanted: Collection[str]) -> None:
    """Read the wanted columns to their end, except the bytes of recordings.

    Raises:
        ValueError: some rows cannot be read, a column would take too much memory, or nearly all rows lack a value in every needed column.
    """
    _check_footer(path)
    file, n_empty, first = _open(path, wanted), 0, 1
    for field in file.schema_arrow:
        if cleaned(field.name) in needed and pa.types.is_nested(field.type) and not _is_of_recordings(field.type):
            message = f"{path}: column {field.name!r} holds records or lists; addresses, paths or ids are needed"
            raise ValueError(f"{message}, or recordings as records of bytes and path")
    for group in range(file.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        leaves = _without_recordings(file, _leaves(file, wanted))
        _check_size(path, file, group, leaves)
        try:
            for batch in file.iter_batches(_batch_rows(file, group, leaves), row_groups=[group], columns=[*leaves]):
                empty = [batch.column(n).is_null() for n, name in enumerate(batch.schema.names) if cleaned(name) in needed]
                while len(empty) > 1:
                    empty.append(pc.and_(empty.pop(), empty.pop()))
                n_empty += empty[0].true_count if empty else 0
        except FAULTS as error:
            message = f"{path}: rows {first} to {first + n_rows - 1} cannot be read ({_in_a_line(error)})"
            raise ValueError(f"{message}; copy the table again, or write it without these rows") from error
        first += n_rows
    if n_empty > MAX_EMPTY_ROWS and n_empty > (first - 1) / 2:
        raise ValueError(f"{path}: {n_empty} of {first - 1} rows have no value in {' and '.join(sorted(needed))}; remove the empty rows")


def rows(path: Path, wanted: Collection[str] | None = None) -> Iterator[Row]:
    """Yield every row with the wanted columns, or with all; the rows of a row group that cannot be read have a fault.

    Raises:
        ValueError: as `columns`, or a column would take too much memory.
    """
    wanted = columns(path) if wanted is None else wanted
    file, number = _open(path, wanted), 0
    leaves = _leaves(file, wanted)
    for group in range(file.num_row_groups):
        _check_size(path, file, group, _without_recordings(file, leaves))
        end, fault = number + file.metadata.row_group(group).num_rows, "the file is damaged"
        try:
            for batch in file.iter_batches(_batch_rows(file, group, leaves), row_groups=[group], columns=[*leaves]):
                cells = {cleaned(name): _cells(batch, name, number) for name in batch.schema.names}
                for n in range(len(batch)):
                    number += 1
                    yield Row(number, {name: column[n] for name, column in cells.items()})
        except FAULTS as error:
            fault = _in_a_line(error)
        first = number + 1
        while number < end:
            number += 1
            yield Row(number, {}, f"rows {first} to {end} cannot be read ({fault})")


def recording(path: Path, column: str, row: int) -> memoryview | None:
    """Return the bytes of the recording in a row (counted from 1) of a table; `None` where there are none. Only its row group is read.

    Raises:
        ValueError: the table has no such row or column, or cannot be read there.
    """
    file, first = _open(path, [cleaned(column)]), 1
    if not _holds_recordings(file.schema_arrow, column):
        raise ValueError(f"column {column[:80]!r} holds no recordings")
    for group in range(file.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        if first <= row < first + n_rows:
            leaves = {f"{column}.bytes": _leaves(file, [column])[f"{column}.bytes"]}
            try:
                for batch in file.iter_batches(_batch_rows(file, group, leaves), row_groups=[group], columns=[*leaves]):
                    if row < first + len(batch):
                        value = batch.column(0).field("bytes")[row - first]
                        return memoryview(value.as_buffer()) if value.is_valid else None
                    first += len(batch)
            except FAULTS as error:
                raise ValueError(_in_a_line(error)) from error
        first += n_rows
    raise ValueError(f"there is no row {row}")


def _check_footer(path: Path) -> None:
    """Raise ValueError where the description of a column is damaged: pyarrow then ends the process, so that another process reads it."""
    done = subprocess.run([sys.executable, "-c", READ_FOOTER, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ValueError(f"{path}: not a parquet file (its footer is damaged); copy the table again")


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except FAULTS as error:
        raise ValueError(f"{path}: not a parquet file ({_in_a_line(error)})") from error


def _open(path: Path, wanted: Collection[str]) -> pq.ParquetFile:
    """Open a table so that texts that repeat stand in memory once, and columns are read page by page."""
    try:
        file = pq.ParquetFile(path)
        texts = [leaf for leaf, n in _leaves(file, wanted).items() if _is_text(file, leaf, n)]
        file = pq.ParquetFile(
            path, metadata=file.metadata, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
        )
    except FAULTS as error:
        raise ValueError(f"{path}: not a parquet file ({_in_a_line(error)})") from error
    if file.metadata.num_rows > MAX_ROWS:
        raise ValueError(f"{path}: {file.metadata.num_rows} rows, at most {MAX_ROWS} are read; split the table")
    return file


def _leaves(file: pq.ParquetFile, wanted: Collection[str]) -> dict[str, int]:
    """Return the columns of the file that make up the wanted columns of the table: their paths, with their index."""
    wanted = set(wanted)
    names = [name for name in file.schema_arrow.names if cleaned(name) in wanted]
    leaves = ((file.schema.column(n).path, n) for n in range(len(file.schema)))
    return {leaf: n for leaf, n in leaves if any(leaf == name or leaf.startswith(f"{name}.") for name in names)}


def _without_recordings(file: pq.ParquetFile, leaves: Mapping[str, int]) -> dict[str, int]:
    """Return the columns of the file without the bytes of recordings, which may be many gigabytes."""
    return {
        leaf: n
        for leaf, n in leaves.items()
        if not (leaf.endswith(".bytes") and _holds_recordings(file.schema_arrow, leaf.removesuffix(".bytes")))
    }


def _is_text(file: pq.ParquetFile, leaf: str, n: int) -> bool:
    column = file.schema.column(n)
    of_recordings = leaf.endswith((".bytes", ".path")) and _holds_recordings(file.schema_arrow, leaf.rpartition(".")[0])
    return column.physical_type == "BYTE_ARRAY" and column.logical_type.type in {"STRING", "NONE"} and not of_recordings


def _holds_recordings(schema: pa.Schema, name: str) -> bool:
    at = schema.get_field_index(name)
    return at >= 0 and _is_of_recordings(schema.field(at).type)


def _is_of_recordings(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}


def _check_size(path: Path, file: pq.ParquetFile, group: int, leaves: Mapping[str, int]) -> None:
    """Raise ValueError when a column would take too much memory in one row group."""
    for leaf, n in leaves.items():
        chunk = file.metadata.row_group(group).column(n)
        size, stored = chunk.total_uncompressed_size, max(1, chunk.total_compressed_size)
        if size > MAX_CHUNK or (size > MIN_EXPANDED and size > MAX_EXPANSION * stored) or chunk.num_values > MAX_VALUES:
            raise ValueError(
                f"{path}: column {leaf.partition('.')[0][:80]!r} has {chunk.num_values} values, {size} bytes, in one row group of "
                f"{stored} bytes; write the table with smaller row groups, or without this column"
            )


def _batch_rows(file: pq.ParquetFile, group: int, leaves: Mapping[str, int]) -> int:
    """Return how many rows of a row group are decoded at once: about `BATCH_BYTES`, at most `BATCH_ROWS` rows."""
    row_group, row_bytes = file.metadata.row_group(group), 1
    for n in leaves.values():
        chunk, values_a_row = row_group.column(n), row_group.column(n).num_values // max(1, row_group.num_rows) + 1
        row_bytes += max(chunk.total_uncompressed_size // max(1, row_group.num_rows), values_a_row * max(8, file.schema.column(n).length))
    return max(1, min(BATCH_ROWS, BATCH_BYTES // row_bytes))


def _cells(batch: pa.RecordBatch, name: str, n_before: int) -> list[Any]:
    """Return the cells of a column; `n_before` is the number of rows before the batch."""
    column = batch.column(batch.schema.get_field_index(name))
    if not _holds_recordings(batch.schema, name):
        return cells_of(column)
    names, recordings = cells_of(pc.struct_field(column, "path")), pc.struct_field(column, "bytes")
    return [
        Embedded(n_before + n + 1, sha256(data.as_buffer()).hexdigest(), file_name if isinstance(file_name, str) else "")
        if data.is_valid
        else file_name
        for n, (file_name, data) in enumerate(zip(names, recordings, strict=True))
    ]


def _in_a_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
