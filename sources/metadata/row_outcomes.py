"""Turn rows of a file into clips; a row that cannot be read becomes a rejection that names the file and the row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.headers import shown
from sources.metadata.options import SourceOptions
from sources.metadata.row import Row
from sources.metadata.rows import columns_present


def outcomes(
    path: Path, rows: Iterable[Row], options: SourceOptions, split: str, clip_of: Callable[[Row], Clip]
) -> Iterator[Clip | Rejection]:
    """Yield the clip of each row, or the rejection of a row with a fault or for which `clip_of` raises `Rejected`."""
    for row in rows:
        try:
            yield clip_of(good(row))
        except Rejected as rejected:
            yield rejection(path, row.number, options, split, rejected)


def good(row: Row) -> Row:
    """Return the row.

    Raises:
        Rejected: `bad_row`, when it has a fault.
    """
    if row.fault:
        raise Rejected(Reason.BAD_ROW, row.fault)
    return row


def rejection(path: Path, number: int, options: SourceOptions, split: str, rejected: Rejected) -> Rejection:
    """Return the rejection of a row of a file."""
    bare = Clip(options.source, options.dataset, split, f"{path.name}-row-{number}", "", row_number=number)
    return Rejection(bare, rejected.reason, "read", f"{path.name}, row {number}: {rejected.detail}")


def require_columns(path: Path, needed: Sequence[str], official: str) -> None:
    """Raise ValueError when a table lacks a column; the message names the file that is meant: `official`."""
    present = columns_present(path)
    if missing := [name for name in needed if name not in present]:
        raise ValueError(f"{path}: no column {shown(missing)}, there are {shown(present)}; is it {official}?")
