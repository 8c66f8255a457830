"""Read clips from AudioSet's strong labels (Hershey et al., 2021): 10 s excerpts of YouTube with the start and end of every sound event.

Licence: CC-BY 4.0 for the labels; the audio belongs to those who published it. Needed: `audioset_train_strong.tsv` or
`audioset_eval_strong.tsv`, and `mid_to_display_name.tsv`, which are fetched where they are missing. A row is a sound event. All events of a
segment become one clip, whose labels are their classes in the order in which they begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of
from sources.metadata.official_files import OfficialFile, files_of_parts, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import check_table, good, rejection, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.text_lines import lines_of, unreadable
from sources.metadata.times import parse_seconds
from sources.metadata.youtube_excerpts import EXCERPT_SECONDS, YouTubeOptions, youtube_clip

CARD = Card(
    kind=Kind.LABELS,
    title="AudioSet, strong labels: 10 s excerpts of YouTube with every sound event",
    license="labels CC-BY-4.0; audio as published on YouTube",
    bring="nothing: the tables are fetched; recordings in `audio_root` by YouTube id, or from YouTube",
    text='a template over the display names, or a T5 (captions = "t5")',
    size="120,459 excerpts of 10 s",
    parts={"train": Part(103_463, 287.4), "eval": Part(16_996, 47.2)},
    faults="the excerpts are also in AudioSet's balanced, unbalanced and eval tables; nothing is marked inside of music",
    dead="videos that were taken down",
    hosts=("youtube.com",),
)
COLUMNS = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
SEGMENT_ID = re.compile(r"([A-Za-z0-9_-]{11})_(\d{1,9})")  # video, start in milliseconds
FOLDER = "https://storage.googleapis.com/us_audioset/youtube_corpus/strong"


def _file(part: str, name: str) -> OfficialFile:
    address = f"{FOLDER}/{name}"
    distinct = (name,) if name.startswith("audioset_") else (name, f"audioset_{name}")
    download = Download(address, distinct[-1])
    what = "strong labels of AudioSet" if part else "names of its classes"
    return OfficialFile(distinct_names=distinct, step=f"download {address}", download=download, what=what, part=part)


class Options(YouTubeOptions):
    """Keys of an `audioset_strong` entry: `path`, the folder of the official tables, and `splits`, those that are read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (
        _file("", "mid_to_display_name.tsv"),
        _file("train", "audioset_train_strong.tsv"),
        _file("eval", "audioset_eval_strong.tsv"),
    )

    dataset: DatasetName = "audioset_strong"
    path: str = "audioset_strong"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a table is missing, is another table, or cannot be read to its end."""
    files = official_files(options)
    display_names(files[options.FILES[0]])
    for file, path in files_of_parts(files):
        check_table(file, path, COLUMNS)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every segment and a rejection for every row that is no event.

    Raises:
        ValueError: a table is missing or cannot be read to its end.
    """
    files = official_files(options)
    names = display_names(files[options.FILES[0]])
    for file, path in files_of_parts(files):
        yield from _segments(file, path, names, options)


def display_names(path: Path) -> dict[str, str]:
    """Return machine id -> display name, as written in mid_to_display_name.tsv, which has no header.

    Raises:
        ValueError: a line is not two cells with a tab between them.
    """
    names = {}
    for number, line in enumerate(lines_of(path), 1):
        cells = line.rstrip("\r\n").split("\t")
        if not line.strip():
            continue
        if unreadable(line) or len(cells) != 2 or not cells[0].startswith("/") or not cells[1].strip():
            raise ValueError(f"{path}, line {number}: a machine id, a tab and a name are needed: is it mid_to_display_name.tsv?")
        names[cells[0]] = cells[1].strip()
    return names


def _segments(file: OfficialFile, path: Path, names: Mapping[str, str], options: Options) -> Iterator[Clip | Rejection]:
    """Yield the outcomes of a table; a segment stands where its first event is."""
    first_rows: dict[tuple[str, int], int] = {}
    events: dict[tuple[str, int], list[tuple[float, str]]] = {}
    split = file.part
    for row in table_rows(file, path, COLUMNS):
        try:
            segment, begin, label = _event(good(row), names)
        except Rejected as rejected:
            yield rejection(path, row.number, options, split, rejected)
            continue
        first_rows.setdefault(segment, row.number)
        events.setdefault(segment, []).append((begin, label))
    for (video, start_ms), number in first_rows.items():
        ordered = sorted(events[video, start_ms], key=lambda event: event[0])  # equal times stay in the order of the table
        start, labels = start_ms / 1000, tuple(dict.fromkeys(label for _, label in ordered))
        yield youtube_clip(options, split, video, start, start + EXCERPT_SECONDS, number, labels=labels)


def _event(row: Row, names: Mapping[str, str]) -> tuple[tuple[str, int], float, str]:
    """Return (segment, begin in seconds, display name) of a row, or raise Rejected."""
    segment_id, label = (name_of(row.values[column], column) for column in ("segment_id", "label"))
    match = SEGMENT_ID.fullmatch(segment_id)
    if match is None:
        raise Rejected(Reason.BAD_ROW, f"segment_id {segment_id[:40]!r} is not a YouTube id with a start in milliseconds")
    begin, end = (parse_seconds(row.values[column], column) for column in ("start_time_seconds", "end_time_seconds"))
    if begin is None or end is None or end < begin:
        raise Rejected(Reason.BAD_ROW, f"an event from {begin} s to {end} s")
    if label not in names:
        raise Rejected(Reason.BAD_ROW, f"label {label[:40]!r} is not in mid_to_display_name.tsv")
    return (match[1], int(match[2])), begin, names[label]
