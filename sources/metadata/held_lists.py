"""Read lists of recordings that a recipe holds out: tables of ids or addresses, and text files with one a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import MinLen

from pipeline.masking import mask_address
from pipeline.records import Rejected
from sources.metadata.cells import name_of
from sources.metadata.headers import folded, shown
from sources.metadata.recording_ids import id_columns, recording_named, scheme_of_column
from sources.metadata.rows import check_rows, columns_present, read_rows
from sources.metadata.store_files import local_copy
from sources.metadata.text_lines import lines_of, unreadable
from sources.metadata.times import parse_seconds

TEXT_FILES = (".txt", ".lst", ".ids", "")
BARE = ("id", "fname", "filename", "slicefilename", "name", "ids", "files")
"""Folded names of columns that may hold ids where the entry says whose."""
STARTS, ENDS = ("start", "startseconds", "starttime"), ("end", "endseconds", "endtime")
NO_ID = frozenset({"not found", "none", "-"})
"""Cells of published tables that give no id: Clotho's sound_id of sounds that were taken from the site."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """An entry of a recipe's `holdout` that is a table: which recordings no clip of training may have.

    Args:
        name: a source or dataset of the recipe, with or without `:SPLIT`. Exactly one of `name` and `path` is given.
        path: a list of recordings.
        source: whose bare ids the list holds.
        allow_empty: that no row of the recipe has these recordings is no error.
        seconds: hold out only clips that overlap in seconds, where the recordings are YouTube videos; all other recordings, and videos
            without it, are held out as one.

    Raises:
        ValueError: it has none of `name` and `path`, or both, or `source` without `path`.
    """

    name: Annotated[str, MinLen(1)] | None = None
    path: Annotated[str, MinLen(1)] | None = None
    source: Literal["freesound", "youtube"] | None = None
    allow_empty: bool = False
    seconds: bool = False

    def __post_init__(self) -> None:
        if (self.name is None) == (self.path is None):
            raise ValueError("give either name, a source or dataset of this recipe, or path, a list of recordings")
        if self.source is not None and self.path is None:
            raise ValueError("source says whose ids a list holds; give the list as path")

    def __str__(self) -> str:
        return self.name or self.path or ""


class BareIdsError(ValueError):
    """A list holds ids of a site that is not given. `what` says so without what to write into a recipe."""

    def __init__(self, what: str, remedy: str):
        super().__init__(what + remedy)
        self.what = what


Entry = str | HeldOut
"""An entry of `holdout` as a recipe writes it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording in a list, and the excerpt that is meant, in seconds; `None` to the end or from the beginning of the recording."""

    recording: str
    start: float | None = None
    end: float | None = None


def as_table(entry: Entry, base: Path) -> HeldOut:
    """Return an entry as a table. A text is the path of a list when there is such a file below `base`, and otherwise a name."""
    if isinstance(entry, HeldOut):
        return entry
    return HeldOut(path=entry) if local_copy(base, entry).is_file() else HeldOut(name=entry)


def read_list(entry: HeldOut, base: Path) -> list[Listed]:
    """Return the recordings of an entry that is a list, in order.

    Raises:
        ValueError: the file cannot be read, or a row of it names no recording.
    """
    assert entry.path is not None
    path = local_copy(base, entry.path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return list(_of_text(path, entry.source) if path.suffix.lower() in TEXT_FILES else _of_table(path, entry.source))


def _of_text(path: Path, scheme: str | None) -> Iterator[Listed]:
    """Yield the recording of each line; empty lines and those that begin with `#` have none."""
    for number, line in enumerate(lines_of(path), 1):
        text = line.strip().lstrip("\ufeff").strip("\"'")
        if fault := unreadable(text):
            raise ValueError(f"{path}, line {number}: {fault}")
        if text and not text.startswith("#"):
            yield Listed(_named(path, f"line {number}", text, scheme))


def _of_table(path: Path, scheme: str | None) -> Iterator[Listed]:
    """Yield the recording of each row: the first of its columns that has a value."""
    present = columns_present(path)
    columns = id_columns(present) or [name for name in present if scheme and (folded(name) in BARE or len(present) == 1)]
    if not columns:
        what = f"{path}: neither recording nor url is there; the columns are {shown(present)}"
        raise BareIdsError(what, '; for a column of bare ids write { path = "…", source = "freesound" }')
    starts, ends = ([name for name in present if folded(name) in names][:1] for names in (STARTS, ENDS))
    check_rows(path, (), (*columns, *starts, *ends))
    for row in read_rows(path, (*columns, *starts, *ends)):
        where = f"row {row.number}"
        if row.fault and not row.fault.startswith("not UTF-8"):  # ids are ASCII, and Clotho's metadata is Latin-1
            raise ValueError(f"{path}, {where}: {row.fault}")
        try:
            cells = [(column, text) for column in columns if (text := name_of(row.values.get(column), column))]
            start, end = (parse_seconds(row.values.get(names[0]), names[0]) if names else None for names in (starts, ends))
        except Rejected as rejected:
            raise ValueError(f"{path}, {where}: {rejected.detail}") from rejected
        if start is not None and end is not None and end <= start:
            raise ValueError(f"{path}, {where}: the end, {end:g} s, is not after the start, {start:g} s")
        usable = [(column, text) for column, text in cells if text.casefold() not in NO_ID]
        if usable:
            column, text = usable[0]
            yield Listed(_named(path, where, text, scheme_of_column(column) or scheme), start, end)
        elif not cells:
            raise ValueError(f"{path}, {where}: neither recording nor url is given")


def _named(path: Path, where: str, text: str, scheme: str | None) -> str:
    """Return the name of a recording, with secrets of an address masked, as clips have it."""
    try:
        return mask_address(recording_named(text, scheme))
    except ValueError as error:
        if scheme is not None or not text.isdecimal():
            raise ValueError(f"{path}, {where}: {error}") from error
        raise BareIdsError(f"{path}, {where}: {error}", f'; or write {{ path = "{path.name}", source = "freesound" }}') from error
