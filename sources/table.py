"""Read clips from a table of the user: csv, tsv, jsonl or parquet, with one clip a row.

The recipe names the columns; a field that it does not name is read from the column of the usual name, when the table has
one: case, blanks, hyphens and underscores do not count. Addresses are http(s); any other value is a path relative to the table.
A parquet table may hold the recordings themselves, as records of `bytes` and `path`. Rows that repeat an excerpt with another
caption are joined later.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Strict, StringConstraints

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Need
from sources.metadata.cells import name_of, split_labels, split_texts, text_of
from sources.metadata.embedded import N_DIGITS, SCHEME, Embedded, EmbeddedAddress
from sources.metadata.file_hash import file_sha256
from sources.metadata.headers import cleaned, folded, refuse_mistakes, shown, usual_column
from sources.metadata.identity import id_of, recording_of, recording_of_file
from sources.metadata.licenses import spdx
from sources.metadata.local_paths import url_of
from sources.metadata.needs import file_need
from sources.metadata.options import SourceOptions, split_name
from sources.metadata.recording_ids import recording_named, scheme_of_column
from sources.metadata.rows import Row, check_rows, columns_present, columns_with_recordings, read_rows
from sources.metadata.store_files import is_in_store
from sources.metadata.times import parse_seconds

CARD = Card(
    title="your own table: csv, tsv, jsonl or parquet",
    license="per row, column `license`",
    bring="the table (`path`); audio by address, by path, or in `audio_root`",
    text="the caption columns as they are; otherwise a template over the labels",
)
FIELDS = ("url", "caption", "labels", "id", "start", "end", "split", "license", "creator", "title", "recording")

ColumnNames = Annotated[tuple[str, ...], Strict(False), BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]
Separator = Annotated[str, StringConstraints(min_length=1)]
ColumnsOfField = dict[str, tuple[str, ...]]
"""Field of a clip -> the columns that it is read from; empty when the table has none."""
DURATION = re.compile(r"(clip|segment)?(duration|dur|length)(s|sec|secs|seconds|ms)?")
INTEGER_AS_FLOAT = re.compile(r"\s*\d+\.0\s*", re.ASCII)
REMEDY = 'name the column {field}, or write {field} = "{column}"; where it holds something else, ignore_columns = {columns}'
MAX_COMPARED = 1000  # names of columns; comparing is slow


class Options(SourceOptions):
    """Keys of a `table` entry: the `path` of the table, and for each field of a clip the name of its column.

    `recording` is what a clip was cut from, for hold-outs: `freesound:123`, `youtube:ID`, an address, or a bare id in a column of the
    name that a published set gives it, such as `fsID` or `youtube_id`. `label_separator` is what stands between the labels of a cell.
    `ignore_columns` lists columns that are not read although their names are near to that of a field.
    """

    path: str
    url: str | None = None
    caption: ColumnNames | None = None
    labels: str | None = None
    id: str | None = None
    start: str | None = None
    end: str | None = None
    split: str | None = None
    license: str | None = None
    creator: str | None = None
    title: str | None = None
    recording: str | None = None
    label_separator: Separator | None = None
    ignore_columns: ColumnNames = ()

    @property
    def paths_start_in(self) -> Path:
        """The folder of the table."""
        return self.resolve(self.path).parent


def read(options: Options, split: str = "train") -> Iterator[Clip | Rejection]:
    """Yield a clip for every good row and a rejection for every bad row; `split` is used for rows that name no split.

    Raises:
        ValueError: the table cannot be read, or a column named in the recipe is not in it.
    """
    yield from _read(options, options.resolve(options.path), folder_of(options.path), split)


def needs(options: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    return (file_need(options, options.path, "table of clips", "name an existing table"),)


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read to its end, or lacks a column that the recipe names."""
    path = options.resolve(options.path)
    columns = _columns_of_fields(options, path)
    check_rows(path, {*columns["url"], *columns["id"]}, {name for names in columns.values() for name in names})


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table."""
    return file_sha256(options.resolve(options.path))


def read_table_at(path: Path, url_prefix: str, source: str, dataset: str) -> Iterator[Clip | Rejection]:
    """Yield the clips of a table that uses the usual column names; put `url_prefix` before every path."""
    options = Options(source=source, dataset=dataset, base=path.parent, path=path.name)
    yield from _read(options, path, url_prefix, "train")


def folder_of(path: str) -> str:
    """Return the folder of a table, relative to the recipe; the address of a folder where the table lies in a store.

    >>> folder_of("tables/clips.csv"), folder_of("clips.csv"), folder_of("gs://bucket/tables/clips.csv")
    ('tables', '.', 'gs://bucket/tables')
    """
    return path.rpartition("/")[0] if is_in_store(path) else str(PurePosixPath(path).parent)


def _read(options: Options, path: Path, folder: str, split: str) -> Iterator[Clip | Rejection]:
    """Yield the outcome of each row; `folder` is where relative paths of the table start, relative to the recipe."""
    columns = _columns_of_fields(options, path)
    for row in _rows(path, columns):
        yield _clip_or_rejection(row, columns, options, folder, split)


def _rows(path: Path, columns: ColumnsOfField) -> Iterator[Row]:
    """Yield the rows of a table.

    Where ids alone find the recordings and all of them are texts such as "101.0", they are "101": pandas writes integers in this way
    when one of them is missing.
    """
    wanted, ids = {name for names in columns.values() for name in names}, columns["id"]
    if columns["url"] or not all(INTEGER_AS_FLOAT.fullmatch(str(row.values.get(ids[0]) or "0.0")) for row in read_rows(path, ids)):
        yield from read_rows(path, wanted)
        return
    for row in read_rows(path, wanted):
        given = row.values.get(ids[0])
        yield replace(row, values={**row.values, ids[0]: given.strip().removesuffix(".0")}) if isinstance(given, str) else row


def _columns_of_fields(options: Options, path: Path) -> ColumnsOfField:
    """Return the columns of every field.

    Raises:
        ValueError: the recipe names a column that the table lacks, or a column that is not read has a name near to a missing field.
    """
    present = columns_present(path)
    columns: ColumnsOfField = {}
    for field in FIELDS:
        given = getattr(options, field)
        if given is None:
            columns[field] = _usual_columns(field, [name for name in present if name not in options.ignore_columns], path)
        else:
            columns[field] = tuple(_named_column(field, name, present, path) for name in ((given,) if isinstance(given, str) else given))
    if options.recording is None and columns["recording"] == columns["url"]:
        columns["recording"] = ()  # a column of that name that holds the recordings themselves
    if not columns["url"] and not (columns["id"] and options.audio_root):
        raise ValueError(
            f"{path}: url = none given: a column of addresses or paths is needed, or an id column together with audio_root, "
            f"there are {shown(present)}"
        )
    _check_mistakes(options, columns, present, path)
    return columns


def _named_column(field: str, given: str, present: list[str], path: Path) -> str:
    """Return the column that the recipe names."""
    if (name := cleaned(given)) in present:
        return name
    nearest = difflib.get_close_matches(name, present[:MAX_COMPARED], 1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"{path}: {field} = {given!r}: no such column, there are {shown(present)}{hint}")


def _usual_columns(field: str, present: list[str], path: Path) -> tuple[str, ...]:
    """Return the columns of the usual name of a field.

    Captions also stand in `caption_1`, `caption_2`, ...; recordings in the column `audio`, or in the only one that holds any.
    """
    if field == "caption":
        return tuple(column for column in present if re.fullmatch(r"caption\d*", folded(column)))
    column = usual_column(field, present, path)
    if column is None and field == "url":
        recordings = [name for name in columns_with_recordings(path) if name in present]
        column = "audio" if "audio" in recordings else recordings[0] if len(recordings) == 1 else None
    return () if column is None else (column,)


def _check_mistakes(options: Options, columns: ColumnsOfField, present: list[str], path: Path) -> None:
    """Raise ValueError for columns that are not read and whose names are near to the name of a field without a column."""
    used = {name for names in columns.values() for name in names}
    unused = [name for name in present if name and name not in used and name not in options.ignore_columns]
    missing = [field for field in FIELDS if not columns[field]]
    refuse_mistakes(path, missing, unused, REMEDY)
    durations = [name for name in unused if DURATION.fullmatch(folded(name))]
    if columns["start"] and not columns["end"] and durations:
        raise ValueError(
            f"{path}: column {durations[0]!r} is not read, and without a column for end every clip goes on to the end of its recording: "
            f"add a column end (start + duration), or write ignore_columns = {durations}"
        )


def _clip_or_rejection(row: Row, columns: ColumnsOfField, options: Options, folder: str, split: str) -> Clip | Rejection:
    """Return the clip of a row; of a bad row a rejection that names its number."""
    bare = Clip(options.source, options.dataset, split, f"row-{row.number}", "", row_number=row.number)
    if row.fault:
        return Rejection(bare, Reason.BAD_ROW, "read", f"{options.path}, row {row.number}: {row.fault}")
    try:
        return _clip(row, columns, options, folder, split)
    except Rejected as rejected:
        url = _cell(row, columns["url"])
        bare = replace(bare, url=url_of(url, folder, options.base) if isinstance(url, str) else "")
        return Rejection(bare, rejected.reason, "read", f"{options.path}, row {row.number}: {rejected.detail}")


def _cell(row: Row, columns: tuple[str, ...]) -> Any:
    """Return the first cell of a field; `None` when there is no column or no value."""
    return row.values.get(columns[0]) if columns else None


def _clip(row: Row, columns: ColumnsOfField, options: Options, folder: str, default_split: str) -> Clip:
    """Return the clip of a row, or raise Rejected."""

    def text(field: str) -> str:
        return text_of(_cell(row, columns[field]), field)

    start, end = (parse_seconds(_cell(row, columns[field]), field) for field in ("start", "end"))
    if start is not None and end is not None and end <= start:
        raise Rejected(Reason.BAD_ROW, f"end {end:g} s is not after start {start:g} s")
    url, recording, file = _address(_cell(row, columns["url"]), columns["url"], options, folder)
    clip_id = name_of(_cell(row, columns["id"]), "id") or (id_of(file, start, end) if file else "")
    if not clip_id:
        raise Rejected(Reason.BAD_ROW, "neither an address nor an id")
    try:
        split = split_name(text("split") or default_split)
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, str(error)) from error
    captions = [text for column in columns["caption"] for text in split_texts(row.values.get(column), column)]
    labels = [label for name in columns["labels"] for label in split_labels(row.values.get(name), name, options.label_separator)]
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=clip_id,
        url=url,
        start=start,
        end=end,
        captions=tuple(map(Caption, captions)),
        labels=tuple(dict.fromkeys(labels)),
        title=text("title") or None,
        license=spdx(text("license"), options.license_version_default),
        creator=text("creator") or None,
        recording=_named(row, columns["recording"]) or recording or recording_of_file(clip_id) or f"{options.dataset}:{clip_id}",
        audio_root=options.audio_root,
        row_number=row.number,
    )


def _named(row: Row, columns: tuple[str, ...]) -> str:
    """Return the recording that a row names; empty when it names none."""
    given = name_of(_cell(row, columns), "recording")
    try:
        return recording_named(given, scheme_of_column(columns[0])) if given else ""
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, f"recording: {error}") from error


def _address(cell: Any, columns: tuple[str, ...], options: Options, folder: str) -> tuple[str, str, str]:
    """Return the address in a cell, the name of the recording, and the path that an id is made from; all empty without an address."""
    if isinstance(cell, Embedded):
        path = options.path if is_in_store(options.path) else os.path.normpath(options.path)
        address = EmbeddedAddress(path, columns[0], cell.row, cell.sha256[:N_DIGITS])
        return address.url, recording_of_file(cell.name) or f"sha256:{cell.sha256}", f"{cell.sha256}/{cell.name}"
    if isinstance(cell, dict) and cell.keys() == {"bytes", "path"} and cell["bytes"] is None:
        cell = cell["path"]
    text = name_of(cell, "url")  # without the blanks that a name may begin or end with
    url = url_of(cell if text and isinstance(cell, str) else text, folder, options.base, options.audio_root is not None)
    if url.startswith(SCHEME):
        raise Rejected(Reason.UNSAFE_ADDRESS, f"{SCHEME} addresses name recordings in the table itself, and cannot be written in one")
    return url, recording_of(url) if url else "", url
