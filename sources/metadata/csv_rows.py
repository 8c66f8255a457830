"""Read csv and tsv tables row by row, with the separator and the encoding that the file has."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources.metadata.headers import checked_header
from sources.metadata.row import Row
from sources.metadata.text_lines import MAX_LINE, lines_of, unreadable

SEPARATORS = (",", ";", "\t", "|")
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)  # the first line of tables that Excel writes
csv.field_size_limit(1 << 20)  # characters; a longer cell is an open quote, not text


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The separator of a table, and the number of lines before its header."""

    separator: str
    n_before: int = 0


def columns(path: Path) -> list[str]:
    """Return the column names of a csv or tsv table.

    Raises:
        ValueError: the header cannot be read, or two columns have one name.
    """
    dialect = _dialect(path)
    try:
        names = next(_reader(path, dialect), None)
    except csv.Error as error:
        raise ValueError(f"{path}: row 0 (the header): {error}") from error
    if not names:
        raise ValueError(f"{path}: the file is empty; a first row with the names of the columns is needed")
    if fault := unreadable("".join(names)):
        raise ValueError(f"{path}: row 0 (the header): {fault}")
    return checked_header(path, names)


def rows(path: Path) -> Iterator[Row]:
    """Yield every row of a csv or tsv table.

    Raises:
        ValueError: the table cannot be read to its end; a quote left open would hide every row after it.
    """
    names, number, dialect = columns(path), 0, _dialect(path)
    reader = _reader(path, dialect)
    next(reader)
    while True:
        first_line = reader.line_num + dialect.n_before + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if not str(error).endswith("expected after '\"'"):
                raise ValueError(f"{path}: row {number + 1} (line {first_line}): {error}; is a quote left open?") from error
            number += 1
            yield Row(number, {}, f'a quote inside a quoted cell that is not doubled ("") (line {first_line})')
            continue
        if cells is None:
            return
        if cells:
            number += 1
            fault = _fault(cells, names)
            yield Row(number, dict(zip(names, cells, strict=False)), f"{fault} (line {first_line})" if fault else "")


def _fault(cells: list[str], names: list[str]) -> str:
    """Return what is wrong with a row; empty for a good row."""
    ragged = f"{len(cells)} cells where the header has {len(names)}" if len(cells) != len(names) else ""
    return unreadable("".join(cells)) or ragged


def _dialect(path: Path) -> _Dialect:
    """Return the separator that a `sep=` line names; else the usual one of the format, unless only another gives more than one column."""
    first = next(_lines(path, 0), "")
    if named := SEP_LINE.fullmatch(first):
        return _Dialect(named[1], n_before=1)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    if _n_columns(path, usual) > 1:
        return _Dialect(usual)
    n_columns, separator = max((_n_columns(path, separator), separator) for separator in SEPARATORS)
    return _Dialect(separator if n_columns > 1 else usual)


def _n_columns(path: Path, separator: str) -> int:
    try:
        return len(next(_reader(path, _Dialect(separator)), []))
    except csv.Error:
        return 0


def _reader(path: Path, dialect: _Dialect):  # type: ignore[no-untyped-def]
    return csv.reader(_lines(path, dialect.n_before), delimiter=dialect.separator, strict=True)


def _lines(path: Path, n_before: int) -> Iterator[str]:
    for number, line in enumerate(itertools.islice(lines_of(path), n_before, None), n_before + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"{path}: line {number} has more than {MAX_LINE} characters; write one row a line")
        yield line
