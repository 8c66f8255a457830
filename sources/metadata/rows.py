"""Read tables row by row: csv, tsv, jsonl and parquet. Every error message names the row."""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterator
from pathlib import Path

from sources.metadata import csv_rows, jsonl_rows
from sources.metadata.row import Row

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
MAX_COLUMNS = 100_000  # of a jsonl table


def columns_of(path: Path) -> list[str] | None:
    """Return the column names of a table; `None` for jsonl, where each row has its own columns.

    Raises:
        ValueError: the file is missing, has none of the `FORMATS`, or has a header that cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"{path}: tables are read as {', '.join(FORMATS)}, not {path.suffix or 'a file without extension'}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if suffix == ".jsonl":
        return None
    return _parquet().columns(path) if suffix == ".parquet" else csv_rows.columns(path)


def columns_present(path: Path) -> list[str]:
    """Return the column names of a table; for jsonl those of all its rows, sorted.

    Raises:
        ValueError: as `columns_of`, or the rows of a jsonl table have more than `MAX_COLUMNS` names.
    """
    columns = columns_of(path)
    if columns is not None:
        return columns
    names: set[str] = set()
    for row in jsonl_rows.rows(path):
        names.update(row.values)
        if len(names) > MAX_COLUMNS:
            raise ValueError(f"{path}: the rows up to {row.number} have more than {MAX_COLUMNS} names; is it a table?")
    return sorted(names)


def columns_with_recordings(path: Path) -> list[str]:
    """Return the columns of a table that hold recordings themselves; only parquet has such columns."""
    return _parquet().recordings_columns(path) if path.suffix.lower() == ".parquet" else []


def read_rows(path: Path, wanted: Collection[str] | None = None) -> Iterator[Row]:
    """Yield every row of a table; a bad row has a `fault`. Where `wanted` is given, other columns need not be read.

    Raises:
        ValueError: the file is missing or cannot be read to its end.
    """
    columns = columns_of(path)
    if path.suffix.lower() == ".parquet":
        return _parquet().rows(path, wanted)
    return jsonl_rows.rows(path) if columns is None else csv_rows.rows(path)


def check_rows(path: Path, needed: Collection[str], wanted: Collection[str]) -> None:
    """Read a table to its end. At least one of the `needed` columns must have values; `wanted` are the columns in use.

    Raises:
        ValueError: it cannot be read to its end, or is nearly empty.
    """
    columns_of(path)
    if path.suffix.lower() == ".parquet":
        _parquet().check(path, needed, wanted)
    else:
        collections.deque(read_rows(path), maxlen=0)


def _parquet():  # type: ignore[no-untyped-def]
    from sources.metadata import parquet_rows  # slow to import, and most tables are text

    return parquet_rows
