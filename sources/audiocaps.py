"""Read clips from AudioCaps (Kim et al., 2019): excerpts of 10 s of YouTube videos, with captions by people.

Licence: MIT for the captions; the audio belongs to those who published it. Needed: `train.csv`, `val.csv` and `test.csv`, which are
fetched where they are missing. A row holds one caption. Rows of one excerpt become one clip: with one caption in train, with five in valid
and test, in the order of the file. Some of the five are equal, and all stay: scores of retrieval count five captions a clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card, Download, Kind, Part
from sources.metadata.cells import name_of, text_of
from sources.metadata.official_files import OfficialFile, official_files, official_fingerprint, official_needs
from sources.metadata.official_rows import check_table, good, rejection, table_rows
from sources.metadata.options import DatasetName
from sources.metadata.row import Row
from sources.metadata.times import parse_seconds
from sources.metadata.youtube_excerpts import EXCERPT_SECONDS, YouTubeOptions, video_of, youtube_clip

CARD = Card(
    kind=Kind.PEOPLE,
    title="AudioCaps: excerpts of YouTube with captions by people",
    license="captions MIT; audio as published on YouTube",
    bring="nothing: the tables are fetched; recordings in `audio_root` by YouTube id, or from YouTube",
    text="the captions: one a clip in train, five in valid and test, repeats included",
    size="51,308 excerpts of 10 s; 142.5 h",
    parts={"train": Part(49_838, 138.4), "valid": Part(495, 1.4), "test": Part(975, 2.7)},
    faults="73 clips of valid and 97 of test repeat a caption; all 975 clips of test are in AudioSet",
    hosts=("youtube.com",),
)
COLUMNS = ("youtube_id", "start_time", "caption")
N_CAPTIONS = {"valid": 5, "test": 5}
COMMIT = "d004db3ea1b01cf4fd0347dd8d27db90cadc8809"  # AudioCaps 1.0, in the folder `dataset`
CHECKSUMS = {
    "train": ("c0c5223db682b3bf724ce7e7ce58d5b36929f74572e8526a7211f92d2eef7c8e", 3_576_723),
    "val": ("dab1c96641d5f3053ddb99dca3949450da9a75737bda53e11cc0aa8b102be0c3", 171_918),
    "test": ("b91c4b7ded2f4f6e7db5b9c4983dc1e1dca3d556f505b61e3fd65cac7e1c638a", 402_246),
}


def _file(part: str, name: str) -> OfficialFile:
    address = f"https://raw.githubusercontent.com/cdjkim/audiocaps/{COMMIT}/dataset/{name}.csv"
    return OfficialFile(
        names=(f"{name}.csv", f"dataset/{name}.csv"),
        distinct_names=(f"audiocaps_{name}.csv",),
        step=f"download {address}",
        download=Download(address, f"audiocaps_{name}.csv", *CHECKSUMS[name]),
        what="captions of AudioCaps",
        part=part,
    )


class Options(YouTubeOptions):
    """Keys of an `audiocaps` entry: `path`, the folder of the three tables, and `splits`, those that are read."""

    FILES: ClassVar[tuple[OfficialFile, ...]] = (_file("train", "train"), _file("valid", "val"), _file("test", "test"))

    dataset: DatasetName = "audiocaps"
    path: str = "audiocaps"


needs = official_needs


def check(options: Options) -> None:
    """Raise ValueError when a table is missing, is another table, or cannot be read to its end."""
    for file, path in official_files(options).items():
        check_table(file, path, COLUMNS)


fingerprint = official_fingerprint


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every excerpt and a rejection for every row that cannot be read.

    An excerpt of valid or test that has not five captions, because a row of it cannot be read, is rejected.

    Raises:
        ValueError: a table is missing or cannot be read to its end.
    """
    for file, path in official_files(options).items():
        yield from _excerpts(file, path, options)


def _excerpts(file: OfficialFile, path: Path, options: Options) -> Iterator[Clip | Rejection]:
    """Yield the outcomes of a table; an excerpt stands where its first row is."""
    first_rows: dict[tuple[str, float], int] = {}
    captions: dict[tuple[str, float], list[Caption]] = {}
    split = file.part
    for row in table_rows(file, path, COLUMNS):
        try:
            excerpt, caption = _cells(good(row))
        except Rejected as rejected:
            yield rejection(path, row.number, options, split, rejected)
            continue
        first_rows.setdefault(excerpt, row.number)
        captions.setdefault(excerpt, []).append(caption)
    n_needed = N_CAPTIONS.get(split)
    for (video, start), number in first_rows.items():
        texts = tuple(captions[video, start])
        if n_needed and len(texts) != n_needed:
            fault = Rejected(Reason.BAD_ROW, f"excerpt {video} from {start:g} s has {len(texts)} captions, in {split} each has {n_needed}")
            yield rejection(path, number, options, split, fault)
        else:
            yield youtube_clip(options, split, video, start, start + EXCERPT_SECONDS, number, captions=texts)


def _cells(row: Row) -> tuple[tuple[str, float], Caption]:
    """Return (excerpt, caption) of a row, or raise Rejected."""
    video = video_of(name_of(row.values["youtube_id"], "youtube_id"))
    start, text = parse_seconds(row.values["start_time"], "start_time"), text_of(row.values["caption"], "caption")
    if start is None or not text:
        raise Rejected(Reason.BAD_ROW, f"no {'start_time' if start is None else 'caption'} is given")
    return (video, start), Caption(text)
