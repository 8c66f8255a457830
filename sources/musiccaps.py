"""Read clips from MusicCaps (Agostinelli et al., 2023): excerpts of 10 s of music from AudioSet, with captions by musicians.

Licence: CC-BY-SA 4.0 for the captions; the audio belongs to those who published it. Needed: `musiccaps-public.csv`, which is fetched
where it is missing. Splits: test for excerpts of AudioSet's eval, train for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, split_texts, text_of
from sources.metadata.official_files import OfficialFile, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import check_table, outcomes, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.times import parse_seconds
from sources.metadata.youtube_excerpts import YouTubeOptions, video_of, youtube_clip

CARD = Card(
    kind=Kind.PEOPLE,
    title="MusicCaps: 10 s excerpts of music on YouTube with captions by musicians",
    license="captions CC-BY-SA-4.0; audio as published on YouTube",
    bring="nothing: the table is fetched; recordings in `audio_root` by YouTube id, or from YouTube",
    text="the caption; the aspects are labels",
    size="5,521 excerpts of 10 s",
    parts={"train": Part(2_663, 7.4), "test": Part(2_858, 7.9)},
    faults="its excerpts are in AudioSet: those of test in eval",
    dead="videos that were taken down",
    hosts=("youtube.com",),
)
COLUMNS = ("ytid", "start_s", "end_s", "aspect_list", "caption", "is_audioset_eval")
SPLIT_OF = {"true": "test", "false": "train"}
ADDRESS = "https://huggingface.co/datasets/google/MusicCaps/resolve/main/musiccaps-public.csv"


class Options(YouTubeOptions):
    """Keys of a `musiccaps` entry: `path`, the folder of musiccaps-public.csv or the file itself, and `splits`, those that are read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = tuple(
        OfficialFile(
            distinct_names=("musiccaps-public.csv", "musiccaps.csv"),
            step=f"download {ADDRESS}",
            download=Download(ADDRESS, "musiccaps-public.csv"),
            what="table of MusicCaps",
            part=split,
        )
        for split in CARD.parts
    )

    dataset: DatasetName = "MusicCaps"
    path: str = "musiccaps"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when the table is missing, is another table, or cannot be read to its end."""
    check_table(*_table(options), COLUMNS)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every excerpt of the splits that are read, and a rejection for every row that is none.

    Raises:
        ValueError: the table is missing, is another table, or cannot be read to its end.
    """
    file, path = _table(options)
    rows = table_rows(file, path, COLUMNS)
    yield from outcomes(path, rows, options, "train", partial(_clip, options=options))


def _table(options: Options) -> tuple[OfficialFile, Path]:
    return next(iter(official_files(options).items()))


def _clip(row: Row, options: Options) -> Clip | None:
    """Return the clip of a row, `None` for a split that is not asked for, or raise Rejected."""
    cell = row.values
    video, caption = video_of(name_of(cell["ytid"], "ytid")), text_of(cell["caption"], "caption")
    start, end = (parse_seconds(cell[column], column) for column in ("start_s", "end_s"))
    is_eval = str(cell["is_audioset_eval"]).strip().lower()
    if start is None or end is None or end <= start:
        raise Rejected(Reason.BAD_ROW, f"an excerpt from {start} s to {end} s")
    if not caption or is_eval not in SPLIT_OF:
        raise Rejected(Reason.BAD_ROW, f"is_audioset_eval is {is_eval[:40]!r}, not True or False" if caption else "no caption is given")
    if SPLIT_OF[is_eval] not in options.parts:
        return None
    aspects = tuple(dict.fromkeys(text.strip() for text in split_texts(cell["aspect_list"], "aspect_list")))
    return youtube_clip(options, SPLIT_OF[is_eval], video, start, end, row.number, captions=(Caption(caption),), labels=aspects)
