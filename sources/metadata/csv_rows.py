"""Read csv and tsv tables row by row, with the separator and the encoding that the file has."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sources.metadata.headers import checked_header
from sources.metadata.row import Row
from sources.metadata.text_lines import MAX_LINE, is_utf_8, lines_of, unreadable

SEPARATORS = (",", ";", "\t", "|")
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)  # the first line of tables that Excel writes
csv.field_size_limit(1 << 20)  # characters; a longer cell is an open quote, not text


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The separator of a table, the number of lines before its header, and its encoding where it is not UTF-8."""

    separator: str
    n_before: int = 0
    fallback: str | None = None


def columns(path: Path, fallback: str | None = None) -> list[str]:
    """Return the column names of a csv or tsv table; `fallback` as in `rows`.

    Raises:
        ValueError: the header cannot be read, or two columns have one name.
    """
    dialect = _dialect(path, fallback)
    try:
        names = next(_reader(path, dialect), None)
    except csv.Error as error:
        raise ValueError(f"{path}: row 0 (the header): {error}") from error
    if not names:
        raise ValueError(f"{path}: the file is empty; a first row with the names of the columns is needed")
    if fault := unreadable("".join(names)):
        raise ValueError(f"{path}: row 0 (the header): {fault}")
    return checked_header(path, names)


def rows(path: Path, names: Sequence[str] | None = None, fallback: str | None = None) -> Iterator[Row]:
    """Yield every row of a csv or tsv table.

    Args:
        names: names of the columns of a table without a header.
        fallback: encoding of a table that is not UTF-8, such as "latin-1".

    Raises:
        ValueError: the table cannot be read to its end; a quote left open would hide every row after it.
    """
    has_header, number, dialect = names is None, 0, _dialect(path, fallback)
    names = columns(path, fallback) if names is None else list(names)
    reader = _reader(path, dialect)
    if has_header:
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


def _fault(cells: list[str], names: Sequence[str]) -> str:
    """Return what is wrong with a row; empty for a good row."""
    ragged = f"{len(cells)} cells where the header has {len(names)}" if len(cells) != len(names) else ""
    return unreadable("".join(cells)) or ragged


def _dialect(path: Path, fallback: str | None) -> _Dialect:
    """Return the separator that a `sep=` line names; else the usual one of the format, unless only another gives more than one column."""
    encoding = fallback if fallback is not None and not is_utf_8(path) else None
    first = next(_lines(path, _Dialect("", 0, encoding)), "")
    if named := SEP_LINE.fullmatch(first):
        return _Dialect(named[1], 1, encoding)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    if _n_columns(path, _Dialect(usual, 0, encoding)) > 1:
        return _Dialect(usual, 0, encoding)
    n_columns, separator = max((_n_columns(path, _Dialect(separator, 0, encoding)), separator) for separator in SEPARATORS)
    return _Dialect(separator if n_columns > 1 else usual, 0, encoding)


def _n_columns(path: Path, dialect: _Dialect) -> int:
    try:
        return len(next(_reader(path, dialect), []))
    except csv.Error:
        return 0


def _reader(path: Path, dialect: _Dialect):  # type: ignore[no-untyped-def]
    return csv.reader(_lines(path, dialect), delimiter=dialect.separator, strict=True)


def _lines(path: Path, dialect: _Dialect) -> Iterator[str]:
    n_before = dialect.n_before
    for number, line in enumerate(itertools.islice(lines_of(path, dialect.fallback), n_before, None), n_before + 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"{path}: line {number} has more than {MAX_LINE} characters; write one row a line")
        yield line
