"""Read clips from a table of the user: csv, tsv, jsonl or parquet, with one clip a row.

The recipe names the columns; a field that it does not name is read from the column of the usual name, when the table has
one. Addresses are http(s); any other value is a path relative to the table. Rows that repeat an excerpt with another
caption are joined later.
"""

from __future__ import annotations

import collections
import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BeforeValidator, Strict

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card
from sources.metadata.cells import parse_seconds, resolve_url, split_labels, split_texts
from sources.metadata.file_hash import file_sha256
from sources.metadata.identity import id_of, recording_of
from sources.metadata.licenses import spdx
from sources.metadata.local_paths import url_of
from sources.metadata.options import SourceOptions, split_name
from sources.metadata.rows import Row, columns_of, read_rows

CARD = Card(
    title="your own table: csv, tsv, jsonl or parquet",
    license="per row, column `license`",
    bring="the table (`path`); audio by address, by path, or in `audio_root`",
    text="the caption columns as they are; otherwise a template over the labels",
)
FIELDS = ("url", "caption", "labels", "id", "start", "end", "split", "license", "creator", "title")

ColumnNames = Annotated[tuple[str, ...], Strict(False), BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]
ColumnsOfField = dict[str, tuple[str, ...]]
"""Field of a clip -> the columns that it is read from; empty when the table has none."""


class Options(SourceOptions):
    """Keys of a `table` entry: the `path` of the table, and for each field of a clip the name of its column."""

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

    @property
    def paths_start_in(self) -> Path:
        """The folder of the table."""
        return self.resolve(self.path).parent


def read(options: Options, split: str = "train") -> Iterator[Clip | Rejection]:
    """Yield a clip for every good row and a rejection for every bad row; `split` is used for rows that name no split.

    Raises:
        ValueError: the table cannot be read, or a column named in the recipe is not in it.
    """
    yield from _read(options, options.resolve(options.path), PurePosixPath(options.path).parent, split)


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read to its end, or lacks a column that the recipe names."""
    path = options.resolve(options.path)
    _columns_of_fields(options, path)
    if path.suffix.lower() in {".csv", ".tsv"}:
        collections.deque(read_rows(path), maxlen=0)  # a quote left open would hide every row after it


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the table."""
    return file_sha256(options.resolve(options.path))


def read_table_at(path: Path, url_prefix: str, source: str, dataset: str) -> Iterator[Clip | Rejection]:
    """Yield the clips of a table that uses the usual column names; put `url_prefix` before every path."""
    options = Options(source=source, dataset=dataset, base=path.parent, path=path.name)
    yield from _read(options, path, PurePosixPath(url_prefix), "train")


def _read(options: Options, path: Path, folder: PurePosixPath, split: str) -> Iterator[Clip | Rejection]:
    """Yield the outcome of each row; `folder` is where relative paths of the table start, relative to the recipe."""
    columns = _columns_of_fields(options, path)
    for row in read_rows(path):
        yield _clip_or_rejection(row, columns, options, folder, split)


def _columns_of_fields(options: Options, path: Path) -> ColumnsOfField:
    """Return the columns of every field; raise ValueError for a column that the recipe names and the table lacks."""
    present = columns_of(path)
    if present is None:
        present = sorted({name for row in read_rows(path) for name in row.values})
    columns: ColumnsOfField = {}
    for field in FIELDS:
        given = getattr(options, field)
        if given is None:
            columns[field] = _usual_columns(field, present)
            continue
        columns[field] = (given,) if isinstance(given, str) else given
        for column in columns[field]:
            if column not in present:
                nearest = difflib.get_close_matches(column, present, 1)
                hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
                raise ValueError(f"{path}: {field} = {column!r}: no such column, there are {', '.join(present)}{hint}")
    if not columns["url"] and not (columns["id"] and options.audio_root):
        raise ValueError(f"{path}: url = none given: a column of addresses or paths is needed, or an id column together with audio_root")
    return columns


def _usual_columns(field: str, present: list[str]) -> tuple[str, ...]:
    """Return the columns of the usual name of a field; captions also stand in `caption_1`, `caption_2`, ..."""
    pattern = r"caption(_\d+)?" if field == "caption" else field
    return tuple(column for column in present if re.fullmatch(pattern, column))


def _clip_or_rejection(row: Row, columns: ColumnsOfField, options: Options, folder: PurePosixPath, split: str) -> Clip | Rejection:
    """Return the clip of a row; of a bad row a rejection that names its number."""
    bare = Clip(options.source, options.dataset, split, f"row-{row.number}", "", row_number=row.number)
    if row.fault:
        return Rejection(bare, Reason.BAD_ROW, "read", f"{options.path}, row {row.number}: {row.fault}")
    try:
        return _clip(row, columns, options, folder, split)
    except Rejected as rejected:
        bare = replace(bare, url=resolve_url(_cell(row, columns["url"]), folder))
        return Rejection(bare, rejected.reason, "read", f"{options.path}, row {row.number}: {rejected.detail}")


def _cell(row: Row, columns: tuple[str, ...]) -> str:
    """Return the text of the first of `columns`; empty when there is no column or no value."""
    value = row.values.get(columns[0]) if columns else None
    return "" if value is None else str(value).strip()


def _clip(row: Row, columns: ColumnsOfField, options: Options, folder: PurePosixPath, default_split: str) -> Clip:
    """Return the clip of a row, or raise Rejected."""

    def cell(field: str) -> str:
        return _cell(row, columns[field])

    given = row.values.get(columns["url"][0]) if columns["url"] else None
    url = url_of(given if isinstance(given, str) else cell("url"), folder, options.base, options.audio_root is not None)
    start, end = parse_seconds(cell("start"), "start"), parse_seconds(cell("end"), "end")
    if start is not None and end is not None and end <= start:
        raise Rejected(Reason.OUT_OF_RANGE, f"end {end:g} s is not after start {start:g} s")
    clip_id = cell("id") or (id_of(url, start, end) if url else "")
    if not clip_id:
        raise Rejected(Reason.BAD_ROW, "neither an address nor an id")
    try:
        split = split_name(cell("split") or default_split)
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, str(error)) from error
    captions = [text for column in columns["caption"] for text in split_texts(row.values.get(column))]
    labels = [label for column in columns["labels"] for label in split_labels(row.values.get(column))]
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
        title=cell("title") or None,
        license=spdx(cell("license")),
        creator=cell("creator") or None,
        recording=recording_of(url) if url else f"{options.dataset}:{clip_id}",
        audio_root=options.audio_root,
        row_number=row.number,
    )
