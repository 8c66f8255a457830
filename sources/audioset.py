"""Read clips from AudioSet (Gemmeke et al., 2017): 10 s excerpts of YouTube videos with labels of 527 classes.

Licence: CC-BY 4.0 for the labels; the audio belongs to those who published it. Needed: the official `*_segments.csv` and
`class_labels_indices.csv`, which are fetched where they are missing, and the recordings: in `audio_root`, named by their YouTube id, or
from YouTube. Splits: balanced_train, unbalanced_train and eval, taken from the name of the segments file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import model_validator

from pipeline.keys import stable_hash
from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Need, Part
from sources.metadata.file_hash import file_sha256
from sources.metadata.needs import file_need
from sources.metadata.official_files import OfficialFile, files_of_parts, official_files, official_needs
from sources.metadata.official_rows import rejection
from sources.metadata.options import DatasetName
from sources.metadata.rows import read_rows
from sources.metadata.text_lines import lines_of, unreadable
from sources.metadata.times import parse_seconds
from sources.metadata.youtube_excerpts import YouTubeOptions, video_of, youtube_clip

CARD = Card(
    kind=Kind.LABELS,
    title="AudioSet: 10 s excerpts of YouTube, 527 classes",
    license="labels CC-BY-4.0; audio as published on YouTube",
    bring="nothing: the tables are fetched; recordings in `audio_root` by YouTube id, or from YouTube",
    text='a template over the display names, or a T5 (captions = "t5")',
    size="22,160 balanced excerpts of 10 s; 1,912,024 unbalanced (5,311 h) in the reference set",
    parts={
        "balanced_train": Part(22_160, 61.6),
        "unbalanced_train": Part(1_912_024, 5_311.0),
        "eval": Part(20_371, 56.6),
    },
    faults="three lines of comments instead of a header; blanks after commas; quoted lists; AudioCaps and VGGSound share its videos",
    dead="videos that were taken down",
    hosts=("youtube.com",),
)
SPLITS = re.compile(r"(unbalanced_train|balanced_train|eval)_segments")
SEGMENT = re.compile(r'([A-Za-z0-9_-]{11}), (\d{1,6}\.\d{3}), (\d{1,6}\.\d{3}), "([!#-~]*)"\r?\n?')
"""A line as AudioSet writes it. Other lines are read by a parser of csv, which takes three times as long."""
N_CELLS = 4  # YTID, start_seconds, end_seconds, positive_labels
FOLDER = "https://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv"
CHECKSUMS = {
    "balanced_train_segments.csv": ("3b83e5ff9ed72cfda37d4e36ce08250e107c1ea70f109f6ab6668ac200db5e94", 1_211_931),
    "class_labels_indices.csv": ("cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429", 14_675),
}
Segment = tuple[str, float, float, str]
"""(video, start, end, labels): seconds, and machine ids with commas between them."""


def _file(part: str, name: str) -> OfficialFile:
    address, distinct = f"{FOLDER}/{name}", f"audioset_{name}"
    download = Download(address, distinct, *CHECKSUMS.get(name, ()))
    return OfficialFile(
        distinct_names=(name, distinct),
        step=f"download {address}",
        download=download,
        what="segments of AudioSet" if part else "names of its classes",
        part=part,
    )


class Options(YouTubeOptions):
    """Keys of an `audioset` entry: `path`, the folder of the official tables, and `splits`, those that are read.

    In place of them, `segments` names a single table of segments and `classes` the table of label names.
    """

    FILES: ClassVar[tuple[OfficialFile, ...]] = (
        _file("", "class_labels_indices.csv"),
        *(_file(split, f"{split}_segments.csv") for split in CARD.parts),
    )

    dataset: DatasetName = "audioset"
    path: str = "audioset"
    segments: str | None = None
    classes: str | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.segments is None) != (self.classes is None):
            raise ValueError("segments and classes are given together: a table of segments, and class_labels_indices.csv")
        return self


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every segment and a rejection for every line that is not a segment.

    Raises:
        ValueError: a table cannot be read.
    """
    classes, tables = _tables(options)
    names = class_names(classes)
    for split, path in tables:
        for number, line in _lines(path):
            try:
                yield _clip(_segment(line), names, split, number, options)
            except Rejected as rejected:
                yield rejection(path, number, options, split, rejected, "line")


def needs(options: Options) -> tuple[Need, ...]:
    """Return the files that an entry needs."""
    if options.segments is None or options.classes is None:
        return official_needs(options)
    return (
        file_need(options, options.segments, "segments: balanced_train, unbalanced_train or eval", "download it from the page of AudioSet"),
        file_need(options, options.classes, "names of the classes", "download class_labels_indices.csv from the page of AudioSet"),
    )


def check(options: Options) -> None:
    """Raise ValueError when a table is missing or is not the table that its key asks for."""
    classes, tables = _tables(options)
    class_names(classes)
    for _, path in tables:
        if not path.is_file():
            raise ValueError(f"{path}: no such file; download it from the page of AudioSet")
        number, line = next(_lines(path), (0, ""))
        try:
            n_cells = len(_cells(line))
        except Rejected as rejected:
            raise ValueError(f"{path}: line {number}: {rejected.detail}") from rejected
        if n_cells != N_CELLS:
            needed = "YTID, start_seconds, end_seconds, positive_labels are needed"
            raise ValueError(f"{path}: line {number} has {n_cells} cells, where {needed}: is it AudioSet's {path.name}?")


def fingerprint(options: Options) -> str:
    """Return a hash of the content of the tables."""
    classes, tables = _tables(options)
    return stable_hash(*(file_sha256(path) for path in (*(path for _, path in tables), classes)))


def _tables(options: Options) -> tuple[Path, list[tuple[str, Path]]]:
    """Return the table of classes, and (split, table of segments) of all that are read."""
    if options.segments is not None and options.classes is not None:
        path = options.resolve(options.segments)
        return options.resolve(options.classes), [(split_of(path), path)]
    files = official_files(options)
    return files[options.FILES[0]], [(file.part, path) for file, path in files_of_parts(files)]


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


def _segment(line: str) -> Segment:
    """Return the segment of a line, or raise Rejected."""
    if match := SEGMENT.fullmatch(line):
        video, start, end, labels = match.groups()
        if (until := float(end)) > (since := float(start)):
            return video, since, until, labels
    cells = _cells(line)
    if len(cells) != N_CELLS:
        raise Rejected(Reason.BAD_ROW, f"{len(cells)} cells, {N_CELLS} are needed")
    video, start, end = (cell.strip() for cell in cells[:3])
    first, last = parse_seconds(start, "start_seconds"), parse_seconds(end, "end_seconds")
    video_of(video)
    if first is None or last is None or last <= first:
        raise Rejected(Reason.BAD_ROW, f"from {start[:20]!r} s to {end[:20]!r} s")
    return video, first, last, cells[3]


def _clip(segment: Segment, names: Mapping[str, str], split: str, number: int, options: Options) -> Clip:
    """Return the clip of a segment, or raise Rejected."""
    video, start, end, cell = segment
    labels = [label for part in cell.split(",") if (label := part.strip())]
    try:
        known = tuple(dict.fromkeys([names[label] for label in labels]))
    except KeyError as error:
        table = options.classes or "class_labels_indices.csv"
        raise Rejected(Reason.BAD_ROW, f"label {str(error.args[0])[:40]!r} is not in {table}") from error
    return youtube_clip(options, split, video, start, end, number, labels=known)
