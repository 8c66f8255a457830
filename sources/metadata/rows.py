"""Read tables row by row: csv, tsv, jsonl and parquet. Every error message names the row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
csv.field_size_limit(1 << 20)  # characters; a longer cell is an open quote, not text


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    `number` counts from 1: lines of the file (jsonl), or records after the header (csv, tsv, parquet). `values` maps
    column names to cells. `fault` says why `values` is wrong; it is empty for a good row.
    """

    number: int
    values: dict[str, Any]
    fault: str = ""


def columns_of(path: Path) -> list[str] | None:
    """Return the column names of a table; `None` for jsonl, where each row has its own columns.

    Raises:
        ValueError: the file is missing, has none of the `FORMATS`, or has a header that cannot be read.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: tables are read as {', '.join(FORMATS)}, not {path.suffix or 'a file without extension'}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix.lower() == ".parquet":
        return _parquet(path).schema_arrow.names
    return None if path.suffix.lower() == ".jsonl" else _header(path)


def read_rows(path: Path) -> Iterator[Row]:
    """Yield every row of a table; a bad row has a `fault`.

    Raises:
        ValueError: the file is missing or cannot be read to its end.
    """
    columns = columns_of(path)
    if path.suffix.lower() == ".parquet":
        yield from _parquet_rows(path)
    elif columns is None:
        yield from _jsonl_rows(path)
    else:
        yield from _csv_rows(path, columns)


def _parquet(path: Path):  # type: ignore[no-untyped-def]
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: not a parquet file ({error})") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    number = 0
    try:
        for batch in _parquet(path).iter_batches(batch_size=4096):
            for values in batch.to_pylist():
                number += 1
                yield Row(number, values)
    except (OSError, ValueError) as error:  # a damaged page; bytes in a text column that are not UTF-8
        raise ValueError(f"{path}: cannot be read after row {number} ({error})") from error


def _jsonl_rows(path: Path) -> Iterator[Row]:
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, {}, f"not JSON: {error}")
                continue
            if isinstance(values, dict):
                yield Row(number, values, _unreadable(line))
            else:
                yield Row(number, {}, f"a {type(values).__name__}, not an object")


def _csv_rows(path: Path, columns: list[str]) -> Iterator[Row]:
    number = 0
    with _open(path) as lines:
        reader = csv.reader(lines, delimiter=_delimiter(path), strict=True)
        next(reader)
        while True:
            first_line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                if not str(error).endswith("expected after '\"'"):
                    raise ValueError(f"{path}: row {number + 1} (line {first_line}): {error}; is a quote left open?") from error
                number += 1
                yield Row(number, {}, 'a quote inside a quoted cell that is not doubled ("")')
                continue
            if cells is None:
                return
            if cells:
                number += 1
                yield Row(number, dict(zip(columns, cells, strict=False)), _fault(cells, columns))


def _fault(cells: list[str], columns: list[str]) -> str:
    """Return what is wrong with a csv row; empty for a good row."""
    ragged = f"{len(cells)} cells where the header has {len(columns)}" if len(cells) != len(columns) else ""
    return _unreadable("".join(cells)) or ragged


def _header(path: Path) -> list[str]:
    """Return the column names of a csv or tsv file."""
    with _open(path) as lines:
        try:
            columns = next(csv.reader(lines, delimiter=_delimiter(path), strict=True), None)
        except csv.Error as error:
            raise ValueError(f"{path}: row 0 (the header): {error}") from error
    if not columns:
        raise ValueError(f"{path}: the file is empty; a first row with the names of the columns is needed")
    if fault := _unreadable("".join(columns)):
        raise ValueError(f"{path}: row 0 (the header): {fault}")
    if len(set(columns)) != len(columns):
        repeated = sorted({name for name in columns if columns.count(name) > 1})
        raise ValueError(f"{path}: the header names {', '.join(map(repr, repeated))} more than once; give each column its own name")
    return columns


def _open(path: Path):  # type: ignore[no-untyped-def]
    """Open as UTF-8. Other bytes become lone surrogates, so that a bad row does not stop the reading of the rest."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _unreadable(text: str) -> str:
    """Return why a text cannot be stored; empty when it can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "not UTF-8: save the table as UTF-8"
    return "a NUL character" if "\0" in text else ""


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","
