"""Read clips from AudioSet (Gemmeke et al., 2017): 10 s excerpts of YouTube videos with labels of 527 classes.

Licence: CC-BY 4.0 for the labels; the audio belongs to those who published it. Needed: one of the official
`*_segments.csv`, `class_labels_indices.csv`, and the recordings in `audio_root`, named by their YouTube id.
Splits: balanced_train, unbalanced_train and eval, taken from the name of the segments file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Need
from sources.metadata.file_hash import file_sha256
from sources.metadata.needs import file_need
from sources.metadata.options import SourceOptions
from sources.metadata.rows import read_rows
from sources.metadata.text_lines import lines_of, unreadable
from sources.metadata.times import parse_seconds

CARD = Card(
    title="AudioSet: 10 s excerpts of YouTube, 527 classes",
    license="labels CC-BY-4.0; audio as published on YouTube",
    bring="`segments` (an official *_segments.csv) and `classes` (class_labels_indices.csv); recordings in `audio_root` by YouTube id",
    text='a template over the display names, or a T5 (captions = "t5")',
    dead="videos that were taken down: not found without a copy in `audio_root`",
)
SPLITS = re.compile(r"(unbalanced_train|balanced_train|eval)_segments")
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
N_CELLS = 4  # YTID, start_seconds, end_seconds, positive_labels


class Options(SourceOptions):
    """Keys of an `audioset` entry: `segments`, one of the official tables, and `classes`, the table of label names."""

    segments: str
    classes: str


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every segment and a rejection for every line that is not a segment.

    Raises:
        ValueError: a table cannot be read.
    """
    path = options.resolve(options.segments)
    names, split = class_names(options.resolve(options.classes)), split_of(path)
    for number, line in _lines(path):
        try:
            yield _clip(_cells(line), names, split, number, options)
        except Rejected as rejected:
            bare = Clip(options.source, options.dataset, split, f"line-{number}", "", row_number=number)
            yield Rejection(bare, rejected.reason, "read", f"{path.name}, line {number}: {rejected.detail}")


def needs(options: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    return (
        file_need(options, options.segments, "segments: balanced_train, unbalanced_train or eval", "download it from the page of AudioSet"),
        file_need(options, options.classes, "names of the classes", "download class_labels_indices.csv from the page of AudioSet"),
    )


def check(options: Options) -> None:
    """Raise ValueError when a table is missing or is not the table that its key asks for."""
    path = options.resolve(options.segments)
    class_names(options.resolve(options.classes))
    split_of(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; download it from the page of AudioSet")
    number, line = next(_lines(path), (0, ""))
    try:
        cells = _cells(line)
    except Rejected as rejected:
        raise ValueError(f"{path}: line {number}: {rejected.detail}") from rejected
    if len(cells) != N_CELLS:
        raise ValueError(
            f"{path}: line {number} has {len(cells)} cells, where YTID, start_seconds, end_seconds, positive_labels are needed"
        )


def fingerprint(options: Options) -> str:
    """Return a hash of the content of both tables."""
    return stable_hash(*(file_sha256(options.resolve(path)) for path in (options.segments, options.classes)))


def class_names(path: Path) -> dict[str, str]:
    """Return machine id -> display name, as written in class_labels_indices.csv.

    Raises:
        ValueError: the table is missing, or lacks a column.
    """
    names = {}
    for row in read_rows(path):
        mid, name = row.values.get("mid"), row.values.get("display_name")
        if row.fault or not isinstance(mid, str) or not isinstance(name, str) or not mid or not name:
            raise ValueError(f"{path}, row {row.number}: {row.fault or 'mid and display_name are needed: is it class_labels_indices.csv?'}")
        names[mid] = name
    return names


def split_of(path: Path) -> str:
    """Return the split of a segments file, taken from its name.

    Raises:
        ValueError: the name holds none of the three splits.

    >>> split_of(Path("audioset_balanced_train_segments.csv"))
    'balanced_train'
    """
    match = SPLITS.search(path.name)
    if match is None:
        raise ValueError(
            f"{path}: the name must hold balanced_train_segments, unbalanced_train_segments or eval_segments: the split is taken from it"
        )
    return match[1]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) for every line except comments, the header and empty lines."""
    for number, line in enumerate(lines_of(path), 1):
        if line.strip() and not line.startswith(("#", "YTID,")):
            yield number, line


def _cells(line: str) -> list[str]:
    """Return the cells of a line without the blanks after commas; raise Rejected for a line that cannot be read."""
    if fault := unreadable(line):
        raise Rejected(Reason.BAD_ROW, fault)
    try:
        return next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error as error:
        raise Rejected(Reason.BAD_ROW, str(error)) from error


def _clip(cells: list[str], names: Mapping[str, str], split: str, number: int, options: Options) -> Clip:
    """Return the clip of a line, or raise Rejected."""
    if len(cells) != N_CELLS:
        raise Rejected(Reason.BAD_ROW, f"{len(cells)} cells, {N_CELLS} are needed")
    video, start_cell, end_cell = (cell.strip() for cell in cells[:3])
    start, end = parse_seconds(start_cell, "start_seconds"), parse_seconds(end_cell, "end_seconds")
    if not YOUTUBE_ID.fullmatch(video):
        raise Rejected(Reason.BAD_ROW, f"{video[:40]!r} is not a YouTube id")
    if start is None or end is None or end <= start:
        raise Rejected(Reason.BAD_ROW, f"from {start_cell[:20]!r} s to {end_cell[:20]!r} s")
    labels = [label.strip() for label in cells[3].split(",") if label.strip()]
    if unknown := [label for label in labels if label not in names]:
        raise Rejected(Reason.BAD_ROW, f"label {unknown[0][:40]!r} is not in {options.classes}")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=f"{video}_{round(start * 1000)}",  # as AudioSet itself names segments
        url=f"https://youtu.be/{video}",  # audio_root is searched for the last part of the path
        start=start,
        end=end,
        labels=tuple(dict.fromkeys(names[label] for label in labels)),
        recording=f"youtube:{video}",
        audio_root=options.audio_root,
        row_number=number,
    )
