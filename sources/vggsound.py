"""Read clips from VGGSound (Chen et al., 2020): excerpts of 10 s of YouTube videos with one label of 309 classes.

Licence: CC-BY 4.0 for the labels; the audio belongs to those who published it. Needed: `vggsound.csv`, which is fetched where it is
missing. The table has no header: YouTube id, start in seconds, label, split. Labels may hold commas, in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata import csv_rows
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.official_files import OfficialFile, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import good, outcomes
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.times import parse_seconds
from sources.metadata.youtube_excerpts import EXCERPT_SECONDS, YouTubeOptions, video_of, youtube_clip

CARD = Card(
    kind=Kind.LABELS,
    title="VGGSound: 10 s excerpts of YouTube, 309 classes",
    license="labels CC-BY-4.0; audio as published on YouTube",
    bring="nothing: the table is fetched; recordings in `audio_root` by YouTube id, or from YouTube",
    text='a template over the label, or a T5 (captions = "t5")',
    size="199,176 excerpts of 10 s",
    parts={"train": Part(183_730, 510.4), "test": Part(15_446, 42.9)},
    faults="no header; labels with commas in quotes; shares videos with AudioSet and AudioCaps",
    dead="videos that were taken down",
    hosts=("youtube.com",),
)
COLUMNS = ("YouTubeID", "start", "label", "split")
ADDRESS = "https://raw.githubusercontent.com/hche11/VGGSound/9bbc7491c054a203e53584c0065df336e1322bb7/data/vggsound.csv"


class Options(YouTubeOptions):
    """Keys of a `vggsound` entry: `path`, the folder of vggsound.csv or the file itself, and `splits`, those that are read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = tuple(
        OfficialFile(
            distinct_names=("vggsound.csv",),
            step=f"download {ADDRESS}",
            download=Download(ADDRESS, "vggsound.csv"),
            what="table of VGGSound",
            part=split,
        )
        for split in CARD.parts
    )

    dataset: DatasetName = "VGGSound"
    path: str = "vggsound"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, is another table, or cannot be read to its end."""
    path = _table(options)
    for number, row in enumerate(csv_rows.rows(path, COLUMNS)):
        if number == 0:
            _check_first(path, row)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every excerpt of the splits that are read, and a rejection for every row that is none.

    Raises:
        ValueError: the table is missing or cannot be read to its end.
    """
    path = _table(options)
    yield from outcomes(path, csv_rows.rows(path, COLUMNS), options, "train", partial(_clip, options=options))


def _table(options: Options) -> Path:
    return next(iter(official_files(options).values()))


def _check_first(path: Path, row: Row) -> None:
    """Raise ValueError when the first row is no excerpt: it is a header, or the file is another table."""
    try:
        _clip(good(row), Options(source="vggsound", base=path.parent))
    except Rejected as rejected:
        raise ValueError(f"{path}, row 1: {rejected.detail}: is it vggsound.csv, without a header?") from rejected


def _clip(row: Row, options: Options) -> Clip | None:
    """Return the clip of a row, `None` for a split that is not asked for, or raise Rejected."""
    video = video_of(name_of(row.values["YouTubeID"], "YouTubeID"))
    start, label = parse_seconds(row.values["start"], "start"), text_of(row.values["label"], "label")
    split = text_of(row.values["split"], "split")
    if start is None or not label:
        raise Rejected(Reason.BAD_ROW, f"no {'start' if start is None else 'label'} is given")
    if split not in CARD.parts:
        raise Rejected(Reason.BAD_ROW, f"split {split[:40]!r} is neither train nor test")
    if split not in options.parts:
        return None
    return youtube_clip(options, split, video, start, start + EXCERPT_SECONDS, row.number, labels=(label,))
