"""Read parquet files of an output folder, and check their columns: one place for everything that a damaged file does to a reader."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder


def read_table(
    folder: Folder, name: str, schema: pa.Schema, columns: Iterable[str] | None = None, required: Iterable[str] = ()
) -> pa.Table:
    """Return the rows of a parquet file, or some of its columns, with the types of `schema` and the metadata of the file.

    A column that the file does not have is null; so files that were written before a column was added can be read.

    Args:
        required: columns that must have a value in every row.

    Raises:
        FileNotFoundError: it is missing.
        DamagedFileError: it is no parquet, or a column has another type, lacks a value, or holds text that is not UTF-8.
        OSError: the disk or the store does not give it.
    """
    wanted = list(schema.names if columns is None else columns)
    with _opened(folder, name) as parquet:
        given = parquet.schema_arrow
        _check_types(given, schema, wanted, name)
        # files of one shard are small: threads would take longer to start than to read
        table = parquet.read([column for column in wanted if column in given.names], use_threads=False)
        table.validate(full=True)
    for column in wanted:
        if column not in table.column_names:
            table = table.append_column(column, pa.nulls(len(table), schema.field(column).type))
    _check_values(table, required, name)
    return table.select(wanted)


def read_footer(folder: Folder, name: str) -> pq.FileMetaData:
    """Return the metadata of a parquet file, without reading its rows; raises as `read_table`."""
    with _opened(folder, name) as parquet:
        return parquet.metadata


def read_columns(folder: Folder, name: str) -> pa.Schema:
    """Return the columns that a parquet file has, whatever they are; raises as `read_table`."""
    with _opened(folder, name) as parquet:
        return parquet.schema_arrow


@contextlib.contextmanager
def _opened(folder: Folder, name: str) -> Iterator[pq.ParquetFile]:
    """Yield an opened file; from a store it is read with one request, since footer and columns would each take one or two."""
    source = None if folder.is_local else io.BytesIO(folder.read(name))
    try:
        with folder.naming(name), source or folder.open(name) as file:
            yield pq.ParquetFile(file)
    except OSError as error:
        if error.errno is not None:  # pyarrow's own errors have no number
            raise
        raise DamagedFileError(name, _first_line(error)) from error
    except pa.ArrowException as error:
        raise DamagedFileError(name, _first_line(error)) from error


def _check_types(given: pa.Schema, schema: pa.Schema, wanted: list[str], name: str) -> None:
    names = given.names
    for column in wanted:
        n_given = names.count(column)
        if n_given > 1:
            raise DamagedFileError(name, f"it has {n_given} columns {column!r}")
        if n_given and given.field(column).type != schema.field(column).type:
            raise DamagedFileError(name, f"column {column!r} holds {given.field(column).type}, not {schema.field(column).type}")


def _check_values(table: pa.Table, required: Iterable[str], name: str) -> None:
    for column in required:
        if column in table.column_names and table[column].null_count:
            raise DamagedFileError(name, f"column {column!r} lacks a value in {table[column].null_count} of {len(table)} rows")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
