"""Any table of the user's: csv, tsv, jsonl or parquet, one row a clip.

Columns are named in the recipe; those left unnamed are taken when the table has them under their usual name. Addresses
are http(s); anything else is a path relative to the table. Rows that repeat an excerpt with another caption are joined later.
"""

from __future__ import annotations

import collections
import difflib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Strict

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card
from sources.metadata.identity import id_of, recording_of
from sources.metadata.licenses import spdx
from sources.metadata.options import SourceOptions, split_name
from sources.metadata.rows import Row, columns_of, read_rows

CARD = Card(
    title="your own table: csv, tsv, jsonl or parquet",
    license="per row, column `license`",
    bring="the table (`path`); audio by address, by path, or in `audio_root`",
    text="the caption columns as they are; otherwise a template over the labels",
)
ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
OPTIONAL = ("id", "start", "end", "split", "license", "creator", "title")

Columns = Annotated[tuple[str, ...], Strict(False), BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Options(SourceOptions):
    """Keys of a `table` entry: the table's `path`, and the names of its columns."""

    path: str
    url: str | None = None
    caption: Columns | None = None
    labels: str | None = None
    id: str | None = None
    start: str | None = None
    end: str | None = None
    split: str | None = None
    license: str | None = None
    creator: str | None = None
    title: str | None = None


def read(options: Options, split: str = "train") -> Iterator[Clip | Rejection]:
    """Yield a clip for every row, and a rejection for every row that cannot be understood; `split` is for rows that name none.

    Raises:
        ValueError: the table cannot be read, or a column named in the recipe is not in it.
    """
    path = options.resolve(options.path)
    columns = _columns(options, path)
    folder = PurePosixPath(options.path).parent
    for row in read_rows(path):
        yield _clip_or_rejection(row, columns, options, folder, split)


def check(options: Options) -> None:
    """Raise ValueError when the table cannot be read to its end, or lacks a column that the recipe names."""
    path = options.resolve(options.path)
    _columns(options, path)
    if path.suffix.lower() in {".csv", ".tsv"}:
        collections.deque(read_rows(path), maxlen=0)  # a quote left open would hide every row after it


def metadata(options: Options) -> list[Path]:
    """Return the files that the clips are read from."""
    return [options.resolve(options.path)]


def read_table_at(path: Path, url_prefix: str, source: str, dataset: str) -> Iterator[Clip | Rejection]:
    """Yield the clips of a table that uses the usual column names, with `url_prefix` before every path."""
    options = Options(source=source, dataset=dataset, base=path.parent, path=path.name)
    columns = _columns(options, path)
    for row in read_rows(path):
        yield _clip_or_rejection(row, columns, options, PurePosixPath(url_prefix), "train")


def _columns(options: Options, path: Path) -> dict[str, tuple[str, ...]]:
    """Return for every field the columns it is read from; complain about those that are named and missing."""
    present = columns_of(path)
    if present is None:
        present = sorted({name for row in read_rows(path) for name in row.values})
    wanted: dict[str, tuple[str, ...]] = {}
    for name in ("url", "caption", "labels", *OPTIONAL):
        given = getattr(options, name)
        named = (given,) if isinstance(given, str) else given
        if named is None:
            wanted[name] = tuple(column for column in _usual(name, present) if column in present)
            continue
        for column in named:
            if column not in present:
                nearest = difflib.get_close_matches(column, present, 1)
                hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
                raise ValueError(f"{path}: {name} = {column!r}: no such column, there are {', '.join(present)}{hint}")
        wanted[name] = named
    if not wanted["url"] and not (wanted["id"] and options.audio_root):
        raise ValueError(f"{path}: url = none given: a column of addresses or paths is needed, or an id column together with audio_root")
    return wanted


def _usual(name: str, present: list[str]) -> list[str]:
    """Return the columns a field is usually found in; `caption` also in `caption_1`, `caption_2`, ..."""
    if name == "caption":
        return [column for column in present if re.fullmatch(r"caption(_\d+)?", column)]
    return [name]


def _clip_or_rejection(
    row: Row, columns: dict[str, tuple[str, ...]], options: Options, folder: PurePosixPath, split: str
) -> Clip | Rejection:
    nameless = Clip(options.source, options.dataset, split, f"row-{row.number}", "", row_number=row.number)
    if row.fault:
        return Rejection(nameless, Reason.BAD_ROW, "read", f"{options.path}, row {row.number}: {row.fault}")
    try:
        return _clip(row, columns, options, folder, split)
    except Rejected as rejected:
        nameless = replace(nameless, url=located(_cell(row, columns["url"]), folder))
        return Rejection(nameless, rejected.reason, "read", f"{options.path}, row {row.number}: {rejected.detail}")


def _cell(row: Row, columns: tuple[str, ...]) -> str:
    value = row.values.get(columns[0]) if columns else None
    return "" if value is None else str(value).strip()


def _clip(row: Row, columns: dict[str, tuple[str, ...]], options: Options, folder: PurePosixPath, default_split: str) -> Clip:
    def cell(name: str) -> str:
        return _cell(row, columns[name])

    url = located(cell("url"), folder)
    start, end = seconds(cell("start"), "start"), seconds(cell("end"), "end")
    if start is not None and end is not None and end <= start:
        raise Rejected(Reason.OUT_OF_RANGE, f"end {end:g} s is not after start {start:g} s")
    clip_id = cell("id") or (id_of(url, start, end) if url else "")
    if not clip_id:
        raise Rejected(Reason.BAD_ROW, "neither an address nor an id")
    try:
        split = split_name(cell("split") or default_split)
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, str(error)) from error
    captions = [text for column in columns["caption"] for text in texts(row.values.get(column))]
    labels = [label for column in columns["labels"] for label in labels_of(row.values.get(column))]
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


def located(given: str, folder: PurePosixPath) -> str:
    """Return an address unchanged, and a path relative to the recipe instead of to `folder`, which holds the table.

    >>> located("./a//rain.wav", PurePosixPath("sounds/../tables")), located("https://example.org/a.wav", PurePosixPath("tables"))
    ('tables/a/rain.wav', 'https://example.org/a.wav')
    """
    if not given or ADDRESS.match(given):
        return given
    return os.path.normpath(given if given.startswith("/") else f"{folder}/{given}")


def seconds(text: str, name: str) -> float | None:
    """Return a position in seconds; `None` when the cell is empty.

    >>> seconds("12.5", "start"), seconds("", "end")
    (12.5, None)
    """
    if not text or text.lower() == "nan":
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise Rejected(Reason.BAD_ROW, f"{name} = {text!r} is not a number of seconds") from error
    if not math.isfinite(value) or value < 0:
        raise Rejected(Reason.OUT_OF_RANGE, f"{name} = {text} s")
    return value


def texts(value: Any) -> list[str]:
    """Return the texts of a cell that holds one, or a list of them; empty ones are left out."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(text) for text in values if text is not None and str(text).strip()]


def labels_of(value: Any) -> list[str]:
    """Return the labels of a cell: a list, or text divided by `;`, by `|`, or else by commas.

    >>> labels_of("Gunshot, gunfire;Speech"), labels_of("dog,bark")
    (['Gunshot, gunfire', 'Speech'], ['dog', 'bark'])
    """
    if isinstance(value, str):
        divider = next((sign for sign in ";|" if sign in value), ",")
        value = value.split(divider)
    return [text.strip() for text in texts(value)]
