"""Find the files that the publisher of a set gives out, map their columns, and read their rows: the common part of known sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Download, Need, NeedKind
from sources.metadata.headers import shown, usual_column
from sources.metadata.needs import find_file
from sources.metadata.options import SourceOptions
from sources.metadata.rows import FORMATS, columns_present, read_rows
from sources.metadata.zipped_files import unpacked

Record = Mapping[str, Any]
"""Field -> cell of a row."""


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """A file that a publisher gives out.

    `names` are the names it is looked for under, the official one first; they may hold `*` and folders. `own_names` say too little to be
    taken anywhere but below the folder of the entry, such as "LICENSE". `what` says what it is, `step`
    how to get it. `is_only`: the source has no other file, so that an entry may name this one. With `member`, `download` is a zip that
    holds the file under this name; the zip may also lie where the file is looked for.
    """

    names: tuple[str, ...]
    what: str
    step: str
    download: Download | None = None
    is_required: bool = True
    is_only: bool = False
    member: str = ""
    own_names: tuple[str, ...] = ()

    @property
    def official(self) -> str:
        """The official name, with its folder where it has one."""
        return (*self.own_names, *self.names)[0]

    def find(self, options: SourceOptions, given: str) -> Path | None:
        """Return the file, looked for below the folder `given`, below the folder of the recipe, and in the cache; `None` without one.

        Raises:
            ValueError: the zip that should hold it is damaged.
        """
        path = self._look(options, given)
        return unpacked(path, self.member) if path is not None and self.member and path.suffix == ".zip" else path

    def _look(self, options: SourceOptions, given: str) -> Path | None:
        """Return the file, or the zip that holds it; nothing is unpacked."""
        if self.names_a_table(given):
            path = options.resolve(given)
            return path if path.is_file() else None
        below = (options.resolve(given) / name for name in self.own_names)
        if (own := next((path for path in below if path.is_file()), None)) is not None:
            return own
        archives = (self.download.name,) if self.member and self.download else ()
        return find_file(options, given, (*self.names, *archives), self.download)

    def names_a_table(self, given: str) -> bool:
        """Return whether an entry names the table itself, and not a folder: no other file is taken in its place then."""
        return self.is_only and Path(given).suffix.lower() in FORMATS

    def path(self, options: SourceOptions, given: str) -> Path:
        """Return the file.

        Raises:
            ValueError: there is none; the message names it and says how to get it.
        """
        path = self.find(options, given)
        if path is None and self.names_a_table(given):
            raise ValueError(f"{options.resolve(given)}: no such file; {self.official} is needed ({self.what}): {self.step}")
        if path is None:
            raise ValueError(f"{self.official} ({self.what}) is neither in {options.resolve(given)} nor in {options.base}: {self.step}")
        return path

    def need(self, options: SourceOptions, given: str) -> Need:
        """Return the need of this file."""
        named = self.names_a_table(given)
        what = f"{self.what}: {given if named else self.official}"
        return Need(NeedKind.FILE, what, self._look(options, given), self.step, None if named else self.download, self.is_required)

    def columns(self, path: Path, needed: Sequence[str], others: Sequence[str] = ()) -> dict[str, str]:
        """Return field -> column of a table; a field of `others` may have none. Names are compared as `usual_column` does.

        Raises:
            ValueError: it is no table, or a needed column is missing; the message names the right file.
        """
        try:
            present = columns_present(path)
        except ValueError as error:
            raise ValueError(f"{error}; {self.official} is needed ({self.what}): {self.step}") from error
        columns = {field: column for field in (*needed, *others) if (column := usual_column(field, present, path)) is not None}
        if missing := [field for field in needed if field not in columns]:
            raise ValueError(
                f"{path}: no column {' and no column '.join(missing)}, there are {shown(present)}: is it {self.official} ({self.what})? "
                f"If not, {self.step}"
            )
        return columns


@dataclass(frozen=True, slots=True)
class OfficialTable:
    """A table to read: its columns by field, and the split of rows that cannot be read."""

    path: Path
    columns: Mapping[str, str]
    split: str


def read_tables(
    tables: Sequence[OfficialTable], options: SourceOptions, clip_of: Callable[[OfficialTable, Record, int], Clip | None]
) -> Iterator[Clip | Rejection]:
    """Yield the outcome of every row of all tables. Rows are numbered over all tables; a rejection names the table and the row in it.

    Args:
        clip_of: returns the clip of (table, record, number of the row over all tables), `None` for a row that is not asked for; may
            raise Rejected.

    Raises:
        ValueError: a table cannot be read to its end.
    """
    n_before = 0
    for table in tables:
        n_rows = 0
        for row in read_rows(table.path, table.columns.values()):
            n_rows, number = row.number, n_before + row.number
            record = {field: row.values.get(column) for field, column in table.columns.items()}
            try:
                if row.fault:
                    raise Rejected(Reason.BAD_ROW, row.fault)
                clip = clip_of(table, record, number)
                if clip is not None:
                    yield clip
            except Rejected as rejected:
                name = f"{table.path.stem}-row-{row.number}"
                bare = Clip(options.source, options.dataset, table.split, name, "", row_number=number)
                yield Rejection(bare, rejected.reason, "read", f"{table.path.name}, row {row.number}: {rejected.detail}")
        n_before += n_rows


def audio_folder(options: SourceOptions, given: str, *names: str) -> str | None:
    """Return where recordings are looked for first: the `audio_root` of the entry, else the first folder of a publisher that is there.

    Args:
        given: the folder of the entry.
        names: folders below it, as the publisher's archives unpack.
    """
    if options.audio_root is not None:
        return options.audio_root
    return next((path for name in names if options.resolve(path := f"{given}/{name}").is_dir()), None)


def audio_need(options: SourceOptions, folder: str | None, what: str, step: str, is_required: bool) -> Need:
    """Return the need of the recordings of a source, which are in `folder` where they are there."""
    path = options.resolve(folder) if folder is not None else None
    return Need(NeedKind.FILE, what, path if path is not None and path.exists() else None, step, is_required=is_required)
