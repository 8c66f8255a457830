"""AudioSet (Gemmeke et al., 2017): excerpts of 10 s of YouTube with labels out of 527 classes.

Licence: CC-BY 4.0 for the labels; the audio belongs to whoever published it. Bring: one of the official
`*_segments.csv` and `class_labels_indices.csv`; the recordings in `audio_root`, named by their YouTube id.
Splits: balanced_train, unbalanced_train, eval, after the name of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.records import Clip, Reason, Rejected, Rejection
from sources.metadata.card import Card
from sources.metadata.options import SourceOptions
from sources.metadata.rows import read_rows
from sources.table import seconds

CARD = Card(
    title="AudioSet: 10 s excerpts of YouTube, 527 classes",
    license="labels CC-BY-4.0; audio as published on YouTube",
    bring="`segments` (an official *_segments.csv) and `classes` (class_labels_indices.csv); recordings in `audio_root` by YouTube id",
    text='a template over the display names, or a T5 (captions = "t5")',
    dead="videos that were taken down since: not found without a copy in `audio_root`",
)
SPLITS = re.compile(r"(unbalanced_train|balanced_train|eval)_segments")
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
N_CELLS = 4  # YTID, start_seconds, end_seconds, positive_labels


class Options(SourceOptions):
    """Keys of an `audioset` entry: `segments`, one of the official tables, and `classes`, the names of their labels."""

    segments: str
    classes: str


def read(options: Options) -> Iterator[Clip | Rejection]:
    """Yield a clip for every segment, and a rejection for every line that is none.

    Raises:
        ValueError: a table cannot be read.
    """
    path = options.resolve(options.segments)
    names, split = class_names(options.resolve(options.classes)), split_of(path)
    for number, cells in _lines(path):
        try:
            yield _clip(cells, names, split, number, options)
        except Rejected as rejected:
            nameless = Clip(options.source, options.dataset, split, f"line-{number}", "", row_number=number)
            yield Rejection(nameless, rejected.reason, "read", f"{path.name}, line {number}: {rejected.detail}")


def check(options: Options) -> None:
    """Raise ValueError when a table is missing or is not what its key says."""
    path = options.resolve(options.segments)
    class_names(options.resolve(options.classes))
    split_of(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; AudioSet's download page has it")
    number, cells = next(_lines(path), (0, []))
    if len(cells) != N_CELLS:
        raise ValueError(
            f"{path}: line {number} has {len(cells)} cells, where YTID, start_seconds, end_seconds, positive_labels are needed"
        )


def metadata(options: Options) -> list[Path]:
    """Return the files that the clips are read from."""
    return [options.resolve(options.segments), options.resolve(options.classes)]


def class_names(path: Path) -> dict[str, str]:
    """Return machine id -> display name, as class_labels_indices.csv has them.

    Raises:
        ValueError: the table is missing, or lacks a column.
    """
    names = {}
    for row in read_rows(path):
        if row.fault or not row.values.get("mid") or not row.values.get("display_name"):
            raise ValueError(f"{path}, row {row.number}: {row.fault or 'mid and display_name are needed: is it class_labels_indices.csv?'}")
        names[row.values["mid"]] = row.values["display_name"]
    return names


def split_of(path: Path) -> str:
    """Return the split that a table of segments is, by its name.

    >>> split_of(Path("audioset_balanced_train_segments.csv"))
    'balanced_train'
    """
    found = SPLITS.search(path.name)
    if found is None:
        raise ValueError(f"{path}: named like none of balanced_train_segments.csv, unbalanced_train_segments.csv, eval_segments.csv")
    return found[1]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells) of every line that is neither comment nor header; blanks after commas do not count."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith(("#", "YTID,")):
                yield number, next(csv.reader([line], skipinitialspace=True), [])


def _clip(cells: list[str], names: Mapping[str, str], split: str, number: int, options: Options) -> Clip:
    if len(cells) != N_CELLS:
        raise Rejected(Reason.BAD_ROW, f"{len(cells)} cells, where there should be {N_CELLS}")
    video, start, end = cells[0].strip(), seconds(cells[1].strip(), "start_seconds"), seconds(cells[2].strip(), "end_seconds")
    if not YOUTUBE_ID.fullmatch(video):
        raise Rejected(Reason.BAD_ROW, f"{video[:40]!r} is no YouTube id")
    if start is None or end is None or end <= start:
        raise Rejected(Reason.OUT_OF_RANGE, f"from {cells[1].strip()[:20]!r} s to {cells[2].strip()[:20]!r} s")
    labels = [label.strip() for label in cells[3].split(",") if label.strip()]
    if unknown := [label for label in labels if label not in names]:
        raise Rejected(Reason.BAD_ROW, f"label {unknown[0][:40]!r} is not in {options.classes}")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=f"{video}_{round(start * 1000)}",  # as AudioSet itself names segments
        url=f"https://youtu.be/{video}",  # the form whose last part audio_root finds a file by
        start=start,
        end=end,
        labels=tuple(dict.fromkeys(names[label] for label in labels)),
        recording=f"youtube:{video}",
        audio_root=options.audio_root,
        row_number=number,
    )
