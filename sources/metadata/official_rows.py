"""Read the rows of official tables: a row becomes a clip, or a rejection that names the file and the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.headers import shown, usual_column
from sources.metadata.official_files import OfficialFile
from sources.metadata.options import SourceOptions
from sources.metadata.row import Row
from sources.metadata.rows import check_rows, columns_present, read_rows


def columns_of(file: OfficialFile, path: Path, needed: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
    """Return field -> column of a table; a field of `others` may have none. Names are compared as `usual_column` does.

    Raises:
        ValueError: it is no table, or a needed column is missing; the message names the right file.
    """
    try:
        present = columns_present(path)
    except ValueError as error:
        raise ValueError(f"{error}; {file.described} is needed: {file.step}") from error
    columns = {field: column for field in (*needed, *others) if (column := usual_column(field, present, path)) is not None}
    if missing := [field for field in needed if field not in columns]:
        raise ValueError(
            f"{path}: no column {shown(missing)}, there are {shown(present)}; is it {file.described}? If not, {file.step or 'name it'}"
        )
    return columns


def check_table(file: OfficialFile, path: Path, needed: Sequence[str], others: Sequence[str] = ()) -> None:
    """Read a table to its end; raise ValueError as `columns_of`, and where it cannot be read."""
    columns = columns_of(file, path, needed, others)
    check_rows(path, [columns[field] for field in needed], list(columns.values()))


def table_rows(file: OfficialFile, path: Path, needed: Sequence[str], others: Sequence[str] = ()) -> Iterator[Row]:
    """Yield every row of a table with its cells by field, without the `others` that the table lacks; a bad row has a `fault`.

    Raises:
        ValueError: as `columns_of`, or the table cannot be read to its end.
    """
    columns = columns_of(file, path, needed, others)
    yield from renamed(read_rows(path, columns.values()), columns)


def renamed(rows: Iterable[Row], columns: Mapping[str, str]) -> Iterator[Row]:
    """Yield rows with their cells by field; `columns` maps fields to columns."""
    for row in rows:
        yield Row(row.number, {field: row.values.get(column) for field, column in columns.items()}, row.fault)


def outcomes(
    path: Path,
    rows: Iterable[Row],
    options: SourceOptions,
    split: str,
    clip_of: Callable[[Row], Clip | None],
    addresses: Sequence[str] = (),
) -> Iterator[Clip | Rejection]:
    """Yield the clip of each row, or the rejection of a row with a fault or for which `clip_of` raises `Rejected`.

    Args:
        split: of the rejections.
        clip_of: returns `None` for a row that is not asked for.
        addresses: fields that may hold an address, for the rejections.
    """
    for row in rows:
        try:
            clip = clip_of(good(row))
        except Rejected as rejected:
            url = next((cell.strip() for field in addresses if isinstance(cell := row.values.get(field), str)), "")
            yield rejection(path, row.number, options, split, rejected, url=url)
        else:
            if clip is not None:
                yield clip


def good(row: Row) -> Row:
    """Return the row.

    Raises:
        Rejected: `bad_row`, when it has a fault.
    """
    if row.fault:
        raise Rejected(Reason.BAD_ROW, row.fault)
    return row


def rejection(
    path: Path, number: int, options: SourceOptions, split: str, rejected: Rejected, unit: str = "row", url: str = ""
) -> Rejection:
    """Return the rejection of a row or line of a file."""
    bare = Clip(options.source, options.dataset, split, f"{path.name}-{unit}-{number}", url, row_number=number)
    return Rejection(bare, rejected.reason, "read", f"{path.name}, {unit} {number}: {rejected.detail}")
